"""CSV records to Arrow, without the leniencies of Arrow's reader.

Arrow converts fast and strictly, but for a few things: it trims blanks around numbers and dates, takes hexadecimal
integers and `nan(...)`, and makes a row of an empty line. A block that might hold one of these, by a look at its bytes,
is also read as text and matched against the spellings of `grammar`. So a block costs one pass if it is plain, and two
if it is doubtful; one that fails is read again by `csv_diagnosis`, which says where.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from hardline.infra.parsers.columns import schema
from hardline.infra.parsers.csv_blocks import records

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hardline.infra.parsers.csv_blocks import Block
    from hardline.infra.parsers.spec import CsvSpec


def grammar(type_: str, spec: CsvSpec) -> str | None:
    """The spellings of a cell of that type, as an expression for the whole cell; None: any text."""
    if type_ == "integer":
        return r"-?[0-9]+"
    if type_ == "number":
        point = re.escape(spec.decimal)
        digits = rf"(?:[0-9]+(?:{point}[0-9]*)?|{point}[0-9]+)(?:[eE][+-]?[0-9]+)?"
        return rf"[+-]?(?:{digits}|[nN][aA][nN]|[iI][nN][fF](?:[iI][nN][iI][tT][yY])?)"
    if type_ == "date":
        return r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    if type_ == "boolean":
        return "|".join(re.escape(text) for text in (*spec.true_values, *spec.false_values)) or r"[^\s\S]"
    return None


class Converter:
    """Blocks of one source to record batches."""

    def __init__(self, spec: CsvSpec, order: Sequence[int]) -> None:
        """Args:
        spec: The columns.
        order: For each column of the source, its position in the contract.
        """
        self._spec = spec
        self._schema = schema(spec)
        self._names = [spec.columns[position][0] for position in order]
        self._grammar = {
            name: rf"\A(?:{expression})\z"
            for name, type_, _ in spec.columns
            if (expression := grammar(type_, spec)) is not None
        }
        mark = re.escape(spec.delimiter.encode())
        edge = rb"[" + mark + rb'\r\n"]'
        self._blanks = re.compile(rb"[ \t](?:(?=" + edge + rb")|(?<=" + edge + rb"[ \t]))")  # stops at blanks alone

    def convert(self, block: Block) -> pa.RecordBatch | None:
        """The block's rows; None if any cell of it is not what the specification says."""
        try:
            table = self._read(block, {field.name: field.type for field in self._schema})
            if not self._acceptable(table) or self._skipped_lines(block, table.num_rows):
                return None
            if self._doubtful(block.data) and not self._spelled(block):
                return None
        except pa.ArrowInvalid:
            return None
        columns = [table.column(name).combine_chunks() for name in self._schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _read(self, block: Block, types: dict[str, pa.DataType]) -> pa.Table:
        spec = self._spec
        return csv.read_csv(
            pa.BufferReader(block.data),
            read_options=csv.ReadOptions(use_threads=False, block_size=len(block.data) + 1, column_names=self._names),
            parse_options=csv.ParseOptions(
                delimiter=spec.delimiter,
                quote_char='"' if block.quoted else False,
                double_quote=block.quoted,
                newlines_in_values=block.quoted,
                ignore_empty_lines=len(self._names) > 1,  # in one column, an empty line is a missing cell
            ),
            convert_options=csv.ConvertOptions(
                check_utf8=False,  # `csv_blocks` has looked at every byte
                column_types=types,
                null_values=spec.null_values,
                true_values=spec.true_values,
                false_values=spec.false_values,
                decimal_point=spec.decimal,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )

    def _acceptable(self, table: pa.Table) -> bool:
        for field in self._schema:
            column = table.column(field.name)
            if field.type == pa.string():
                if (pc.max(pc.binary_length(column)).as_py() or 0) > self._spec.max_cell_bytes:
                    return False
            elif field.type == pa.date32() and (pc.min(column.cast(pa.int32())).as_py() or 0) < _YEAR_ONE:
                return False
        return True

    def _doubtful(self, data: bytes) -> bool:
        """Whether a number or a date in here may have a spelling that Arrow takes and the specification does not."""
        if (b" " in data or b"\t" in data) and (data[:1] in (b" ", b"\t") or self._blanks.search(data)):
            return True
        if (b"x" in data and b"0x" in data) or (b"X" in data and b"0X" in data):  # one byte is found much faster
            return True
        return b"(" in data and re.search(rb"[nN][aA][nN]\(", data) is not None

    def _skipped_lines(self, block: Block, rows: int) -> bool:
        """Whether Arrow has passed over an empty line. In text of several columns that is a short row."""
        if not block.quoted:
            return rows != block.lines
        starts = block.data[:1] in (b"\n", b"\r") or b"\n\n" in block.data or b"\n\r" in block.data
        return starts and rows != sum(1 for _ in records(block, self._spec))

    def _spelled(self, block: Block) -> bool:
        text = self._read(block, dict.fromkeys(self._names, pa.string()))
        return all(
            pc.all(pc.match_substring_regex(text.column(name), expression)).as_py() in (True, None)
            for name, expression in self._grammar.items()
        )


_YEAR_ONE = -719162  # days from 1970-01-01 to 0001-01-01, the first date that Python knows
