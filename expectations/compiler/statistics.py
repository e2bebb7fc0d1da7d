"""Statistics over the shards, and how rules about the same column and the same rows share one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from hardline.expectations.compiler.conditions import predicate
from hardline.expectations.compiler.distinct import Distinct
from hardline.expectations.compiler.divergence import Histogram
from hardline.expectations.compiler.moments import Moments
from hardline.expectations.compiler.quantiles import Quantiles
from hardline.expectations.compiler.rows import considered
from hardline.expectations.compiler.values import columns_read
from hardline.tasks.core.suite import Expectation
from hardline.tasks.core.suite_conditions import Condition

if TYPE_CHECKING:
    import polars as pl


class Statistic(Protocol):
    """What is gathered over the shards, in one pass or more."""

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it looks at."""

    def add(self, frame: pl.DataFrame) -> None:
        """Take one shard."""

    def finish(self) -> bool:
        """End a pass; true where no further one is needed."""


S = TypeVar("S", bound=Statistic)


@dataclass
class Tally:
    """Rows that a predicate, known only after other statistics, is about, and those that fail it: one pass of its own."""

    column: str
    where: pl.Expr | None
    holds: Callable[[pl.Expr], pl.Expr]
    about: int = 0
    fails: int = 0

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it looks at."""
        return columns_read((self.column,), self.where)

    def add(self, frame: pl.DataFrame) -> None:
        """Take one shard."""
        import polars as pl

        chosen = frame if self.where is None else frame.filter(self.where)
        good = chosen.select(self.holds(pl.col(self.column).cast(pl.Float64)).alias("good"))["good"]
        self.about += len(good) - chosen[self.column].null_count()
        self.fails += int((~good & chosen[self.column].is_not_null()).sum())

    def finish(self) -> bool:
        """One pass is enough."""
        return True


@dataclass
class Statistics:
    """The statistics of a run; rules about the same column and the same rows share one."""

    schema: pl.Schema
    known: dict[Any, Statistic] = field(default_factory=dict)

    def moments(self, expectation: Expectation) -> Moments:
        """Counts, sums and extremes of its column."""
        return self._shared(Moments, expectation.kwargs["column"], expectation.condition)

    def distinct(self, expectation: Expectation) -> Distinct:
        """Its column's different values, or the different records of its columns."""
        if "column_list" not in expectation.kwargs:
            return self._shared(Distinct, expectation.columns, expectation.condition)
        where, rows = self.where(expectation.condition), considered(expectation)
        found = Distinct(expectation.columns, rows if where is None else where & rows)
        self.known[expectation.position] = found
        return found

    def quantiles(self, expectation: Expectation, wanted: set[float]) -> Quantiles:
        """Its column's order statistics, these among them."""
        found = self._shared(Quantiles, expectation.kwargs["column"], expectation.condition)
        found.wanted |= wanted
        return found

    def histogram(self, expectation: Expectation) -> Histogram:
        """Its column by the bins of its partition."""
        bins = tuple(float(edge) for edge in expectation.kwargs["partition_object"]["bins"])
        return self._shared(Histogram, expectation.kwargs["column"], expectation.condition, bins)

    def where(self, condition: Condition | None) -> pl.Expr | None:
        """The condition as a predicate."""
        return None if condition is None else predicate(condition, self.schema)

    def _shared(self, make: Callable[..., S], columns: Any, condition: Condition | None, *more: Any) -> S:
        key = (make, columns, condition, *more)
        if key not in self.known:
            self.known[key] = make(columns, self.where(condition), *more)
        return cast("S", self.known[key])
