"""What a parser's process found wrong, and the sentence that its parent makes of it.

The process says a code, numbers and names; the parent checks their form and writes the text, so that nothing which a
hostile source might make the process say reaches a message unread.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hardline.infra.parsers.errors import ParseRefused

if TYPE_CHECKING:
    from hardline.infra.parsers.spec import Spec

_KINDS = {
    "boolean": "true or false",
    "category": "text",
    "date": "a date YYYY-MM-DD",
    "integer": "an integer of 64 bits (digits only: no blanks, point or 0x)",
    "number": "a decimal number (no blanks, no thousands separators)",
    "tensor": "a tensor without gaps",
    "text": "text",
}
_STORED = {  # what a column of a binary format may be
    "boolean": "bool",
    "category": "string",
    "date": "date32",
    "integer": "int64, or a narrower integer",
    "number": "double or float",
    "text": "string",
}
LOOKS = ("gzip", "zip", "zstd", "parquet", "arrow", "utf-16", "npy", "encrypted", "text", "other")
_LOOKS = {  # what each is called, and what helps
    "gzip": ("gzip data", "set compression: gzip in the contract's property source"),
    "zip": ("zip data", "unpack it, or set format: npz in the contract's property source if it holds NumPy arrays"),
    "zstd": ("zstd data", "set compression: zstd in the contract's property source"),
    "parquet": ("Parquet", "set format: parquet in the contract's property source"),
    "arrow": ("Arrow IPC", "set format: arrow in the contract's property source"),
    "utf-16": ("UTF-16 text", "save the file as UTF-8"),
    "npy": ("a NumPy file", "set format: npy in the contract's property source"),
    "encrypted": ("encrypted Parquet", "decrypt it first"),
    "text": ("text or other data", "set format and compression in the contract's property source as the file is"),
    "other": ("another format", "convert it first"),
}
_NAMES = {
    "csv": "CSV text",
    "jsonl": "JSON Lines text",
    "parquet": "Parquet",
    "arrow": "Arrow IPC",
    "npz": "an NPZ archive",
    "npy": "an NPY file",
}
_DAMAGE = {
    "cut": "a whole file expected, got one that is cut off",
    "corrupt": "a sound file expected, got one that is damaged",
    "followed": "the end of the file expected, got more bytes after the data",
    "count": "as many rows as the file says expected, got another number",
}
_PLAIN = {  # for any format, and where CSV says it otherwise
    ("empty", False): "rows expected, got an empty file",
    ("empty", True): "a header line and rows expected, got an empty file",
    ("no-rows", False): "at least one row expected, got none",
    ("no-rows", True): "at least one row expected, got the header alone",
    ("utf-8", False): "UTF-8 expected, got other bytes",
    ("nul", False): "text expected, got a NUL byte",
    ("line-end", False): "a line end of LF or CRLF expected, got CR alone",
    ("quote", False): "a quoted cell expected, got a quote that stands alone or is never closed",
    ("syntax", False): "one JSON object expected, got something else",
}
_MEMBERS = {
    "encrypted": "arrays without a password expected, got an encrypted member",
    "packed": "members stored or deflated expected, got another compression",
    "twice": "each array once expected, got one twice",
}
FOUND_TYPES = frozenset({
    "null", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "halffloat", "float",
    "double", "string", "binary", "date32", "date64", "time", "timestamp", "duration", "interval", "decimal",
    "dictionary", "nested", "text of fixed width", "Python objects", "a structure", "complex", "other",
})  # fmt: skip
_HELP = {
    "empty": "check how the file was written",
    "no-rows": "check how the file was written",
    "utf-8": "save the file as UTF-8",
    "nul": "check how the file was written",
    "line-end": "end every line with LF or CRLF",
    "quote": 'quote the whole cell and double the quotes inside it, as in "a ""b"" c"',
    "header": "make the first line name exactly the columns of the contract",
    "columns": "make the source hold exactly the columns of the contract",
    "row-length": "check that line, and quote cells that hold the delimiter",
    "syntax": "write one JSON object on each line, as in RFC 8259, and no blank lines",
    "value": "correct the source, or the column's type in the contract",
    "cell-size": "check that line or row for a text that does not end, as after a quote that is never closed",
    "type": "correct the source, or the column's type, dtype or shape in the contract",
    "rows": "write arrays with one entry for each row",
    "member": "write the archive again with numpy.savez or numpy.savez_compressed",
    "damaged": "write or fetch the file again",
    "limits": "split the source into smaller files",
}


class Found(Exception):
    """What is wrong, inside the parser's process."""

    def __init__(self, code: str, *, line: int = 0, row: int = 0, column: int = -1, **facts: Any) -> None:
        super().__init__(code)
        self.facts = {"code": code, "line": line, "row": row, "column": column, **facts}

    def to_bytes(self) -> bytes:
        """As JSON."""
        return json.dumps(self.facts).encode()


def refusal(spec: Spec, data: bytes | bytearray) -> ParseRefused:
    """The error that a process's report stands for; a report of another form stands for a broken parser."""
    try:
        facts = json.loads(bytes(data))
        code, line, row, column = facts["code"], *(int(facts[key]) for key in ("line", "row", "column"))
        name = spec.columns[column][0] if column >= 0 else None
        text = _expected(spec, code, column, facts)
        help_ = _LOOKS[LOOKS[int(facts["looks"])]][1] if code == "format" else _HELP[code]
        place = (line if line > 0 else None, name)
        return ParseRefused(code, *place, row=row if row > 0 else None, message=text, help=help_)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ParseRefused("limits", message="the parser's process said something that it never says")


def _expected(spec: Spec, code: str, column: int, facts: dict[str, Any]) -> str:
    kind = spec.columns[column][1]
    if code in ("header", "columns"):
        return _columns(spec, code, facts)
    if code in ("empty", "no-rows", "utf-8", "nul", "line-end", "quote", "syntax"):
        return _PLAIN.get((code, spec.format == "csv"), _PLAIN.get((code, False), ""))
    if code == "row-length":
        return f"{len(spec.columns)} cells expected, got {int(facts['got'])}"
    if code == "value":
        return f"{_KINDS[kind]} expected, got {'other text' if spec.format == 'csv' else 'something else'}"
    if code == "cell-size":
        return f"at most {spec.max_cell_bytes} bytes in a cell expected, got more"
    if code == "format":
        return f"{_stated(spec)} expected, got {_LOOKS[LOOKS[int(facts['looks'])]][0]}"
    if code == "limits":
        return _limit(spec, facts["what"])
    if code == "type":
        return f"{_stored(spec, kind)} expected, got {_got_type(facts)}"
    if code == "rows":
        return f"{int(facts['expected'])} rows as in the first array expected, got {int(facts['got'])}"
    return {"damaged": _DAMAGE, "member": _MEMBERS}[code][facts["how"]]


def _stated(spec: Spec) -> str:
    packed = f" in {spec.compression}" if spec.compression != "none" else ""
    return f"{_NAMES[spec.format]}{packed}"


def _limit(spec: Spec, what: str) -> str:
    return {
        "decoded": f"at most {spec.max_decoded_bytes} bytes of text and of data expected, got more",
        "ratio": f"at most {spec.max_ratio} bytes for each byte of the file expected, got more: it unpacks without bound",
        "whole": f"at most {spec.max_whole_bytes >> 20} MiB in a file of this format expected, got more",
        "group": f"row groups of at most {spec.max_group_bytes >> 20} MiB expected, got one that declares more",
        "memory": f"a source that fits {spec.address_bytes >> 20} MiB of memory batch by batch expected, got one that does not",
    }[what]


def _stored(spec: Spec, kind: str) -> str:
    if kind == "category" and spec.format in ("npz", "npy"):
        return "text or integers"
    if kind != "tensor" or spec.tensor is None:
        return _STORED[kind]
    return f"{spec.tensor.dtype} [N, {', '.join(map(str, spec.tensor.shape))}]"


def _got_type(facts: dict[str, Any]) -> str:
    if facts["got"] not in FOUND_TYPES:
        raise ValueError
    shape = facts.get("shape")
    return f"{facts['got']}" + (
        f" [{', '.join(str(int(length)) for length in shape[:8])}]" if shape is not None else ""
    )


def _columns(spec: Spec, code: str, facts: dict[str, Any]) -> str:
    missing = [spec.columns[int(position)][0] for position in facts["missing"]]
    found = [
        ("twice", [_name(name) for name in facts["twice"]]),
        ("not in the contract", [_name(name) for name in facts["unknown"]]),
        ("missing", [repr(name) for name in missing]),
    ]
    if not facts["header"]:  # the line may be a row, so its cells are not named
        what = "a header" if code == "header" else "names"
        return f"{what} with the contract's {len(spec.columns)} columns expected, got a line that names few of them"
    return "the contract's columns expected, got " + "; ".join(
        f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''} {what}"
        for what, names in found
        if names
    )


def _name(text: Any) -> str:
    if not isinstance(text, str):
        raise TypeError
    return repr("".join(letter if letter.isprintable() else "?" for letter in text)[:60])
