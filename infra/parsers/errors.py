"""Why a source was refused. The lead-in (which file) is the caller's; nothing here ever quotes a cell."""

from __future__ import annotations

from hardline.infra.errors import HardlineError

CODES = frozenset({
    "missing", "unreadable", "scheme",  # there is no source to parse
    "empty", "no_rows", "format", "encoding", "nul", "newline", "quote", "header", "row", "value", "null", "cell",
    "limits",  # the parser was stopped, or stopped itself
})  # fmt: skip


class ParseRefused(HardlineError):
    """The source is not what it must be; the data's owner acts."""

    exit_code = 3

    def __init__(
        self, code: str, *, message: str, line: int | None = None, column: str | None = None, help: str | None = None
    ) -> None:
        """Args:
        code: One of `CODES`.
        message: Expected and got, with line and column; without the source's name and without a value.
        line: The line of the file, counted from 1, where the record begins.
        column: The column's name in the contract.
        help: What helps.
        """
        super().__init__(message, help=help)
        self.code = code
        self.line = line
        self.column = column
