"""Progress for a person at a terminal, or for a log file: on standard error, since results go to standard output."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

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
        print(one_line(text), file=sys.stderr, flush=True)  # noqa: T201

    def advance(self, step: str, done: int, total: int | None) -> None:
        """See `Progress`; a line of a log cannot move."""


class Bars(Lines):
    """Lines above one moving bar; for a terminal."""

    def __init__(self) -> None:
        self._shown: RichProgress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown.stop()
            self._shown = None

    def say(self, text: str) -> None:
        """See `Progress`."""
        from rich.text import Text  # no markup: the text may be anybody's

        self._progress().console.print(Text(one_line(text)))

    def advance(self, step: str, done: int, total: int | None) -> None:
        """See `Progress`."""
        shown = self._progress()
        if step not in self._tasks:
            self._tasks[step] = shown.add_task(one_line(step, 40), total=total)
        shown.update(self._tasks[step], completed=done, total=total)
        if done == total:
            shown.remove_task(self._tasks.pop(step))

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
