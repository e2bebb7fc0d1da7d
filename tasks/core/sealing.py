"""Sealed objects: C2SP chunked-encryption, Cobblestone-256, as `cryptography.cobblestone` implements it.

The key commits, truncation is seen at the end, and nothing is handed out before the end: chunk authentication alone
says nothing about the chunks that are missing. There is no streaming open for that reason; objects are small enough to
open whole. Whoever holds a key can also seal with it: who made an object is for signatures to say, never for the seal.
"""

from __future__ import annotations

import secrets
from io import BytesIO
from typing import TYPE_CHECKING

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from hardline.tasks.core.errors import SealBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hardline.infra.ports import Bytes

FORMAT = b"hardline/seal/v1"
KEY_BYTES = 32
CHUNK = 16 << 10  # bytes of plaintext; the construction's own
_HEADER = 24 + 32  # bytes: salt and key commitment
_TAG = 16  # bytes: AES-GCM's, after each chunk


def new_key() -> bytes:
    """A fresh random key."""
    return secrets.token_bytes(KEY_BYTES)


def length_prefixed(*parts: bytes) -> bytes:
    """The parts, each after its length as 8 bytes, big-endian: no two lists have the same encoding."""
    return b"".join(len(part).to_bytes(8, "big") + part for part in parts)


def context(version_id: bytes, kind: str, path: str) -> bytes:
    """What a sealed object is bound to: the format, the version, what it is, and where it lies."""
    return length_prefixed(FORMAT, version_id, kind.encode(), path.encode())


def sealed_size(plain_size: int) -> int:
    """The size of a sealed object in bytes: header, plaintext, and one tag for each chunk, the last one never full."""
    return _HEADER + plain_size + _TAG * (plain_size // CHUNK + 1)


def seal(data: Bytes, key: bytes, context: bytes) -> bytes:
    """Seal an object whole.

    Args:
        data: The plaintext.
        key: 32 bytes.
        context: What `context` gives; the same is needed to open.

    Raises:
        ValueError: The key has another length: a bug of the caller.
    """
    encryptor = Cobblestone256Encryptor(key, context)
    size = sealed_size(memoryview(data).nbytes)
    sealed = BytesIO()  # hands its memory out as bytes without a copy
    sealed.seek(size - 1)
    sealed.write(b"\0")
    with sealed.getbuffer() as view:
        done = encryptor.update_into(data, view)
        view[done:] = encryptor.finalize()
    return sealed.getvalue()


def seal_stream(chunks: Iterable[Bytes], key: bytes, context: bytes) -> Iterator[bytes]:
    """Seal while the plaintext goes by; the pieces joined are an object as `seal` makes it."""
    encryptor = Cobblestone256Encryptor(key, context)
    for chunk in chunks:
        yield encryptor.update(chunk)
    yield encryptor.finalize()


def open_sealed(sealed: Bytes, key: bytes, context: bytes) -> bytearray:
    """Open a sealed object, all of it or nothing.

    Returns:
        The plaintext in a private buffer.

    Raises:
        SealBroken: It does not open under this key and context. The reason is not said, and the buffer is wiped.
        ValueError: The key has another length: a bug of the caller.
    """
    decryptor = Cobblestone256Decryptor(key, context)
    chunks, rest = divmod(memoryview(sealed).nbytes - _HEADER, CHUNK + _TAG)
    if chunks < 0 or rest < _TAG:  # the last chunk is never full, and never without its tag
        raise SealBroken(_REFUSED)
    buffer = bytearray(chunks * CHUNK + rest - _TAG)
    try:
        done = decryptor.update_into(sealed, buffer)
        buffer[done:] = decryptor.finalize()
    except BaseException as error:
        buffer[:] = bytes(len(buffer))  # the chunks before a broken one were opened into it
        if isinstance(error, InvalidTag | ValueError):
            raise SealBroken(_REFUSED) from None
        raise
    return buffer


_REFUSED = "sealed object: it does not open"
