"""Public signing keys, and signatures as raw bytes.

Private keys stay behind securesystemslib `Signer` objects, so that a file, a PKCS#11 token and a cloud KMS are the same
to us. Key ids are securesystemslib's, so that in-toto links and our records name the same key in the same way.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed, SignatureInvalid

if TYPE_CHECKING:
    from securesystemslib.signer import Signer, SSlibKey

P256 = "ecdsa-sha2-nistp256"
ED25519 = "ed25519"
ML_DSA_65 = "ml-dsa-65/1"
SCHEMES = (P256, ED25519, ML_DSA_65)
POST_QUANTUM = (ML_DSA_65,)


@dataclass(frozen=True)
class PublicKey:
    """A public key in SubjectPublicKeyInfo form (RFC 5280 section 4.1.2.7), with the one scheme it is used for."""

    scheme: str
    pem: str

    @classmethod
    def of(cls, signer: Signer) -> Self:
        """The public half of a signer; raises `ValueError` for a key of no scheme of ours."""
        return cls.of_crypto(signer.public_key._crypto_key())  # type: ignore[attr-defined]

    @classmethod
    def of_crypto(cls, key: Any) -> Self:
        """A public key object of `cryptography`; raises `ValueError` for a key of no scheme of ours."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        from securesystemslib.signer import SSlibKey

        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        scheme = SSlibKey.from_crypto(key).scheme
        if scheme not in SCHEMES:
            raise ValueError(f"a key of scheme {' or '.join(SCHEMES)} expected, got {scheme}")
        return cls(scheme, pem)

    @classmethod
    def from_json(cls, value: Any, *, subject: str) -> Self:
        """Parse strictly.

        Raises:
            Malformed: No public key in its one canonical form, or of another type than its scheme.
        """
        canonical.fields(value, {"scheme", "pem"}, subject=subject)
        key = cls.from_pem(value["pem"], subject=subject)
        if key.to_json() != value:
            raise Malformed(f"{subject}: a key of the stated scheme in its canonical PEM form expected, got another")
        return key

    @classmethod
    def from_pem(cls, pem: Any, *, subject: str) -> Self:
        """Parse a PEM file, in any form of it; raises `Malformed`."""
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        if not isinstance(pem, str) or len(pem) > 16384:
            raise Malformed(f"{subject}: a public key in PEM form expected")
        try:
            return cls.of_crypto(load_pem_public_key(pem.encode()))
        except (ValueError, TypeError, UnsupportedAlgorithm):
            wanted = " or ".join(SCHEMES)
            raise Malformed(f"{subject}: a PEM public key of scheme {wanted} expected, got something else") from None

    def to_json(self) -> dict[str, str]:
        """The form in a document."""
        return {"scheme": self.scheme, "pem": self.pem}

    @cached_property
    def keyid(self) -> str:
        """securesystemslib's key id, hexadecimal."""
        return self._key.keyid

    @cached_property
    def fingerprint(self) -> str:
        """What people compare: `SHA256:` and the base64 of the digest of the key's DER form."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        der = self._crypto.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")

    @property
    def post_quantum(self) -> bool:
        """Whether a quantum computer is not known to forge its signatures."""
        return self.scheme in POST_QUANTUM

    def raw(self) -> bytes:
        """The 32 bytes of an Ed25519 key (RFC 8032 section 5.1.5); raises `ValueError` for a key of another scheme."""
        if self.scheme != ED25519:
            raise ValueError(f"a key of scheme {ED25519} expected, got {self.scheme}")
        raw: bytes = self._crypto.public_bytes_raw()
        return raw

    def securesystemslib(self) -> SSlibKey:
        """The key as in-toto wants it."""
        return self._key

    def verify(self, signature: bytes, data: bytes) -> None:
        """Check one signature over the bytes.

        Raises:
            SignatureInvalid: It does not hold under this key.
        """
        from securesystemslib.exceptions import UnverifiedSignatureError
        from securesystemslib.exceptions import VerificationError as CannotVerify
        from securesystemslib.signer import Signature

        try:
            self._key.verify_signature(Signature(self.keyid, signature.hex()), data)
        except (UnverifiedSignatureError, CannotVerify):
            raise SignatureInvalid(f"signature: one by key {self.keyid[:8]} expected, got another") from None

    @cached_property
    def _key(self) -> SSlibKey:
        from securesystemslib.signer import SSlibKey

        return SSlibKey.from_crypto(self._crypto, scheme=self.scheme)

    @cached_property
    def _crypto(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_public_key

        return load_pem_public_key(self.pem.encode())


def sign(signer: Signer, data: bytes) -> bytes:
    """The signer's signature over the bytes, raw."""
    return bytes.fromhex(signer.sign(data).signature)
