"""From the bytes of a file to its rows: compression, then format, as the specification states them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.infra.parsers import looks
from hardline.infra.parsers.columns import damage, match
from hardline.infra.parsers.decompress import decompressed
from hardline.infra.parsers.feed import Budget, Feed, Peeked, Whole
from hardline.infra.parsers.refusals import Found
from hardline.infra.parsers.spec import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from hardline.infra.parsers.spec import Spec

    Parse = Callable[[Peeked, str], Iterator[pa.RecordBatch]]


class Reader:
    """The files of one source, one after the other."""

    def __init__(self, spec: Spec) -> None:
        """Imports what the format needs and lets it start its threads: after `confinement.limit` neither can be done."""
        self._spec = spec
        self._room = Whole(spec.max_whole_bytes) if spec.whole else None
        self._arrays: list[tuple[str, Callable[[int], bytes]]] = []
        parsers = {"csv": self._csv, "jsonl": self._jsonl, "parquet": self._parquet, "arrow": self._arrow}
        self._parse = parsers.get(spec.format, self._numpy)()

    def batches(self, feed: Feed, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of the next file.

        Args:
            feed: Where its bytes come from; all of them are read.
            name: Its name, which says the column of an NPY file and nothing else.

        Raises:
            Found: What is wrong with it.
        """
        spec, budget = self._spec, Budget(self._spec, lambda: feed.count)
        outer = Peeked(feed.read)
        looks.expect_compression(outer.peek(looks.HEAD), spec.compression)
        inner = Peeked(decompressed(outer.read, spec.compression, budget))
        with damage():
            head = inner.peek(looks.HEAD)
        looks.expect_format(head, spec.format)
        rows = 0
        for batch in self._parse(inner, name):
            rows += batch.num_rows
            yield batch
        if not rows and spec.format != "npy":
            raise Found("no-rows")

    def finish(self) -> None:
        """Raise `Found` if files are missing: those of NPY are the columns of one table."""
        if self._arrays:
            match([name for name, _ in self._arrays], self._spec)

    def _csv(self) -> Parse:
        from hardline.infra.parsers import csv_rows

        csv_rows.prepare(self._spec)
        return lambda source, _: csv_rows.batches(source.read, self._spec)

    def _jsonl(self) -> Parse:
        from hardline.infra.parsers import jsonl

        jsonl.prepare(self._spec)
        return lambda source, _: jsonl.batches(source.read, self._spec)

    def _parquet(self) -> Parse:
        from hardline.infra.parsers import parquet

        parquet.prepare(self._spec)
        return lambda source, _: parquet.batches(self._whole(source), self._spec)

    def _arrow(self) -> Parse:
        from hardline.infra.parsers import arrow_ipc

        arrow_ipc.prepare(self._spec)

        def parse(source: Peeked, _: str) -> Iterator[pa.RecordBatch]:
            if source.peek(len(arrow_ipc.FILE_MAGIC)) == arrow_ipc.FILE_MAGIC:
                return arrow_ipc.batches_of_file(self._whole(source), self._spec)
            return arrow_ipc.batches_of_stream(source.read, self._spec)

        return parse

    def _numpy(self) -> Parse:
        from hardline.infra.parsers import numpy_arrays

        numpy_arrays.prepare(self._spec)
        if self._spec.format == "npz":
            return lambda source, _: numpy_arrays.batches_of_archive(self._whole(source), self._spec)

        def parse(source: Peeked, name: str) -> Iterator[pa.RecordBatch]:
            """Keep one NPY file; the last column brings the rows."""
            data = self._whole(source, keep=True)
            name = name.removesuffix(SUFFIXES[self._spec.compression])
            self._arrays.append((numpy_arrays.column_of(name), numpy_arrays.View(data).read))
            if len(self._arrays) < len(self._spec.columns):
                return iter(())
            arrays, self._arrays = self._arrays, []
            return numpy_arrays.batches_of_files(arrays, self._spec)

        return parse

    def _whole(self, source: Peeked, *, keep: bool = False) -> memoryview:
        assert self._room is not None
        return self._room.take(source.read, keep=keep)
