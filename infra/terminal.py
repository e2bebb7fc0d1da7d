"""Progress for a person at a terminal, or for a log file: on standard error, since results go to standard output.

Nothing here ever ends what it reports on: a reader that has gone or a full disk silences it.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from hardline.infra.escaping import one_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


_STREAMS = ("stdin", "stdout", "stderr")


def open_streams() -> None:
    """Open what the caller closed, and make every text writable, whatever the terminal's encoding.

    Otherwise the next file that is opened would be number 0, 1 or 2, and what the program says would be written into it.
    """
    for number, name in enumerate(_STREAMS):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8", closefd=False))
        if number and isinstance(stream := getattr(sys, name), io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def silence(stream: Any) -> None:
    """Send what a stream still holds, and everything after it, nowhere: it cannot be written."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def note(text: str) -> None:
    """Lines on standard error, if anybody can read them; the caller has made them harmless."""
    if sys.stderr is None:
        return
    try:
        print(text, file=sys.stderr, flush=True)  # noqa: T201
    except (OSError, ValueError):
        silence(sys.stderr)


class Lines:
    """One plain line for each thing said; for logs and pipes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def say(self, text: str) -> None:
        """See `Progress`."""
        note(one_line(text))

    def advance(self, step: str, done: int, total: int | None) -> None:
        """See `Progress`; a line of a log cannot move."""


class Bars(Lines):
    """Lines above one moving bar; for a terminal."""

    def __init__(self) -> None:
        self._shown: RichProgress | None = None
        self._step: tuple[str, TaskID] | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._shown is not None:
            with suppress(OSError):
                self._shown.stop()
            self._shown = None

    def say(self, text: str) -> None:
        """See `Progress`. A line is said when something is done, so the bar that was there goes."""
        from rich.text import Text  # no markup: the text may be anybody's

        with suppress(OSError):
            self._end()
            self._progress().console.print(Text(one_line(text)))

    def advance(self, step: str, done: int, total: int | None) -> None:
        """See `Progress`. One step is under way at a time."""
        with suppress(OSError):
            if self._step is None or self._step[0] != step:
                self._end()
                self._step = (step, self._progress().add_task(one_line(step, 40), total=total))
            self._progress().update(self._step[1], completed=done, total=total)
            if done == total:
                self._end()

    def _end(self) -> None:
        if self._step is not None:
            self._progress().remove_task(self._step[1])
            self._step = None

    def _progress(self) -> RichProgress:
        if self._shown is None:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            columns: tuple[Any, ...] = (
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
            )
            self._shown = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
            self._shown.start()
        return self._shown


def watcher() -> Lines:
    """The one that fits standard error."""
    return Bars() if sys.stderr is not None and sys.stderr.isatty() else Lines()
