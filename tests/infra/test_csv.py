"""What a CSV source may say, and what it is refused for: code, line, column, and never a value."""

from __future__ import annotations

import csv
import io
import math
from datetime import date
from typing import Any

import pytest
from csv_reading import SPEC, one, rows_of
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hardline.infra.errors import Misconfigured
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.spec import CsvSpec

GOOD = [
    ("integer", "0", 0), ("integer", "-1", -1), ("integer", "007", 7), ("integer", str(2**63 - 1), 2**63 - 1),
    ("integer", str(-(2**63)), -(2**63)), ("integer", '"5"', 5), ("integer", "", None),
    ("number", "1", 1.0), ("number", "-1.50", -1.5), ("number", ".5", 0.5), ("number", "5.", 5.0),
    ("number", "1e3", 1000.0), ("number", "+2E-2", 0.02), ("number", "inf", math.inf), ("number", "-Infinity", -math.inf),
    ("number", "1e400", math.inf), ("number", "5e-324", 5e-324), ("number", "0.1", 0.1), ("number", "", None),
    ("boolean", "true", True), ("boolean", "FALSE", False), ("boolean", "1", True), ("boolean", "", None),
    ("date", "2024-02-29", date(2024, 2, 29)), ("date", "0001-01-01", date(1, 1, 1)), ("date", "", None),
    ("text", " kept ", " kept "), ("text", "0x10", "0x10"), ("text", '"a ""b"", c"', 'a "b", c'), ("text", '""', ""),
    ("text", '"two\nlines"', "two\nlines"), ("text", "\u00e9\U0001f600", "\u00e9\U0001f600"), ("text", "", None),
    ("category", "NaN", "NaN"),
]  # fmt: skip
BAD = [
    ("integer", ["1.0", "1e2", "0x10", "0X1f", " 1", "1 ", "\t1", "+1", "1_000", "--1", "-", "one", "true", "\u0663", '" 1"',
                 '""', str(2**63), str(-(2**63) - 1), "9" * 2000, "NaN"]),
    ("number", ["1.5.2", "1e", "e5", ".", " 1", "1 ", "1 000", "0x1p3", "1f", "1d5", "nan(1)",
                "infinit", "one", '""', "1_0", "\u0661", "$1", "- 1"]),
    ("boolean", ["yes", "T", " true", "2", "tRue", '""']),
    ("date", ["2024-02-30", "2024-2-3", "20240203", "2024/02/03", "2024-02-03T00:00", " 2024-02-03", "0000-01-01", "03-02-2024"]),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "cell", "value"), GOOD)
def test_a_cell_means_what_it_spells(type_: str, cell: str, value: Any) -> None:
    assert one(type_, cell) == value


@pytest.mark.parametrize("cell", ["nan", "NaN", "-NAN"])
def test_nan_is_a_number_here_for_validation_to_refuse(cell: str) -> None:
    assert math.isnan(one("number", cell))


@pytest.mark.parametrize(("type_", "cell"), [(type_, cell) for type_, cells in BAD for cell in cells])
def test_no_cell_is_coerced(type_: str, cell: str) -> None:
    with pytest.raises(ParseRefused) as refused:
        one(type_, cell)
    error = refused.value
    assert (error.code, error.line, error.column) == ("value", 2, "c")
    assert str(error).startswith("line 2, column 'c': ")
    assert error.help


@pytest.mark.parametrize("type_", ["integer", "number", "boolean", "date"])
def test_no_message_quotes_a_cell(type_: str) -> None:
    with pytest.raises(ParseRefused) as refused:
        one(type_, "canary4711")
    assert "canary" not in repr(refused.value) + str(refused.value.__dict__)


def test_a_thousands_separator_makes_a_longer_row() -> None:
    with pytest.raises(ParseRefused, match="line 2: 2 cells expected, got 3"):
        one("integer", "1,000")
    with pytest.raises(ParseRefused, match="line 2, column 'c'"):
        one("integer", '"1,000"')


def test_a_decimal_comma_is_read_where_it_was_agreed() -> None:
    assert one("number", "1,5", delimiter=";", decimal=",") == 1.5
    with pytest.raises(ParseRefused, match="column 'c'"):
        one("number", "1.5", delimiter=";", decimal=",")


def test_missing_cells_are_spelled_as_agreed_and_quoted_ones_are_text() -> None:
    spec = CsvSpec(columns=SPEC.columns, null_values=("NA", "-"))
    assert rows_of('id,x,t\n1,NA,-\n2,-,"NA"\n3,1,\n', spec) == [
        {"id": 1, "x": None, "t": None}, {"id": 2, "x": None, "t": "NA"}, {"id": 3, "x": 1.0, "t": ""},
    ]  # fmt: skip
    with pytest.raises(ParseRefused, match="line 2, column 'x'"):
        rows_of("id,x,t\n1,,a\n", spec)


def test_a_missing_cell_of_a_required_column_is_left_to_validation() -> None:
    assert rows_of("id,x,t\n,1,a\n")[0]["id"] is None


def test_columns_may_stand_in_any_order() -> None:
    assert rows_of("t,id,x\na,1,2\n") == [{"id": 1, "x": 2.0, "t": "a"}]


@pytest.mark.parametrize(
    "text", ["\ufeffid,x,t\n1,2,a\n", "id,x,t\r\n1,2,a\r\n", "id,x,t\n1,2,a", '"id","x","t"\n"1","2","a"\n']
)
def test_harmless_variants_mean_the_same(text: str) -> None:
    assert rows_of(text) == [{"id": 1, "x": 2.0, "t": "a"}]


@pytest.mark.parametrize(
    ("text", "code", "line", "says"),
    [
        (b"", "empty", None, "an empty file"),
        (b"\n\n", "empty", None, "an empty file"),
        (b"\xef\xbb\xbf", "empty", None, "an empty file"),
        (b"id,x,t\n", "no-rows", None, "the header alone"),
        (b"id,x,t", "no-rows", None, "the header alone"),
        (b"id,x,t\n1,2\n", "row-length", 2, "3 cells expected, got 2"),
        (b"id,x,t\n1,2,a\n1,2,a,\n", "row-length", 3, "3 cells expected, got 4"),
        (b"id,x,t\n1,2,a\n\n2,3,b\n", "row-length", 3, "3 cells expected, got 1"),
        (b"id,x,t\n1,2,a\n\n", "row-length", 3, "3 cells expected, got 1"),
        (b"id,x,t\n\n1,2,a\n", "row-length", 2, "3 cells expected, got 1"),
        (b'id,x,t\n1,2,"a"\n\r\n', "row-length", 3, "3 cells expected, got 1"),
        (b'id,x,t\n1,2,"a\n\nb"\n3,4\n', "row-length", 5, "3 cells expected, got 2"),
        (b"id,x,t\n1,2,\xff\n", "utf-8", 2, "UTF-8"),
        (b"id,x,t\n1,2,a\n1,2,\xed\xa0\x80\n", "utf-8", 3, "UTF-8"),
        (b"id,x,t\n1,2,a\n2,3,\xc3", "utf-8", 3, "UTF-8"),
        (b"id,x,t\n1,2,a\0b\n", "nul", 2, "NUL"),
        (b"i\0d\0,\0x\0,\0t\0\n\0", "nul", 1, "NUL"),
        (b"\xff\xfei\0d\0", "format", None, "UTF-16"),
        (b"\x1f\x8b\x08\0", "format", None, "gzip"),
        (b"PK\x03\x04", "format", None, "zip"),
        (b"PAR1...", "format", None, "Parquet"),
        (b"id,x,t\n1,2,a\rb\n", "line-end", 2, "CR alone"),
        (b"id,x,t\r1,2,a\r", "line-end", 1, "CR alone"),
        (b'id,x,t\n1,2,a"b\n', "quote", 2, "quote"),
        (b'id,x,t\n1,2,a\n1,2,"a\n3,4,b\n', "quote", 3, "quote"),
        (b'id,x,t\n1,2,"a"b\n', "quote", 2, "quote"),
        (b'id,x,t\n1,2,"a""\n', "quote", 2, "quote"),
        (b'id,x,t\n1,2, "a"\n', "quote", 2, "quote"),
        (b"id,x,x\n1,2,3\n", "header", 1, "'x' twice; 't' missing"),
        (b"id,x,t,x\n1,2,a,3\n", "header", 1, "'x' twice"),
        (b"id,x\n1,2\n", "header", 1, "'t' missing"),
        (b"id,x,t,extra\n1,2,a,3\n", "header", 1, "'extra' not in the contract"),
        (b"id,x,T\n1,2,a\n", "header", 1, "'T' not in the contract; 't' missing"),
        (b"id, x,t\n1,2,a\n", "header", 1, "' x' not in the contract; 'x' missing"),
        (b"id;x;t\n1;2;a\n", "header", 1, "names few of them"),
        (b"4711,Smith,12.5\n4712,Jones,13\n", "header", 1, "names few of them"),
    ],
)
def test_a_source_that_is_no_such_csv_is_refused(text: bytes, code: str, line: int | None, says: str) -> None:
    with pytest.raises(ParseRefused) as refused:
        rows_of(text)
    error = refused.value
    assert (error.code, error.line, error.exit_code) == (code, line, 3)
    assert says in str(error)
    assert error.help
    assert "Smith" not in str(error), "a file without a header shows no row"


def test_the_line_is_where_the_record_begins() -> None:
    with pytest.raises(ParseRefused) as refused:
        rows_of('id,x,t\n1,2,"a\nb\nc"\n2,bad,"d\ne"\n')
    assert (refused.value.line, refused.value.column) == (5, "x")


def test_the_first_error_is_told_wherever_the_blocks_are_cut() -> None:
    text = "id,x,t\n" + "".join(f"{n},{n}.5,a{n}\n" for n in range(300)) + "x,1,a\ny,2,b\n"
    for size in (8, 64, 1000, 1 << 20):
        with pytest.raises(ParseRefused) as refused:
            rows_of(text, batch_bytes=size)
        assert (refused.value.line, refused.value.column) == (302, "id")


def test_control_characters_of_a_header_do_not_reach_the_message() -> None:
    with pytest.raises(ParseRefused) as refused:
        rows_of("id,x,t,\x1b[31mred\n1,2,a,b\n")
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        ("id,x,t\n1,2," + "a" * 101 + "\n", {"max_cell_bytes": 100}, "cell-size"),
        ("id,x,t\n1,2," + "a" * 5000, {"max_cell_bytes": 100, "batch_bytes": 100}, "cell-size"),
        ('id,x,t\n1,2,"' + "a\n" * 5000, {"max_cell_bytes": 100, "batch_bytes": 100}, "quote"),
        ("id,x,t\n" + "1,2,a\n" * 100, {"max_decoded_bytes": 500}, "limits"),
        ("id,x,t\n" + ",,\n" * 100, {"max_decoded_bytes": 1000}, "limits"),
    ],
)
def test_limits_hold(text: str, limits: dict[str, int], code: str) -> None:
    with pytest.raises(ParseRefused) as refused:
        rows_of(text, **limits)
    assert refused.value.code == code


def test_one_column_may_have_empty_lines_which_are_missing_cells() -> None:
    spec = CsvSpec(columns=(("t", "text", True),))
    assert rows_of("t\na\n\nb\n", spec) == [{"t": "a"}, {"t": None}, {"t": "b"}]


@pytest.mark.parametrize(
    "options",
    [
        {"columns": ()},
        {"columns": (("a", "integer", True), ("a", "text", True))},
        {"columns": (("", "integer", True),)},
        {"columns": (("a", "double", True),)},
        *({"delimiter": text} for text in ("", ",,", '"', "\n", ".", "1", "\u00a7")),
        {"decimal": ","},
        {"encoding": "latin-1"},
        {"null_values": ("true",)},
        {"null_values": ('"',)},
        {"max_cell_bytes": 0},
    ],
)
def test_a_specification_without_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="CSV|parser"):
        CsvSpec(**{"columns": SPEC.columns, **options})


_TEXT = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))
_ROWS = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.none() | st.floats(allow_nan=False), _TEXT), min_size=1, max_size=20
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(_ROWS, st.sampled_from([7, 64, 1 << 20]), st.booleans())
def test_what_a_writer_wrote_is_read_back_wherever_the_blocks_are_cut(rows: Any, size: int, crlf: bool) -> None:
    def cell(text: str | None) -> str:
        return "" if text is None else '"' + text.replace('"', '""') + '"'

    end = "\r\n" if crlf else "\n"
    lines = [f"{i},{'' if x is None else repr(x)},{cell(t)}" for i, x, t in rows]
    text = "id,x,t" + end + end.join(lines) + end
    assert [tuple(row.values()) for row in rows_of(text, batch_bytes=size)] == rows


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.text(alphabet='1a ,"\n\r.x0-', max_size=24), st.sampled_from([3, 1 << 20]))
@example('1,1,"\n"\n', 3)
@example("1,1,1\n\n", 3)
def test_what_is_accepted_is_what_a_second_reader_reads(body: str, size: int) -> None:
    """The standard library's strict reader is the second; its leniencies are taken away here, in other words."""
    try:
        rows = rows_of("id,x,t\n" + body, batch_bytes=size)
    except ParseRefused as refused:
        assert refused.code in {"no-rows", "row-length", "value", "quote", "line-end"}
        return
    text = body if body.endswith("\n") else body + "\n"
    second = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len(rows) == len(second)
    for row, cells in zip(rows, second, strict=True):
        assert len(cells) == 3
        assert row["id"] == (int(cells[0]) if cells[0] else None)
        assert row["x"] == (float(cells[1]) if cells[1] else None)
        assert (row["t"] or "") == cells[2]
        assert not any(cell != cell.strip() for cell in cells[:2])
