"""Verification of the trust document: signed by a threshold of the owners before it and of its own.

This is the root rule of TUF (specification 1.0, section 5.3). Beyond it, no version rewrites the past: who was a member
stays one until the index that the document says, and who was revoked stays revoked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks.core import envelope
from hardline.tasks.core.errors import Malformed, Stale, TrustRefused
from hardline.tasks.core.trust_document import (
    APART,
    FORMAT,
    ONE_PRINCIPAL,
    RECIPIENTS,
    ROLES,
    LayoutEntry,
    Member,
    TrustDocument,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from securesystemslib.signer import Signer

    from hardline.tasks.core.keys import PublicKey

__all__ = [
    "APART",
    "FORMAT",
    "ONE_PRINCIPAL",
    "PAYLOAD_TYPE",
    "RECIPIENTS",
    "ROLES",
    "LayoutEntry",
    "Member",
    "TrustDocument",
    "sign_trust",
    "verify_trust",
    "verify_trust_chain",
]

PAYLOAD_TYPE = "application/vnd.hardline.trust+json"


def sign_trust(document: TrustDocument, signers: Sequence[Signer]) -> bytes:
    """The trust document in its envelope.

    Raises:
        ValueError: A document that no reader would accept, or nobody to sign it: a bug of the caller.
    """
    data = document.encode()
    try:
        TrustDocument.decode(data)
    except Malformed as error:
        raise ValueError(f"a trust document that no reader would accept: {error}") from error
    return envelope.sign(data, PAYLOAD_TYPE, signers).to_bytes()


def verify_trust(data: bytes, *, anchor: TrustDocument | Sequence[PublicKey], now: datetime) -> TrustDocument:
    """Step 1 of verification.

    Args:
        data: The signed trust document.
        anchor: The one last seen; or, at the first contact, owner keys that were got elsewhere, each of which must have
            signed: a document cannot be asked how many of them suffice.
        now: The time.

    Raises:
        Malformed: It is no trust document.
        SignatureInvalid: Too few of the old, or of its own, owners signed it.
        TrustRefused: The same version with another content, or one that rewrites the past.
        Stale: Older than the last seen, or expired.
    """
    return verify_trust_chain([data], anchor=anchor, now=now)


def verify_trust_chain(
    documents: Sequence[bytes], *, anchor: TrustDocument | Sequence[PublicKey], now: datetime
) -> TrustDocument:
    """Step 1 when several versions lie between the anchor and the newest: each is verified by the one before it.

    Args:
        documents: The signed trust documents, oldest first; the last one counts.
        anchor: As for `verify_trust`.
        now: The time; only the last one must not have expired (TUF specification, 5.3.10).

    Raises:
        VerificationError: As `verify_trust`.
    """
    if not documents:
        raise TrustRefused("trust document: at least one expected, got none")
    for data in documents:
        anchor = newest = _verify_next(data, anchor)
    if newest.expires <= now:
        raise Stale(
            f"trust document: one that has not expired expected, got one until {newest.expires:%Y-%m-%d}",
            help="an owner signs a new version",
        )
    return newest


def _verify_next(data: bytes, anchor: TrustDocument | Sequence[PublicKey]) -> TrustDocument:
    subject = "trust document"
    wrapped = envelope.parse(data, subject=subject)
    document = TrustDocument.decode(wrapped.payload)
    if isinstance(anchor, TrustDocument):
        old_owners, old_threshold = anchor.owners, anchor.threshold
    else:
        old_owners, old_threshold = tuple(anchor), len({key.pem for key in anchor})
    envelope.verify(wrapped, PAYLOAD_TYPE, old_owners, old_threshold, subject=f"{subject}, by the owners known before")
    envelope.verify(wrapped, PAYLOAD_TYPE, document.owners, document.threshold, subject=f"{subject}, by its own owners")
    if isinstance(anchor, TrustDocument):
        if document.version < anchor.version:
            raise Stale(f"{subject}: version {anchor.version} or newer expected, got {document.version}")
        if document.version == anchor.version and document.digest != anchor.digest:
            raise TrustRefused(f"{subject}: version {anchor.version} as it was last seen expected, got another")
        _refuse_rewritten(anchor, document)
    return document


def _refuse_rewritten(old: TrustDocument, new: TrustDocument) -> None:
    """What was signed before must stay verifiable, and what was revoked must stay revoked."""
    if new.log_name != old.log_name:
        raise TrustRefused(f"trust document: the log {old.log_name} of version {old.version} expected, got another")
    claims = new.claims()
    for claim, until in old.claims().items():
        what = f"trust document: {' '.join(claim[:2])}"
        if claim not in claims:
            raise TrustRefused(f"{what}: as in version {old.version} expected, got nothing or another")
        later = claims[claim]
        if until is not None and (later is None or later > until):
            raise TrustRefused(
                f"{what}: until index {until} as in version {old.version}, or earlier, expected, got later"
            )
