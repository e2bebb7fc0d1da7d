"""The Arrow types that a dataset's columns may have, by the names that the manifest writes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hardline.tasks.core.errors import Malformed

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_TENSOR = re.compile(r"fixed_size_list<item: (uint8|float)>\[([1-9][0-9]{0,8})\]")


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of that name.

    Raises:
        Malformed: No column of a dataset may have it.
    """
    import pyarrow as pa

    types = {
        str(type_): type_ for type_ in (pa.float64(), pa.float32(), pa.int64(), pa.string(), pa.bool_(), pa.date32())
    }
    if tensor := _TENSOR.fullmatch(name):
        return pa.list_({"uint8": pa.uint8(), "float": pa.float32()}[tensor[1]], int(tensor[2]))
    if name not in types:
        raise Malformed(f"column type: {', '.join(sorted(types))} expected, got {name[:40]!r}")
    return types[name]


def elements(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The numbers of a column: of a tensor those of all rows, one after the other."""
    import pyarrow as pa

    return (
        pa.chunked_array([chunk.flatten() for chunk in column.chunks], column.type.value_type)
        if is_tensor(column)
        else column
    )


def is_tensor(column: pa.ChunkedArray) -> bool:
    """Whether each row of the column is a tensor."""
    import pyarrow as pa

    return bool(pa.types.is_fixed_size_list(column.type))


def matrix(column: pa.ChunkedArray) -> NDArray[np.uint8] | NDArray[np.float32]:
    """The tensors of a column without missing values, as [rows, elements]."""
    found: NDArray[np.uint8] | NDArray[np.float32] = elements(column).to_numpy()
    return found.reshape(len(column), column.type.list_size)
