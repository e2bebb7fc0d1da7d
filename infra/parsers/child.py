"""The parser's process: reads a source from its standard input, writes frames to its standard output.

It reads one line of JSON (the specification), gives up what it does not need, and then meets the source's bytes. What
goes wrong is said by code and position; a fault of the program itself ends it without a word.
"""

from __future__ import annotations

import json
import os
from io import FileIO
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import ipc

from hardline.infra.parsers import csv_blocks, csv_convert, csv_diagnosis, frames
from hardline.infra.parsers.confinement import drop_privileges, limit
from hardline.infra.parsers.refusals import Found
from hardline.infra.parsers.spec import CsvSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def main() -> None:
    """Parse standard input; the exit status says nothing that the frames do not."""
    source = FileIO(0, "rb", closefd=False)
    spec = CsvSpec.from_json(json.loads(_line(source)))
    drop_privileges()
    _start_threads(spec)
    limit(memory_bytes=spec.memory_bytes, cpu_s=spec.cpu_s)
    taken = _Counted(source)
    rows = 0
    try:
        for batch in batches(taken.read, spec):
            rows += batch.num_rows
            sink = pa.BufferOutputStream()
            with ipc.new_stream(sink, batch.schema) as writer:
                writer.write_batch(batch)
            _send(frames.BATCH, memoryview(sink.getvalue()))
        _send(frames.DONE, memoryview(json.dumps({"bytes": taken.count, "rows": rows}).encode()))
    except Found as found:
        _send(frames.REFUSED, memoryview(found.to_bytes()))


def batches(read: Callable[[int], bytes], spec: CsvSpec) -> Iterator[pa.RecordBatch]:
    """The rows of a source, at least one.

    Args:
        read: At most that many next bytes; none at the end.
        spec: What the text must be.

    Raises:
        Found: What is wrong with it.
    """
    converter, order, rows, made = None, None, 0, 0
    for block in csv_blocks.cut(read, spec):
        if converter is None or order is None:
            block, order = _header(block, spec)
            converter = csv_convert.Converter(spec, order)
            if not block.data:
                continue
        batch = converter.convert(block)
        if batch is None:
            raise csv_diagnosis.diagnose(block, spec, order)
        rows += batch.num_rows
        made += batch.nbytes
        if made > spec.max_decoded_bytes:
            raise Found("limits")
        yield batch
    if not rows:
        raise Found("no-rows")


def _header(block: csv_blocks.Block, spec: CsvSpec) -> tuple[csv_blocks.Block, list[int]]:
    """The block after its first record, and what that record says about the columns."""
    if not block.data.strip():
        raise Found("empty")
    header = next(csv_blocks.records(block, spec))
    order = csv_diagnosis.columns_of(header.cells, spec)
    lines = block.data.count(b"\n", 0, header.end)
    return csv_blocks.Block(block.data[header.end :], block.line + lines, block.lines - lines, block.quoted), order


class _Counted:
    """The source, and how much of it was read."""

    def __init__(self, source: FileIO) -> None:
        self._source = source
        self.count = 0

    def read(self, size: int) -> bytes:
        data = self._source.read(size) or b""
        self.count += len(data)
        return data


def _line(source: FileIO) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = source.read(1)
        if not piece:
            raise SystemExit(2)
        line += piece
    return bytes(line)


def _start_threads(spec: CsvSpec) -> None:
    """Arrow's reader wants one thread of its own; after `limit` none can start."""
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    csv_convert.Converter(spec, range(len(spec.columns))).convert(csv_blocks.Block(b"\n", 1, 1, quoted=False))


def _send(kind: bytes, body: memoryview) -> None:
    for part in (memoryview(frames.HEADER.pack(kind, body.nbytes)), body.cast("B")):
        while part:
            part = part[os.write(1, part) :]
