"""The messages between a parser's process and its parent.

To the process: for each file a NAME, its bytes in CHUNKs, and an END; the stream ends after an END, and one that ends
elsewhere was broken off. From the process: BATCHes and one DONE for each file, or REFUSED. A stream that ends otherwise
was cut off, and is never taken for complete.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = b"B"  # an Arrow IPC stream of one record batch
DONE = b"D"  # JSON: how many bytes of the file were read, how many rows were made since the last one
REFUSED = b"R"  # JSON: a code, numbers, and names of columns; never a value
HEADER = struct.Struct(">cQ")

NAME = b"N"  # the name of the next file, UTF-8
CHUNK = b"C"  # some of its bytes
END = b"E"  # no more of them
FEED = struct.Struct(">cI")
MAX_CHUNK = 1 << 30


def read_exactly(readinto: Callable[[memoryview], int | None], size: int) -> bytearray | None:
    """The next `size` bytes; None: the stream ended before."""
    buffer = bytearray(size)
    view = memoryview(buffer)
    while view:
        count = readinto(view)
        if not count:
            return None
        view = view[count:]
    return buffer
