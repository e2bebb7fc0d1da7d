"""Rows in a file of their own, Parquet or CSV: what an authorised and logged read hands out, and nothing else does.

CSV is RFC 4180 in UTF-8 with a header. Every text is quoted, so that a text which looks like a number stays one; a
number is written so that reading it gives the same number; a missing value is nothing between two delimiters, while an
empty text is a pair of quotes. Cells are written as they are, also those that begin with `=`, `+`, `-` or `@`: a
spreadsheet may run these as formulas, quoted or not, and another prefix would be another value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hardline.tasks.core.errors import UsageError
from hardline.tasks.core.private_file import created

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".parquet", ".csv")


class RowWriter(Protocol):
    """What takes rows: a writer of pyarrow."""

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Add rows of the file's schema."""


def refuse_suffix(target: Path) -> None:
    """Refuse a name that does not say the format; raises `UsageError`."""
    if target.suffix not in SUFFIXES:
        raise UsageError(f"{target}: a file name that ends with {' or '.join(SUFFIXES)} expected")


@contextmanager
def row_file(target: Path, schema: pa.Schema) -> Iterator[RowWriter]:
    """Write rows to a new file; see `private_file.created`.

    Args:
        target: Its suffix says the format.
        schema: The columns.

    Raises:
        UsageError: Another suffix, a file that is there, or a tensor for CSV.
    """
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    refuse_suffix(target)
    if target.suffix == ".csv" and any(pa.types.is_fixed_size_list(type_) for type_ in schema.types):
        raise UsageError(f"{target}: CSV has no tensors", help="choose a file name that ends with .parquet")
    with created(target) as file:
        if target.suffix == ".csv":
            writer = pc.CSVWriter(file, schema)  # quotes every text; the default, which a test holds it to
        else:
            writer = pq.ParquetWriter(file, schema, write_statistics=False)  # they would repeat cells
        with writer:
            yield writer
