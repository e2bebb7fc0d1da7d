"""gzip and zstd, decoded bit by bit as they are read; run in the parser's process only."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

import pyarrow as pa

from hardline.infra.parsers.refusals import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from hardline.infra.parsers.feed import Budget

_GZIP = b"\x1f\x8b"
_STEP = 1 << 16  # compressed bytes at a time
_WINDOW = 16 + zlib.MAX_WBITS  # a gzip member (RFC 1952), its checksum and length verified by zlib


def decompressed(read: Callable[[int], bytes], compression: str, budget: Budget) -> Callable[[int], bytes]:
    """A reader of the decoded bytes.

    Members and frames may follow one another; anything else after the end, and an end that does not come, is refused.

    Args:
        read: At most that many next bytes of the file; none at the end.
        compression: `none`, `gzip` or `zstd`.
        budget: Is told how many bytes were decoded.

    Raises:
        Found: `damaged` or `limits`, by the reader that is returned.
    """
    if compression == "none":
        return read
    inner = _Gzip(read).read if compression == "gzip" else _zstd(read)
    made = 0

    def counted(size: int) -> bytes:
        nonlocal made
        data = inner(size)
        made += len(data)
        budget.check(made)
        return data

    return counted


class _Gzip:
    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._member = zlib.decompressobj(_WINDOW)
        self._waiting = b""

    def read(self, size: int) -> bytes:
        while size:
            if self._member.eof and not self._next_member():
                return b""
            if not self._waiting:
                self._waiting = self._read(_STEP)
                if not self._waiting:
                    raise Found("damaged", how="cut")
            try:
                data = self._member.decompress(self._waiting, size)
            except zlib.error:
                raise Found("damaged", how="corrupt") from None
            self._waiting = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if data:
                return data
        return b""

    def _next_member(self) -> bool:
        while len(self._waiting) < len(_GZIP) and (piece := self._read(_STEP)):
            self._waiting += piece
        if not self._waiting:
            return False
        if not self._waiting.startswith(_GZIP):
            raise Found("damaged", how="followed")
        self._member = zlib.decompressobj(_WINDOW)
        return True


def _zstd(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    class Raw(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return read(size if size > 0 else _STEP)

        def readable(self) -> bool:
            return True

    stream = pa.CompressedInputStream(pa.PythonFile(Raw(), mode="r"), "zstd")

    def decoded(size: int) -> bytes:
        try:
            return bytes(stream.read(size))
        except MemoryError:
            raise
        except (pa.ArrowException, OSError) as error:
            raise Found("damaged", how="cut" if "Truncated" in str(error) else "corrupt") from None

    return decoded
