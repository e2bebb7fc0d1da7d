"""The log in memory: the same port without a disk, for tests. `records` and `checkpoint` are open to an attacker."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hardline.infra.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class MemoryLog:
    """A `LogStore` that ends with its process."""

    def __init__(self) -> None:
        self.records: list[bytes] = []
        self.checkpoint: bytes | None = None
        self._uniques: set[str] = set()
        self._head = threading.Lock()

    def read(self, start: int = 0) -> tuple[list[bytes], bytes | None]:
        """See `LogStore`."""
        return self.records[start:], self.checkpoint

    @contextmanager
    def transaction(self) -> Iterator[_Transaction]:
        """See `LogStore`."""
        with self._head:
            held = _Transaction(self)
            yield held
            if held.checkpoint is not None:
                self.records, self.checkpoint = [*self.records, *held.added], held.checkpoint
                self._uniques |= held.unique

    def taken(self, name: str) -> bool:
        """Whether a unique key is claimed."""
        return name in self._uniques


class _Transaction:
    def __init__(self, log: MemoryLog) -> None:
        self._log = log
        self.added: list[bytes] = []
        self.checkpoint: bytes | None = None
        self.unique: set[str] = set()

    def read(self, start: int = 0) -> tuple[list[bytes], bytes | None]:
        """See `LogTransaction`."""
        records, checkpoint = self._log.read()
        return [*records, *self.added][start:], checkpoint if self.checkpoint is None else self.checkpoint

    def append(self, records: Sequence[bytes], checkpoint: bytes, unique: Sequence[str] = ()) -> None:
        """See `LogTransaction`."""
        for name in unique:
            if self._log.taken(name) or name in self.unique:
                raise Conflict("log: a key that is not taken expected")
            self.unique.add(name)
        self.added.extend(records)
        self.checkpoint = checkpoint
