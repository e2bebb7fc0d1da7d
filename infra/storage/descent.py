"""Going down from a folder name by name, through real folders only: a link planted on the way leads nowhere."""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import FileIO
    from pathlib import Path

SPECIAL = -1  # the size that is listed for what is no plain file, so that no expectation matches it
MAX_DEPTH = 32  # folders below another; no format of ours needs ten
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


def walk(folder: int) -> dict[str, int]:
    """Every name beneath an open folder, relative and `/`-separated, with its size in bytes.

    `SPECIAL` stands for a link, a device, a pipe, and a folder deeper than `MAX_DEPTH`. Links are never followed.

    Raises:
        OSError: A folder cannot be listed; what is in it might be what nobody signed.
    """
    found: dict[str, int] = {}
    pending: list[tuple[str, ...]] = [()]
    while pending:
        names = pending.pop()
        below = _reached(folder, names)
        try:
            for entry in list(os.scandir(below)):
                path = "/".join((*names, entry.name))
                try:
                    status = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # deleted in between
                    continue
                if stat.S_ISDIR(status.st_mode) and len(names) < MAX_DEPTH:
                    pending.append((*names, entry.name))
                else:
                    found[path] = status.st_size if stat.S_ISREG(status.st_mode) else SPECIAL
        finally:
            os.close(below)
    return found


def _reached(folder: int, names: Sequence[str]) -> int:
    current = os.dup(folder)
    for name in names:
        try:
            below = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=current)
        finally:
            os.close(current)
        current = below
    return current


def read_up_to(file: FileIO, limit: int | None) -> bytes:
    """The file's bytes; where there are more than `limit`, one byte more than that and no further."""
    if limit is None:
        return file.read()
    wanted, pieces = limit + 1, []
    while wanted and (piece := file.read(min(wanted, 1 << 24))):
        pieces.append(piece)
        wanted -= len(piece)
    return b"".join(pieces)


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
