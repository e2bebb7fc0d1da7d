"""JSON Lines to rows: one flat object on each line, with exactly the contract's keys, each once.

Arrow reads fast, and takes what RFC 8259 or the contract does not: NaN and infinities, keys that are missing, several
objects on a line. A block whose rows have no missing value, no such number, and as many braces and colons as they need
is what it seems. Any other one is read line by line with the standard library, which sees every key; that also says
where a block is wrong. Colons and braces inside texts, and nulls, so cost speed and nothing else.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from hardline.infra.parsers.columns import match, schema
from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from hardline.infra.parsers.spec import Spec

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INT64 = range(-(1 << 63), 1 << 63)
_PYTHON: dict[str, set[type]] = {  # the types of a value as `json` makes it
    "boolean": {bool}, "category": {str}, "date": {str}, "integer": {int}, "number": {int, float}, "text": {str},
}  # fmt: skip


class Lines(NamedTuple):
    """Whole lines, every one with its line feed, and the number of the first."""

    data: bytes
    line: int


def prepare(spec: Spec) -> None:
    """Let Arrow start what it needs, and the slow way load what it needs."""
    value = {"boolean": True, "category": "a", "date": "2000-01-01", "integer": 1, "number": 0.5, "text": "a"}
    row = json.dumps({name: value[type_] for name, type_, _ in spec.columns}, separators=(",", ":"))
    block, reader = Lines(row.encode() + b"\n", 1), Reader(spec)
    reader.read(block)
    reader.read_slowly(block)


def batches(read: Callable[[int], bytes], spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of a file; see `csv_rows.batches`."""
    reader = Reader(spec)
    for block in cut(read, spec):
        yield reader.read(block) or reader.read_slowly(block)


def cut(read: Callable[[int], bytes], spec: Spec) -> Iterator[Lines]:
    """Blocks of whole lines of about `batch_bytes`; raises `Found` for a line that is too long, and for no text."""
    line, pending, ended = 1, b"", False
    while not ended:
        pieces, wanted = [pending], spec.batch_bytes
        while wanted and (piece := read(wanted)):
            pieces.append(piece)
            wanted -= len(piece)
        ended = wanted > 0
        pending = b"".join(pieces)
        if ended and pending and not pending.endswith(b"\n"):
            pending += b"\n"
        end = len(pending) if ended else pending.rfind(b"\n") + 1
        if not end and len(pending) > spec.record_bytes:
            raise Found("cell-size", line=line)
        if end:
            block, pending = _text(pending[:end], line), pending[end:]
            yield block
            line += block.data.count(b"\n")


def _text(data: bytes, line: int) -> Lines:
    if b"\0" in data:
        raise Found("nul", line=line + data.count(b"\n", 0, data.index(b"\0")))
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Found("utf-8", line=line + data.count(b"\n", 0, error.start)) from None
    return Lines(data, line)


class Reader:
    """Blocks of one file to record batches."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._schema = schema(spec)
        self._dates = [name for name, type_, _ in spec.columns if type_ == "date"]
        types = [(f.name, pa.string() if f.name in self._dates else f.type) for f in self._schema]
        self._options = arrow_json.ParseOptions(
            explicit_schema=pa.schema(types), newlines_in_values=False, unexpected_field_behavior="error"
        )
        self._decoder = json.JSONDecoder(object_pairs_hook=_Pairs, parse_constant=_constant)
        self._names = [name for name, _, _ in spec.columns]

    def read(self, block: Lines) -> pa.RecordBatch | None:
        """The block's rows; None where a second look is needed."""
        data = block.data
        count = data.count(b"\n")
        if data.count(b"{") != count or data.count(b"}\n{") != count - 1 or data.count(b"}") != count:
            return None
        if not (data.startswith(b"{") and data.endswith(b"}\n")) or data.count(b":") != count * len(self._names):
            return None
        try:
            table = arrow_json.read_json(
                pa.BufferReader(data),
                read_options=arrow_json.ReadOptions(use_threads=False, block_size=len(data) + 1),
                parse_options=self._options,
            )
            if table.num_rows != count or table.column_names != self._names:
                return None
            columns = [self._column(field, table.column(field.name).combine_chunks()) for field in self._schema]
        except pa.ArrowException:
            return None
        if any(column is None or column.null_count for column in columns):
            return None
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _column(self, field: pa.Field, values: pa.Array) -> pa.Array | None:
        if field.type == pa.float64():
            return values if pc.all(pc.is_finite(values)).as_py() is not False else None
        if field.type == pa.date32():
            spelled = pc.match_substring_regex(values, rf"\A{_DATE.pattern}\z")
            return values.cast(pa.date32()) if pc.all(spelled).as_py() is not False else None
        if field.type == pa.string():
            length = pc.max(pc.binary_length(values)).as_py() or 0
            # a NUL in a text can only be an escape
            return (
                None
                if length > self._spec.max_cell_bytes or pc.any(pc.match_substring(values, "\0")).as_py()
                else values
            )
        return values

    def read_slowly(self, block: Lines) -> pa.RecordBatch:
        """The block's rows; raises `Found` with the line of the first that is none."""
        rows = [self._row(text, block.line + n) for n, text in enumerate(block.data.decode().split("\n")[:-1])]
        arrays = []
        for position, (field, (_, type_, _)) in enumerate(zip(self._schema, self._spec.columns, strict=True)):
            values = [row[field.name] for row in rows]
            self._check(values, type_, position, block.line)
            if type_ == "date":
                values = [value and date.fromisoformat(value) for value in values]
            elif type_ == "number":
                values = [value if value is None else float(value) for value in values]
            arrays.append(pa.array(values, field.type))
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _row(self, text: str, line: int) -> dict[str, Any]:
        try:
            pairs = self._decoder.decode(text)
        except (ValueError, RecursionError):
            raise Found("syntax", line=line) from None
        if not isinstance(pairs, _Pairs):
            raise Found("syntax", line=line)
        row = dict(pairs)
        if len(pairs) != len(self._names) or row.keys() != set(self._names):
            match([name for name, _ in pairs], self._spec, line=line)
        return row

    def _check(self, values: Sequence[Any], type_: str, column: int, line: int) -> None:
        if type_ == "boolean" and set(map(type, values)) <= {bool, type(None)}:
            return
        for n, value in enumerate(values):
            code = None if value is None else self._wrong(value, type_)
            if code is not None:
                raise Found(code, line=line + n, column=column)

    def _wrong(self, value: Any, type_: str) -> str | None:
        """The code of what is wrong with one value, or None."""
        if type(value) not in _PYTHON[type_]:
            return "value"
        if type_ == "integer":
            return None if int(value) in _INT64 else "value"
        if type_ == "number":
            return None if _finite(value) else "value"
        if type_ == "date":
            return None if _DATE.fullmatch(value) and _is_date(value) else "value"
        if type_ in ("text", "category"):
            return self._wrong_text(value)
        return None

    def _wrong_text(self, value: str) -> str | None:
        try:
            length = len(value) if value.isascii() else len(value.encode("utf-8"))
        except UnicodeEncodeError:  # half a surrogate pair
            return "utf-8"
        if length > self._spec.max_cell_bytes:
            return "cell-size"
        return "nul" if "\0" in value else None


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, in order, doubles among them."""


def _constant(text: str) -> NoReturn:
    raise ValueError(text)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
