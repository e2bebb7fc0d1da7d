"""What a parser says when it refuses: where, and never what stood there."""

from __future__ import annotations

from typing import ClassVar

from hardline.infra.errors import HardlineError


class ParseRefused(HardlineError):
    """The source is not of the form that was stated; the data's owner acts."""

    exit_code: ClassVar[int] = 3

    def __init__(
        self, code: str, line: int | None = None, column: str | None = None, *, message: str, help: str | None = None
    ) -> None:
        """Args:
        code: A stable word: `missing`, `unreadable` or `uri` where there is no source to parse; else `empty`,
            `no-rows`, `format`, `utf-8`, `nul`, `line-end`, `quote`, `header`, `row-length`, `value`, `cell-size` or
            `limits` (the parser's process was stopped, or stopped itself).
        line: The line of the file where the record begins, from 1; None where there is none.
        column: The column's name in the specification.
        message: Expected and got, in one line, without a value; line and column are put before it.
        help: What helps.
        """
        place = [f"line {line}"] if line else []
        place += [f"column {column!r}"] if column else []
        super().__init__(f"{', '.join(place)}: {message}" if place else message, help=help)
        self.code = code
        self.line = line
        self.column = column
