"""The files that a parser's process is handed, one after the other; read by the process alone."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from hardline.infra.parsers import frames
from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

    from hardline.infra.parsers.spec import Spec

Read = "Callable[[int], bytes]"


class Feed:
    """What the parent writes. A stream that breaks off ends the process: it must never look like one that ended."""

    def __init__(self, source: FileIO) -> None:
        self._source = source
        self._left = 0
        self._ended = True
        self.count = 0  # bytes of this file that were read

    def next_file(self) -> str | None:
        """The name of the next file; None: there is no more."""
        head = frames.read_exactly(self._source.readinto, frames.FEED.size)
        if head is None:
            return None
        kind, size = frames.FEED.unpack(head)
        name = frames.read_exactly(self._source.readinto, size) if kind == frames.NAME and size < 1 << 16 else None
        if name is None:
            raise SystemExit(2)
        self._ended, self.count = False, 0
        return name.decode("utf-8", "replace")

    def read(self, size: int) -> bytes:
        """At most that many next bytes of this file; none at its end."""
        while not self._left and not self._ended:
            head = frames.read_exactly(self._source.readinto, frames.FEED.size)
            if head is None:
                raise SystemExit(2)
            kind, self._left = frames.FEED.unpack(head)
            self._ended = kind == frames.END
        if self._ended:
            return b""
        data = self._source.read(min(size, self._left))
        if not data:
            raise SystemExit(2)
        self._left -= len(data)
        self.count += len(data)
        return data


class Budget:
    """How much one file may become; raises `Found` as soon as it is more."""

    def __init__(self, spec: Spec, taken: Callable[[], int]) -> None:
        self._spec = spec
        self._taken = taken

    def check(self, made: int) -> None:
        """Raise when `made` bytes are too many, or too many for the bytes of the file that were read so far."""
        spec = self._spec
        if made > spec.max_decoded_bytes:
            raise Found("limits", what="decoded")
        if made > spec.free_bytes and made > spec.max_ratio * self._taken():
            raise Found("limits", what="ratio")


class Peeked:
    """A reader whose first bytes can be looked at."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._waiting = b""

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer only where the file ends; they will be read again."""
        while len(self._waiting) < size and (piece := self._read(size - len(self._waiting))):
            self._waiting += piece
        return self._waiting[:size]

    def read(self, size: int) -> bytes:
        """At most that many next bytes; none at the end."""
        if self._waiting:
            data, self._waiting = self._waiting[:size], self._waiting[size:]
            return data
        return self._read(size)


class Whole:
    """Room for files that must be in memory as a whole; the pages that are not written cost nothing."""

    def __init__(self, size: int) -> None:
        self._room = memoryview(mmap.mmap(-1, size))
        self._used = 0

    def take(self, read: Callable[[int], bytes], *, keep: bool = False) -> memoryview:
        """All bytes of a file.

        Args:
            read: At most that many next bytes; none at the end.
            keep: Whether it stays when the next one comes.

        Raises:
            Found: There is no room for it.
        """
        start = end = self._used
        while piece := read(1 << 20):
            if end + len(piece) > len(self._room):
                raise Found("limits", what="whole")
            self._room[end : end + len(piece)] = piece
            end += len(piece)
        if keep:
            self._used = end
        return self._room[start:end]
