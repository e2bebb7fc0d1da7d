"""The arguments of expectations: a strict reader for each, that returns the value or refuses it with the place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.suite_conditions import parse_condition
from hardline.tasks.core.suite_regex import check_regex

MAX_SET = 10_000  # values in a value_set
MAX_PAIRS = 1_000
MAX_REGEXES = 100
MAX_QUANTILES = 100
MAX_BINS = 10_000
_DIRECTIVES = frozenset("YmdHMSfjyz%")  # those that no locale changes

Reader = Callable[[Any, str], Any]


def number(value: Any, subject: str) -> int | float:
    """A finite number, whole ones up to 2**53, as Great Expectations makes floats of them; 1e999 reads as infinity."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not (whole and abs(value) <= 2**53) and not (isinstance(value, float) and abs(value) <= 1e300):
        raise ContractError(f"{subject}: a finite number expected")
    return value  # type: ignore[no-any-return]


def count(value: Any, subject: str) -> int:
    """A whole number, 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 2**53:
        raise ContractError(f"{subject}: a whole number, 0 or more, expected")
    return value


def flag(value: Any, subject: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise ContractError(f"{subject}: true or false expected")
    return value


def text(value: Any, subject: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise ContractError(f"{subject}: a text expected")
    return value


def column(value: Any, subject: str) -> str:
    """A column's name."""
    if not isinstance(value, str) or not value:
        raise ContractError(f"{subject}: a column's name expected")
    return value


def bound(value: Any, subject: str) -> int | float | str | None:
    """A number, a text, or null for no bound."""
    return value if value is None or isinstance(value, str) else number(value, subject)


def numeric_bound(value: Any, subject: str) -> int | float | None:
    """A number, or null for no bound."""
    return None if value is None else number(value, subject)


def share_bound(value: Any, subject: str) -> int | float | None:
    """A share from 0 to 1, or null for no bound."""
    if value is not None and not 0 <= number(value, subject) <= 1:
        raise ContractError(f"{subject}: a share from 0 to 1 expected")
    return value  # type: ignore[no-any-return]


def count_bound(value: Any, subject: str) -> int | None:
    """A whole number, or null for no bound."""
    return None if value is None else count(value, subject)


def mostly(value: Any, subject: str) -> int | float:
    """A share above 0: an expectation that holds for no row at all expects nothing."""
    if not 0 < number(value, subject) <= 1:
        raise ContractError(f"{subject}: a share above 0 and at most 1 expected")
    return value  # type: ignore[no-any-return]


def one_of(*known: str) -> Reader:
    """One of the texts."""

    def read(value: Any, subject: str) -> str:
        if not isinstance(value, str) or value not in known:
            raise ContractError(f"{subject}: {', '.join(known)} expected")
        return value

    return read


def value_set(value: Any, subject: str) -> list[Any]:
    """Values of one family (texts, numbers, or true and false), each once."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_SET:
        raise ContractError(f"{subject}: a list of 1 to {MAX_SET:,} values expected")
    if len({family(item, subject) for item in value}) != 1:
        raise ContractError(f"{subject}: values of one kind expected: texts, numbers, or true and false")
    if len(set(value)) != len(value):
        raise ContractError(f"{subject}: each value once expected")
    return value


def value_pairs(value: Any, subject: str) -> list[tuple[Any, Any]]:
    """Pairs of values, null for a missing one."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_PAIRS:
        raise ContractError(f"{subject}: a list of 1 to {MAX_PAIRS:,} pairs expected")
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ContractError(f"{subject}: pairs of values expected")
        for item in pair:
            if item is not None:
                family(item, subject)
    return [(pair[0], pair[1]) for pair in value]


def family(value: Any, subject: str) -> str:
    """text, number or boolean."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool):
        return "boolean"
    number(value, subject)
    return "number"


def columns(least: int, most: int) -> Reader:
    """A list of different columns."""

    def read(value: Any, subject: str) -> list[str]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise ContractError(f"{subject}: a list of {least} to {most:,} columns expected")
        if len({column(item, subject) for item in value}) != len(value):
            raise ContractError(f"{subject}: each column once expected")
        return value

    return read


def regexes(value: Any, subject: str) -> list[str]:
    """Regular expressions of the common subset."""
    if not isinstance(value, list) or not 0 < len(value) <= MAX_REGEXES:
        raise ContractError(f"{subject}: a list of 1 to {MAX_REGEXES} regular expressions expected")
    return [regex(item, subject) for item in value]


def regex(value: Any, subject: str) -> str:
    """A regular expression of the common subset."""
    return check_regex(text(value, subject), subject)


def strftime_format(value: Any, subject: str) -> str:
    """A format of directives that no locale changes."""
    found = re.findall(r"%(.?)", text(value, subject), flags=re.DOTALL)
    if not found or not set(found) <= _DIRECTIVES or not value.isprintable() or set(found) == {"%"}:
        raise ContractError(f"{subject}: a format of %{' %'.join(sorted(_DIRECTIVES))} expected")
    if len(found) != len(set(found) - {"%"}) + found.count("%"):
        raise ContractError(f"{subject}: each directive once expected")
    return value  # type: ignore[no-any-return]


def quantile_ranges(value: Any, subject: str) -> Mapping[str, Any]:
    """Quantiles and a range for each; null leaves a side open."""
    if not isinstance(value, dict) or value.keys() != {"quantiles", "value_ranges"}:
        raise ContractError(f"{subject}: quantiles and value_ranges expected")
    quantiles, ranges = value["quantiles"], value["value_ranges"]
    if not isinstance(quantiles, list) or not 0 < len(quantiles) <= MAX_QUANTILES:
        raise ContractError(f"{subject}: 1 to {MAX_QUANTILES} quantiles expected")
    if not isinstance(ranges, list) or len(ranges) != len(quantiles):
        raise ContractError(f"{subject}: a range for each quantile expected")
    for at in quantiles:
        if not 0 <= number(at, subject) <= 1:
            raise ContractError(f"{subject}: quantiles from 0 to 1 expected")
    for pair in ranges:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ContractError(f"{subject}: [low, high] expected")
        check_bounds(numeric_bound(pair[0], subject), numeric_bound(pair[1], subject), subject)
    return value


def partition(value: Any, subject: str) -> Mapping[str, Any]:
    """Bins with weights, or values with weights; the weights, tails included, sum to 1."""
    if not isinstance(value, dict) or not (
        value.keys() == {"values", "weights"}
        or {"bins", "weights"} <= value.keys() <= {"bins", "weights", "tail_weights"}
    ):
        raise ContractError(f"{subject}: values and weights, or bins, weights and tail_weights, expected")
    weights = _shares(value["weights"], subject)
    if "values" in value:
        expected = len(value_set(value["values"], subject))
    else:
        bins = value["bins"]
        if not isinstance(bins, list) or not 2 <= len(bins) <= MAX_BINS:
            raise ContractError(f"{subject}: 2 to {MAX_BINS:,} bin edges expected")
        edges = [float(number(item, subject)) for item in bins]
        if any(low >= high for low, high in pairwise(edges)):
            raise ContractError(f"{subject}: bin edges in ascending order expected")
        expected = len(bins) - 1
    if len(weights) != expected:
        raise ContractError(f"{subject}: {expected} weights expected, got {len(weights)}")
    tails = _shares(value["tail_weights"], subject) if "tail_weights" in value else []
    if "tail_weights" in value and len(tails) != 2:
        raise ContractError(f"{subject}: two tail weights expected")
    if abs(sum(weights) + sum(tails) - 1) > 1e-6:
        raise ContractError(f"{subject}: weights that sum to 1 expected")
    return value


def check_holdouts(kwargs: Mapping[str, Any], subject: str) -> None:
    """Refuse holdouts that Great Expectations refuses beside this partition."""
    tail, inner = kwargs.get("tail_weight_holdout", 0), kwargs.get("internal_weight_holdout", 0)
    if tail + inner > 1:
        raise ContractError(f"{subject}: holdouts of at most 1 together expected")
    if tail and "tail_weights" in kwargs["partition_object"]:
        raise ContractError(f"{subject}: tail_weight_holdout or tail_weights expected, not both")
    if inner and "values" in kwargs["partition_object"]:
        raise ContractError(f"{subject}: internal_weight_holdout: bins expected, got values")


def _shares(value: Any, subject: str) -> list[float]:
    if not isinstance(value, list) or not all(0 <= number(item, subject) <= 1 for item in value):
        raise ContractError(f"{subject}: weights from 0 to 1 expected")
    return [float(item) for item in value]


def share(value: Any, subject: str) -> int | float:
    """A share from 0 to 1."""
    if not 0 <= number(value, subject) <= 1:
        raise ContractError(f"{subject}: a share from 0 to 1 expected")
    return value  # type: ignore[no-any-return]


def at_least_zero(value: Any, subject: str) -> int | float:
    """A finite number, 0 or more."""
    if number(value, subject) < 0:
        raise ContractError(f"{subject}: a number, 0 or more, expected")
    return value  # type: ignore[no-any-return]


def index(value: Any, subject: str) -> int:
    """A position from 1: Great Expectations takes 0 for no position at all."""
    if count(value, subject) == 0:
        raise ContractError(f"{subject}: a position from 1 expected: Great Expectations ignores 0")
    return value  # type: ignore[no-any-return]


def row_condition(value: Any, subject: str) -> Any:
    """A condition object; see `suite_conditions`."""
    return parse_condition(value, subject)


def check_bounds(low: Any, high: Any, subject: str) -> None:
    """Refuse a range that can never fail, or never hold."""
    if low is None and high is None:
        raise ContractError(f"{subject}: a lower or an upper bound expected: without both it can never fail")
    if low is not None and high is not None:
        if isinstance(low, str) != isinstance(high, str):
            raise ContractError(f"{subject}: bounds of one kind expected: texts or numbers")
        if low > high:
            raise ContractError(f"{subject}: the lower bound not above the upper one expected")
