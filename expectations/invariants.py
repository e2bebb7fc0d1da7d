"""What must hold whatever a suite says: GX passes an empty suite, an empty frame, an all-NaN column and NaN in a range."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hardline.tasks.core.arrow_types import matrix
from hardline.tasks.core.contract import Column, Contract
from hardline.tasks.core.inputs import OTHER

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

Failing = Iterator[tuple[str, str, "NDArray[np.bool_]"]]


def failing_rows(contract: Contract, table: pa.Table) -> Failing:
    """For each invariant of each column: its name, the column, and a boolean [rows] that is true where it fails."""
    import numpy as np

    for column in contract.columns:
        values = table.column(column.name)
        missing = np.asarray(values.is_null().to_numpy(), dtype=np.bool_)
        if not column.nullable:
            yield "required", column.name, missing
        if column.type in ("number", "integer"):
            yield from _numeric(column, np.asarray(values.to_numpy(), dtype=np.float64), missing)
        if column.tensor is not None:
            yield from _tensor(column, matrix(values))
        if column.levels and OTHER not in column.levels:
            known = np.isin(np.asarray(values.to_pylist(), dtype=object).astype(str), column.levels)
            yield "known_level", column.name, ~known & ~missing


def _numeric(column: Column, numbers: NDArray[np.float64], missing: NDArray[np.bool_]) -> Failing:
    import numpy as np

    yield "finite", column.name, ~np.isfinite(numbers) & ~missing
    if column.valid is not None:
        low, high = (float(bound) for bound in column.valid)
        with np.errstate(invalid="ignore"):
            outside = ~((numbers >= low) & (numbers <= high))
        yield "valid_range", column.name, outside & ~missing & np.isfinite(numbers)


def _tensor(column: Column, tensors: NDArray[np.uint8] | NDArray[np.float32]) -> Failing:
    """A row fails if any element of its tensor does; `tensors` is [rows, elements]."""
    import numpy as np

    finite = np.asarray(np.isfinite(tensors).all(axis=1))
    yield "finite", column.name, ~finite
    if column.valid is not None:
        low, high = (float(bound) for bound in column.valid)
        with np.errstate(invalid="ignore"):
            outside = np.asarray(~((tensors.min(axis=1) >= low) & (tensors.max(axis=1) <= high)))
        yield "valid_range", column.name, outside & finite
