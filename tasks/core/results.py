"""What the verbs return: plain facts, JSON-able, the same for the command line, the API and a flow.

`to_json` gives the keys that others rely on (DESIGN section 7); more may be added, none is taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


class Result:
    """A frozen dataclass that a verb returns."""

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]


@dataclass(frozen=True)
class Home(Result):
    """What `init` made or found."""

    home: str
    created: bool
    owner: str  # fingerprint of the owner's key: compare it over another channel
    passphrase: str  # where the passphrase comes from, never the passphrase
    contracts: tuple[str, ...]
    log_size: int


@dataclass(frozen=True)
class Acceptance(Result):
    """What `accept` signed."""

    name: str
    contract: str
    suite: str
    log_index: int
    created: bool
    changes: tuple[str, ...]  # lines of a readable diff against what was accepted before
    discloses: tuple[str, ...]  # what the public contract tells about the data


@dataclass(frozen=True)
class DatasetFacts(Result):
    """A published dataset in numbers."""

    reference: str
    digest: str
    rows_in: int
    rows_accepted: int
    rows_quarantined: int


@dataclass(frozen=True)
class Published(Result):
    """What `publish` published."""

    dataset: DatasetFacts
    log_index: int
    created: bool
    signers: Mapping[str, str]  # step -> principal


@dataclass(frozen=True)
class Drafted(Result):
    """A contract and a suite for a person to review."""

    folder: str
    name: str
    rows: int
    columns: Mapping[str, int]  # column group -> how many
    notes: tuple[str, ...]  # what was decided that somebody may want otherwise
    discloses: tuple[str, ...]


@dataclass(frozen=True)
class Named(Result):
    """A reference and its digest."""

    reference: str
    digest: str


@dataclass(frozen=True)
class Hardened(Result):
    """What `harden` or `release` released."""

    model: Named
    dataset: Named
    metrics: Mapping[str, Any]
    log_index: int
    created: bool
    signers: Mapping[str, str]


@dataclass(frozen=True)
class Ran(Result):
    """What `run` did: both parts."""

    published: Published
    hardened: Hardened
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """The keys of publish and of harden in one object."""
        published, hardened = self.published.to_json(), self.hardened.to_json()
        return {
            **published,
            **hardened,
            "dataset": published["dataset"],
            "log_index": {"dataset": self.published.log_index, "model": self.hardened.log_index},
            "created": self.published.created or self.hardened.created,
            "signers": {**published["signers"], **hardened["signers"]},
        }


@dataclass(frozen=True)
class Verification(Result):
    """A verification that passed; one that does not raises."""

    scope: str  # "full": against the home's log; "offline": from a folder, as of its checkpoint
    kind: str
    reference: str
    digest: str
    checkpoint: int
    steps: tuple[Mapping[str, Any], ...]
    signers: Mapping[str, str]
    separation: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """With `verified`, which is true, since anything else raised."""
        return {"verified": True, **asdict(self)}


@dataclass(frozen=True)
class Listed(Result):
    """One line of `list`."""

    kind: str
    reference: str
    digest: str
    time: str
    log_index: int
    recalled: bool
    what: str  # "398 train, 171 test" or "on diagnosis@1"


@dataclass(frozen=True)
class Shown(Result):
    """Everything the log and the public documents say about one reference."""

    kind: str
    reference: str
    digest: str
    recalled: str | None  # the reason
    facts: Mapping[str, Any]
    records: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Exported(Result):
    """What `export` wrote."""

    folder: str
    reference: str
    digest: str
    files: int
    bytes: int


@dataclass(frozen=True)
class RecallResult(Result):
    """What `recall` recorded."""

    reference: str
    digest: str
    reason: str
    log_index: int
    affected: tuple[str, ...]  # models trained on it, which no longer verify either
    created: bool


@dataclass(frozen=True)
class CheckpointResult(Result):
    """A checkpoint of the log."""

    origin: str
    size: int
    root: str
    time: str
    note: str  # the signed note itself


@dataclass(frozen=True)
class ProofResult(Result):
    """A record and its inclusion under the latest checkpoint."""

    log_index: int
    type: str
    principal: str
    role: str
    time: str
    size: int
    path: tuple[str, ...]
    record: str  # the DSSE envelope
    note: str


@dataclass(frozen=True)
class LogVerification(Result):
    """Every record and every signature of the log held."""

    verified: bool
    size: int
    root: str
    records: Mapping[str, int]  # type -> how many


@dataclass(frozen=True)
class KeyFacts(Result):
    """One key of the trust document."""

    role: str
    principal: str
    keyid: str
    fingerprint: str
    scheme: str
    recipient: str | None
    since: int
    until: int | None
    held: bool  # whether this home holds the private part
