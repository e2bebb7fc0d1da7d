"""Going down from a folder name by name, through real folders only: a link planted on the way leads nowhere."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def descended(root: Path, names: Sequence[str], *, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder `names` below `root`.

    Args:
        root: Where it begins; may be a link itself, since the operator chose it.
        names: Single names, without `/`, `.` and `..`.
        make: Make what is missing, 0700 whatever the umask, and durable.

    Raises:
        FileNotFoundError: A folder is missing.
        NotADirectoryError: One of the names is a link, or no folder.
    """
    if make and not root.is_dir():
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    current = os.open(root, _FOLDER)
    try:
        for name in names:
            below = _enter(current, name, make=make)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)


def open_plain(folder: int, name: str) -> int:
    """A descriptor of a plain file in an open folder, for reading.

    Raises:
        FileNotFoundError: There is none.
        NotADirectoryError: It is a link, a folder, a device or a pipe.
    """
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        if not stat.S_ISREG(os.lstat(name, dir_fd=folder).st_mode):
            raise NotADirectoryError from None
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotADirectoryError
    return descriptor


def _enter(folder: int, name: str, *, make: bool) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        if not make:
            raise
    try:
        os.mkdir(name, 0o700, dir_fd=folder)
    except FileExistsError:
        pass  # another writer made it in between
    else:
        os.fsync(folder)
    below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    os.fchmod(below, 0o700)
    return below
