"""What a parser says when it refuses: where, and never what stood there."""

from __future__ import annotations

from typing import ClassVar

from hardline.infra.errors import HardlineError


class ParseRefused(HardlineError):
    """The source is not of the form that was stated."""

    exit_code: ClassVar[int] = 3

    def __init__(
        self, code: str, line: int | None = None, column: str | None = None, *, message: str, help: str | None = None
    ) -> None:
        """Args:
        code: A stable word, such as `short-row`.
        line: The line of the file, from 1; None where there is none.
        column: The column's name.
        message: Expected and got, in one line, without a value.
        help: What helps.
        """
        place = f"line {line}: " if line else ""
        place += f"column {column!r}: " if column else ""
        super().__init__(place + message, help=help)
        self.code = code
        self.line = line
        self.column = column
