"""Progress on a Prefect run's page: lines in the log of the task run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prefect.logging import get_run_logger

if TYPE_CHECKING:
    from hardline.infra.ports import Progress


class RunLog:
    """Says every line to the run's log as well as to whoever else watches."""

    def __init__(self, other: Progress) -> None:
        """Needs a run under way; `other` is told everything too."""
        self._other = other
        self._log = get_run_logger()

    def say(self, text: str) -> None:
        """See `Progress`."""
        self._log.info("%s", text)
        self._other.say(text)

    def advance(self, step: str, done: int, total: int | None) -> None:
        """See `Progress`; a log has no bar, so only the others see it."""
        self._other.advance(step, done, total)
