"""The sockets that adapters plug into. They speak bytes, paths, key names and events; none mentions a dataset.

Each Protocol is the whole surface that the program needs, so that a test can implement it honestly, an adversary's
version of it included. Every method may raise `Unavailable`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

Bytes: TypeAlias = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True, order=True)
class ObjectInfo:
    """One stored object: its path and its size in bytes."""

    path: str
    size: int


@runtime_checkable
class ObjectStore(Protocol):
    """Named immutable bytes.

    Paths are relative, `/`-separated, each segment matching `[A-Za-z0-9_][A-Za-z0-9._@-]*`; an implementation refuses
    any other path with `Misconfigured`. A put is all or nothing: no reader ever sees half an object.
    """

    def put(self, path: str, data: Bytes | Iterable[Bytes]) -> None:
        """Create an object; raises `Conflict` if the path is taken (If-None-Match: *). Durable when it returns."""

    def replace(self, path: str, data: Bytes) -> None:
        """Create or overwrite atomically; only for what can be derived again."""

    def get(self, path: str, limit: int | None = None) -> bytes:
        """The whole object in memory, and of one longer than `limit` bytes one byte more than that.

        So whoever knows how long an object is sees that it is another, and never reads what would not fit.

        Raises:
            NotFound: There is none.
        """

    def stream(self, path: str, chunk: int = 1 << 20) -> Iterator[bytes]:
        """The object in chunks of at most `chunk` bytes; raises `NotFound` before the first."""

    def list(self, prefix: str) -> list[ObjectInfo]:
        """Every object whose path begins with `prefix` (a whole number of segments, or ''), sorted by path.

        The size is -1 for what is no object: a link, a device, a folder too deep.
        """

    def delete(self, path: str) -> None:
        """Remove an object; one that is missing is no error."""


class LogTransaction(Protocol):
    """The log's head, held exclusively."""

    def read(self, start: int = 0) -> tuple[list[bytes], bytes | None]:
        """The records from index `start`, and the latest checkpoint (None: the log is empty)."""

    def append(self, records: Sequence[bytes], checkpoint: bytes, unique: Sequence[str] = ()) -> None:
        """Add records, perhaps none, and the checkpoint that covers them; raises `Conflict` if a unique key is taken."""


@runtime_checkable
class LogStore(Protocol):
    """An append-only list of records with one latest checkpoint; both change in one transaction or not at all."""

    def read(self, start: int = 0) -> tuple[list[bytes], bytes | None]:
        """The records from index `start` and the latest checkpoint, as of one moment."""

    def transaction(self) -> AbstractContextManager[LogTransaction]:
        """Hold the head; commits when the block ends, and drops everything if it raises."""


@runtime_checkable
class KeyVault(Protocol):
    """The private keys that this process may use. A key that is not here raises `AccessDenied`."""

    def signer(self, role: str) -> Signer:
        """The signing key of a role."""

    def recipient(self, role: str) -> bytes:
        """The private recipient key of a role, serialised (`tasks.core.wrapping` reads it)."""

    def secret(self, name: str) -> bytes:
        """A 32-byte secret of the home, such as the key of source commitments."""


class Clock(Protocol):
    """The time, so that tests can move it."""

    def now(self) -> datetime:
        """The current time, timezone-aware, UTC."""


class Emitter(Protocol):
    """Where lineage events go."""

    def emit(self, event: bytes) -> None:
        """Hand over one OpenLineage event, as JSON."""


class Progress(Protocol):
    """Where a long step says how far it is. The text holds names and counts, never data."""

    def say(self, text: str) -> None:
        """One line about what happens now."""

    def advance(self, step: str, done: int, total: int | None) -> None:
        """How much of `step` is done, in the step's own unit."""
