"""Records: what principals say in the log, one signed statement each.

A record's payload is canonical JSON of at most 1,024 bytes: format, type, role, principal, time, and the fields of its
type. It travels in a DSSE envelope signed by the acting role's key; the exact envelope bytes are the leaf of the log.
The table below is the whole vocabulary, and says which roles may say what. Larger bodies lie in files and enter by
digest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, envelope
from hardline.tasks.core.errors import Malformed, TrustRefused
from hardline.tasks.core.references import NAME

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

    from hardline.tasks.core.trust import TrustDocument

FORMAT = "hardline/record/v1"
PAYLOAD_TYPE = "application/vnd.hardline.record+json"
MAX_PAYLOAD = 1024  # bytes; keeps a million records verifiable in seconds
MAX_ENVELOPE = 8192  # bytes; room for a post-quantum signature beside a classical one

_NAME = re.compile(NAME)
_VERSION = re.compile(r"[0-9a-f]{32}")
_COMMON = {"format", "type", "role", "principal", "time"}


def _name(value: Any, *, subject: str) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Malformed(f"{subject}: a name expected")


def _version(value: Any, *, subject: str) -> None:
    if not isinstance(value, str) or not _VERSION.fullmatch(value):
        raise Malformed(f"{subject}: a version id expected")


def _count(value: Any, *, subject: str) -> None:
    canonical.integer(value, subject=subject)


def _text(value: Any, *, subject: str) -> None:
    canonical.text(value, subject=subject, limit=300)


def _digest(value: Any, *, subject: str) -> None:
    canonical.parse_digest(value, subject=subject)


_Check = Callable[..., None]
_RUN: dict[str, _Check] = {"name": _name, "version": _version, "link": _digest, "event": _digest}


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of record: who may make it, and its fields."""

    roles: frozenset[str]
    fields: Mapping[str, _Check]


def _kind(roles: str, **fields: _Check) -> Kind:
    return Kind(frozenset(roles.split()), fields)


KINDS: Mapping[str, Kind] = {
    "trust": _kind("owner", version=_count, digest=_digest),
    "declare": _kind("steward", name=_name, contract=_digest, suite=_digest, link=_digest),
    "ingest": _kind("ingestor", **_RUN, key=_digest, snapshot=_digest, keyring=_digest, rows=_count),
    "validate": _kind(
        "validator", **_RUN, snapshot=_digest, verdict=_digest, keyring=_digest, accepted=_count, quarantined=_count
    ),
    "encrypt": _kind("sealer", **_RUN, verdict=_digest, manifest=_digest, keyring=_digest),
    "sign": _kind("publisher", **_RUN, manifest=_digest, bundle=_digest),
    "publication": _kind(
        "publisher", name=_name, number=_count, version=_version, key=_digest, manifest=_digest, bundle=_digest,
        links=_digest, keyring=_digest, trust=_digest, layout=_digest,
    ),
    "keyring": _kind("custodian", manifest=_digest, generation=_count, keyring=_digest),
    "read": _kind("trainer assessor steward releaser custodian", digest=_digest, what=_text),
    "denied": _kind("trainer assessor steward releaser custodian", digest=_digest, what=_text),
    "refused": _kind("ingestor validator sealer publisher trainer assessor releaser", name=_name, version=_version, step=_text, reason=_text),
    "train": _kind("trainer", **_RUN, key=_digest, manifest=_digest, trained=_digest, keyring=_digest),
    "evaluate": _kind("assessor", **_RUN, trained=_digest, evaluation=_digest),
    "release": _kind(
        "releaser", name=_name, number=_count, version=_version, key=_digest, dataset=_digest, manifest=_digest,
        bundle=_digest, links=_digest, keyring=_digest, trust=_digest, layout=_digest,
    ),
    "recall": _kind("steward owner", name=_name, digest=_digest, reason=_text),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Record:
    """A parsed record. Its signature is checked by `verify_record`, which `ledger.LogView` calls before handing it out."""

    index: int
    type: str
    role: str
    principal: str
    time: int  # seconds since 1970, UTC, by the clock of the acting process
    body: Mapping[str, Any]
    envelope: envelope.Envelope

    def __getitem__(self, field: str) -> Any:
        return self.body[field]


def make_record(type: str, role: str, principal: str, time: int, body: Mapping[str, Any], signer: Signer) -> bytes:
    """Sign a record; returns the envelope's bytes, the leaf of the log.

    Raises:
        ValueError: The body is not what the type demands: a bug of the caller.
    """
    payload = canonical.encode(
        {"format": FORMAT, "type": type, "role": role, "principal": principal, "time": time, **body}
    )
    try:
        _parse_payload(0, payload, envelope.Envelope(payload, PAYLOAD_TYPE, ()))
    except Malformed as error:
        raise ValueError(f"a record that no reader would accept: {error}") from error
    return envelope.sign(payload, PAYLOAD_TYPE, [signer]).to_bytes()


def parse_record(index: int, data: bytes) -> Record:
    """Parse one leaf of the log; the signature is not looked at.

    Raises:
        Malformed: The bytes are no record of this version.
    """
    subject = f"log record {index}"
    if len(data) > MAX_ENVELOPE:
        raise Malformed(f"{subject}: at most {MAX_ENVELOPE} bytes expected, got {len(data)}")
    wrapped = envelope.parse(data, subject=subject)
    if wrapped.payload_type != PAYLOAD_TYPE:
        raise Malformed(f"{subject}: payload type {PAYLOAD_TYPE} expected")
    return _parse_payload(index, wrapped.payload, wrapped)


def verify_record(record: Record, trust: TrustDocument) -> None:
    """Check that the record was signed by a principal who held its role at its index.

    Raises:
        SignatureInvalid: No key that may make this record made the signature.
        TrustRefused: The role may not make this type, or the principal named is not the signer.
    """
    subject = f"log record {record.index} ({record.type})"
    if record.role not in KINDS[record.type].roles:
        raise TrustRefused(
            f"{subject}: role {' or '.join(sorted(KINDS[record.type].roles))} expected, got {record.role}"
        )
    keys = [
        member.key for member in trust.members_at(record.role, record.index) if member.principal == record.principal
    ]
    if not keys:
        raise TrustRefused(f"{subject}: {record.principal} did not hold role {record.role} then")
    envelope.verify(record.envelope, PAYLOAD_TYPE, keys, subject=subject)


def _parse_payload(index: int, payload: bytes, wrapped: envelope.Envelope) -> Record:
    subject = f"log record {index}"
    value = canonical.decode(payload, subject=subject, limit=MAX_PAYLOAD)
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise Malformed(f"{subject}: format {FORMAT} expected")
    type_ = value.get("type")
    if not isinstance(type_, str) or type_ not in KINDS:
        raise Malformed(f"{subject}: a known record type expected")
    kind = KINDS[type_]
    canonical.fields(value, _COMMON | kind.fields.keys(), subject=subject)
    for field, check in kind.fields.items():
        check(value[field], subject=f"{subject}: {field}")
    return Record(
        index=index,
        type=type_,
        role=canonical.text(value["role"], subject=f"{subject}: role", limit=40),
        principal=canonical.text(value["principal"], subject=f"{subject}: principal", limit=64),
        time=canonical.integer(value["time"], subject=f"{subject}: time"),
        body={field: value[field] for field in kind.fields},
        envelope=wrapped,
    )
