"""The Arrow types that a dataset's columns may have, by the names that the manifest writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks.core.errors import Malformed

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_type(name: str) -> pa.DataType:
    """The Arrow type of that name.

    Raises:
        Malformed: No column of a dataset may have it.
    """
    import pyarrow as pa

    types = {
        str(type_): type_ for type_ in (pa.float64(), pa.float32(), pa.int64(), pa.string(), pa.bool_(), pa.date32())
    }
    if name not in types:
        raise Malformed(f"column type: {', '.join(sorted(types))} expected, got {name[:40]!r}")
    return types[name]
