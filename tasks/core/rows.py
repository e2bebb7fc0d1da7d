"""Rows in memory: splitting them by a keyed digest, and Arrow IPC to and from bytes.

Nothing here writes a file. pyarrow and numpy are imported when first used.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hardline.tasks.core.arrow_types import is_tensor, matrix
from hardline.tasks.core.errors import Malformed
from hardline.tasks.core.manifest import SPLITS

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from hardline.tasks.core.contract import SplitRule

SHARD_BYTES = 32 << 20  # of Arrow data; between the 8 and 64 MiB that keep opening a shard cheap and memory bounded


def assign_splits(table: pa.Table, rule: SplitRule, key: bytes) -> NDArray[np.bool_]:
    """Which rows belong to the train split: a keyed digest of the row, or of the rule's column.

    Equal rows always fall into the same split, in every version, so no row is trained on and tested on; and nobody
    without the key can choose the split of a row.

    Args:
        table: N rows.
        rule: The share of the train split in percent, and perhaps the column that groups rows.
        key: 32 bytes.

    Returns:
        Boolean array [N], true for train.
    """
    import numpy as np

    columns = [table.column(rule.by)] if rule.by else table.columns
    cells = np.empty((table.num_rows, len(columns)), dtype="<u8")
    for position, column in enumerate(columns):
        cells[:, position] = _cell_words(column, key)
    width = cells.shape[1] * 8
    body = cells.tobytes()
    drawn = np.fromiter(
        (
            int.from_bytes(hashlib.blake2b(body[start : start + width], digest_size=8, key=key).digest(), "big")
            for start in range(0, len(body), width)
        ),
        dtype=np.uint64,
        count=table.num_rows,
    )
    return drawn < np.uint64(int(rule.train) * ((1 << 64) // 100))


def _cell_words(column: pa.ChunkedArray, key: bytes) -> NDArray[np.uint64]:
    """One 64-bit word for each cell: the bit pattern of a number, a keyed digest of anything else."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_floating(column.type) and not column.null_count:
        values = np.array(pc.cast(column, pa.float64()).to_numpy(), dtype="<f8")
        values[values == 0] = 0.0  # -0.0 equals 0.0 to every reader, so it is the same row
        return values.view("<u8")
    if is_tensor(column):
        return _tensor_words(matrix(column), key)
    encoded = pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
    words = np.array(
        [
            int.from_bytes(hashlib.blake2b(repr(value).encode(), digest_size=8, key=key).digest(), "little")
            for value in encoded.dictionary.to_pylist()
        ],
        dtype="<u8",
    )
    found: NDArray[np.uint64] = words[encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)]
    return found


def _tensor_words(tensors: NDArray[np.uint8] | NDArray[np.float32], key: bytes) -> NDArray[np.uint64]:
    """A keyed digest of each row's bytes; float32 in little-endian order, -0.0 as 0.0."""
    import numpy as np

    body = np.ascontiguousarray(tensors if tensors.dtype == np.uint8 else (tensors + 0.0).astype("<f4"))
    digests = b"".join(hashlib.blake2b(row, digest_size=8, key=key).digest() for row in body)
    return np.frombuffer(digests, dtype="<u8")


class Sharder:
    """Collects tables by split and hands out shards of about `limit` bytes, in a fixed order.

    Memory: at most one shard for each split, and one incoming batch.
    """

    def __init__(self, limit: int = SHARD_BYTES) -> None:
        self._limit = limit
        self._waiting: dict[str, list[pa.Table]] = {split: [] for split in SPLITS}
        self._bytes = dict.fromkeys(SPLITS, 0)

    def add(self, table: pa.Table, train: NDArray[np.bool_]) -> Iterator[tuple[str, pa.Table]]:
        """Take rows; yields every shard that is full."""
        import pyarrow as pa

        for split, mask in zip(SPLITS, (train, ~train), strict=True):
            part = table.filter(pa.array(mask))
            if part.num_rows:
                self._waiting[split].append(part)
                self._bytes[split] += part.nbytes
            if self._bytes[split] >= self._limit:
                yield from self._flush(split)

    def rest(self) -> Iterator[tuple[str, pa.Table]]:
        """What is left, one shard for each split that has rows."""
        for split in SPLITS:
            yield from self._flush(split)

    def _flush(self, split: str) -> Iterator[tuple[str, pa.Table]]:
        import pyarrow as pa

        if self._waiting[split]:
            yield split, pa.concat_tables(self._waiting[split]).combine_chunks()
        self._waiting[split], self._bytes[split] = [], 0


def encode_table(table: pa.Table) -> memoryview:
    """An Arrow IPC stream of the table, uncompressed, without schema metadata."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    plain = table.replace_schema_metadata(None)
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    return memoryview(sink.getvalue()).cast("B")


def decode_table(
    data: bytes | bytearray | memoryview, *, subject: str, columns: Sequence[tuple[str, str]], rows: int
) -> pa.Table:
    """Parse an Arrow IPC stream that must hold exactly these columns and rows.

    Args:
        data: The stream; the table refers to this memory, no copy is made.
        subject: The name of the shard, for messages.
        columns: Name and Arrow type, in order.
        rows: The number of rows.

    Raises:
        Malformed: It is something else.
    """
    import pyarrow as pa

    try:
        table = pa.ipc.open_stream(pa.py_buffer(data)).read_all()
        table.validate(full=True)
    except (pa.ArrowException, ValueError, OSError):
        raise Malformed(f"{subject}: an Arrow IPC stream expected, got something else") from None
    found = [(field.name, str(field.type)) for field in table.schema]
    if found != list(columns) or table.num_rows != rows:
        raise Malformed(f"{subject}: {len(columns)} columns of their types and {rows} rows expected, got others")
    return table


def concat(
    tables: Iterable[pa.Table], columns: Sequence[tuple[str, str]], schema: Mapping[str, pa.DataType]
) -> pa.Table:
    """One table of all, or an empty one of that schema."""
    import pyarrow as pa

    found = list(tables)
    if found:
        return pa.concat_tables(found)
    return pa.table({name: pa.array([], type=schema[name]) for name, _ in columns})
