"""What a parser's process found wrong, and the sentence that its parent makes of it.

The process says a code, numbers and names; the parent checks their form and writes the text, so that nothing which a
hostile source might make the process say reaches a message unread.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hardline.infra.parsers.errors import ParseRefused

if TYPE_CHECKING:
    from hardline.infra.parsers.spec import CsvSpec

_KINDS = {
    "boolean": "true or false",
    "category": "text",
    "date": "a date YYYY-MM-DD",
    "integer": "an integer of 64 bits (digits only: no blanks, point or 0x)",
    "number": "a decimal number (no blanks, no thousands separators)",
    "text": "text",
}
_LOOKS = ("gzip data", "zip data", "zstd data", "Parquet", "Arrow IPC", "UTF-16 text", "a NumPy file")
_HELP = {
    "empty": "check how the file was written",
    "no-rows": "check how the file was written",
    "format": "unpack or convert it to a CSV file first",
    "utf-8": "save the file as UTF-8",
    "nul": "check how the file was written",
    "line-end": "end every line with LF or CRLF",
    "quote": 'quote the whole cell and double the quotes inside it, as in "a ""b"" c"',
    "header": "make the first line name exactly the columns of the contract",
    "row-length": "check that line, and quote cells that hold the delimiter",
    "value": "correct the source, or the column's type in the contract",
    "cell-size": "check that line for a quote that is never closed",
    "limits": "split the source into smaller files",
}


class Found(Exception):
    """What is wrong, inside the parser's process."""

    def __init__(self, code: str, *, line: int = 0, column: int = -1, **facts: Any) -> None:
        super().__init__(code)
        self.facts = {"code": code, "line": line, "column": column, **facts}

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(self.facts).encode()


def refusal(spec: CsvSpec, data: bytes | bytearray) -> ParseRefused:
    """The error that a process's report stands for; a report of another form stands for a broken parser."""
    try:
        facts = json.loads(bytes(data))
        code, line, column = facts["code"], int(facts["line"]), int(facts["column"])
        name = spec.columns[column][0] if column >= 0 else None
        text = _expected(spec, code, column, facts)
        return ParseRefused(code, line if line > 0 else None, name, message=text, help=_HELP[code])
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ParseRefused("limits", message="the parser's process said something that it never says")


def _expected(spec: CsvSpec, code: str, column: int, facts: dict[str, Any]) -> str:
    if code == "row-length":
        return f"{len(spec.columns)} cells expected, got {int(facts['got'])}"
    if code == "value":
        return f"{_KINDS[spec.columns[column][1]]} expected, got other text"
    if code == "cell-size":
        return f"at most {spec.max_cell_bytes} bytes in a cell expected, got more"
    if code == "header":
        return _header(spec, facts)
    if code == "format":
        return f"CSV text expected, got {_LOOKS[int(facts['looks'])]}"
    if code == "limits":
        return f"at most {spec.max_decoded_bytes} bytes of text and of data expected, got more"
    return {
        "empty": "a header line and rows expected, got an empty file",
        "no-rows": "at least one row expected, got the header alone",
        "utf-8": "UTF-8 expected, got other bytes",
        "nul": "text expected, got a NUL byte",
        "line-end": "a line end of LF or CRLF expected, got CR alone",
        "quote": "a quoted cell expected, got a quote that stands alone or is never closed",
    }[code]


def _header(spec: CsvSpec, facts: dict[str, Any]) -> str:
    missing = [spec.columns[int(position)][0] for position in facts["missing"]]
    found = [
        ("twice", [_name(name) for name in facts["twice"]]),
        ("not in the contract", [_name(name) for name in facts["unknown"]]),
        ("missing", [repr(name) for name in missing]),
    ]
    if not facts["header"]:  # the line may be a row, so its cells are not named
        return f"a header with the contract's {len(spec.columns)} columns expected, got a line that names few of them"
    return "the contract's columns expected, got " + "; ".join(
        f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} {what}"
        for what, names in found
        if names
    )


def _name(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError
    return repr("".join(letter if letter.isprintable() else "?" for letter in text)[:60])
