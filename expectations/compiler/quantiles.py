"""Exact order statistics over many shards: histograms of the numbers' bits, refined until few values are left to sort.

A number's 64 bits, the sign folded in, sort as the number does. Each pass counts the next 16 bits of the values whose
higher bits hold a wanted rank; when those are at most `KEEP`, the next pass gathers and sorts them. Memory: 512 kB for a
histogram, 8 bytes for a value that is gathered; two passes for most data, five at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hardline.expectations.compiler.values import columns_read

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

KEEP = 4_000_000  # values: 32 MB
BINS = 1 << 16
LEVELS = 4  # of 16 bits


@dataclass
class Quantiles:
    """The order statistics that some quantiles of one column need.

    Attributes:
        column: Numbers.
        where: Which rows, or all of them.
        wanted: Quantiles, from 0 to 1.
        count: Values, missing ones left out.
        found: Rank to value.
    """

    column: str
    where: pl.Expr | None
    wanted: set[float] = field(default_factory=set)
    count: int = 0
    found: dict[int, float] = field(default_factory=dict)
    _level: int = 0
    _bins: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    _below: dict[int, int] = field(default_factory=lambda: {0: 0})  # prefix to the number of smaller values
    _gathered: list[NDArray[np.uint64]] | None = None

    @property
    def reads(self) -> Sequence[str]:
        """The columns that it looks at."""
        return columns_read((self.column,), self.where)

    def add(self, frame: pl.DataFrame) -> None:
        """Take one shard, in this pass."""
        import numpy as np

        chosen = frame if self.where is None else frame.filter(self.where)
        numbers = chosen[self.column].drop_nulls().to_numpy().astype(np.float64) + 0.0
        keys = _ordered(numbers)
        if self._level == 0:
            self.count += len(keys)
        prefixes = keys >> np.uint64(64 - 16 * self._level) if self._level else np.zeros(len(keys), dtype=np.uint64)
        if self._gathered is not None:
            wanted = np.array(sorted(self._below), dtype=np.uint64)
            near = np.minimum(np.searchsorted(wanted, prefixes), len(wanted) - 1)
            self._gathered.append(keys[wanted[near] == prefixes])
            return
        digits = ((keys >> np.uint64(48 - 16 * self._level)) & np.uint64(BINS - 1)).astype(np.int64)
        for prefix in self._below:
            chosen_digits = digits[prefixes == np.uint64(prefix)] if self._level else digits
            counted = np.bincount(chosen_digits, minlength=BINS)
            self._bins[prefix] = self._bins.get(prefix, 0) + counted

    def finish(self) -> bool:
        """End a pass; true where no further one is needed."""
        import numpy as np

        if self.count == 0:
            return True
        if self._gathered is not None:
            self._sort(np.concatenate(self._gathered))
            return True
        below, held = {}, 0
        for prefix, smaller in self._below.items():
            before = smaller + np.concatenate(([0], np.cumsum(self._bins[prefix])))
            for rank in self.ranks():
                digit = int(np.searchsorted(before, rank, side="right")) - 1
                if smaller <= rank < before[-1] and (prefix << 16 | digit) not in below:
                    below[prefix << 16 | digit] = int(before[digit])
                    held += int(self._bins[prefix][digit])
        self._below, self._bins, self._level = below, {}, self._level + 1
        if self._level == LEVELS:
            for key, smaller in sorted(below.items()):
                for rank in self.ranks():
                    if rank >= smaller:
                        self.found[rank] = _number(key)
            return True
        if held <= KEEP:
            self._gathered = []
        return False

    def _sort(self, keys: NDArray[np.uint64]) -> None:
        import numpy as np

        keys = np.sort(keys)
        prefixes = keys >> np.uint64(64 - 16 * self._level)
        starts = {prefix: int(np.searchsorted(prefixes, np.uint64(prefix))) for prefix in self._below}
        ends = {prefix: int(np.searchsorted(prefixes, np.uint64(prefix), side="right")) for prefix in self._below}
        for prefix, smaller in self._below.items():
            for rank in self.ranks():
                if smaller <= rank < smaller + ends[prefix] - starts[prefix]:
                    self.found[rank] = _number(int(keys[starts[prefix] + rank - smaller]))
        self._gathered = None

    def ranks(self) -> Sequence[int]:
        """The ranks, from 0, that the wanted quantiles lie between."""
        last = self.count - 1
        floors = {math.floor(last * at) for at in self.wanted}
        return sorted(floors | {min(rank + 1, last) for rank in floors})

    def at(self, quantile: float, method: str) -> float:
        """A quantile as `Series.quantile` of pandas interpolates it; NaN without values."""
        if not self.count:
            return math.nan
        last = self.count - 1
        place = last * quantile
        floor = math.floor(place)
        low, high, part = self.found[floor], self.found[min(floor + 1, last)], place - floor
        if method == "lower":
            return low
        if method == "higher":
            return high if part else low
        if method == "nearest":
            return low if part < 0.5 or (part == 0.5 and floor % 2 == 0) else high
        if method == "midpoint":
            part = 0.5 if part else 0.0
        step = high - low
        return high - step * (1 - part) if part >= 0.5 else low + step * part

    def median(self) -> float:
        """The middle value, or the mean of the middle two."""
        if not self.count:
            return math.nan
        low, high = self.found[(self.count - 1) // 2], self.found[self.count // 2]
        return low if self.count % 2 else (low + high) / 2


def _ordered(numbers: NDArray[np.float64]) -> NDArray[np.uint64]:
    """Keys that sort as the numbers do."""
    import numpy as np

    bits = numbers.view(np.uint64)
    return np.where(bits >> np.uint64(63) == 1, ~bits, bits | np.uint64(1 << 63))


def _number(key: int) -> float:
    import numpy as np

    bits = key & ~(1 << 63) if key >> 63 else ~key & (2**64 - 1)
    return float(np.array([bits], dtype=np.uint64).view(np.float64)[0])
