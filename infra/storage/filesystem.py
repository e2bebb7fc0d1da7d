"""Objects as files below one folder: durable when `put` returns, and never half there."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import NoReturn

from hardline.infra.errors import Conflict, Misconfigured, NotFound, Unavailable
from hardline.infra.ports import Bytes, ObjectInfo
from hardline.infra.storage.paths import check, check_prefix

_TEMPORARY = ".tmp-"
_HELP = {errno.ENOSPC: "free disk space", errno.EDQUOT: "raise the quota", errno.EROFS: "mount it writable"}


class FilesystemStore:
    """An `ObjectStore` in a folder of its own; files are 0600, folders 0700, links inside are refused."""

    def __init__(self, root: Path) -> None:
        """Args: root: The folder; it is made by the first put."""
        self._root = root
        self._sweep()

    def put(self, path: str, data: Bytes | Iterable[Bytes]) -> None:
        """See `ObjectStore`."""
        with self._written(path, data) as (temporary, target):
            try:
                os.link(temporary, target, follow_symlinks=False)
            except FileExistsError:
                raise Conflict(f"{path}: nothing of that name expected, and it exists") from None

    def replace(self, path: str, data: Bytes) -> None:
        """See `ObjectStore`."""
        with self._written(path, data) as (temporary, target):
            if target.is_symlink():
                raise Misconfigured(f"{path}: a plain file expected, got a link")
            temporary.replace(target)

    def get(self, path: str) -> bytes:
        """See `ObjectStore`."""
        with self._open(path) as file:
            return file.read()

    def stream(self, path: str, chunk: int = 1 << 20) -> Iterator[bytes]:
        """See `ObjectStore`."""
        opened = self._open(path)
        file = opened.__enter__()

        def pieces() -> Iterator[bytes]:
            try:
                while piece := file.read(chunk):
                    yield piece
            finally:
                opened.__exit__(None, None, None)

        return pieces()

    def list(self, prefix: str) -> list[ObjectInfo]:
        """See `ObjectStore`. What no put could have written is listed too, so that a stranger is seen."""
        base = self._root / check_prefix(prefix)
        found: list[ObjectInfo] = []
        pending = [(str(base), prefix)]
        while pending:
            folder, place = pending.pop()
            try:
                entries = list(os.scandir(folder))
            except FileNotFoundError:
                continue
            except NotADirectoryError:
                size = Path(folder).lstat().st_size
                return [ObjectInfo(prefix, size)]
            except OSError as error:
                self._fail(prefix, error)
            for entry in entries:
                name = f"{place}/{entry.name}" if place else entry.name
                if entry.name.startswith(_TEMPORARY):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    pending.append((entry.path, name))
                else:
                    found.append(ObjectInfo(name, entry.stat(follow_symlinks=False).st_size))
        return sorted(found)

    def delete(self, path: str) -> None:
        """See `ObjectStore`. A folder that this empties goes too."""
        target = self._root / check(path)
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            self._fail(path, error)
        folder = target.parent
        with suppress(OSError):  # the first one that is not empty ends the walk
            while folder != self._root:
                folder.rmdir()
                folder = folder.parent

    @contextmanager
    def _written(self, path: str, data: Bytes | Iterable[Bytes]) -> Iterator[tuple[Path, Path]]:
        """A synced temporary file beside the target; after the block, the name is synced too."""
        target = self._root / check(path)
        temporary = target.parent / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(6)}"
        try:
            self._folder(target.parent)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    for piece in [data] if isinstance(data, bytes | bytearray | memoryview) else data:
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())
                yield temporary, target
                _sync(target.parent)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            self._fail(path, error)

    def _folder(self, folder: Path) -> None:
        """Make the folder and those above it, each durable, none through a link."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for made in reversed(missing):
            made.mkdir(mode=0o700, exist_ok=True)
            _sync(made.parent)

    @contextmanager
    def _open(self, path: str) -> Iterator[FileIO]:
        target = self._root / check(path)
        try:
            descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise NotFound(f"{path}: an object expected, got something else")
            file = FileIO(descriptor, "rb")
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"{path}: an object expected, got nothing") from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise NotFound(f"{path}: an object expected, got a link") from None
            self._fail(path, error)
        with file:
            try:
                yield file
            except OSError as error:
                self._fail(path, error)

    def _sweep(self) -> None:
        """Remove the temporary files of writers that are dead."""
        for folder, _, names in os.walk(self._root):
            for name in names:
                if name.startswith(_TEMPORARY) and not _alive(name):
                    Path(folder, name).unlink(missing_ok=True)

    def _fail(self, path: str, error: OSError) -> NoReturn:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise Unavailable(
            f"store {self._root}: {path}: {reason}", help=_HELP.get(error.errno or 0, "see the disk of that folder")
        ) from None


def _alive(name: str) -> bool:
    pid = name.removeprefix(_TEMPORARY).split("-", 1)[0]
    return pid.isdigit() and Path(f"/proc/{pid}").exists()


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
