"""A folder on disk, read without trusting it: hidden files are listed, links and devices are refused."""

from __future__ import annotations

from io import FileIO
from typing import TYPE_CHECKING, NoReturn

from hardline.infra.errors import NotFound, Unavailable
from hardline.infra.storage.descent import descended, open_plain, read_up_to, walk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class ReadOnlyFolder:
    """An exported version's folder."""

    def __init__(self, root: Path) -> None:
        """Args: root: The folder; raises `NotFound` when there is none."""
        if not root.is_dir():
            raise NotFound(f"{root}: a folder expected, got {'something else' if root.exists() else 'nothing'}")
        self._root = root

    def paths(self) -> Mapping[str, int]:
        """Every file beneath, as `descent.walk` lists it.

        Raises:
            Unavailable: A folder cannot be listed; what is in it might be what nobody signed.
        """
        try:
            with descended(self._root, []) as folder:
                return walk(folder)
        except OSError as error:
            self._fail(error)

    def read(self, path: str, limit: int | None = None) -> bytes:
        """One file, in private memory, and of a longer one than `limit` one byte more than that.

        Raises:
            NotFound: There is none, or a link anywhere on the way.
        """
        *folders, name = path.split("/")
        if not {"", ".", ".."}.isdisjoint({*folders, name}) or "\0" in path:
            raise NotFound(f"{path!r}: a file's path below the folder expected")
        try:
            with descended(self._root, folders) as folder, FileIO(open_plain(folder, name), "rb") as file:
                return read_up_to(file, limit)
        except FileNotFoundError:
            raise NotFound(f"{path}: a file expected, got nothing") from None
        except NotADirectoryError:
            raise NotFound(f"{path}: a file expected, got a link or something else") from None
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        raise Unavailable(f"{self._root}: {error.strerror}", help="check who may read that folder") from None
