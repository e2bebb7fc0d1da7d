"""What a parser says when it refuses: where, and never what stood there."""

from __future__ import annotations

from typing import ClassVar

from hardline.infra.errors import HardlineError


class ParseRefused(HardlineError):
    """The source is not of the form that was stated; the data's owner acts."""

    exit_code: ClassVar[int] = 3

    def __init__(
        self,
        code: str,
        line: int | None = None,
        column: str | None = None,
        *,
        row: int | None = None,
        message: str,
        help: str | None = None,
    ) -> None:
        """Args:
        code: A stable word. Where there is no source to parse: `missing`, `unreadable`, `uri`, `changed` (while it was
            read), `link` (a symbolic link in a folder), `tls`, `redirect`. Of any format: `empty`, `no-rows`, `format`
            (it looks like another one), `damaged` (truncated, corrupt, or followed by something), `columns`, `type` (a
            column of another type), `value`, `cell-size`, `nul`, `utf-8` or `limits` (too much of something, or the
            parser's process was stopped). Of CSV: `line-end`, `quote`, `header`, `row-length`. Of JSON Lines:
            `syntax`. Of NumPy: `member` (of the archive), `rows` (arrays of different lengths).
        line: The line of the file where the record begins, from 1; None where there is none.
        column: The column's name in the specification.
        row: The row of the file, from 1, where the format has no lines.
        message: Expected and got, in one line, without a value; the place is put before it.
        help: What helps.
        """
        place = [f"line {line}"] if line else [f"row {row}"] if row else []
        place += [f"column {column!r}"] if column else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message, help=help)
        self.code = code
        self.line = line
        self.row = row
        self.column = column
        self.file: int | None = None  # the position of the file among those of the source, from 0, once it is known
