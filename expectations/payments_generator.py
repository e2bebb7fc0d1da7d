"""Synthetic card payments with fraud among them. Nothing here was ever measured: no bank, card or person is behind it.

One row is one payment out of a larger stream. A card has an age, a home, habits and a usual amount. A fraud is one of three
stories, of which the third is meant to be mostly invisible, so that no model can be right about all of it:

- stolen number (55 %): online, from a device seen for the first time lately, at night more often than by day, for goods that
  are sold on, several times within a day, with refusals between;
- cloned card (27 %): card present, far from home, mostly abroad, near the limit of what a terminal takes;
- takeover (18 %): the account's own device and a payment that could be the owner's, a little larger than usual.

Genuine payments have their own odd days: travel, a new telephone, a large purchase, a shopping spree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]

ROWS: Final = 50_000
SEED: Final = 20_260_101
FRAUD: Final = 0.0105  # share of the rows: real portfolios have less, which a test split of this size could not measure
CARDS: Final = 9_000
MERCHANTS: Final = ("grocery", "restaurant", "fuel", "clothing", "travel", "electronics", "gaming", "gift cards")
OTHERS: Final = ("florist", "pharmacy", "toll road")  # what the contract does not list
_GENUINE: Final = (0.34, 0.19, 0.12, 0.11, 0.05, 0.06, 0.04, 0.02, 0.02, 0.03, 0.02)
_STOLEN: Final = (0.04, 0.03, 0.01, 0.14, 0.12, 0.26, 0.17, 0.20, 0.01, 0.01, 0.01)
_CLONED: Final = (0.16, 0.10, 0.14, 0.18, 0.06, 0.28, 0.01, 0.05, 0.00, 0.02, 0.00)
_DAY: Final = np.array(
    [2, 1, 1, 1, 1, 2, 4, 9, 12, 12, 13, 15, 18, 16, 14, 14, 16, 19, 20, 17, 13, 10, 7, 4], dtype=float
)


def payments(rows: int = ROWS, seed: int = SEED) -> pa.Table:
    """The payments as a table; equal arguments give equal tables.

    Args:
        rows: How many.
        seed: Of numpy's PCG64; every column is drawn from it, in a fixed order.

    Returns:
        Columns as expectations/payments/contract.odcs.yaml names them; amounts in euro, distances in kilometres, ages in days.
    """
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    card = rng.integers(0, CARDS, rows)
    opened = rng.gamma(1.6, 700, CARDS)[card]
    usual = np.exp(rng.normal(3.3, 0.55, CARDS))[card]
    story = np.where(rng.random(rows) < FRAUD, rng.choice([1, 2, 3], rows, p=[0.55, 0.27, 0.18]), 0)
    stolen, cloned, taken = (story == number for number in (1, 2, 3))
    merchant = _merchants(rng, stolen, cloned)
    present = np.where(stolen, rng.random(rows) < 0.02, np.where(cloned, True, rng.random(rows) < 0.66))
    present &= ~np.isin(merchant, (6, 7)) | (rng.random(rows) < 0.3)  # games and gift cards are mostly bought online
    abroad = _abroad(rng, stolen, cloned, merchant == 4)
    amount = _amounts(rng, usual, stolen, cloned, taken, merchant)
    count, declined = _day_before(rng, stolen, cloned, taken)
    spent = amount + np.where(count > 1, (count - 1) * usual * np.exp(rng.normal(0, 0.5, rows)), 0.0)
    spent += np.where(stolen, (count - 1) * amount * rng.uniform(0.1, 0.6, rows), 0.0)
    distance, device = _places(rng, present, abroad, cloned), _devices(rng, opened, stolen, taken)
    return pa.table(
        {
            "card": pa.array([f"c{number:05d}" for number in card], pa.string()),
            "amount": _numbers(np.maximum(amount, 0.5), 2),
            "hour": pa.array(_hours(rng, stolen, cloned), pa.int64()),
            "account_age": pa.array(opened.astype(np.int64), pa.int64()),
            "usual_amount": _numbers(usual, 2),
            "merchant": pa.array([(*MERCHANTS, *OTHERS)[number] for number in merchant], pa.string()),
            "card_present": pa.array(present, pa.bool_()),
            "same_country": pa.array(~abroad, pa.bool_()),
            "distance": _numbers(
                distance, 1, missing=~present & (rng.random(rows) < 0.55)
            ),  # online: often no place known
            "payments_24h": pa.array(count, pa.int64()),
            "spent_24h": _numbers(np.maximum(spent, np.maximum(amount, 0.5)), 2),
            "declined_24h": pa.array(declined, pa.int64()),
            "device_age": pa.array(device.astype(np.int64), pa.int64(), mask=present),  # a terminal is nobody's device
            "fraud": pa.array(np.where(story > 0, "fraud", "genuine"), pa.string()),
        }
    )


def _merchants(rng: np.random.Generator, stolen: Bools, cloned: Bools) -> NDArray[np.int64]:
    kinds, rows = len(_GENUINE), len(stolen)
    drawn = [rng.choice(kinds, rows, p=shares) for shares in (_STOLEN, _CLONED, _GENUINE)]
    return np.select([stolen, cloned], drawn[:2], drawn[2])


def _abroad(rng: np.random.Generator, stolen: Bools, cloned: Bools, travel: Bools) -> Bools:
    chance = np.select([stolen, cloned, travel], [0.45, 0.75, 0.35], 0.05)
    return np.asarray(rng.random(len(stolen)) < chance)


def _amounts(
    rng: np.random.Generator, usual: Floats, stolen: Bools, cloned: Bools, taken: Bools, merchant: NDArray[np.int64]
) -> Floats:
    dear = np.array([0.9, 1.0, 1.4, 1.8, 5.0, 4.0, 0.8, 1.2, 1.0, 0.9, 0.3])[merchant]
    factor = np.select([stolen, cloned, taken], [3.2, 3.6, 2.2], 1.0)
    drawn: Floats = np.minimum(usual * dear * factor * np.exp(rng.normal(0, 0.65, len(usual))), 9_000.0)
    return drawn


def _day_before(
    rng: np.random.Generator, stolen: Bools, cloned: Bools, taken: Bools
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Payments of the last 24 hours, this one included, and refusals among them."""
    rows = len(stolen)
    spree = np.where(rng.random(rows) < 0.04, 3.0, 0.0)
    count = 1 + rng.poisson(np.select([stolen, cloned, taken], [3.2, 2.2, 1.0], 0.7) + spree)
    declined = rng.poisson(np.select([stolen, cloned, taken], [0.9, 0.5, 0.1], 0.03))
    return np.minimum(count, 40), np.minimum(declined, 20)


def _hours(rng: np.random.Generator, stolen: Bools, cloned: Bools) -> NDArray[np.int64]:
    rows = len(stolen)
    by_day = rng.choice(24, rows, p=_DAY / _DAY.sum())
    night = rng.integers(0, 7, rows)
    return np.where((stolen & (rng.random(rows) < 0.45)) | (cloned & (rng.random(rows) < 0.15)), night, by_day)


def _places(rng: np.random.Generator, present: Bools, abroad: Bools, cloned: Bools) -> Floats:
    rows = len(present)
    near = rng.gamma(0.9, np.where(present, 9.0, 60.0), rows)
    far = rng.gamma(1.5, 350.0, rows)
    away = np.asarray(abroad | (cloned & (rng.random(rows) < 0.7)))
    return np.minimum(np.where(away, near + far, near), 15_000.0)


def _devices(rng: np.random.Generator, opened: Floats, stolen: Bools, taken: Bools) -> Floats:
    """Days since the device was first seen on the account; never older than the account."""
    rows = len(opened)
    known = opened * rng.beta(1.6, 1.4, rows)
    new = rng.exponential(np.where(stolen, 2.0, 12.0), rows)
    chance = np.select([stolen, taken], [0.85, 0.2], 0.06)
    return np.floor(np.minimum(np.where(rng.random(rows) < chance, new, known), opened))


def _numbers(values: Floats, digits: int, missing: Bools | None = None) -> pa.Array:
    import pyarrow as pa

    return pa.array(np.round(values, digits), pa.float64(), mask=missing)
