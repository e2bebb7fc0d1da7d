"""A new file for its owner alone, whole or not at all: where a verb writes what a person asked for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hardline.tasks.core.errors import Unavailable, UsageError


def refuse_taken(target: Path, home: Path | None) -> None:
    """Refuse, before any work is done, a file that could not be made; raises `UsageError`.

    Args:
        target: The file to make.
        home: A home that it must not lie in: what is plain has no place there.
    """
    if str(target) == "-" or not target.name:
        raise UsageError("--out: the name of a file expected; nothing is written to a terminal or a pipe")
    if target.is_symlink() or target.exists():
        raise UsageError(f"{target}: a file that does not exist expected; nothing is overwritten")
    if not target.parent.is_dir():
        raise UsageError(f"{target}: a file in a folder that exists expected")
    if home is not None and target.parent.resolve().is_relative_to(home.resolve()):
        raise UsageError(f"{target}: a file outside the home expected", help="choose another --out")


@contextmanager
def created(target: Path) -> Iterator[BinaryIO]:
    """Write a file beside its final place, and give it its name when the block ends without an error.

    The mode is 0600. A file of that name is never replaced, and one that was not finished is removed.

    Raises:
        UsageError: Something has that name.
        Unavailable: It cannot be written.
    """
    partial = target.absolute().parent / f".{target.name[:200]}.{secrets.token_hex(6)}"
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        target.hardlink_to(partial)  # fails where something has that name, which a rename would replace
    except FileExistsError:
        raise UsageError(f"{target}: a file that does not exist expected; nothing is overwritten") from None
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror}", help="choose a file that can be written") from None
    finally:
        partial.unlink(missing_ok=True)
