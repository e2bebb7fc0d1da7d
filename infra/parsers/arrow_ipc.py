"""Arrow IPC to rows: a stream is read as it comes, a file with a footer in memory."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import ipc

from hardline.infra.parsers.columnar import Converter
from hardline.infra.parsers.columns import damage, schema, sliced
from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardline.infra.parsers.spec import Spec

FILE_MAGIC = b"ARROW1"
_END = b"\xff\xff\xff\xff\0\0\0\0"  # of a stream (Arrow columnar format, "IPC Streaming Format")


def prepare(spec: Spec) -> None:
    """Let the reader start what it needs, on a stream of our own."""
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema(spec)):
        pass
    list(batches_of_stream(io.BytesIO(sink.getvalue()).read, spec))


def batches_of_file(data: memoryview, spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of a file with a footer; see `parquet.batches`."""
    with damage(), ipc.open_file(pa.py_buffer(data), options=_OPTIONS) as reader:
        converter = Converter(spec, reader.schema)
        for index in range(reader.num_record_batches):
            yield from _converted(reader.get_batch(index), converter, spec)


def batches_of_stream(read: Callable[[int], bytes], spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of a stream, which must say its end; see `csv_rows.batches`."""
    raw = _Raw(read)
    with damage(), ipc.open_stream(pa.PythonFile(raw, mode="r"), options=_OPTIONS) as reader:
        converter = Converter(spec, reader.schema)
        for batch in reader:
            yield from _converted(batch, converter, spec)
    if raw.last != _END:
        raise Found("damaged", how="cut")
    if read(1):
        raise Found("damaged", how="followed")


_OPTIONS = ipc.IpcReadOptions(use_threads=False, ensure_native_endian=True)


def _converted(batch: pa.RecordBatch, converter: Converter, spec: Spec) -> Iterator[pa.RecordBatch]:
    batch.validate()
    for made in converter.convert(batch):
        yield from sliced(made, spec.batch_bytes)


class _Raw(io.RawIOBase):
    """The source as Arrow wants to read it, and its last eight bytes."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        pieces = []
        while size > 0 and (piece := self._read(min(size, 1 << 20))):
            pieces.append(piece)
            size -= len(piece)
        data = b"".join(pieces)
        self.last = (self.last + data[-8:])[-8:]
        return data

    def readable(self) -> bool:
        return True
