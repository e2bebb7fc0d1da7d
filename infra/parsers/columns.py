"""The columns of a specification: their Arrow types, their names in a source, and what every format's rows must be."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hardline.infra.parsers.spec import Spec, Tensor

_TYPES = {
    "boolean": pa.bool_(), "category": pa.string(), "date": pa.date32(), "integer": pa.int64(), "number": pa.float64(),
    "text": pa.string(),
}  # fmt: skip
_YEAR_ONE, _YEAR_9999 = -719162, 2932896  # days from 1970-01-01 to the first and the last date that Python knows


def schema(spec: Spec) -> pa.Schema:
    """The schema of every batch: the specification's columns in its order."""
    return pa.schema([
        pa.field(name, tensor_type(spec.tensor) if type_ == "tensor" and spec.tensor else _TYPES[type_])
        for name, type_, _ in spec.columns
    ])  # fmt: skip


def tensor_type(tensor: Tensor) -> pa.DataType:
    """One row's tensor, its elements in C order."""
    return pa.list_({"uint8": pa.uint8(), "float32": pa.float32()}[tensor.dtype], tensor.size)


def match(names: Sequence[str], spec: Spec, *, code: str = "columns", line: int = 0) -> list[int]:
    """For each name of a source, its column's position in the specification.

    Raises:
        Found: They are not exactly the specification's, each once. Other names are reported only if half of the
            specification's are there: otherwise they may be no names.
    """
    known = {name: position for position, (name, _, _) in enumerate(spec.columns)}
    missing = [position for name, position in known.items() if name not in names]
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if missing or unknown or twice:
        are_names = 2 * len(missing) <= len(known)
        if not are_names:
            twice, unknown = [], []
        raise Found(code, line=line, header=are_names, missing=missing, twice=_some(twice), unknown=_some(unknown))
    return [known[name] for name in names]


def _some(names: list[str]) -> list[str]:
    return [name[:60].encode("utf-8", "replace").decode() for name in names[:100]]


def checked(batch: pa.RecordBatch, spec: Spec, row: int = 0) -> pa.RecordBatch:
    """The batch, if every cell of it is one that a contract can speak of.

    Args:
        batch: Of the specification's schema, its buffers validated.
        spec: The columns and the limits.
        row: How many rows of the file came before.

    Raises:
        Found: `cell-size`, `nul`, or `value` for a date outside of the years 1 to 9999; with row and column.
    """
    for position, column in enumerate(batch.columns):
        if column.type == pa.string():
            long = pc.greater(pc.binary_length(column), spec.max_cell_bytes)
            _none("cell-size", long, row, position)
            _none("nul", pc.match_substring(column, "\0"), row, position)
        elif column.type == pa.date32():
            days = column.cast(pa.int32())
            outside = pc.or_(pc.less(days, _YEAR_ONE), pc.greater(days, _YEAR_9999))
            _none("value", outside, row, position)
    return batch


def _none(code: str, failing: pa.Array, row: int, column: int) -> None:
    if pc.any(failing).as_py():
        raise Found(code, row=row + 1 + pc.index(failing, pa.scalar(value=True)).as_py(), column=column)


def sliced(batch: pa.RecordBatch, limit: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of at most `limit` bytes, or of one row."""
    if batch.num_rows > 1 and batch.nbytes > limit:
        half = batch.num_rows // 2
        yield from sliced(batch.slice(0, half), limit)
        yield from sliced(batch.slice(half), limit)
    elif batch.num_rows:
        yield batch


@contextmanager
def damage() -> Iterator[None]:
    """What a library says of bytes that it cannot read, in our words; its own text may quote them."""
    try:
        yield
    except Found:
        raise
    except MemoryError:
        raise Found("limits", what="memory") from None
    except Exception:  # whatever a library makes of hostile bytes
        raise Found("damaged", how="corrupt") from None
