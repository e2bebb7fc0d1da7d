"""Where bytes come from: a local file, a folder, a pattern, or the web. Object stores will be another branch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.local_files import LocalFile, find, plain
from hardline.infra.parsers.remote_files import RemoteFile, RemoteLimits, check_url, redacted
from hardline.infra.parsers.spec import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence

    SourceFile = LocalFile | RemoteFile

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=/)")
_KNOWN = "a path, a pattern, file:// or https://"
_EXTENSIONS = {
    "csv": (".csv",),
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet",),
    "arrow": (".arrow", ".arrows", ".feather", ".ipc"),
    "npz": (".npz",),
    "npy": (".npy",),
}


def open_sources(
    uri: str, *, format: str, compression: str, limits: RemoteLimits | None = None
) -> Sequence[SourceFile]:
    """The files of a source, at least one, in the order in which they are read.

    Args:
        uri: A path to a file or a folder, a pattern such as `data/*.parquet`, a `file://` or an `https://` URI.
        format: As the contract states it; says which files of a folder are meant, and nothing of what is in them.
        compression: As the contract states it.
        limits: How far the web is trusted.

    Raises:
        ParseRefused: `uri` (nothing that can be read from; a URI with a user or a query among them), `missing`,
            `unreadable`, `link`, `format` or `limits`; see `local_files.find`.
    """
    scheme = _SCHEME.match(uri)
    if scheme is not None and scheme[1].lower() in ("https", "http"):
        limits = limits or RemoteLimits()
        check_url(uri, limits)
        return (RemoteFile(redact_uri(uri), None, uri, limits),)
    wanted = [extension + SUFFIXES[compression] for extension in _EXTENSIONS[format]]
    every = [
        extension + suffix for known in _EXTENSIONS.values() for extension in known for suffix in SUFFIXES.values()
    ]
    return tuple(find(_local(uri), wanted, every))


def redact_uri(uri: str) -> str:
    """What may be published of a URI: no user, no query; of a path its last name, since folders tell of people."""
    scheme = _SCHEME.match(uri)
    if scheme is None or scheme[1].lower() == "file":
        path = unquote(urlsplit(uri).path) if scheme else uri
        return plain(path.rstrip("/").rsplit("/", 1)[-1]) or "?"
    return redacted(uri)


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
            message=f"{redact_uri(uri)}: {_KNOWN} expected, got {plain(parts.scheme)}:",
            help="copy it to a file first",
        )
    if parts.netloc not in ("", "localhost") or "%00" in uri:
        raise ParseRefused("uri", message=f"{redact_uri(uri)}: file:///absolute/path expected, got another form")
    return Path(unquote(parts.path))
