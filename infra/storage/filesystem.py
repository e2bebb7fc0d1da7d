"""Objects as files below one folder: durable when `put` returns, and never half there."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hardline.infra.errors import Conflict, Misconfigured, NotFound, Unavailable
from hardline.infra.ports import Bytes, ObjectInfo
from hardline.infra.storage.descent import SPECIAL, descended, open_plain, read_up_to, walk
from hardline.infra.storage.paths import check, check_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

_TEMPORARY = ".tmp-"  # no object's name begins like this
_ATTEMPTS = 8  # a folder that a `delete` empties can vanish while a `put` enters it
_HELP = {
    errno.ENOSPC: "free disk space, then run the same command again",
    errno.EDQUOT: "raise the quota, then run the same command again",
    errno.EROFS: "mount it writable",
    errno.EACCES: "check who owns that folder",
}


class FilesystemStore:
    """An `ObjectStore` in a folder of its own: files 0600, folders 0700, no link inside is ever followed."""

    def __init__(self, root: Path) -> None:
        """Sweep what dead writers left.

        Args:
            root: The folder; the first put makes it.
        """
        self._root = root
        self._sweep()

    def put(self, path: str, data: Bytes | Iterable[Bytes]) -> None:
        """See `ObjectStore`."""
        self._write(path, data, lambda folder, made, name: os.link(made, name, src_dir_fd=folder, dst_dir_fd=folder))

    def replace(self, path: str, data: Bytes) -> None:
        """See `ObjectStore`."""
        self._write(path, data, lambda folder, made, name: os.replace(made, name, src_dir_fd=folder, dst_dir_fd=folder))

    def get(self, path: str, limit: int | None = None) -> bytes:
        """See `ObjectStore`."""
        with self._named(path), self._open(path) as file:
            return read_up_to(file, limit)

    def stream(self, path: str, chunk: int = 1 << 20) -> Iterator[bytes]:
        """See `ObjectStore`."""
        with self._named(path):
            file = self._open(path)
        return self._pieces(path, file, chunk)

    def list(self, prefix: str) -> list[ObjectInfo]:
        """See `ObjectStore`. What no put could have written is listed too, so that a stranger is seen."""
        place = check_prefix(prefix)
        with self._named(place or "."):
            try:
                with descended(self._root, place.split("/") if place else []) as folder:
                    listed = walk(folder)
            except FileNotFoundError:
                return []
            except NotADirectoryError:  # an object of exactly that name, or a link
                status = (self._root / place).lstat()
                return [ObjectInfo(place, status.st_size if stat.S_ISREG(status.st_mode) else SPECIAL)]
        start = f"{place}/" if place else ""
        temporary = {path for path in listed if path.rsplit("/", 1)[-1].startswith(_TEMPORARY)}
        return sorted(ObjectInfo(start + path, size) for path, size in listed.items() if path not in temporary)

    def delete(self, path: str) -> None:
        """See `ObjectStore`. A folder that this empties goes too."""
        *folders, name = check(path).split("/")
        with self._named(path), suppress(FileNotFoundError):
            with descended(self._root, folders) as folder:
                os.unlink(name, dir_fd=folder)
            while folders:
                with descended(self._root, folders[:-1]) as above:
                    try:
                        os.rmdir(folders.pop(), dir_fd=above)
                    except OSError:  # the first one that is not empty ends the walk
                        return

    def _write(self, path: str, data: Bytes | Iterable[Bytes], place: Callable[[int, str, str], None]) -> None:
        """Write a temporary file beside the target and sync it; `place` it under its name; sync the name."""
        *folders, name = check(path).split("/")
        made = f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(6)}"
        with self._named(path), self._created(folders, made) as (folder, file):
            try:
                with file:
                    for piece in [data] if isinstance(data, bytes | bytearray | memoryview) else data:
                        _write_all(file, piece)
                    os.fsync(file.fileno())
                try:
                    place(folder, made, name)
                except (FileExistsError, IsADirectoryError):
                    raise Conflict(f"{path}: nothing of that name expected, and it exists") from None
                os.fsync(folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(made, dir_fd=folder)

    @contextmanager
    def _created(self, folders: Sequence[str], name: str) -> Iterator[tuple[int, FileIO]]:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        for attempt in range(_ATTEMPTS):
            with descended(self._root, folders, make=True) as folder:
                try:
                    descriptor = os.open(name, flags, 0o600, dir_fd=folder)
                except FileNotFoundError:
                    if attempt + 1 < _ATTEMPTS:
                        continue
                    raise
                os.fchmod(descriptor, 0o600)
                yield folder, FileIO(descriptor, "wb")
                return

    def _open(self, path: str) -> FileIO:
        *folders, name = check(path).split("/")
        try:
            with descended(self._root, folders) as folder:
                return FileIO(open_plain(folder, name), "rb")
        except FileNotFoundError:
            raise NotFound(f"{path}: an object expected, got nothing") from None
        except NotADirectoryError:
            raise NotFound(f"{path}: an object expected, got a link or something else") from None

    def _pieces(self, path: str, file: FileIO, chunk: int) -> Iterator[bytes]:
        with file:
            while True:
                with self._named(path):
                    piece = file.read(chunk)
                if not piece:
                    return
                yield piece

    def _sweep(self) -> None:
        """Remove the temporary files of writers that are dead, where this process may."""
        for folder, _, names in os.walk(self._root):
            for name in names:
                if name.startswith(_TEMPORARY) and not _alive(name):
                    with suppress(OSError):
                        Path(folder, name).unlink()

    @contextmanager
    def _named(self, path: str) -> Iterator[None]:
        """Give the operating system's errors the object's name and what helps."""
        try:
            yield
        except NotADirectoryError:
            raise Misconfigured(
                f"store {self._root}: {path}: real folders expected on the way, got a link or a file",
                help="remove it, and find out who made it",
            ) from None
        except OSError as error:
            self._fail(path, error)

    def _fail(self, path: str, error: OSError) -> NoReturn:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise Unavailable(
            f"store {self._root}: {path}: {reason}", help=_HELP.get(error.errno or 0, "see the disk of that folder")
        ) from None


def _write_all(file: FileIO, data: Bytes) -> None:
    view = memoryview(data).cast("B")
    while view:
        view = view[file.write(view) :]


def _alive(name: str) -> bool:
    """Whether the writer of a temporary file lives; one on another machine or in another container counts as dead."""
    pid = name.removeprefix(_TEMPORARY).split("-", 1)[0]
    if not (pid.isascii() and pid.isdigit()) or int(pid) < 1:
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
