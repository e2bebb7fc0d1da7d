"""Parsing in this process, as the parser's own process does it: the same code, without the start of one."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hardline.infra.parsers import csv_rows
from hardline.infra.parsers.child import counted
from hardline.infra.parsers.feed import Budget
from hardline.infra.parsers.looks import expect_format
from hardline.infra.parsers.process import parse
from hardline.infra.parsers.refusals import Found, refusal
from hardline.infra.parsers.spec import CsvSpec

if TYPE_CHECKING:
    import pyarrow as pa

SPEC = CsvSpec(columns=(("id", "integer", False), ("x", "number", True), ("t", "text", True)))


def rows_of(text: str | bytes, spec: CsvSpec = SPEC, **limits: Any) -> list[dict[str, Any]]:
    """The rows; raises `ParseRefused` as the parent process does."""
    data = io.BytesIO(text.encode() if isinstance(text, str) else text)
    spec = replace(spec, **limits)
    try:
        expect_format(data.getvalue()[:8], "csv")
        batches = counted(csv_rows.batches(data.read, spec), Budget(spec, data.tell))
        rows = [row for batch in batches for row in batch.to_pylist()]
        if not rows:
            raise Found("no-rows")
        return rows
    except Found as found:
        raise refusal(spec, found.to_bytes()) from None


def one(type_: str, cell: str, **options: Any) -> Any:
    """The value of one cell in a column of that type, beside a second column."""
    spec = CsvSpec(columns=(("c", type_, True), ("d", "text", True)), **options)
    return rows_of(f"c{spec.delimiter}d\n{cell}{spec.delimiter}end\n", spec)[0]["c"]


def chunked(data: bytes, size: int) -> Iterable[bytes]:
    """The data in chunks."""
    return (data[start : start + size] for start in range(0, len(data), size))


def parse_csv(source: Iterable[bytes], spec: CsvSpec) -> Iterator[pa.RecordBatch]:
    """One file through the parser's process."""
    return parse([("a.csv", source)], spec)
