"""The keyring: one version's data keys, each wrapped to every recipient that may read with it.

It lies outside the manifest and outside what OMS signs, so that rotation and shredding never touch the dataset's
identity. It travels in a DSSE envelope and enters the log by digest.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, Self

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hardline.tasks.core import canonical, envelope, sealing, wrapping
from hardline.tasks.core.errors import AccessDenied, Malformed, SealBroken, Shredded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from securesystemslib.signer import Signer

    from hardline.tasks.core.keys import PublicKey
    from hardline.tasks.core.wrapping import RecipientKey, RecipientPublic

FORMAT = "hardline/keyring/v1"
PAYLOAD_TYPE = "application/vnd.hardline.keyring+json"
_INFO = b"hardline/wrap/v1"
_LABEL = b"hardline/key-id/v1"
_ID = re.compile(r"[0-9a-f]{32}")  # of a data key, and of a version
_MAX_WRAPS = 4096
_WRAPPED = wrapping.wrapped_size(sealing.KEY_BYTES)


@dataclass(frozen=True)
class DataKey:
    """A key that seals objects; it has no repr and is never pickled."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != sealing.KEY_BYTES:
            raise SealBroken("data key: it does not open")

    @classmethod
    def generate(cls) -> Self:
        """A fresh random key."""
        return cls(sealing.new_key())

    @cached_property
    def key_id(self) -> str:
        """Its public name, 32 hexadecimal digits: HKDF-Expand (RFC 5869 section 2.3) of the key under its own label."""
        return HKDFExpand(SHA256(), 16, _LABEL).derive(self.secret).hex()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a data key is never pickled")


@dataclass(frozen=True, slots=True)
class Wrap:
    """One data key for one recipient."""

    key_id: str
    role: str
    recipient: str  # the recipient's key id
    ciphertext: bytes

    def to_json(self) -> dict[str, str]:
        """The form in a keyring."""
        return {
            "key_id": self.key_id,
            "role": self.role,
            "recipient": self.recipient,
            "ciphertext": base64.b64encode(self.ciphertext).decode(),
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Parse strictly; raises `Malformed`."""
        subject = "keyring: wrap"
        canonical.fields(value, {"key_id", "role", "recipient", "ciphertext"}, subject=subject)
        if not isinstance(value["key_id"], str) or not _ID.fullmatch(value["key_id"]):
            raise Malformed(f"{subject}: a key id of 32 hexadecimal digits expected")
        ciphertext = envelope.decode_base64(value["ciphertext"], subject=f"{subject}: ciphertext")
        if len(ciphertext) != _WRAPPED:
            raise Malformed(f"{subject}: a ciphertext of {_WRAPPED} bytes expected, got {len(ciphertext)}")
        return cls(
            key_id=value["key_id"],
            role=canonical.text(value["role"], subject=f"{subject}: role", limit=40),
            recipient=canonical.parse_digest(value["recipient"], subject=f"{subject}: recipient"),
            ciphertext=ciphertext,
        )


@dataclass(frozen=True, slots=True)
class Keyring:
    """The wraps of one version. Without any, it is the tombstone that shredding leaves."""

    subject: str  # digest of what the keys open: a manifest, a snapshot, a statement of training
    version_id: bytes
    generation: int
    wraps: tuple[Wrap, ...]

    @property
    def shredded(self) -> bool:
        """Whether the data keys were destroyed on purpose."""
        return not self.wraps

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(
            {
                "format": FORMAT,
                "subject": self.subject,
                "version": self.version_id.hex(),
                "generation": self.generation,
                "shredded": self.shredded,
                "wraps": [wrap.to_json() for wrap in self.wraps],
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse strictly.

        Raises:
            Malformed: Another format, no wrap in what is no tombstone, or two wraps of one key for one recipient.
        """
        value = canonical.decode(data, subject="keyring")
        names = {"format", "subject", "version", "generation", "shredded", "wraps"}
        canonical.fields(value, names, subject="keyring")
        wraps = value["wraps"]
        if value["format"] != FORMAT or not isinstance(wraps, list) or len(wraps) > _MAX_WRAPS:
            raise Malformed(f"keyring: format {FORMAT} with at most {_MAX_WRAPS} wraps expected")
        if not isinstance(value["version"], str) or not _ID.fullmatch(value["version"]):
            raise Malformed("keyring: a version id of 32 hexadecimal digits expected")
        ring = cls(
            subject=canonical.parse_digest(value["subject"], subject="keyring: subject"),
            version_id=bytes.fromhex(value["version"]),
            generation=canonical.integer(value["generation"], subject="keyring: generation"),
            wraps=tuple(Wrap.from_json(item) for item in wraps),
        )
        if value["shredded"] is not ring.shredded:
            raise Malformed("keyring: wraps, or a tombstone that says so, expected")
        if len({(wrap.key_id, wrap.recipient) for wrap in ring.wraps}) != len(ring.wraps):
            raise Malformed("keyring: one wrap of each data key for each recipient expected")
        return ring

    def sign(self, signer: Signer) -> bytes:
        """The keyring in its envelope."""
        return envelope.sign(self.encode(), PAYLOAD_TYPE, [signer]).to_bytes()

    def open(self, role: str, private: RecipientKey, key_ids: Iterable[str] | None = None) -> dict[str, DataKey]:
        """The data keys that a recipient may use.

        Args:
            role: The reader's role, which the wraps are bound to.
            private: The reader's key.
            key_ids: The data keys needed, all of them; None: every one that is wrapped to this reader.

        Raises:
            Shredded: The data keys were destroyed.
            AccessDenied: There is no wrap for this reader, or none for one of the keys.
            SealBroken: A wrap does not open, or opens to another key than it names.
        """
        if self.shredded:
            raise Shredded("keyring: the data keys were destroyed; the data cannot be read again")
        recipient = private.public().keyid
        own = {wrap.key_id: wrap for wrap in self.wraps if wrap.recipient == recipient and wrap.role == role}
        wanted = list(own) if key_ids is None else list(key_ids)
        if not wanted or not own.keys() >= set(wanted):
            raise AccessDenied(
                f"keyring: no data key is wrapped to this {role}'s key for what was asked",
                help="a custodian can wrap it again, if policy allows",
            )
        return {key_id: self._unwrap(own[key_id], private) for key_id in wanted}

    def _unwrap(self, wrap: Wrap, private: RecipientKey) -> DataKey:
        info = wrap_info(self.version_id, wrap.key_id, wrap.role, wrap.recipient)
        key = DataKey(private.unwrap(wrap.ciphertext, info))
        if key.key_id != wrap.key_id:
            raise SealBroken("wrap: it does not open")
        return key


def wrap_info(version_id: bytes, key_id: str, role: str, recipient: str) -> bytes:
    """HPKE's `info`: what a wrap is bound to."""
    return sealing.length_prefixed(_INFO, version_id, key_id.encode(), role.encode(), recipient.encode())


def make(
    subject: str, version_id: bytes, generation: int, grants: Sequence[tuple[DataKey, str, RecipientPublic]]
) -> Keyring:
    """Wrap each data key for each recipient; the same grant twice gives one wrap.

    Args:
        subject: The digest of what the keys open.
        version_id: 16 bytes.
        generation: 0 from the sealer, one more at each rotation.
        grants: Data key, role, and the key of a recipient in that role.

    Raises:
        AccessDenied: Nobody would be able to read, or one recipient key stands for two roles.
        ValueError: A keyring that no reader would accept: a bug of the caller.
    """
    found: dict[tuple[str, str], Wrap] = {}
    for key, role, recipient in grants:
        place = (key.key_id, recipient.keyid)
        if place not in found:
            info = wrap_info(version_id, key.key_id, role, recipient.keyid)
            found[place] = Wrap(key.key_id, role, recipient.keyid, recipient.wrap(key.secret, info))
        elif found[place].role != role:
            roles = f"{found[place].role} and {role}"
            raise AccessDenied(
                f"keyring: a recipient key for each role expected, got {recipient.keyid[:8]} for {roles}",
                help="give each role its own recipient key in the trust document",
            )
    if not found:
        raise AccessDenied("keyring: at least one recipient expected, and the trust document has none")
    return _checked(Keyring(subject, version_id, generation, tuple(found[place] for place in sorted(found))))


def tombstone(subject: str, version_id: bytes, generation: int) -> Keyring:
    """What shredding leaves: a keyring without wraps that says so; raises `ValueError` as `make` does."""
    return _checked(Keyring(subject, version_id, generation, ()))


def _checked(ring: Keyring) -> Keyring:
    try:
        return Keyring.decode(ring.encode())
    except Malformed as error:
        raise ValueError(f"a keyring that no reader would accept: {error}") from error


def read(data: bytes, keys: Sequence[PublicKey]) -> Keyring:
    """A keyring whose envelope one of `keys` signed; raises `VerificationError`."""
    wrapped = envelope.parse(data, subject="keyring")
    return Keyring.decode(envelope.verify(wrapped, PAYLOAD_TYPE, keys, subject="keyring"))


def by_key(ring: Keyring) -> Mapping[str, tuple[str, ...]]:
    """Data key to the roles that it is wrapped for: what an auditor may know."""
    roles: dict[str, set[str]] = {}
    for wrap in ring.wraps:
        roles.setdefault(wrap.key_id, set()).add(wrap.role)
    return {key_id: tuple(sorted(found)) for key_id, found in sorted(roles.items())}
