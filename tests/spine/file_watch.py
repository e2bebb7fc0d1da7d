"""Every file that is written below some folders, read while it is written: what is deleted again is seen too.

inotify(7) by ctypes. A file is opened the moment the kernel says that it was made, and its descriptor kept, so that
unlinking it hides nothing; it is read at each change and once more at the end.
"""

from __future__ import annotations

import ctypes
import os
import select
import struct
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_CREATE, _MODIFY, _CLOSE_WRITE, _MOVED_TO = 0x100, 0x2, 0x8, 0x80  # linux/inotify.h
_EVENTS = _CREATE | _MODIFY | _CLOSE_WRITE | _MOVED_TO  # not opening: the watch itself does
_OVERFLOW, _IS_DIR = 0x4000, 0x40000000
_EVENT = struct.Struct("iIII")


@dataclass
class Seen:
    """What was seen: the files looked into, those that were gone at once, and those that held a mark."""

    looked_at: set[str] = field(default_factory=set)
    missed: set[str] = field(default_factory=set)
    marked: set[tuple[str, bytes]] = field(default_factory=set)


class _Watch:
    def __init__(self, marks: Iterable[bytes]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        assert self.descriptor >= 0, os.strerror(ctypes.get_errno())
        self._folders: dict[int, tuple[str, bool]] = {}
        self._held: dict[tuple[int, int], tuple[int, str]] = {}
        self._marks = tuple(marks)
        self.seen = Seen()

    def add(self, folder: str, *, deep: bool) -> None:
        number = self._libc.inotify_add_watch(self.descriptor, os.fsencode(folder), _EVENTS)
        if number < 0:
            return  # it is gone already
        self._folders[number] = (folder, deep)
        with suppress(OSError):
            for entry in os.scandir(folder) if deep else ():  # made before the watch was
                if entry.is_dir(follow_symlinks=False):
                    self.add(entry.path, deep=True)
                elif entry.is_file(follow_symlinks=False):
                    self._hold(entry.path)

    def take(self) -> None:
        """All events that wait."""
        changed = {}
        with suppress(BlockingIOError):
            while data := os.read(self.descriptor, 1 << 16):
                at = 0
                while at < len(data):
                    number, mask, _, length = _EVENT.unpack_from(data, at)
                    name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
                    at += _EVENT.size + length
                    assert not mask & _OVERFLOW, "events were lost: take them faster"
                    if not name or number not in self._folders:
                        continue
                    folder, deep = self._folders[number]
                    path = os.path.join(folder, os.fsdecode(name))
                    if mask & _IS_DIR:
                        if deep and mask & (_CREATE | _MOVED_TO):
                            self.add(path, deep=True)
                    elif deep or mask & (_CREATE | _MODIFY | _CLOSE_WRITE):
                        self._hold(path)
                        changed[path] = True
        for number, (descriptor, path) in [*self._held.items()]:
            if path in changed:
                self._scan(descriptor, path)
                if os.fstat(descriptor).st_nlink == 0:
                    os.close(self._held.pop(number)[0])

    def end(self) -> Seen:
        for descriptor, path in self._held.values():
            self._scan(descriptor, path)
            os.close(descriptor)
        os.close(self.descriptor)
        return self.seen

    def _hold(self, path: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            if path not in self.seen.looked_at:
                self.seen.missed.add(path)
            return
        status = os.fstat(descriptor)
        number = (status.st_dev, status.st_ino)
        self.seen.looked_at.add(path)
        self.seen.missed.discard(path)
        if number in self._held:
            os.close(descriptor)
            self._held[number] = (self._held[number][0], path)
        else:
            self._held[number] = (descriptor, path)

    def _scan(self, descriptor: int, path: str) -> None:
        size = os.fstat(descriptor).st_size
        data = os.pread(descriptor, size, 0)
        self.seen.marked |= {(path, mark) for mark in self._marks if mark in data}


@contextmanager
def watched(marks: Iterable[bytes], deep: Iterable[Path], flat: Iterable[Path] = ()) -> Iterator[Seen]:
    """Watch while the block lasts; what was seen is whole afterwards.

    Args:
        marks: What no file may hold.
        deep: Folders, with all that is and will be below them.
        flat: Folders whose own new files are watched, without what is below.
    """
    watch, done = _Watch(marks), threading.Event()
    for folder in deep:
        watch.add(str(folder), deep=True)
    for folder in flat:
        watch.add(str(folder), deep=False)

    def follow() -> None:
        while not done.is_set():
            if select.select([watch.descriptor], [], [], 0.05)[0]:
                watch.take()

    follower = threading.Thread(target=follow, daemon=True)
    follower.start()
    try:
        yield watch.seen
    finally:
        done.set()
        follower.join()
        watch.take()
        watch.end()
