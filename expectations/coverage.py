"""What no suite asks and no training survives: a class that cannot be learned or measured, a feature that never varies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hardline.tasks.core.inputs import level_indices
from hardline.tasks.core.manifest import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.tasks.core.contract import Contract

MEASURED: Final = 30  # rows of a class, from which on some must be in the test split; by chance none is once in 44,000


def gaps(contract: Contract, tables: Iterable[tuple[str, pa.Table]]) -> list[str]:
    """Why the accepted rows cannot train a model, or nothing.

    Args:
        contract: Gives the classes and the features.
        tables: Shards of accepted rows with their split, in any order; one is in memory at a time.
    """
    import numpy as np

    label, classes = contract.column(contract.label), contract.classes
    counts = {split: np.zeros(len(classes), dtype=np.int64) for split in SPLITS}
    spans = {column.name: _Span() for column in contract.feature_columns}
    for split, table in tables:
        counts[split] += np.bincount(level_indices(label, table.column(label.name)), minlength=len(classes))
        for name, span in spans.items():
            span.add(table.column(name))
    train, test = counts["train"], counts["test"]
    missing = [classes[at] for at in np.flatnonzero(train == 0)]
    unseen = [classes[at] for at in np.flatnonzero((test == 0) & (train >= MEASURED))]
    reasons = []
    if missing:
        reasons.append(f"split train: rows of all {len(classes)} classes expected, none of {_some(missing)}")
    if unseen or not test.any():
        reasons.append(
            f"split test: rows of every class with at least {MEASURED} rows expected, none of {_some(unseen)}"
        )
    constant = [name for name, span in spans.items() if not span.varies]
    if constant:
        reasons.append(f"{len(constant)} features never vary: {_some(constant)}")
    return reasons


@dataclass
class _Span:
    """Whether a column has two different values, null among them."""

    first: Any = None
    began: bool = False
    varies: bool = False

    def add(self, cells: pa.ChunkedArray) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if self.varies or not len(cells):
            return
        if pa.types.is_fixed_size_list(cells.type):
            cells = pc.list_flatten(cells)
        for value in pc.unique(cells)[:3].to_pylist():
            self.varies = self.varies or (self.began and value != self.first)
            self.first, self.began = value, True


def _some(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names[:5]) or "any"
