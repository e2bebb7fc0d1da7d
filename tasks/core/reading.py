"""Reading rows out of a home: verified, brokered, logged, and written to one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hardline.tasks.core import opening, private_file
from hardline.tasks.core.errors import UsageError
from hardline.tasks.core.results import RowsRead
from hardline.tasks.core.row_files import refuse_suffix, row_file

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.references import Wanted

_BATCH_ROWS = 8192


def read(
    runtime: Runtime,
    wanted: Wanted,
    role: str,
    target: Path,
    *,
    columns: Sequence[str] | None = None,
    split: str | None = None,
) -> RowsRead:
    """Write the rows that a role may read.

    Args:
        runtime: The home.
        wanted: The dataset.
        role: Who reads.
        target: A file that does not exist, `.parquet` or `.csv`.
        columns: Some columns only; all readable ones when left out.
        split: `train` or `test`; may be left out when the role reads only one.

    Raises:
        VerificationError: The dataset is not what its owners signed; no file is there then.
        AccessDenied: The role holds no key for the split or a column; the log has the denial.
        UsageError: The file is there, or its name says no format.
    """
    if columns is not None and len(set(columns)) != len(columns):
        raise UsageError("columns: each once expected")
    refuse_suffix(target)
    private_file.refuse_taken(target, runtime.root)
    with opening.open_dataset(runtime, wanted, role) as data:
        with opening.denials(runtime, data.digest, role):
            schema = data.schema(split, columns)
        rows = 0
        with row_file(target, schema) as file:
            for batch in data.batches(_BATCH_ROWS, split, columns):
                file.write_batch(batch)
                rows += batch.num_rows
        return RowsRead(data.reference, data.digest, role, str(target), rows, tuple(schema.names))
