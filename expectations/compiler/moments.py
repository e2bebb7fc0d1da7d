"""Counts, sums, means, spreads and extremes of one column, joined over shards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hardline.expectations.compiler.values import columns_read, family_of
from hardline.tasks.core.suite_kinds import NUMBER

if TYPE_CHECKING:
    import polars as pl


@dataclass
class Moments:
    """One column's, missing values left out. Infinities are counted apart, so that no difference of two is taken.

    Attributes:
        rows: Values and missing values.
        count: Values, infinities with them.
        total: Sum of the finite values; exact for whole numbers.
        mean: Of the finite values.
        squares: Sum of the squared distances from the mean.
        low: Smallest value, or None.
        high: Largest value, or None.
    """

    column: str
    where: pl.Expr | None = None
    rows: int = 0
    count: int = 0
    finite: int = 0
    mean: float = 0.0
    squares: float = 0.0
    low: Any = None
    high: Any = None
    ascending: bool = False  # an infinity is among the values
    descending: bool = False  # a negative infinity is
    _totals: list[Any] = field(default_factory=list)

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it looks at."""
        return columns_read((self.column,), self.where)

    def add(self, frame: pl.DataFrame) -> None:
        """Take one shard."""
        import polars as pl

        chosen = frame if self.where is None else frame.filter(self.where)
        values = chosen[self.column]
        self.rows += len(values)
        count = len(values) - values.null_count()
        if not count:
            return
        self.count += count
        low, high = values.min(), values.max()
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)
        if family_of(values.dtype) != NUMBER:
            return
        if values.dtype.is_float() and (low == -math.inf or high == math.inf):
            self.descending |= low == -math.inf
            self.ascending |= high == math.inf
            values = values.filter(values.is_finite())
            count = len(values)
            if not count:
                return
        spread = values.var(ddof=0)
        self._totals.append(values.sum() if values.dtype.is_float() else int(values.cast(pl.Int128).sum()))
        self._merge(count, float(values.mean()), float(spread) * count)  # type: ignore[arg-type]

    def finish(self) -> bool:
        """One pass is enough."""
        return True

    def _merge(self, count: int, mean: float, squares: float) -> None:
        """Two parts' moments joined (Chan, Golub, LeVeque 1979)."""
        total = self.finite + count
        distance = mean - self.mean
        self.squares += squares + distance * distance * self.finite * count / total
        if math.isnan(self.squares):  # of finite values it is none: the squares are too large, as they are for pandas
            self.squares = math.inf
        self.mean += distance * count / total
        self.finite = total

    @property
    def total(self) -> float | int:
        """The sum: infinite or NaN where the values are, 0 where there are none, as in pandas."""
        if self.ascending or self.descending:
            return self._infinite
        if all(isinstance(part, int) for part in self._totals):
            return int(sum(self._totals))
        return math.fsum(self._totals)

    @property
    def average(self) -> float:
        """The mean; NaN without values."""
        if self.ascending or self.descending:
            return self._infinite
        return self.mean if self.count else math.nan

    @property
    def deviation(self) -> float:
        """The standard deviation of a sample (n - 1); NaN for fewer than two values and where one is infinite."""
        if self.finite < 2 or self.ascending or self.descending:
            return math.nan
        return math.sqrt(self.squares / (self.finite - 1))

    @property
    def _infinite(self) -> float:
        if self.ascending and self.descending:
            return math.nan
        return math.inf if self.ascending else -math.inf
