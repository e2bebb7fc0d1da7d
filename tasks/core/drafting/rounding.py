"""Numbers that say no more than they must: two digits, and outwards."""

from __future__ import annotations

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal


def outwards(low: float, high: float, *, whole: bool) -> tuple[Decimal, Decimal]:
    """A range rounded outwards to two significant digits, and to whole numbers where only these occur."""
    return _two_digits(low, ROUND_FLOOR, whole=whole), _two_digits(high, ROUND_CEILING, whole=whole)


def _two_digits(number: float, rounding: str, *, whole: bool) -> Decimal:
    exact = Decimal(repr(number))
    if exact == 0:
        return Decimal(0)
    step = Decimal(1).scaleb(max(exact.adjusted() - 1, 0) if whole else exact.adjusted() - 1)
    return (exact / step).to_integral_value(rounding=rounding) * step


def inside(number: float, type_: str, scale: tuple[Decimal, Decimal]) -> Decimal:
    """A number rounded to two digits (a whole one to a whole one), and not outside of the scale."""
    exact = Decimal(repr(number))
    step = Decimal(1) if type_ == "integer" else Decimal(1).scaleb(exact.adjusted() - 1 if exact else 0)
    return min(max((exact / step).to_integral_value() * step, scale[0]), scale[1])
