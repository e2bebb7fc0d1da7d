"""Cobblestone-256 once more, by hand, from c2sp.org/chunked-encryption: the second implementation, for tests only.

Cobblestone-256 is the specification with SHA-512 and AES-256-GCM. The specification's own vectors use SHA-256; hence
the parameter.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA512, HashAlgorithm
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

CHUNK, TAG = 16 << 10, 16


class Refused(Exception):
    """The object does not open."""


def derive(key: bytes, salt: bytes, context: bytes, hash_: HashAlgorithm) -> tuple[bytes, bytes, bytes]:
    """The AEAD key, the base nonce and the commitment ("Key derivation")."""
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\x00" + salt + context
    stream = HKDFExpand(hash_, 32 + 12 + 32, info).derive(key)
    return stream[:32], stream[32:44], stream[44:]


def nonce(base: bytes, number: int) -> bytes:
    """The nonce of a chunk ("AEAD usage")."""
    return bytes(a ^ b for a, b in zip(base, number.to_bytes(12, "big"), strict=True))


def seal(plain: bytes, key: bytes, context: bytes, salt: bytes, hash_: HashAlgorithm = SHA512()) -> bytes:  # noqa: B008
    """Seal under a given salt, which makes the result a function of its arguments."""
    assert len(key) == 32 and len(salt) == 24
    aead_key, base, commitment = derive(key, salt, context, hash_)
    chunks = [plain[at : at + CHUNK] for at in range(0, len(plain) + 1, CHUNK)]  # the last one is never full
    aead = AESGCM(aead_key)
    return salt + commitment + b"".join(aead.encrypt(nonce(base, i), chunk, None) for i, chunk in enumerate(chunks))


def open_sealed(sealed: bytes, key: bytes, context: bytes, hash_: HashAlgorithm = SHA512()) -> bytes:  # noqa: B008
    """Open an object, or raise `Refused`."""
    if len(key) != 32 or len(sealed) < 24 + 32 + TAG:
        raise Refused
    aead_key, base, commitment = derive(key, sealed[:24], context, hash_)
    if not hmac.compare_digest(commitment, sealed[24:56]):
        raise Refused
    body, aead = sealed[56:], AESGCM(aead_key)
    chunks = [body[at : at + CHUNK + TAG] for at in range(0, len(body) + 1, CHUNK + TAG)]
    if not TAG <= len(chunks[-1]) < CHUNK + TAG:
        raise Refused
    try:
        return b"".join(aead.decrypt(nonce(base, i), chunk, None) for i, chunk in enumerate(chunks))
    except Exception:
        raise Refused from None
