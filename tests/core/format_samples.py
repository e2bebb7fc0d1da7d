"""Fixed keys and small objects for the tests of formats. Every key here is public knowledge and signs nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from securesystemslib.signer import CryptoSigner

from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.wrapping import RecipientKey

VECTORS = Path(__file__).parent.parent / "vectors"


def p256(number: int) -> CryptoSigner:
    return CryptoSigner(ec.derive_private_key(0x48415244 + number, ec.SECP256R1()))


def ed(number: int) -> CryptoSigner:
    return CryptoSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


def ml_dsa(number: int) -> CryptoSigner:
    return CryptoSigner(mldsa.MLDSA65PrivateKey.from_seed_bytes(bytes([number]) * 32))


def public(signer: CryptoSigner) -> PublicKey:
    return PublicKey.of(signer)


def recipient(number: int) -> RecipientKey:
    return RecipientKey.from_bytes(bytes([number]) * 96)


def load(name: str) -> Any:
    return json.loads((VECTORS / name).read_text(encoding="utf-8"))
