"""The parser's process: reads files from its standard input, writes frames to its standard output.

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

from hardline.infra.parsers import frames
from hardline.infra.parsers.confinement import drop_privileges, limit
from hardline.infra.parsers.feed import Budget, Feed
from hardline.infra.parsers.reader import Reader
from hardline.infra.parsers.refusals import Found
from hardline.infra.parsers.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> None:
    """Parse standard input; the exit status says nothing that the frames do not."""
    source = FileIO(0, "rb", closefd=False)
    spec = Spec.from_json(json.loads(_line(source)))
    drop_privileges()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    reader = Reader(spec)  # imports what the format needs, and lets it start its threads: afterwards none can
    limit(memory_bytes=spec.address_bytes, cpu_s=spec.cpu_s)
    feed = Feed(source)
    try:
        while (name := feed.next_file()) is not None:
            rows = 0
            for batch in counted(reader.batches(feed, name), Budget(spec, lambda: feed.count)):
                rows += batch.num_rows
                sink = pa.BufferOutputStream()
                with ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(batch)
                _send(frames.BATCH, memoryview(sink.getvalue()))
            _send(frames.DONE, memoryview(json.dumps({"bytes": feed.count, "rows": rows}).encode()))
        reader.finish()
    except Found as found:
        _send(frames.REFUSED, memoryview(found.to_bytes()))


def counted(batches: Iterator[pa.RecordBatch], budget: Budget) -> Iterator[pa.RecordBatch]:
    """The same batches, as long as they are not too many for their file."""
    made = 0
    for batch in batches:
        made += batch.nbytes
        budget.check(made)
        yield batch


def _line(source: FileIO) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        piece = source.read(1)
        if not piece:
            raise SystemExit(2)
        line += piece
    return bytes(line)


def _send(kind: bytes, body: memoryview) -> None:
    for part in (memoryview(frames.HEADER.pack(kind, body.nbytes)), body.cast("B")):
        while part:
            part = part[os.write(1, part) :]
