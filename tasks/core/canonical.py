"""Canonical JSON: the subset of RFC 8785 without floating-point numbers.

One value has one encoding, and only that encoding is read back: what was signed is what is parsed. Numbers are
integers of at most 53 bits (RFC 8785 section 3.2.2.3); fractions travel as decimal strings.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Set
from typing import Any, NoReturn

import rfc8785

from hardline.tasks.core.errors import Malformed

MAX_BYTES = 64 << 20  # far above any manifest; bounds what a hostile file can make us parse
_DIGEST = re.compile(r"[0-9a-f]{64}")


def encode(value: Any) -> bytes:
    """The canonical bytes of a JSON value.

    Raises:
        ValueError: The value holds a float, or something that JSON has no form for: a bug of the caller.
    """
    _refuse_floats(value)
    return rfc8785.dumps(value)


def decode(data: bytes, *, subject: str = "document", limit: int = MAX_BYTES) -> Any:
    """Parse canonical JSON, and nothing but canonical JSON.

    Raises:
        Malformed: Too large or too deep, not UTF-8, a duplicate key, a float, or any encoding but the canonical one.
    """
    if len(data) > limit:
        raise Malformed(f"{subject}: at most {limit} bytes expected, got {len(data)}")
    try:
        value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float
        )
        canonical = rfc8785.dumps(value)
    except (ValueError, RecursionError):  # UnicodeDecodeError, JSONDecodeError and rfc8785's errors are ValueErrors
        raise Malformed(f"{subject}: canonical JSON expected (RFC 8785), got something else") from None
    if canonical != data:
        raise Malformed(f"{subject}: canonical JSON expected (RFC 8785), got another encoding of it")
    return value


def digest(data: bytes | bytearray | memoryview) -> str:
    """The SHA-256 digest of the bytes, in lower-case hexadecimal: how every digest of ours is written."""
    return hashlib.sha256(data).hexdigest()


def parse_digest(value: Any, *, subject: str = "digest") -> str:
    """The value itself, if it is a digest as `digest` writes it.

    Raises:
        Malformed: It is not.
    """
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise Malformed(f"{subject}: 64 lower-case hexadecimal digits expected, got something else")
    return value


def fields(value: Any, names: Set[str], *, subject: str, optional: Set[str] = frozenset()) -> dict[str, Any]:
    """The value itself, if it is an object with exactly these fields (and perhaps the optional ones).

    Raises:
        Malformed: It is no object, a field is missing, or one is unknown.
    """
    if not isinstance(value, dict):
        raise Malformed(f"{subject}: an object expected, got {type(value).__name__}")
    missing = names - value.keys()
    unknown = value.keys() - names - optional
    if missing or unknown:
        raise Malformed(
            f"{subject}: fields {sorted(names)} expected, got {len(missing)} missing, {len(unknown)} unknown"
        )
    return value


def text(value: Any, *, subject: str, limit: int = 4096) -> str:
    """The value itself, if it is a non-empty string of at most `limit` characters; raises `Malformed`."""
    if not isinstance(value, str) or not 0 < len(value) <= limit:
        raise Malformed(f"{subject}: a text of 1 to {limit} characters expected")
    return value


def integer(value: Any, *, subject: str, low: int = 0, high: int = 2**53 - 1) -> int:
    """The value itself, if it is an integer from `low` to `high`, and no boolean; raises `Malformed`."""
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise Malformed(f"{subject}: an integer from {low} to {high} expected")
    return value


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("canonical JSON holds no floats; write a decimal string")  # noqa: TRY004  a bug of the caller, like the rest
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate key")
    return result


def _no_float(_: str) -> NoReturn:
    raise ValueError("float")
