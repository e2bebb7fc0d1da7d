"""Local files as sources: one file, a folder of them, or a pattern; none may change while it is read."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.storage.descent import descended, open_plain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHUNK_BYTES = 1 << 20
MAX_FILES = 20_000  # of one source
MAX_DEPTH = 8  # folders below the one that was named
_MAGIC = re.compile(r"[*?\[]")


class _Identity(NamedTuple):
    """What must stay the same while a file is read."""

    device: int
    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> _Identity:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class LocalFile:
    """One file of a source, as it was when the source was listed."""

    name: str  # what may be published: the last name, or the path below the folder that was named
    size: int
    _root: Path
    _names: tuple[str, ...]  # below the root, without links; empty: the root is the file, and may be a link
    _identity: _Identity

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, once.

        Raises:
            ParseRefused: `changed` (another file lies there, or this one changed or grew), `unreadable`.
        """
        try:
            descriptor = self._open()
        except FileNotFoundError:
            raise _changed(self.name) from None
        except OSError as error:
            raise _unreadable(self.name, error) from None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            self._check(file.fileno())
            total = 0
            while True:
                try:
                    chunk = file.read(CHUNK_BYTES)
                except OSError as error:
                    raise _unreadable(self.name, error) from None
                if not chunk:
                    break
                total += len(chunk)
                yield chunk
            self._check(file.fileno())
            if total != self.size:
                raise _changed(self.name)

    def _open(self) -> int:
        if not self._names:
            return os.open(self._root, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            with descended(self._root, self._names[:-1]) as folder:
                return open_plain(folder, self._names[-1])
        except NotADirectoryError:
            raise _changed(self.name) from None

    def _check(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or _Identity.of(status) != self._identity:
            raise _changed(self.name)


def find(path: Path, extensions: Sequence[str], others: Sequence[str]) -> list[LocalFile]:
    """The files that a path names, in order of their names' bytes.

    A path that exists is a file or a folder; any other one with `*`, `?` or `[` is a pattern. Of a folder, every file
    below it with one of the extensions is taken; hidden files and folders are not. `**` stands for any folders.

    Args:
        path: What the caller named; it may itself lead through links, what lies below may not.
        extensions: Of the stated format and compression, lower case, with their dots.
        others: Of the other ones: a file that has one and none of `extensions` shows that the statement is wrong.

    Raises:
        ParseRefused: `missing`, `unreadable`, `link`, `format` or `limits`.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        if _MAGIC.search(str(path)):
            return _sorted(_matching(path), plain(str(path)))
        raise _missing(plain(str(path)), "a file") from None
    except OSError as error:
        raise _unreadable(plain(str(path)), error) from None
    if stat.S_ISREG(status.st_mode):
        return [LocalFile(plain(path.name), status.st_size, path, (), _Identity.of(status))]
    if not stat.S_ISDIR(status.st_mode):
        raise ParseRefused(
            "unreadable", message=f"{plain(str(path))}: a file or a folder expected, got a device or a pipe"
        )
    return _sorted(_of_folder(path, extensions, others), f"{plain(path.name)}: {' or '.join(extensions)}")


def plain(text: str) -> str:
    """Text that can stand in a log line and in canonical JSON."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]


def _of_folder(root: Path, extensions: Sequence[str], others: Sequence[str]) -> Iterator[LocalFile]:
    for file in _walk(root, (), ("**", "*")):
        name = file.name.lower()
        if name.endswith(tuple(extensions)):
            yield file
        elif name.endswith(tuple(others)):
            raise ParseRefused(
                "format",
                message=f"{file.name}: files named {' or '.join(extensions)} alone expected in this folder",
                help="set format and compression in the contract's property source, or name the files by a pattern",
            )


def _matching(pattern: Path) -> Iterator[LocalFile]:
    """Files that match; the part before the first magic letter may be a link."""
    parts = pattern.parts
    first = next(i for i, part in enumerate(parts) if _MAGIC.search(part))
    if ".." in parts[first:] or len(parts) - first > MAX_DEPTH:
        raise ParseRefused("uri", message=f"{plain(str(pattern))}: a pattern of at most {MAX_DEPTH} names expected")
    root = Path(*parts[:first]) if first else Path()
    if not root.is_dir():
        raise _missing(plain(str(pattern)), "files")
    return _walk(root, (), parts[first:])


def _walk(root: Path, names: tuple[str, ...], parts: Sequence[str]) -> Iterator[LocalFile]:
    """Files below an open folder that match the rest of a pattern, without following a link."""
    if len(names) > MAX_DEPTH:
        raise ParseRefused("limits", message=f"{plain('/'.join(names))}: at most {MAX_DEPTH} folders deep expected")
    try:
        with descended(root, names) as folder, os.scandir(folder) as entries:
            found = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
    except OSError as error:
        raise _unreadable(plain("/".join(names) or root.name), error) from None
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _walk(root, names, rest or ("*",))
    for name, status in found:
        if name.startswith(".") and not part.startswith("."):
            continue
        if part != "**" and not fnmatchcase(name, part):
            continue
        shown = plain("/".join((*names, name)))
        if stat.S_ISLNK(status.st_mode):
            if part == "**":
                continue  # the same name is looked at again as one of the files
            raise ParseRefused("link", message=f"{shown}: a file expected, got a link", help="name the file itself")
        if stat.S_ISDIR(status.st_mode) and (part == "**" or rest):
            yield from _walk(root, (*names, name), parts if part == "**" else rest)
        elif stat.S_ISREG(status.st_mode) and part != "**" and not rest:
            yield LocalFile(shown, status.st_size, root, (*names, name), _Identity.of(status))


def _sorted(files: Iterator[LocalFile], wanted: str) -> list[LocalFile]:
    found: dict[bytes, LocalFile] = {}  # by path: `**` may lead to a file in two ways
    for file in files:
        found[os.fsencode("/".join(file._names))] = file
        if len(found) > MAX_FILES:
            raise ParseRefused("limits", message=f"{wanted}: at most {MAX_FILES:,} files expected, got more")
    if not found:
        raise _missing(wanted, "at least one file")
    return [found[key] for key in sorted(found)]


def _missing(shown: str, expected: str) -> ParseRefused:
    return ParseRefused("missing", message=f"{shown}: {expected} expected, got nothing", help="check the path")


def _changed(shown: str) -> ParseRefused:
    return ParseRefused(
        "changed",
        message=f"{shown}: the file as it was listed expected, got one that changed while it was read",
        help="copy it to where nobody writes, and name the copy",
    )


def _unreadable(shown: str, error: OSError) -> ParseRefused:
    return ParseRefused(
        "unreadable", message=f"{shown}: a readable file expected: {error.strerror}", help="check its permissions"
    )
