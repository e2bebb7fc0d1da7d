"""The child that parses CSV. It reads a spec and a file on stdin, writes Arrow IPC on stdout, or one line on stderr."""

from __future__ import annotations

import codecs
import ctypes
import io
import json
import resource
import signal
import sys
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

_NUMBER = r"^[+-]?(([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|[nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)$"
_FORMS = {"number": _NUMBER, "integer": r"^[+-]?[0-9]{1,19}$", "date": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_TRUE, _FALSE = ("true", "True", "TRUE", "1"), ("false", "False", "FALSE", "0")
_TYPES = {
    "number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "category": pa.string(), "text": pa.string(),
    "date": pa.date32(),
}  # fmt: skip


class _Refused(Exception):  # noqa: N818
    def __init__(self, code: str, line: int | None = None, column: str | None = None, extra: str = "") -> None:
        super().__init__(code)
        self.said = {"code": code, "line": line, "column": column, "extra": extra}


class _Text(io.RawIOBase):
    """stdin, checked while it is read: UTF-8, no NUL, at most so many bytes."""

    def __init__(self, raw: Any, limit: int) -> None:
        self._raw, self._left, self._line = raw, limit, 1
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.refused: _Refused | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data: bytes = self._raw.read(size)
        self._left -= len(data)
        try:
            self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            self._refuse("utf-8", data[: error.start])
        if b"\0" in data:
            self._refuse("nul", data[: data.index(b"\0")])
        if self._left < 0:
            self._refuse("size", data)
        self._line += data.count(b"\n")
        return data

    def _refuse(self, code: str, before: bytes) -> NoReturn:
        self.refused = _Refused(code, self._line + before.count(b"\n"))
        raise OSError("refused")


def main() -> None:
    """Parse one file."""
    raw = sys.stdin.buffer
    spec = json.loads(raw.readline())
    confine(spec)
    text = _Text(raw, spec["max_bytes"])
    try:
        try:
            _parse(spec, text)
        except pa.ArrowException:
            raise text.refused or _Refused("form") from None
        except OSError:
            raise text.refused or _Refused("form") from None
    except _Refused as refused:
        said = (text.refused or refused).said
        sys.stderr.write(json.dumps(said) + "\n")
        sys.stderr.flush()
        raise SystemExit(3) from None


def confine(spec: dict[str, Any]) -> None:
    """Give up what parsing does not need: files, core dumps, new privileges, time, memory; the network where we can."""
    for limit, value in (
        (resource.RLIMIT_AS, spec["memory_bytes"]),
        (resource.RLIMIT_CPU, spec["timeout_s"]),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    libc.unshare(0x10000000 | 0x40000000)  # CLONE_NEWUSER | CLONE_NEWNET; not everywhere permitted


def _parse(spec: dict[str, Any], text: _Text) -> None:
    bad: list[_Refused] = []

    def short(row: Any) -> str:
        # A row's number counts from the header, which is line 1; cells hold no line breaks, so rows are lines.
        bad.append(_Refused("row-length", row.number, None, f"{row.actual_columns} of {row.expected_columns}"))
        return "error"

    pa.set_cpu_count(1)
    head = text.read(1 << 16)
    if not head.strip():
        raise _Refused("empty")
    names = _header(spec, head)
    stream = pa.PythonFile(_Joined(head, text), mode="r")
    try:
        reader = arrow_csv.open_csv(
            stream,
            read_options=arrow_csv.ReadOptions(block_size=spec["block_bytes"], use_threads=False),
            parse_options=arrow_csv.ParseOptions(
                delimiter=spec["delimiter"], ignore_empty_lines=False, invalid_row_handler=short
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        schema = pa.schema([(name, _TYPES[type_]) for name, type_, _ in spec["columns"]])
        rows = 0
        with pa.ipc.new_stream(sys.stdout.buffer, schema) as writer:
            for batch in reader:
                if batch.num_rows:
                    writer.write_batch(_convert(spec, batch, rows, schema))
                rows += batch.num_rows
    except (pa.ArrowException, OSError):
        if bad:
            raise bad[0] from None
        raise
    if not rows:
        raise _Refused("header-only")


class _Joined(io.RawIOBase):
    """The bytes that were looked at, then the rest."""

    def __init__(self, head: bytes, rest: _Text) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._rest.read(size)


def _header(spec: dict[str, Any], head: bytes) -> list[str]:
    import csv

    line = head.split(b"\n", 1)[0].decode("utf-8-sig", "replace").rstrip("\r")
    names = next(csv.reader([line], delimiter=spec["delimiter"]))
    wanted = [name for name, _, _ in spec["columns"]]
    for name in names:
        if names.count(name) > 1:
            raise _Refused("duplicate-column", 1, None, repr(name[:100]))
    unknown = [name for name in names if name not in wanted]
    missing = [name for name in wanted if name not in names]
    if missing:
        raise _Refused("missing-column", 1, None, repr(missing[0]) + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""))
    if unknown:
        raise _Refused("unknown-column", 1, None, repr(unknown[0][:100]))
    return names


def _convert(spec: dict[str, Any], batch: pa.RecordBatch, before: int, schema: pa.Schema) -> pa.RecordBatch:
    nulls = pa.array(spec["null_values"], pa.string())
    columns = []
    for name, type_, _ in spec["columns"]:
        cells = batch.column(name)
        lengths = pc.max(pc.binary_length(cells)).as_py()
        if lengths > spec["max_cell_bytes"]:
            raise _Refused("cell-size", _line(pc.greater(pc.binary_length(cells), spec["max_cell_bytes"]), before), name)
        cells = pc.if_else(pc.is_in(cells, nulls), pa.scalar(None, pa.string()), cells)
        columns.append(_cast(name, type_, cells, before))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _cast(name: str, type_: str, cells: pa.Array, before: int) -> pa.Array:
    if type_ in ("category", "text"):
        return cells
    if type_ == "boolean":
        true, false = pc.is_in(cells, pa.array(_TRUE)), pc.is_in(cells, pa.array(_FALSE))
        wrong = pc.and_(pc.is_valid(cells), pc.invert(pc.or_(true, false)))
        converted = pc.if_else(pc.is_null(cells), pa.scalar(None, pa.bool_()), true)
    else:
        fits = pc.match_substring_regex(cells, _FORMS[type_])
        wrong = pc.and_(pc.is_valid(cells), pc.invert(pc.fill_null(fits, fill_value=True)))
        converted = None
    if pc.any(wrong).as_py():
        raise _Refused(type_, _line(wrong, before), name)
    if converted is None:
        bare = pc.replace_substring_regex(cells, r"^\+", "")
        try:
            converted = pc.cast(bare, _TYPES[type_])
        except pa.ArrowInvalid:
            raise _Refused(type_, _first_bad(bare, _TYPES[type_], before), name) from None
    return converted


def _line(wrong: Any, before: int) -> int:
    return int(pc.index(wrong, value=True).as_py()) + before + 2  # rows count from 0, and line 1 is the header


def _first_bad(cells: pa.Array, type_: pa.DataType, before: int) -> int:
    for index, cell in enumerate(cells):
        try:
            pc.cast(cell, type_)
        except pa.ArrowInvalid:
            return index + before + 2
    return before + 2


if __name__ == "__main__":
    main()
