"""One writer at a time: a lock that ends with its process."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hardline.infra.errors import Unavailable

_held: dict[str, int] = {}  # path -> how often this process holds it


@contextmanager
def file_lock(path: Path) -> Iterator[None]:
    """Hold the lock; in the same process it may be taken again.

    Raises:
        Unavailable: Another process holds it; the message names its pid.
    """
    name = str(path.absolute())
    if name in _held:
        _held[name] += 1
        try:
            yield
        finally:
            _held[name] -= 1
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            raise Unavailable(
                f"{path.parent}: another run works on this home (pid {holder})", help="wait until it ends, and run again"
            ) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        _held[name] = 1
        try:
            yield
        finally:
            del _held[name]
    finally:
        os.close(descriptor)
