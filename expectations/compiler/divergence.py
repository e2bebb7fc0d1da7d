"""Kullback-Leibler divergence between a column and a declared partition, as Great Expectations defines it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardline.expectations.compiler.distinct import Distinct
from hardline.expectations.compiler.values import columns_read

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray


@dataclass
class Histogram:
    """Counts of one column between bin edges, the last bin closed, and beyond the outer edges."""

    column: str
    where: pl.Expr | None
    bins: tuple[float, ...]
    count: int = 0
    below: int = 0
    above: int = 0
    counts: NDArray[np.int64] | None = None

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it looks at."""
        return columns_read((self.column,), self.where)

    def add(self, frame: pl.DataFrame) -> None:
        """Take one shard."""
        import numpy as np

        chosen = frame if self.where is None else frame.filter(self.where)
        numbers = chosen[self.column].drop_nulls().to_numpy().astype(np.float64)
        self.count += len(numbers)
        self.below += int((numbers < self.bins[0]).sum())
        self.above += int((numbers > self.bins[-1]).sum())
        inside = numbers[(numbers >= self.bins[0]) & (numbers <= self.bins[-1])]
        found, _ = np.histogram(inside, np.asarray(self.bins))
        self.counts = found if self.counts is None else self.counts + found

    def finish(self) -> bool:
        """One pass is enough."""
        return True


def of_bins(seen: Histogram, kwargs: Mapping[str, Any]) -> float:
    """The divergence over bins and both tails; NaN without values."""
    import numpy as np

    if not seen.count or seen.counts is None:
        return math.nan
    tail, inner = kwargs.get("tail_weight_holdout", 0), kwargs.get("internal_weight_holdout", 0)
    partition = kwargs["partition_object"]
    expected = np.asarray(partition["weights"], dtype=np.float64) * (1 - tail - inner)
    empty = expected == 0
    if inner > 0 and empty.any():
        expected[empty] = inner / int(empty.sum())
    tails = partition.get("tail_weights", [tail / 2, tail / 2])
    return _divergence(
        np.concatenate(([seen.below], seen.counts, [seen.above])) / seen.count,
        np.concatenate(([tails[0]], expected, [tails[1]])),
    )


def of_values(seen: Distinct, kwargs: Mapping[str, Any]) -> float:
    """The divergence over values; those that the partition has not share the holdout."""
    import numpy as np

    if seen.counts is None or not seen.count:
        return math.nan
    total, partition = int(seen.counts.sum()), kwargs["partition_object"]
    known = seen.counts_of(partition["values"])
    expected = np.asarray(partition["weights"], dtype=np.float64)
    others = seen.count - sum(1 for count in known if count)
    if not others:
        return _divergence(np.asarray(known) / total, expected)
    holdout = kwargs.get("tail_weight_holdout", 0)
    strange = _without(seen, known)
    return _divergence(
        np.concatenate((np.asarray(known), strange)) / total,
        np.concatenate((expected * (1 - holdout), np.full(others, holdout / others))),
    )


def _without(seen: Distinct, known: list[int]) -> NDArray[np.int64]:
    """The counts of the other values: all counts but one of each known size."""
    import numpy as np

    assert seen.counts is not None
    counts = np.sort(seen.counts)
    drop = np.zeros(len(counts), dtype=np.bool_)
    used: dict[int, int] = {}
    for count in filter(None, known):
        drop[int(np.searchsorted(counts, count)) + used.get(count, 0)] = True
        used[count] = used.get(count, 0) + 1
    return counts[~drop]


def _divergence(observed: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Sum of p log(p / q) over normalised weights; infinite where something is seen that is not expected."""
    import numpy as np

    with np.errstate(all="ignore"):
        p, q = observed / observed.sum(), expected / expected.sum()
        terms = np.where(p > 0, p * np.log(p / q), 0.0)
        terms[(p > 0) & (q == 0)] = math.inf
        terms[(p == 0) & (q >= 0)] = 0.0
    return float(terms.sum())
