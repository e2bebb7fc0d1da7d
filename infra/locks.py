"""One writer at a time: a lock that ends with its process."""

from __future__ import annotations

import fcntl
import os
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardline.infra.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class _Held:
    descriptor: int
    owner: tuple[int, int]  # process and thread: a forked child inherits the descriptor and not the right
    times: int


_held: dict[str, _Held] = {}
_guard = threading.Lock()


@contextmanager
def file_lock(path: Path) -> Iterator[bool]:
    """Hold the lock; the same thread may take it again, and holds it until the last block ends.

    Args:
        path: The lock's file, which stays; it says who holds the lock, or held it last.

    Yields:
        Whether this block is the first to take it.

    Raises:
        Unavailable: Another process or thread holds it; the message names its pid.
    """
    name, owner = str(path.absolute()), (os.getpid(), threading.get_ident())
    with _guard:
        held = _held.get(name)
        if held is None or held.owner != owner:
            held = _Held(_take(path), owner, 0)
            _held[name] = held
        held.times += 1
        first = held.times == 1
    try:
        yield first
    finally:
        with _guard:
            held.times -= 1
            if not held.times:
                del _held[name]
                os.close(held.descriptor)  # the kernel drops the lock


def _take(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}", help="see the disk of that folder, and who owns it") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise Unavailable(
            f"{path.parent}: another run works on this home (pid {holder})", help="wait until it ends, and run again"
        ) from None
    except OSError as error:
        os.close(descriptor)
        raise Unavailable(f"{path}: {error.strerror}", help="see the disk of that folder") from None
    return descriptor
