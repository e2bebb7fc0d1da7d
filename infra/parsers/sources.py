"""Where bytes come from: local files. Object stores and the web are other adapters of the same function."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hardline.infra.parsers.errors import ParseRefused

CHUNK_BYTES = 1 << 20
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=//|[^\\/])")
_SCHEMES = "a path or file://"


def open_source(uri: str) -> Iterator[bytes]:
    """The source's bytes, in chunks. The file is opened by the call, not by the first chunk.

    Args:
        uri: A path, or a `file://` URI.

    Raises:
        ParseRefused: `scheme` (not a source that can be read; a URI with a user or a query among them), `missing` or
            `unreadable`; `unreadable` also while reading.
    """
    path = _local(uri)
    shown = _plain(str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer must not hang
    except (FileNotFoundError, NotADirectoryError):
        raise ParseRefused("missing", message=f"{shown}: a file expected, got nothing", help="check the path") from None
    except (OSError, ValueError) as error:
        raise _unreadable(shown, error) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        got = "a folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "something else"
        os.close(descriptor)
        raise ParseRefused("unreadable", message=f"{shown}: a file expected, got {got}", help="name one CSV file")
    return _chunks(descriptor, shown)


def redact_uri(uri: str) -> str:
    """What may be published of a source's URI: a local file's name without its folders; else no user and no query."""
    scheme = _SCHEME.match(uri)
    if scheme is None or scheme[1].lower() == "file":
        path = unquote(urlsplit(uri).path) if scheme else uri
        return _plain(path.rstrip("/").rsplit("/", 1)[-1]) or "?"
    try:
        parts = urlsplit(uri)
        place = parts.netloc.rsplit("@", 1)[-1]
    except ValueError:
        return _plain(scheme[1])
    return _plain(f"{parts.scheme}://{place}{parts.path}")


def _local(uri: str) -> Path:
    if not uri or "\0" in uri:
        raise ParseRefused("scheme", message=f"source: {_SCHEMES} expected, got nothing that names a file")
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return Path(uri)
    try:
        parts = urlsplit(uri)
        named = parts.username is not None or parts.password is not None or "@" in parts.netloc
    except ValueError:
        raise ParseRefused("scheme", message=f"source: {_SCHEMES} expected, got a URI that is none") from None
    if named or "?" in uri or "#" in uri:
        raise ParseRefused(
            "scheme",
            message=f"source {redact_uri(uri)}: a URI without user, query and fragment expected",
            help="credentials come by name, never in a URI",
        )
    if parts.scheme != "file":
        raise ParseRefused(
            "scheme", message=f"source: {_SCHEMES} expected, got {_plain(parts.scheme)}:", help="copy it to a file first"
        )
    if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
        raise ParseRefused("scheme", message="source: file:///absolute/path expected, got a file URI with a host")
    return Path(unquote(parts.path))


def _chunks(descriptor: int, shown: str) -> Iterator[bytes]:
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while True:
            try:
                chunk = file.read(CHUNK_BYTES)
            except OSError as error:
                raise _unreadable(shown, error) from None
            if not chunk:
                return
            yield chunk


def _unreadable(shown: str, error: OSError | ValueError) -> ParseRefused:
    reason = error.strerror if isinstance(error, OSError) else "no path"
    return ParseRefused("unreadable", message=f"{shown}: a readable file expected: {reason}", help="check its permissions")


def _plain(text: str) -> str:
    """Text that can stand in a log line and in canonical JSON."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:200]
