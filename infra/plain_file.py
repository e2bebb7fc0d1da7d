"""Reading a small file that somebody named: never a wait, never more than was expected, never a device."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def read_file(path: str | os.PathLike[str], limit: int, check: Callable[[os.stat_result], None] | None = None) -> bytes:
    """The whole of a plain file. A link to one is followed, since the caller was given the name by its user.

    Args:
        path: The file.
        limit: Bytes at most.
        check: What else must hold of the open file; raises when it does not.

    Raises:
        OSError: There is none, it cannot be read, it is too large, or it is a folder, a device or a pipe. `strerror`
            says which.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer must not hang
    except ValueError:  # a NUL byte
        raise OSError(errno.EINVAL, "a file's name expected") from None
    data = bytearray()
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            got = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or a pipe"
            raise OSError(errno.EINVAL, f"a plain file expected, got {got}")
        if check is not None:
            check(status)
        while piece := os.read(descriptor, limit + 1 - len(data)):
            data += piece
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"at most {limit:,} bytes expected, got more")
    return bytes(data)
