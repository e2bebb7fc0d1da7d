"""HPKE in base mode once more, by hand: KEM 0x647a (draft-ietf-hpke-pq), HKDF-SHA256 (RFC 9180 sections 4 and 5.1).

The second implementation, for tests only. ML-KEM-768 and X25519 themselves are the library's; the combiner, the key
schedule and the layout of bytes are written from the texts.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KEM, KDF, AES_256_GCM = 0x647A, 0x0001, 0x0002


def expand_seed(seed: bytes) -> bytes:
    """The draft's 32-byte private key as ML-KEM seed and X25519 scalar, 96 bytes."""
    return hashlib.shake_256(seed).digest(96)


def combine(ss_pq: bytes, ss_t: bytes, ct_t: bytes, ek_t: bytes) -> bytes:
    """The shared secret of the hybrid KEM."""
    return hashlib.sha3_256(ss_pq + ss_t + ct_t + ek_t + b"\\.//^\\").digest()


def decapsulate(private: bytes, enc: bytes) -> bytes:
    """The shared secret, from the 96-byte private key and the 1,120-byte encapsulation."""
    x25519 = X25519PrivateKey.from_private_bytes(private[64:])
    ss_pq = MLKEM768PrivateKey.from_seed_bytes(private[:64]).decapsulate(enc[:1088])
    ss_t = x25519.exchange(X25519PublicKey.from_public_bytes(enc[1088:]))
    return combine(ss_pq, ss_t, enc[1088:], x25519.public_key().public_bytes_raw())


def encapsulate(public: bytes) -> tuple[bytes, bytes]:
    """A fresh shared secret and its encapsulation to a 1,216-byte public key."""
    ss_pq, ct_pq = MLKEM768PublicKey.from_public_bytes(public[:1184]).encapsulate()
    ephemeral = X25519PrivateKey.generate()
    ct_t = ephemeral.public_key().public_bytes_raw()
    ss_t = ephemeral.exchange(X25519PublicKey.from_public_bytes(public[1184:]))
    return combine(ss_pq, ss_t, ct_t, public[1184:]), ct_pq + ct_t


def schedule(shared: bytes, info: bytes, aead: int = AES_256_GCM) -> tuple[bytes, bytes]:
    """The AEAD key and the base nonce (RFC 9180 section 5.1, mode_base)."""
    suite = b"HPKE" + KEM.to_bytes(2, "big") + KDF.to_bytes(2, "big") + aead.to_bytes(2, "big")

    def extract(salt: bytes, label: bytes, ikm: bytes) -> bytes:
        return HKDF.extract(SHA256(), salt or bytes(32), b"HPKE-v1" + suite + label + ikm)

    context = b"\x00" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    secret = extract(shared, b"secret", b"")

    def expand(label: bytes, size: int) -> bytes:
        labeled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
        return HKDFExpand(SHA256(), size, labeled).derive(secret)

    return expand(b"key", 32), expand(b"base_nonce", 12)


def unwrap(private: bytes, wrapped: bytes, info: bytes) -> bytes:
    """Open a single-shot message: encapsulation, then ciphertext."""
    key, nonce = schedule(decapsulate(private, wrapped[:1120]), info)
    return AESGCM(key).decrypt(nonce, wrapped[1120:], b"")


def wrap(public: bytes, data: bytes, info: bytes) -> bytes:
    """Seal a single-shot message."""
    shared, enc = encapsulate(public)
    key, nonce = schedule(shared, info)
    return enc + AESGCM(key).encrypt(nonce, data, b"")
