"""A folder on disk, read without trusting it: hidden files are listed, links and devices are refused."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from hardline.infra.errors import NotFound, Unavailable

_SPECIAL = -1  # the size that is listed for what is no plain file, so that no expectation matches it


class ReadOnlyFolder:
    """An exported version's folder."""

    def __init__(self, root: Path) -> None:
        """Args: root: The folder; raises `NotFound` when there is none."""
        if not root.is_dir():
            raise NotFound(f"{root}: a folder expected, got {'something else' if root.exists() else 'nothing'}")
        self._root = root

    def paths(self) -> Mapping[str, int]:
        """Every file beneath, relative and `/`-separated, with its size in bytes; -1 for a link or a device."""
        found = {}
        for folder, folders, names in os.walk(self._root, followlinks=False):
            for name in [*names, *(item for item in folders if Path(folder, item).is_symlink())]:
                path = Path(folder, name)
                status = path.lstat()
                plain = stat.S_ISREG(status.st_mode)
                found[path.relative_to(self._root).as_posix()] = status.st_size if plain else _SPECIAL
        return found

    def read(self, path: str) -> bytes:
        """One file, whole; raises `NotFound`, for a link too."""
        target = self._root / path
        try:
            descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            raise NotFound(f"{path}: a file expected, got nothing or a link") from None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotFound(f"{path}: a file expected, got something else")
            try:
                return file.read()
            except OSError as error:
                raise Unavailable(f"{path}: {error.strerror}") from None
