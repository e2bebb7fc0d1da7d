"""The trust document: who is who, since when, and which layouts are in force. Its signatures are in `trust`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed, TrustRefused
from hardline.tasks.core.keys import ED25519, PublicKey
from hardline.tasks.core.wrapping import RecipientPublic

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

FORMAT = "hardline/trust/v1"
ROLES = (
    "owner", "steward", "ingestor", "validator", "sealer", "publisher", "trainer", "assessor", "releaser", "custodian",
    "keeper",
)  # fmt: skip
RECIPIENTS = ("steward", "validator", "sealer", "trainer", "assessor", "releaser", "custodian")
APART = (("ingest", "validate"), ("validate", "sign"), ("train", "evaluate"), ("train", "release"))
ONE_PRINCIPAL = "not in force (one principal)"
MAX_BYTES = 4 << 20  # a thousand members with recipient keys are 2 MB
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class Member:
    """One key of one principal in one role, from one log index until another."""

    principal: str
    role: str
    key: PublicKey
    recipient: RecipientPublic | None
    start: int
    until: int | None = None

    def holds_at(self, index: int) -> bool:
        """Whether it held the role at a log index."""
        return self.start <= index and (self.until is None or index < self.until)


@dataclass(frozen=True, slots=True)
class LayoutEntry:
    """The layout of a kind, from one log index until another."""

    kind: str
    digest: str
    start: int
    until: int | None = None


@dataclass(frozen=True)
class TrustDocument:
    """It is cumulative: a member who leaves gets an `until`, so what was signed before stays verifiable."""

    version: int
    expires: datetime
    owners: tuple[PublicKey, ...]
    threshold: int
    log_name: str
    log_key: PublicKey
    members: tuple[Member, ...]
    layouts: tuple[LayoutEntry, ...]
    policy: str | None = None

    @cached_property
    def digest(self) -> str:
        """The digest of the canonical document, whoever signed it."""
        return canonical.digest(self.encode())

    def members_at(self, role: str, index: int) -> tuple[Member, ...]:
        """Who held a role at a log index."""
        return tuple(member for member in self.members if member.role == role and member.holds_at(index))

    def holders(self, role: str, index: int) -> tuple[PublicKey, ...]:
        """Their keys."""
        return tuple(member.key for member in self.members_at(role, index))

    def holders_until(self, role: str, index: int) -> tuple[PublicKey, ...]:
        """The keys of those who held a role at a log index or before: what they signed then still counts."""
        return tuple(member.key for member in self.members if member.role == role and member.start <= index)

    def principal_of(self, keyid: str, role: str, index: int) -> str:
        """Whose key it is, in a role, at a log index or before.

        Raises:
            TrustRefused: Nobody's.
        """
        for member in self.members:
            if member.role == role and member.key.keyid == keyid and member.start <= index:
                return member.principal
        raise TrustRefused(f"key {keyid[:8]}: a key of role {role} expected, and the trust document has no such")

    def recipients(self, role: str) -> tuple[RecipientPublic, ...]:
        """To whom data keys are wrapped for a role now."""
        current = (member for member in self.members if member.role == role and member.until is None)
        return tuple(member.recipient for member in current if member.recipient is not None)

    def layout_at(self, kind: str, index: int) -> str:
        """The digest of the layout in force at a log index; raises `TrustRefused` when none was."""
        for entry in reversed(self.layouts):
            if entry.kind == kind and entry.start <= index and (entry.until is None or index < entry.until):
                return entry.digest
        raise TrustRefused(f"layout: one for a {kind} in force at log index {index} expected, got none")

    def separation(self, principals: Mapping[str, AbstractSet[str]]) -> str:
        """Whether duties are separated: principals are compared, not keys.

        Args:
            principals: Step to who did it; pairs of steps of which one is not in it are not compared.

        Returns:
            `in force`, or that the home has one principal.

        Raises:
            TrustRefused: One principal did two steps that must be apart, or nobody is said to have done a step.
        """
        if not principals or not all(principals.values()):
            raise TrustRefused("separation of duties: a principal for each step expected, got none")
        if len({member.principal for member in self.members}) == 1:
            return ONE_PRINCIPAL
        for one, other in APART:
            both = principals.get(one, frozenset()) & principals.get(other, frozenset())
            if both:
                raise TrustRefused(
                    f"separation of duties: {one} and {other} by different principals expected, got {min(both)}"
                )
        return "in force"

    def claims(self) -> dict[tuple[str, ...], int | None]:
        """Of each member and each layout, what no later version may change; and its `until`, which may come nearer."""
        members = {("member", m.principal, m.role, m.key.pem, str(m.start)): m.until for m in self.members}
        return members | {("layout", e.kind, e.digest, str(e.start)): e.until for e in self.layouts}

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(
            {
                "format": FORMAT,
                "version": self.version,
                "expires": self.expires.strftime(_TIME),
                "owners": [key.to_json() for key in self.owners],
                "threshold": self.threshold,
                "log": {"name": self.log_name, "key": self.log_key.to_json()},
                "members": [_member_json(member) for member in self.members],
                "layouts": [
                    {"kind": e.kind, "digest": e.digest, "from": e.start, "until": e.until} for e in self.layouts
                ],
                "policy": self.policy,
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse strictly.

        Raises:
            Malformed: Another format, no owner, a threshold that cannot be met, a role that is none, one key for two
                principals or two roles, or any form but the one that `encode` writes.
        """
        subject = "trust document"
        value = canonical.decode(data, subject=subject, limit=MAX_BYTES)
        names = {"format", "version", "expires", "owners", "threshold", "log", "members", "layouts", "policy"}
        canonical.fields(value, names, subject=subject)
        if value["format"] != FORMAT:
            raise Malformed(
                f"{subject}: format {FORMAT} expected, got another", help="upgrade Hardline, if it is newer"
            )
        canonical.fields(value["log"], {"name", "key"}, subject=f"{subject}: log")
        try:
            expires = datetime.strptime(value["expires"], _TIME).replace(tzinfo=UTC)
        except (TypeError, ValueError):
            raise Malformed(f"{subject}: a time of expiry expected") from None
        document = cls(
            version=canonical.integer(value["version"], subject=f"{subject}: version", low=1),
            expires=expires,
            owners=tuple(PublicKey.from_json(item, subject=f"{subject}: owner") for item in _list(value["owners"])),
            threshold=canonical.integer(value["threshold"], subject=f"{subject}: threshold", low=1),
            log_name=_log_name(value["log"]["name"]),
            log_key=PublicKey.from_json(value["log"]["key"], subject=f"{subject}: log key"),
            members=tuple(_member(item) for item in _list(value["members"])),
            layouts=tuple(_layout(item) for item in _list(value["layouts"])),
            policy=None if value["policy"] is None else canonical.parse_digest(value["policy"], subject=subject),
        )
        document._check()
        if document.encode() != data:  # such as a time of expiry in another spelling
            raise Malformed(f"{subject}: its one canonical form expected, got another")
        return document

    def _check(self) -> None:
        subject = "trust document"
        if len({key.pem for key in self.owners}) != len(self.owners) or self.threshold > len(self.owners):
            raise Malformed(f"{subject}: different owners, and as many as the threshold, expected")
        if self.log_key.scheme != ED25519:
            raise Malformed(f"{subject}: an Ed25519 log key expected")
        holders: dict[str, tuple[str, str]] = {}
        for member in self.members:
            if holders.setdefault(member.key.pem, (member.principal, member.role)) != (member.principal, member.role):
                raise Malformed(
                    f"{subject}: each key in one role of one principal expected, got {member.key.keyid[:8]} twice"
                )
        spans = [(member.start, member.until) for member in self.members]
        spans += [(entry.start, entry.until) for entry in self.layouts]
        for start, until in spans:
            if until is not None and until < start:
                raise Malformed(f"{subject}: members and layouts until a later log index than from expected")
        if len(self.claims()) != len(spans):
            raise Malformed(f"{subject}: each member and each layout once from a log index expected")


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise Malformed("trust document: a list with at least one item expected")
    return value


def _member_json(member: Member) -> dict[str, Any]:
    return {
        "principal": member.principal,
        "role": member.role,
        "key": member.key.to_json(),
        "recipient": None if member.recipient is None else member.recipient.to_text(),
        "from": member.start,
        "until": member.until,
    }


def _member(value: Any) -> Member:
    subject = "trust document: member"
    canonical.fields(value, {"principal", "role", "key", "recipient", "from", "until"}, subject=subject)
    if value["role"] not in ROLES:
        raise Malformed(f"{subject}: a role of {', '.join(ROLES)} expected")
    recipient = value["recipient"]
    return Member(
        principal=_word(value["principal"], f"{subject}: principal", 64),
        role=value["role"],
        key=PublicKey.from_json(value["key"], subject=f"{subject}: key"),
        recipient=None if recipient is None else RecipientPublic.from_text(recipient, subject=f"{subject}: recipient"),
        start=canonical.integer(value["from"], subject=f"{subject}: from"),
        until=_until(value["until"], subject),
    )


def _layout(value: Any) -> LayoutEntry:
    subject = "trust document: layout"
    canonical.fields(value, {"kind", "digest", "from", "until"}, subject=subject)
    if value["kind"] not in ("dataset", "model"):
        raise Malformed(f"{subject}: kind dataset or model expected")
    return LayoutEntry(
        kind=value["kind"],
        digest=canonical.parse_digest(value["digest"], subject=f"{subject}: digest"),
        start=canonical.integer(value["from"], subject=f"{subject}: from"),
        until=_until(value["until"], subject),
    )


def _word(value: Any, subject: str, limit: int) -> str:
    """A name that people read on terminals and pages: no control characters, nothing that turns text around."""
    word = canonical.text(value, subject=subject, limit=limit)
    if not word.isprintable() or word != word.strip():
        raise Malformed(f"{subject}: printable characters without spaces around them expected")
    return word


def _log_name(value: Any) -> str:
    """A key name of a signed note (C2SP signed-note: no spaces, no plus sign)."""
    name = _word(value, "trust document: log name", 128)
    if not name.isascii() or " " in name or "+" in name:
        raise Malformed("trust document: log name: no spaces and no plus signs expected")
    return name


def _until(value: Any, subject: str) -> int | None:
    return None if value is None else canonical.integer(value, subject=f"{subject}: until")
