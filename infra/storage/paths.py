"""The one rule for object paths, shared by every store."""

from __future__ import annotations

import re

from hardline.infra.errors import Misconfigured

_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9._@-]*"
_PATH = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT})*")
MAX_PATH = 512  # characters


def check(path: str) -> str:
    """The path itself, if it is relative, `/`-separated and plain.

    Raises:
        Misconfigured: It is not; so no path can leave the store or hide in it.
    """
    if len(path) > MAX_PATH or not _PATH.fullmatch(path):
        raise Misconfigured(f"object path: plain segments joined by / expected, got {path[:80]!r}")
    return path


def check_prefix(prefix: str) -> str:
    """The same for a prefix, which may be empty."""
    return check(prefix) if prefix else prefix
