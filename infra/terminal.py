"""Progress for a person at a terminal, or for a log file: on standard error, since results go to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from hardline.infra.escaping import one_line

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID


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
        say(one_line(text))

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
            with _unheard():
                self._shown.stop()
            self._shown = None

    def say(self, text: str) -> None:
        """See `Progress`. A line is said when something is done, so the bar that was there goes."""
        from rich.text import Text  # no markup: the text may be anybody's

        with _unheard():
            self._end()
            self._progress().console.print(Text(one_line(text)))

    def advance(self, step: str, done: int, total: int | None) -> None:
        """See `Progress`. A step that begins ends the one before."""
        with _unheard():
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
    return Bars() if sys.stderr.isatty() else Lines()


def say(text: str) -> None:
    """Lines on standard error. A channel that is gone or full is no reason to end the work."""
    with _unheard():
        print(text, file=sys.stderr, flush=True)  # noqa: T201


@contextmanager
def _unheard() -> Iterator[None]:
    try:
        yield
    except OSError:
        silence(sys.stderr)


def silence(channel: TextIO) -> None:
    """Let what is still written to a channel go nowhere: the interpreter writes the rest when it ends, and would fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), channel.fileno())


def open_channels() -> None:
    """Standard input, output and error that are there, whatever the parent closed, and that can write every character."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # takes the lowest number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115  as long as the process
        if mode == "w" and hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")
