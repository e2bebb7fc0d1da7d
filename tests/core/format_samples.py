"""Fixed keys and small objects for the tests of formats. Every key here is public knowledge and signs nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.hashes import SHA256
from securesystemslib.signer import CryptoSigner, Signature, Signer, SSlibKey

from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.wrapping import RecipientKey

VECTORS = Path(__file__).parent.parent / "vectors"


def p256(number: int) -> CryptoSigner:
    return CryptoSigner(ec.derive_private_key(0x48415244 + number, ec.SECP256R1()))


def ed(number: int) -> CryptoSigner:
    return CryptoSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def ml_dsa(number: int) -> CryptoSigner:
    return CryptoSigner(mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes([number]) * 32))


class Repeatable(Signer):
    """A P-256 signer whose signatures are a function of the bytes signed (RFC 6979)."""

    def __init__(self, number: int) -> None:
        self._private = ec.derive_private_key(0x56454354 + number, ec.SECP256R1())
        self._public = SSlibKey.from_crypto(self._private.public_key())

    @property
    def public_key(self) -> SSlibKey:
        return self._public

    def sign(self, payload: bytes) -> Signature:
        made = self._private.sign(payload, ec.ECDSA(SHA256(), deterministic_signing=True))
        return Signature(self._public.keyid, made.hex())

    @classmethod
    def from_priv_key_uri(cls, *_: Any, **__: Any) -> Signer:
        raise NotImplementedError


def public(signer: Signer) -> PublicKey:
    return PublicKey.of(signer)


def recipient(number: int) -> RecipientKey:
    return RecipientKey.from_bytes(bytes([number]) * 96)


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))
