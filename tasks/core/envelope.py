"""DSSE v1 envelopes: signed bytes with their type (github.com/secure-systems-lab/dsse, protocol.md and envelope.md).

An envelope is written as canonical JSON and read back only so. The `keyid` is a hint: which keys count is the caller's
statement, never the envelope's.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed, SignatureInvalid
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.keys import sign as sign_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from securesystemslib.signer import Signer

MAX_SIGNATURES = 16


def pae(payload_type: str, payload: bytes) -> bytes:
    """The pre-authentication encoding: what is signed (protocol.md, "Signature Definition"); lengths count bytes."""
    type_ = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A payload with its signatures, each a key id (a hint) and raw bytes."""

    payload: bytes
    payload_type: str
    signatures: tuple[tuple[str, bytes], ...]

    def to_bytes(self) -> bytes:
        """The canonical JSON form."""
        signatures = [{"keyid": keyid, "sig": base64.b64encode(sig).decode()} for keyid, sig in self.signatures]
        payload = base64.b64encode(self.payload).decode()
        return canonical.encode({"payload": payload, "payloadType": self.payload_type, "signatures": signatures})

    def with_signature(self, signer: Signer) -> Self:
        """The same payload with one signature more."""
        made = (PublicKey.of(signer).keyid, sign_bytes(signer, pae(self.payload_type, self.payload)))
        return type(self)(self.payload, self.payload_type, (*self.signatures, made))


def sign(payload: bytes, payload_type: str, signers: Sequence[Signer]) -> Envelope:
    """Sign a payload with each of the signers.

    Raises:
        ValueError: No signer, or more than an envelope holds: a bug of the caller.
    """
    if not 1 <= len(signers) <= MAX_SIGNATURES:
        raise ValueError(f"an envelope needs 1 to {MAX_SIGNATURES} signers, got {len(signers)}")
    wrapped = Envelope(payload, payload_type, ())
    for signer in signers:
        wrapped = wrapped.with_signature(signer)
    return wrapped


def parse(data: bytes, *, subject: str) -> Envelope:
    """Parse an envelope strictly; no signature is looked at.

    Raises:
        Malformed: Not canonical JSON, base64 other than the standard alphabet with padding (RFC 4648 section 4), no
            signature or more than 16, or an unknown field.
    """
    value = canonical.decode(data, subject=subject)
    canonical.fields(value, {"payload", "payloadType", "signatures"}, subject=subject)
    signatures = value["signatures"]
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise Malformed(f"{subject}: 1 to {MAX_SIGNATURES} signatures expected")
    return Envelope(
        payload=decode_base64(value["payload"], subject=f"{subject}: payload"),
        payload_type=canonical.text(value["payloadType"], subject=f"{subject}: payloadType", limit=200),
        signatures=tuple(_signature(item, subject=subject) for item in signatures),
    )


def verify(
    envelope: Envelope, payload_type: str, keys: Sequence[PublicKey], threshold: int = 1, *, subject: str
) -> bytes:
    """The payload, when at least `threshold` different ones of `keys` signed it as `payload_type`.

    Args:
        envelope: What was parsed.
        payload_type: The only type that is accepted.
        keys: Who may sign.
        threshold: How many of them must have; fewer than one is refused.
        subject: For messages.

    Raises:
        SignatureInvalid: Fewer did, or nobody may.
        Malformed: The payload is of another type.
    """
    if envelope.payload_type != payload_type:
        raise Malformed(f"{subject}: payload type {payload_type} expected, got another")
    if threshold < 1 or not keys:
        raise SignatureInvalid(f"{subject}: a signature by somebody who may sign expected, and nobody may")
    signed = pae(envelope.payload_type, envelope.payload)
    held = 0
    for key in {key.pem: key for key in keys}.values():  # one key counts once, however often it is listed
        held += _signed_by(key, envelope.signatures, signed)
        if held >= threshold:
            return envelope.payload
    raise SignatureInvalid(f"{subject}: {threshold} valid signature(s) by those who may sign expected, got {held}")


def _signed_by(key: PublicKey, signatures: Sequence[tuple[str, bytes]], signed: bytes) -> bool:
    # The key id only says which signature to try first.
    for _, signature in sorted(signatures, key=lambda item: item[0] != key.keyid):
        try:
            key.verify(signature, signed)
        except SignatureInvalid:
            continue
        return True
    return False


def decode_base64(value: Any, *, subject: str) -> bytes:
    """Standard base64 with padding, in its one canonical form; raises `Malformed`."""
    if not isinstance(value, str):
        raise Malformed(f"{subject}: base64 expected")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{subject}: standard base64 expected, got something else") from None
    if base64.b64encode(data).decode() != value:
        raise Malformed(f"{subject}: canonical base64 expected, got another form")
    return data


def _signature(value: Any, *, subject: str) -> tuple[str, bytes]:
    canonical.fields(value, {"keyid", "sig"}, subject=f"{subject}: signature")
    if not isinstance(value["keyid"], str) or len(value["keyid"]) > 200:
        raise Malformed(f"{subject}: a key id of at most 200 characters expected")
    return value["keyid"], decode_base64(value["sig"], subject=f"{subject}: sig")
