"""The first engine: a suite compiled to polars, one pass over the shards, exact for whole-column rules too.

Semantics are GX's on pandas: a null, and a NaN, is no violation of a rule about values; only not_null counts it. Our
invariants refuse both on their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hardline.tasks.core.suite import Expectation, Suite

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    import pyarrow as pa
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Outcome:
    """What one pass found.

    Attributes:
        success: By position of the expectation.
        violations: Rows, by position; None for a rule about the whole.
        mask: Boolean [rows]; true where no row-local rule fails.
    """

    success: tuple[bool, ...]
    violations: tuple[int | None, ...]
    mask: NDArray[np.bool_]


def run(suite: Suite, tables: Iterable[pa.Table]) -> Outcome:
    """Evaluate every expectation.

    Args:
        suite: What is expected.
        tables: The shards, in order; one is in memory at a time.
    """
    import numpy as np
    import polars as pl

    local = [expectation for expectation in suite.expectations if expectation.row_local]
    whole = {e.position: _Whole(e) for e in suite.expectations if not e.row_local}
    counts = dict.fromkeys((e.position for e in local), 0)
    masks = []
    for table in tables:
        frame = pl.from_arrow(table)
        assert isinstance(frame, pl.DataFrame)
        failing = frame.select(_fails(e).fill_null(value=False).alias(str(e.position)) for e in local)
        for expectation in local:
            counts[expectation.position] += int(failing[str(expectation.position)].sum())
        bad = failing.select(pl.any_horizontal(pl.all())).to_series() if local else pl.Series([False] * len(frame))
        masks.append(~bad.to_numpy().astype(np.bool_))
        for state in whole.values():
            state.add(frame)
    success: list[bool] = []
    violations: list[int | None] = []
    for expectation in suite.expectations:
        if expectation.row_local:
            success.append(counts[expectation.position] == 0)
            violations.append(counts[expectation.position])
        else:
            success.append(whole[expectation.position].holds())
            violations.append(None)
    mask = np.concatenate(masks) if masks else np.zeros(0, dtype=np.bool_)
    return Outcome(tuple(success), tuple(violations), mask)


def _fails(expectation: Expectation) -> pl.Expr:
    """True where a row violates the rule."""
    import polars as pl

    kwargs = expectation.kwargs
    if expectation.type == "expect_column_values_to_not_be_null":
        return _missing(kwargs["column"])
    if expectation.type == "expect_column_values_to_be_between":
        return ~_missing(kwargs["column"]) & ~_within(pl.col(kwargs["column"]), kwargs)
    if expectation.type == "expect_column_values_to_be_in_set":
        return ~_missing(kwargs["column"]) & ~pl.col(kwargs["column"]).is_in(kwargs["value_set"])
    assert expectation.type == "expect_column_pair_values_a_to_be_greater_than_b"
    one, other = pl.col(kwargs["column_A"]), pl.col(kwargs["column_B"])
    holds = one >= other if kwargs.get("or_equal") else one > other
    both_missing = _missing(kwargs["column_A"]) & _missing(kwargs["column_B"])
    either = _missing(kwargs["column_A"]) | _missing(kwargs["column_B"])
    return ~both_missing & (either | ~holds)


def _missing(column: str) -> pl.Expr:
    import polars as pl

    # is_nan is for floats alone; casting a text to float without strictness gives null, which the or absorbs
    value = pl.col(column)
    return value.is_null() | value.cast(pl.Float64, strict=False).is_nan().fill_null(value=False)


def _within(value: pl.Expr, kwargs: Any) -> pl.Expr:
    import polars as pl

    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    holds = pl.lit(value=True)
    if low is not None:
        holds = holds & (value >= low)
    if high is not None:
        holds = holds & (value <= high)
    return holds


@dataclass
class _Whole:
    """The state of one rule about all rows: exact, and small."""

    expectation: Expectation
    rows: int = 0
    columns: tuple[str, ...] = ()
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of squared distances from the mean
    low: float = math.inf
    high: float = -math.inf
    distinct: set[Any] = field(default_factory=set)

    def add(self, frame: pl.DataFrame) -> None:
        """Take one shard."""
        self.rows += len(frame)
        self.columns = tuple(frame.columns)
        name = self.expectation.kwargs.get("column")
        if name is None:
            return
        if "distinct" in self.expectation.type or "unique" in self.expectation.type:
            self.distinct.update(v for v in frame[name].unique().to_list() if v is not None and v == v)
            return
        import numpy as np

        values = frame[name].drop_nulls().to_numpy().astype(np.float64)
        values = values[~np.isnan(values)]
        if len(values):
            with np.errstate(invalid="ignore", over="ignore"):  # inf - inf is NaN, and fails every range, as in GX
                self._merge(len(values), float(values.mean()), float(((values - values.mean()) ** 2).sum()))
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def _merge(self, count: int, mean: float, squares: float) -> None:
        """Two parts' moments joined (Chan, Golub, LeVeque 1979)."""
        total = self.count + count
        distance = mean - self.mean
        self.squares += squares + distance * distance * self.count * count / total
        self.mean += distance * count / total
        self.count = total

    def holds(self) -> bool:
        """Whether the rule holds over everything that was taken."""
        kwargs, kind = self.expectation.kwargs, self.expectation.type
        if kind == "expect_table_columns_to_match_ordered_list":
            return list(self.columns) == list(kwargs["column_list"])
        if kind == "expect_table_column_count_to_equal":
            return len(self.columns) == int(kwargs["value"])
        if kind == "expect_table_row_count_to_be_between":
            return _between(self.rows, kwargs)
        if kind == "expect_column_unique_value_count_to_be_between":
            return _between(len(self.distinct), kwargs)
        if kind == "expect_column_distinct_values_to_equal_set":
            return self.distinct == set(kwargs["value_set"])
        if not self.count:
            return False
        value = {
            "expect_column_mean_to_be_between": self.mean,
            "expect_column_stdev_to_be_between": math.sqrt(self.squares / (self.count - 1))
            if self.count > 1
            else math.nan,
            "expect_column_min_to_be_between": self.low,
            "expect_column_max_to_be_between": self.high,
        }[kind]
        return _between(value, kwargs)


def _between(value: float, kwargs: Any) -> bool:
    low, high = kwargs.get("min_value"), kwargs.get("max_value")
    return not math.isnan(value) and (low is None or value >= low) and (high is None or value <= high)


def version() -> str:
    """The engine's version."""
    import polars as pl

    return pl.__version__
