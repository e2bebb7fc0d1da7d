"""Sources of raw bytes, by URI."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hardline.infra.parsers.errors import ParseRefused

CHUNK = 1 << 20


def open_source(uri: str) -> Iterator[bytes]:
    """The bytes of a source, in chunks; it is opened before the first.

    Args:
        uri: A local path, or `file://` with an absolute one.

    Raises:
        ParseRefused: `missing`, `unreadable`, `not-a-file`, or `uri` for what no source can be.
    """
    path = _path(uri)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ParseRefused("not-a-file", message=f"{redact_uri(uri)}: a file expected, got a folder or a device")
        file = path.open("rb", buffering=0)
    except FileNotFoundError:
        raise ParseRefused("missing", message=f"{redact_uri(uri)}: a file expected, got nothing") from None
    except OSError as error:
        raise ParseRefused("unreadable", message=f"{redact_uri(uri)}: {error.strerror}", help="see its permissions") from None
    return _chunks(file, uri)


def _chunks(file: object, uri: str) -> Iterator[bytes]:
    with file as opened:  # type: ignore[attr-defined]
        try:
            while chunk := opened.read(CHUNK):
                yield chunk
        except OSError as error:
            raise ParseRefused("unreadable", message=f"{redact_uri(uri)}: {error.strerror}") from None


def redact_uri(uri: str) -> str:
    """What may be written down of a URI: for a local path its last name, since folders tell about people."""
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        return Path(unquote(parts.path if parts.scheme else uri)).name[:200] or "."
    return f"{parts.scheme}://{parts.hostname or ''}{parts.path}"[:200]


def _path(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme == "file":
        if parts.netloc not in ("", "localhost") or parts.query or parts.fragment:
            raise ParseRefused("uri", message=f"{redact_uri(uri)}: file:// with a path and nothing else expected")
        return Path(unquote(parts.path))
    if "://" in uri:
        if "@" in parts.netloc or parts.query:
            raise ParseRefused("uri", message="a URI without user and query expected: credentials come by name")
        raise ParseRefused("uri", message=f"scheme {parts.scheme[:20]}: a local path or file:// expected")
    return Path(uri).expanduser()
