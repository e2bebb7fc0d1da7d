"""Where bytes come from: local files. Object stores and the web will be other branches of the same function."""

from __future__ import annotations

import os
import re
import stat
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hardline.infra.parsers.errors import ParseRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

CHUNK_BYTES = 1 << 20
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)")
_KNOWN = "a path or file://"


def open_source(uri: str) -> Iterator[bytes]:
    """The source's bytes, in chunks. The file is opened by the call, not by the first chunk.

    Args:
        uri: A path, or a `file://` URI.

    Raises:
        ParseRefused: `uri` (nothing that can be read from; a URI with a user or a query among them), `missing` or
            `unreadable` (a folder or a device too); `unreadable` also while reading.
    """
    path = _local(uri)
    shown = _plain(str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer must not hang
    except (FileNotFoundError, NotADirectoryError):
        raise ParseRefused("missing", message=f"{shown}: a file expected, got nothing", help="check the path") from None
    except OSError as error:
        raise _unreadable(shown, error) from None
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        got = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe"
        raise ParseRefused("unreadable", message=f"{shown}: a file expected, got {got}", help="name one file")
    return _chunks(FileIO(descriptor), shown)


def redact_uri(uri: str) -> str:
    """What may be published of a URI: no user, no query; of a path its last name, since folders tell of people."""
    scheme = _SCHEME.match(uri)
    if scheme is None or scheme[1].lower() == "file":
        path = unquote(urlsplit(uri).path) if scheme else uri
        return _plain(path.rstrip("/").rsplit("/", 1)[-1]) or "?"
    try:
        parts = urlsplit(uri)
        return _plain(f"{parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]}{parts.path}")
    except ValueError:
        return _plain(scheme[1].lower())


def _local(uri: str) -> Path:
    if not uri or "\0" in uri:
        raise ParseRefused("uri", message=f"source: {_KNOWN} expected, got nothing that names a file")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return Path(uri).expanduser()
    try:
        parts = urlsplit(uri)
    except ValueError:
        raise ParseRefused("uri", message=f"source: {_KNOWN} expected, got a URI that is none") from None
    if "@" in parts.netloc or "?" in uri or "#" in uri:
        raise ParseRefused(
            "uri",
            message=f"{redact_uri(uri)}: a URI without user, query and fragment expected",
            help="credentials come by name, never in a URI",
        )
    if parts.scheme != "file":
        raise ParseRefused(
            "uri",
            message=f"{redact_uri(uri)}: {_KNOWN} expected, got {_plain(parts.scheme)}:",
            help="copy it to a file first",
        )
    if parts.netloc not in ("", "localhost") or "%00" in uri:
        raise ParseRefused("uri", message=f"{redact_uri(uri)}: file:///absolute/path expected, got another form")
    return Path(unquote(parts.path))


def _chunks(file: FileIO, shown: str) -> Iterator[bytes]:
    with file:
        while True:
            try:
                chunk = file.read(CHUNK_BYTES)
            except OSError as error:
                raise _unreadable(shown, error) from None
            if not chunk:
                return
            yield chunk


def _unreadable(shown: str, error: OSError) -> ParseRefused:
    return ParseRefused(
        "unreadable", message=f"{shown}: a readable file expected: {error.strerror}", help="check its permissions"
    )


def _plain(text: str) -> str:
    """Text that can stand in a log line and in canonical JSON."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]
