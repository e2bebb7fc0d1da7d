"""Parquet to rows: every page is decoded; statistics, indexes and filters of the file are never looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from hardline.infra.parsers.columnar import Converter
from hardline.infra.parsers.columns import damage, schema, sliced
from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hardline.infra.parsers.spec import Spec

_STRING_BYTES, _ITEMS = 64 << 20, 1 << 20  # of the footer; a file with more has a footer of gigabytes


def prepare(spec: Spec) -> None:
    """Let the reader start what it needs, on a file of our own."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema(spec).empty_table(), sink)
    for _ in _open(memoryview(sink.getvalue())).iter_batches(use_threads=False):
        pass


def batches(data: memoryview, spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of a file.

    Args:
        data: All of it.
        spec: What it must hold.

    Raises:
        Found: What is wrong with it.
    """
    with damage():
        file = _open(data)
        converter = Converter(spec, file.schema_arrow)
        groups = [file.metadata.row_group(index) for index in range(file.num_row_groups)]
        if sum(group.num_rows for group in groups) != file.metadata.num_rows:
            raise Found("damaged", how="count")
        for index, group in enumerate(groups):
            if not 0 <= group.total_byte_size <= spec.max_group_bytes:
                raise Found("limits", what="group")
            rows = 0
            for batch in file.iter_batches(spec.batch_rows, row_groups=[index], use_threads=False):
                rows += batch.num_rows
                for made in converter.convert(batch):
                    yield from sliced(made, spec.batch_bytes)
            if rows != group.num_rows:
                raise Found("damaged", how="count")


def _open(data: memoryview) -> pq.ParquetFile:
    return pq.ParquetFile(
        pa.BufferReader(pa.py_buffer(data)),
        memory_map=False,
        pre_buffer=False,
        page_checksum_verification=True,  # of pages that have one
        thrift_string_size_limit=_STRING_BYTES,
        thrift_container_size_limit=_ITEMS,
    )
