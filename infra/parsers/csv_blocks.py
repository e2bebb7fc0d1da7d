"""Cutting CSV text into blocks of whole records (RFC 4180), with the line on which each begins."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hardline.infra.parsers.spec import CsvSpec

_BOM = b"\xef\xbb\xbf"

Cell = tuple[bytes, bool]  # its text, and whether it was quoted


class Block(NamedTuple):
    """Whole records, every one with its line end.

    Attributes:
        data: The text.
        line: The line of the file on which it begins.
        lines: How many line feeds it holds.
        quoted: Whether any cell is.
    """

    data: bytes
    line: int
    lines: int
    quoted: bool


class Record(NamedTuple):
    """One record: the line where it begins, its cells, and where in the block it ends."""

    line: int
    cells: list[Cell]
    end: int


def records(block: Block, spec: CsvSpec) -> Iterator[Record]:
    """The block's records; the block's quotes and line ends are known to be right."""
    mark = re.escape(spec.delimiter.encode())
    cell = re.compile(rb'(?:"([^"]*+(?:""[^"]*+)*+)"|([^"\r\n' + mark + rb"]*+))(" + mark + rb"|\r?\n)")
    line, start = block.line, 0
    found: list[Cell] = []
    for match in cell.finditer(block.data):
        quoted = match[1] is not None
        found.append((match[1].replace(b'""', b'"') if quoted else match[2], quoted))
        if match[3].endswith(b"\n"):
            yield Record(line, found, match.end())
            line += block.data.count(b"\n", start, match.end())
            start, found = match.end(), []


def cut(read: Callable[[int], bytes], spec: CsvSpec) -> Iterator[Block]:
    """The records of a source, in blocks of about `batch_bytes`; the first block begins with the header.

    A byte order mark of UTF-8 at the very beginning is no part of the text (spreadsheets write one), and is dropped.

    Args:
        read: At most that many next bytes; none at the end.
        spec: Delimiter and limits.

    Raises:
        Found: The text is no CSV at all: its encoding, its line ends or its quotes are wrong.
    """
    grammar = _grammar(spec.delimiter.encode())
    trim = _Trim(spec.delimiter.encode()) if spec.trim else None
    line, total, pending, ended = 1, 0, b"", False
    while not ended:
        piece = _fill(read, spec.batch_bytes)
        ended = len(piece) < spec.batch_bytes
        if not total:
            piece = _begin(piece)
        total += len(piece)
        if total > spec.max_decoded_bytes:
            raise Found("limits", what="decoded")
        pending += piece
        if ended and pending and not pending.endswith(b"\n"):
            pending += b"\n"
        end = len(pending) if ended else _last_record(pending)
        if not end and len(pending) > spec.record_bytes:
            raise Found("quote" if b'"' in pending else "cell-size", line=line)
        if end:
            block = _checked(pending[:end], line, grammar)
            pending = pending[end:]
            yield trim(block) if trim else block
            line += block.lines


def _fill(read: Callable[[int], bytes], size: int) -> bytes:
    pieces = []
    while size and (piece := read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _begin(piece: bytes) -> bytes:
    text = piece.removeprefix(_BOM)
    if not text:
        raise Found("empty")
    return text


def _last_record(data: bytes) -> int:
    """Where the last whole record ends. A line end is one of a record if the quotes before it are even."""
    end = data.rfind(b"\n") + 1
    if b'"' not in data:
        return end
    before = data.count(b'"', 0, end)
    while end and before % 2:
        earlier = data.rfind(b"\n", 0, end - 1) + 1
        before -= data.count(b'"', earlier, end)
        end = earlier
    return end


def _checked(data: bytes, line: int, grammar: re.Pattern[bytes]) -> Block:
    """The block, if every byte of it is text and its quotes and line ends are what RFC 4180 says."""
    if b"\0" in data:
        raise Found("nul", line=line + data.count(b"\n", 0, data.index(b"\0")))
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Found("utf-8", line=line + data.count(b"\n", 0, error.start)) from None
    quoted = b'"' in data
    if quoted:
        matched = grammar.match(data)
        end = matched.end() if matched else 0
        if end != len(data):
            code = "line-end" if data[end : end + 1] == b"\r" else "quote"
            raise Found(code, line=line + data.count(b"\n", 0, end))
    elif b"\r" in data and (alone := re.search(rb"\r(?!\n)", data)):
        raise Found("line-end", line=line + data.count(b"\n", 0, alone.start()))
    return Block(data, line, data.count(b"\n"), quoted)


class _Trim:
    """Drops the blanks around unquoted cells; the block's quotes are known to be right, so none stands beside a blank."""

    def __init__(self, delimiter: bytes) -> None:
        blanks, mark = (b" \t" if delimiter != b"\t" else b" "), re.escape(delimiter)
        blank = rb"[" + blanks + rb"]"
        leading = rb"(?:\A|(?<=[" + mark + rb"\n]))" + blank + rb"++"
        trailing = rb"(?<!" + blank + rb")" + blank + rb"++(?=" + mark + rb"|\r?\n)"  # each run is looked at once
        self._plain = re.compile(leading + rb"|" + trailing)
        self._quoted = re.compile(rb'("[^"]*+(?:""[^"]*+)*+")|' + self._plain.pattern)
        each = [bytes([blank]) for blank in blanks]
        self._single = [(side + one, side) for one in each for side in (delimiter, b"\n")]
        self._single += [(one + side, side) for one in each for side in (delimiter, b"\n", b"\r\n")]
        self._blanks = tuple(each)

    def __call__(self, block: Block) -> Block:
        data = block.data
        if block.quoted:
            data = self._quoted.sub(lambda match: match[1] or b"", data)
        else:
            for text, side in self._single:  # most cells have one blank at most, and this is much faster
                data = data.replace(text, side)
            if data.startswith(self._blanks) or any(text in data for text, _ in self._single):
                data = self._plain.sub(b"", data)
        return Block(data, block.line, block.lines, block.quoted)


def _grammar(delimiter: bytes) -> re.Pattern[bytes]:
    """RFC 4180, section 2, as one expression that never backtracks; where it stops, the text is wrong."""
    mark = re.escape(delimiter)
    plain = rb'[^"\r\n' + mark + rb"]*+"
    quoted = rb'"[^"]*+(?:""[^"]*+)*+"'
    return re.compile(rb"(?:(?:" + quoted + rb"|" + plain + rb")(?:" + mark + rb"|\r?\n))*+")
