"""What one column of text holds, counted while it goes by. Memory is bounded, whatever the number of rows.

Counts, least and greatest values are exact. Quantiles come from a random sample of 100,000 values, and levels are counted
up to 20,000 different ones; what has more is no category.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

SAMPLE: Final = 100_000  # values of a column from which its quantiles are taken
LEVELS: Final = 20_000  # different values of a column that are counted
NUMBER: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
COMMA: Final = r"[+-]?[0-9]+,[0-9]+"
INTEGER: Final = r"-?(?:0|[1-9][0-9]{0,17})"
CODE: Final = r"0[0-9]+"
DATE: Final = r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
BOOLEAN: Final = r"true|false|True|False|TRUE|FALSE"
# How people write that a value is missing. An empty cell always is; the others are where nothing else fits the column.
MISSING: Final = (
    "", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "-", "--", ".", "missing", "unknown", "#N/A",
)  # fmt: skip
_KINDS: Final = {"integer": INTEGER, "number": NUMBER, "comma": COMMA, "code": CODE, "date": DATE, "boolean": BOOLEAN}


@dataclass
class ColumnProfile:
    """One column so far.

    Attributes:
        name: The column's.
        rows: Cells seen.
        kinds: How many cells are spelled as an integer, a number, ...; a cell may be of several kinds.
        missing: How many cells are each of `MISSING`.
        levels: How often each value occurs; None once there are more than `LEVELS`.
        longest: Characters of the longest cell.
        characters: Of all cells.
        low: The least number.
        high: The greatest number.
        rising: Whether each number is greater than the one before.
        sample: Some of the numbers, drawn at random.
    """

    name: str
    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    levels: Counter[str] | None = field(default_factory=Counter)
    longest: int = 0
    characters: int = 0
    low: float = float("inf")
    high: float = float("-inf")
    rising: bool = True
    sample: Any = None  # float64 [up to SAMPLE]
    _last: float = float("-inf")
    _numbers: int = 0

    def add(self, cells: pa.Array, rng: np.random.Generator) -> None:
        """Take the next cells, text without nulls, blanks around them already cut."""
        import pyarrow as pa
        import pyarrow.compute as pc

        self.rows += len(cells)
        for spelling in MISSING:
            if count := pc.sum(pc.equal(cells, spelling)).as_py():
                self.missing[spelling] += count
        told = cells.filter(pc.invert(pc.is_in(cells, value_set=pa.array(MISSING))))
        if not len(told):
            return
        lengths = pc.utf8_length(told)
        self.longest = max(self.longest, pc.max(lengths).as_py())
        self.characters += pc.sum(lengths).as_py()
        found = {kind: pc.match_substring_regex(told, rf"\A(?:{regex})\z") for kind, regex in _KINDS.items()}
        self.kinds.update({kind: pc.sum(mask).as_py() for kind, mask in found.items()})
        self._count(told)
        commas = pc.replace_substring(told.filter(found["comma"]), ",", ".")
        numbers = pa.concat_arrays([told.filter(found["number"]), commas])
        if len(numbers):
            self._measure(pc.cast(numbers, pa.float64()).to_numpy(zero_copy_only=False), rng)

    @property
    def told(self) -> int:
        """Cells that are not spelled as missing."""
        return self.rows - sum(self.missing.values())

    def quantile(self, share: float) -> float:
        """A quantile of the numbers, from the sample."""
        import numpy as np

        return float(np.quantile(self.sample, share))

    def _count(self, told: pa.Array) -> None:
        if self.levels is None:
            return
        import pyarrow.compute as pc

        for entry in pc.value_counts(told):
            self.levels[entry["values"].as_py()] += entry["counts"].as_py()
        if len(self.levels) > LEVELS:
            self.levels = None

    def _measure(self, numbers: NDArray[np.float64], rng: np.random.Generator) -> None:
        import numpy as np

        numbers = numbers[np.isfinite(numbers)]
        if not len(numbers):
            return
        self.low, self.high = min(self.low, float(numbers.min())), max(self.high, float(numbers.max()))
        self.rising = self.rising and float(numbers[0]) > self._last and bool((np.diff(numbers) > 0).all())
        self._last = float(numbers[-1])
        seen = self._numbers
        self._numbers += len(numbers)
        if self.sample is None:
            self.sample = np.zeros(0)
        room = SAMPLE - len(self.sample)
        self.sample = np.concatenate([self.sample, numbers[:room]])
        rest = numbers[room:]
        if len(rest):  # reservoir sampling (Vitter 1985, algorithm R), a block at a time
            place = np.floor(rng.random(len(rest)) * (seen + room + 1 + np.arange(len(rest)))).astype(np.int64)
            kept = place < SAMPLE
            self.sample[place[kept]] = rest[kept]


class Profile:
    """All columns of a source."""

    def __init__(self, names: list[str]) -> None:
        import numpy as np

        self.columns = [ColumnProfile(name) for name in names]
        self.rows = 0
        self._rng = np.random.default_rng(0)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows: one text column for each name, a missing cell as null or as empty text."""
        import pyarrow.compute as pc

        self.rows += batch.num_rows
        for column, cells in zip(self.columns, batch.columns, strict=True):
            column.add(pc.utf8_trim(pc.fill_null(cells, ""), " \t"), self._rng)
