"""The messages of a parser's process to its parent: one letter, eight bytes of length, a body.

A stream ends with DONE or REFUSED. One that ends otherwise was cut off, and is never taken for complete.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = b"B"  # an Arrow IPC stream of one record batch
DONE = b"D"  # JSON: how many bytes were read, how many rows made
REFUSED = b"R"  # JSON: a code, numbers, and names of columns; never a value
HEADER = struct.Struct(">cQ")


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
