"""CSV to rows; see `process.parse` for what is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.infra.parsers import csv_blocks, csv_convert, csv_diagnosis
from hardline.infra.parsers.columns import match
from hardline.infra.parsers.refusals import Found
from hardline.infra.parsers.spec import CsvSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pyarrow as pa

    from hardline.infra.parsers.spec import Spec


def prepare(spec: Spec) -> None:
    """Arrow's reader wants one thread of its own; after `limit` none can start."""
    assert isinstance(spec, CsvSpec)
    csv_convert.Converter(spec, range(len(spec.columns))).convert(csv_blocks.Block(b"\n", 1, 1, quoted=False))


def batches(read: Callable[[int], bytes], spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of a file.

    Args:
        read: At most that many next bytes; none at the end.
        spec: What the text must be.

    Raises:
        Found: What is wrong with it.
    """
    assert isinstance(spec, CsvSpec)
    if spec.names_only:
        yield _names(next(csv_blocks.cut(read, spec)), spec)
        return
    converter, order = None, None
    for block in csv_blocks.cut(read, spec):
        if converter is None or order is None:
            block, order = _header(block, spec)
            converter = csv_convert.Converter(spec, order)
            if not block.data:
                continue
        batch = converter.convert(block)
        if batch is None:
            raise csv_diagnosis.diagnose(block, spec, order)
        yield batch


def _names(block: csv_blocks.Block, spec: CsvSpec) -> pa.RecordBatch:
    """The names in the header, as rows."""
    import pyarrow as pa

    if not block.data.strip():
        raise Found("empty")
    cells = next(csv_blocks.records(block, spec)).cells
    return pa.record_batch({spec.columns[0][0]: pa.array([text.decode() for text, _ in cells], pa.string())})


def _header(block: csv_blocks.Block, spec: CsvSpec) -> tuple[csv_blocks.Block, list[int]]:
    """The block after its first record, and what that record says about the columns."""
    if not block.data.strip():
        raise Found("empty")
    header = next(csv_blocks.records(block, spec))
    order = match([text.decode() for text, _ in header.cells], spec, code="header", line=1)
    lines = block.data.count(b"\n", 0, header.end)
    return csv_blocks.Block(block.data[header.end :], block.line + lines, block.lines - lines, block.quoted), order
