"""How often each value occurs, over all shards: by keys, sorted and merged.

A number, a date and a boolean is its own key (64 bits, exact). A text and a combination of columns has a 128-bit key from
two hashes with secret seeds drawn at random; two values in N share one by chance with a probability of N * N / 2**129.
Memory: 16 bytes for a different value, 24 for a text or a record, twice that while runs are merged; above `LIMIT` nothing is
decided.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from hardline.expectations.compiler.values import UndecidedError, columns_read, family_of, members
from hardline.tasks.core.suite_kinds import BOOLEAN, DATE, NUMBER, TEXT

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Keys = NDArray[np.uint64]

LIMIT = 20_000_000  # different values of one column: at most about 1 GB while merging
PENDING = 1 << 20  # keys that wait before they are merged


@dataclass
class Distinct:
    """The different values of one column, or the different combinations of several, and their counts.

    Attributes:
        columns: One or more.
        where: Which rows, or all of them.
        high: uint64 [D], the keys' first halves, ascending.
        low: uint64 [D], their second halves; None where the first decides.
        counts: int64 [D].
    """

    columns: tuple[str, ...]
    where: pl.Expr | None = None
    seeds: tuple[int, int] = field(default_factory=lambda: (secrets.randbits(64), secrets.randbits(64)))
    high: Keys | None = None
    low: Keys | None = None
    counts: NDArray[np.int64] | None = None
    _pending: list[_Run] = field(default_factory=list)
    _waiting: int = 0
    _dtype: Any = None

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it looks at."""
        return columns_read(self.columns, self.where)

    def add(self, frame: pl.DataFrame) -> None:
        """Take one shard."""
        import numpy as np

        chosen = frame if self.where is None else frame.filter(self.where)
        low: Keys | None
        if len(self.columns) > 1:
            high, low = self._record_keys(chosen.select(self.columns))
            counts = np.ones(len(high), dtype=np.int64)
        else:
            values = chosen[self.columns[0]].drop_nulls()
            self._dtype = values.dtype
            counts = np.ones(len(values), dtype=np.int64)
            if family_of(values.dtype) == TEXT:  # each different text is hashed once
                found = values.value_counts(name="_count")
                values, counts = found[values.name], found["_count"].to_numpy().astype(np.int64)
            high, low = self._keys(values)
        run = _merged(high, low, counts)
        self._pending.append(run)
        self._waiting += len(run.high)
        held = 0 if self.high is None else len(self.high)
        if self._waiting > max(PENDING, held):
            self._merge()

    def finish(self) -> bool:
        """Merge what waits; one pass is enough.

        Raises:
            UndecidedError: More than `LIMIT` different values.
        """
        self._merge()
        return True

    @property
    def count(self) -> int:
        """Different values."""
        return 0 if self.counts is None else len(self.counts)

    @property
    def repeated(self) -> int:
        """Rows whose value occurs more than once."""
        return 0 if self.counts is None else int(self.counts[self.counts > 1].sum())

    def counts_of(self, values: Sequence[Any]) -> list[int]:
        """How often each of the values occurs; one column only."""
        import numpy as np
        import polars as pl

        if self.high is None or self.counts is None:
            return [0] * len(values)
        found = []
        for value in values:
            series = members([value], self._dtype or pl.Null())
            if not len(series):
                found.append(0)
                continue
            high, low = self._keys(series)
            left, right = (int(np.searchsorted(self.high, high[0], side=side)) for side in ("left", "right"))
            counts = self.counts[left:right]
            if self.low is not None and low is not None:
                counts = counts[self.low[left:right] == low[0]]
            found.append(int(counts.sum()))
        return found

    def _keys(self, values: pl.Series) -> tuple[Keys, Keys | None]:
        import numpy as np
        import polars as pl

        family = family_of(values.dtype)
        if family == NUMBER and values.dtype.is_float():
            numbers = values.to_numpy().astype(np.float64) + 0.0  # -0.0 and 0.0 are one value
            high = numbers.view(np.uint64)
        elif family in (NUMBER, DATE, BOOLEAN):
            high = values.to_physical().cast(pl.Int64).to_numpy().astype(np.int64).view(np.uint64)
        else:
            return values.hash(self.seeds[0]).to_numpy(), values.hash(self.seeds[1]).to_numpy()
        return high, None

    def _record_keys(self, frame: pl.DataFrame) -> tuple[Keys, Keys]:
        import polars as pl
        import polars.selectors as cs

        record = frame.with_columns(cs.float() + 0.0)
        found = record.select(
            pl.struct(pl.all()).hash(self.seeds[0]).alias("high"), pl.struct(pl.all()).hash(self.seeds[1]).alias("low")
        )
        return found["high"].to_numpy(), found["low"].to_numpy()

    def _merge(self) -> None:
        import numpy as np

        runs = self._pending
        if self.high is not None and self.counts is not None:
            runs = [_Run(self.high, self.low, self.counts), *runs]
        self._pending, self._waiting = [], 0
        if not runs:
            return
        lows = [run.low for run in runs if run.low is not None]
        self.high, self.low, self.counts = _merged(
            np.concatenate([run.high for run in runs]),
            np.concatenate(lows) if lows else None,
            np.concatenate([run.counts for run in runs]),
        )
        if len(self.high) > LIMIT:
            raise UndecidedError(f"more than {LIMIT:,} different values")


class _Run(NamedTuple):
    """Keys in ascending order, each once, and their counts."""

    high: Keys
    low: Keys | None
    counts: NDArray[np.int64]


def _merged(high: Keys, low: Keys | None, counts: NDArray[np.int64]) -> _Run:
    """Keys in any order, each once or more, as a run."""
    import numpy as np

    if np.any(high[1:] < high[:-1]):
        order = np.argsort(high, kind="stable")  # merges what is in ascending runs already
        high, low, counts = high[order], None if low is None else low[order], counts[order]
    same = high[1:] == high[:-1]
    if low is not None:
        collide = np.any(same & (low[1:] != low[:-1]))
        if collide:  # first halves that are equal: the second halves are to be sorted as well
            order = np.lexsort((low, high))
            high, low, counts = high[order], low[order], counts[order]
        same = (high[1:] == high[:-1]) & (low[1:] == low[:-1])
    if not np.any(same):
        return _Run(high, low, counts)
    starts = np.flatnonzero(np.concatenate(([True], ~same)))
    return _Run(high[starts], None if low is None else low[starts], np.add.reduceat(counts, starts))
