"""Errors that are not the data's fault, and the root of every error of ours.

    HardlineError
      UsageError                 the caller: a wrong option, a home of a newer format       exit 2
      AccessDenied               the security officer                                       exit 5
      InfraError                 the operator                                               exit 6
        Unavailable              the only one that is worth a retry
        NotFound  Conflict  Corrupt  Misconfigured

The tree for the data's owner (DatasetError) continues in `tasks.core.errors`.

A message says subject, expected, got, and the command that helps. It never holds a row, a key or a passphrase, since
orchestrators store exception texts.
"""

from __future__ import annotations

from typing import ClassVar


class HardlineError(Exception):
    """An error that Hardline raises on purpose; its text is safe to store and to show."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, help: str | None = None) -> None:
        """Args:
        message: Subject, expected and got, in one line.
        help: The command or the action that helps.
        """
        super().__init__(message, help)
        self.message = message
        self.help = help

    def __str__(self) -> str:
        return self.message if self.help is None else f"{self.message} ({self.help})"

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), self.message, self.__dict__))


def _restore(kind: type[HardlineError], message: str, state: dict[str, object]) -> HardlineError:
    error = kind.__new__(kind)
    Exception.__init__(error, message, state.get("help"))
    error.__dict__.update(state)
    return error


class UsageError(HardlineError):
    """The request itself is wrong."""

    exit_code = 2


class AccessDenied(HardlineError):
    """This process may not do this: it holds no key for it, or policy forbids it."""

    exit_code = 5


class InfraError(HardlineError):
    """Something that Hardline stands on failed."""

    exit_code = 6


class Unavailable(InfraError):
    """A service, a disk or a lock cannot serve now and may later; the only error that is retried."""


class NotFound(InfraError):
    """An object or a key is not there."""


class Conflict(InfraError):
    """Something of that name exists already, and is never overwritten."""


class Corrupt(InfraError):
    """A file of the program's own has a form that the program never writes."""


class Misconfigured(InfraError):
    """A setting is missing or cannot be used."""
