"""Wrapping data keys to recipients: HPKE (RFC 9180, base mode) with the hybrid KEM 0x647a.

The suite is MLKEM768-X25519, HKDF-SHA256, AES-256-GCM; the KEM is an IETF draft (draft-ietf-hpke-pq), pinned in
docs/formats/keyring.md. Base mode does not say who wrapped: the keyring around the wraps is signed for that.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import NoReturn, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from hardline.tasks.core.envelope import decode_base64
from hardline.tasks.core.errors import Malformed, SealBroken

KEM_ID = 0x647A
_SEED, _SCALAR, _MLKEM_PUBLIC, _POINT = 64, 32, 1184, 32  # bytes
_ENCAPSULATION, _TAG = 1088 + 32, 16  # bytes


def wrapped_size(key_size: int) -> int:
    """The size in bytes of a wrapped key: the encapsulation, then the AEAD's ciphertext and tag."""
    return _ENCAPSULATION + key_size + _TAG


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True)
class RecipientPublic:
    """Whom a data key can be wrapped to: ML-KEM-768 encapsulation key, then X25519 public key, 1,216 bytes."""

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) != _MLKEM_PUBLIC + _POINT:
            raise Malformed(f"recipient key: {_MLKEM_PUBLIC + _POINT} bytes expected, got {len(self.data)}")

    @classmethod
    def from_text(cls, text: object, *, subject: str = "recipient key") -> Self:
        """Parse the base64 form strictly; raises `Malformed`."""
        key = cls(decode_base64(text, subject=subject))
        try:
            key.wrap(b"", b"")  # a trial, since a point of low order shows only when used (RFC 7748 section 6.1)
        except ValueError:
            raise Malformed(f"{subject}: a public key of KEM 0x{KEM_ID:x} expected") from None
        return key

    def to_text(self) -> str:
        """The base64 form."""
        return base64.b64encode(self.data).decode()

    @cached_property
    def keyid(self) -> str:
        """The SHA-256 digest of the key."""
        return hashlib.sha256(self.data).hexdigest()

    def wrap(self, data_key: bytes, info: bytes) -> bytes:
        """Seal a data key to this recipient; the same `info` is needed to unwrap (RFC 9180 section 5.1)."""
        return _suite().encrypt(data_key, self._key, info)

    @cached_property
    def _key(self) -> MLKEM768X25519PublicKey:
        return MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self.data[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(self.data[_MLKEM_PUBLIC:]),
        )


class RecipientKey:
    """A private recipient key; its repr is silent and it is never pickled."""

    def __init__(self, mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> None:
        self._key = MLKEM768X25519PrivateKey(mlkem, x25519)
        self._public = RecipientPublic(mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw())

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From the ML-KEM seed and the X25519 scalar, 96 bytes.

        Raises:
            Malformed: Another number of bytes.
        """
        if len(data) != _SEED + _SCALAR:
            raise Malformed(f"private recipient key: {_SEED + _SCALAR} bytes expected, got {len(data)}")
        return cls(MLKEM768PrivateKey.from_seed_bytes(data[:_SEED]), X25519PrivateKey.from_private_bytes(data[_SEED:]))

    def public(self) -> RecipientPublic:
        """Its public half."""
        return self._public

    def unwrap(self, ciphertext: bytes, info: bytes) -> bytes:
        """The data key; raises `SealBroken` without a reason."""
        try:
            return _suite().decrypt(ciphertext, self._key, info)
        except (InvalidTag, ValueError):
            raise SealBroken("wrap: it does not open") from None

    def __repr__(self) -> str:
        return f"<RecipientKey {self._public.keyid[:8]}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private recipient key is never pickled")


def generate_recipient() -> bytes:
    """A fresh private recipient key, serialised for `RecipientKey.from_bytes`."""
    return MLKEM768PrivateKey.generate().private_bytes_raw() + X25519PrivateKey.generate().private_bytes_raw()
