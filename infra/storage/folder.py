"""A folder on disk, read without trusting it: hidden files are listed, links and devices are refused."""

from __future__ import annotations

import os
import stat
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hardline.infra.errors import NotFound, Unavailable
from hardline.infra.storage.descent import descended, open_plain

if TYPE_CHECKING:
    from collections.abc import Mapping

SPECIAL = -1  # the size that is listed for what is no plain file, so that no expectation matches it


class ReadOnlyFolder:
    """An exported version's folder."""

    def __init__(self, root: Path) -> None:
        """Args: root: The folder; raises `NotFound` when there is none."""
        if not root.is_dir():
            raise NotFound(f"{root}: a folder expected, got {'something else' if root.exists() else 'nothing'}")
        self._root = root

    def paths(self) -> Mapping[str, int]:
        """Every file beneath, relative and `/`-separated, with its size in bytes; -1 for a link or a device.

        Raises:
            Unavailable: A folder cannot be listed; what is in it might be what nobody signed.
        """
        found = {}
        for folder, folders, names in os.walk(self._root, onerror=self._fail, followlinks=False):
            for name in [*names, *(item for item in folders if Path(folder, item).is_symlink())]:
                path = Path(folder, name)
                status = path.lstat()
                found[path.relative_to(self._root).as_posix()] = (
                    status.st_size if stat.S_ISREG(status.st_mode) else SPECIAL
                )
        return found

    def read(self, path: str) -> bytes:
        """One file, whole; raises `NotFound`, for a link anywhere on the way too."""
        *folders, name = path.split("/")
        if not {"", ".", ".."}.isdisjoint({*folders, name}) or "\0" in path:
            raise NotFound(f"{path!r}: a file's path below the folder expected")
        try:
            with descended(self._root, folders) as folder, FileIO(open_plain(folder, name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            raise NotFound(f"{path}: a file expected, got nothing") from None
        except NotADirectoryError:
            raise NotFound(f"{path}: a file expected, got a link or something else") from None
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        raise Unavailable(f"{self._root}: {error.strerror}", help="check who may read that folder") from None
