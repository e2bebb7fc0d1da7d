"""What a file looks like by its first bytes: never a way to choose a parser, only to say which line of the contract errs."""

from __future__ import annotations

from hardline.infra.parsers.refusals import LOOKS, Found

HEAD = 8  # bytes that are looked at
_MAGIC = (
    (b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"), (b"PK\x03\x04", "zip"), (b"PK\x05\x06", "zip"),
    (b"PAR1", "parquet"), (b"PARE", "encrypted"), (b"ARROW1", "arrow"), (b"\xff\xff\xff\xff", "arrow"),
    (b"\x93NUMPY", "npy"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"SQLite f", "other"),
)  # fmt: skip
_OF_FORMAT = {"parquet": "parquet", "arrow": "arrow", "npz": "zip", "npy": "npy"}


def look(head: bytes) -> str:
    """One of `refusals.LOOKS`."""
    return next((name for magic, name in _MAGIC if head.startswith(magic)), "text")


def expect_compression(head: bytes, compression: str) -> None:
    """Raise `Found` unless the file begins as the stated compression does, or has none if none is stated."""
    found = look(head)
    if not head:
        raise Found("empty")
    if compression != "none" and found != compression and not _skippable(head, compression):
        raise Found("format", looks=LOOKS.index(found))
    if compression == "none" and found in ("gzip", "zstd"):
        raise Found("format", looks=LOOKS.index(found))


def expect_format(head: bytes, format_: str) -> None:
    """Raise `Found` unless the decoded bytes begin as the stated format does."""
    if not head:
        raise Found("empty")
    found = look(head)
    if found != _OF_FORMAT.get(format_, "text"):
        raise Found("format", looks=LOOKS.index(found))


def _skippable(head: bytes, compression: str) -> bool:
    """A zstd file may begin with a skippable frame (RFC 8878, 3.1.2)."""
    return compression == "zstd" and head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50
