"""The verdict: what validation decided over one snapshot, the single product of validate (docs/formats/verdict.md).

It holds counts, rule ids and digests. It holds no value of a cell, no bound and no floating-point number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed

FORMAT: Final = "hardline/verdict/v1"
FILE: Final = "verdict.json"
ACCEPT, REJECT, ERROR = "ACCEPT", "REJECT", "ERROR"
DECISIONS: Final = (ACCEPT, REJECT, ERROR)
_FIELDS: Final = frozenset(
    {
        "format", "snapshot", "mask", "decision", "rows", "accepted", "quarantined", "declared", "evaluated", "rules",
        "suite", "contract", "engines", "reasons",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleResult:
    """How one rule came out.

    Attributes:
        id: `suite:<position>` for an expectation, `own:<name>` for an invariant of ours.
        type: The expectation's type, or the invariant's name.
        column: The column it speaks of; None: the table, or several columns.
        success: Whether it holds on the accepted rows; False as well when it could not be decided.
        violations: How many of all rows broke it, and were kept out for that; None for a rule of the whole table.
    """

    id: str
    type: str
    column: str | None
    success: bool
    violations: int | None

    def to_json(self) -> dict[str, Any]:
        """The rule as it stands in the verdict."""
        return {
            "id": self.id, "type": self.type, "column": self.column, "success": self.success,
            "violations": self.violations,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Any, *, subject: str) -> Self:
        """Parse one rule strictly; raises `Malformed`."""
        canonical.fields(value, {"id", "type", "column", "success", "violations"}, subject=subject)
        if not isinstance(value["success"], bool):
            raise Malformed(f"{subject}: success as true or false expected")
        column, violations = value["column"], value["violations"]
        return cls(
            id=canonical.text(value["id"], subject=f"{subject}: id", limit=160),
            type=canonical.text(value["type"], subject=f"{subject}: type", limit=100),
            column=None if column is None else canonical.text(column, subject=f"{subject}: column", limit=100),
            success=value["success"],
            violations=None if violations is None else canonical.integer(violations, subject=f"{subject}: violations"),
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided, over what, and by which engines.

    Attributes:
        snapshot: Digest of snapshot.json.
        mask: Digest of the sealed accept-mask; None unless the decision is ACCEPT.
        decision: ACCEPT, REJECT or ERROR; an ERROR says that no decision could be reached, and trains nothing.
        rows: All rows; `accepted + quarantined`.
        declared: Expectations in the suite.
        evaluated: Expectations that every engine decided.
        rules: Our invariants and the expectations, each once.
        engines: Name to version.
        reasons: Why it is not ACCEPT; empty when it is.
    """

    snapshot: str
    mask: str | None
    decision: str
    rows: int
    accepted: int
    quarantined: int
    declared: int
    evaluated: int
    rules: tuple[RuleResult, ...]
    suite: str
    contract: str
    engines: Mapping[str, str]
    reasons: tuple[str, ...]

    def encode(self) -> bytes:
        """The canonical bytes.

        Raises:
            Malformed: It contradicts itself; nothing that `decode` refuses is written.
        """
        self._check("verdict")
        return canonical.encode(
            {
                "format": FORMAT,
                "snapshot": self.snapshot,
                "mask": self.mask,
                "decision": self.decision,
                "rows": self.rows,
                "accepted": self.accepted,
                "quarantined": self.quarantined,
                "declared": self.declared,
                "evaluated": self.evaluated,
                "rules": [rule.to_json() for rule in self.rules],
                "suite": self.suite,
                "contract": self.contract,
                "engines": dict(self.engines),
                "reasons": list(self.reasons),
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse a verdict strictly; raises `Malformed`."""
        subject = "verdict"
        value = canonical.decode(data, subject=subject)
        canonical.fields(value, _FIELDS, subject=subject)
        if value["format"] != FORMAT:
            raise Malformed(f"{subject}: format {FORMAT} expected, got another")
        if not isinstance(value["rules"], list) or not isinstance(value["reasons"], list):
            raise Malformed(f"{subject}: rules and reasons as lists expected")
        if not isinstance(value["engines"], dict):
            raise Malformed(f"{subject}: engines as an object expected")
        counts = {
            name: canonical.integer(value[name], subject=f"{subject}: {name}")
            for name in ("rows", "accepted", "quarantined", "declared", "evaluated")
        }
        digests = {
            name: canonical.parse_digest(value[name], subject=f"{subject}: {name}")
            for name in ("snapshot", "suite", "contract")
        }
        mask = value["mask"]
        verdict = cls(
            **counts,
            **digests,
            mask=None if mask is None else canonical.parse_digest(mask, subject=f"{subject}: mask"),
            decision=canonical.text(value["decision"], subject=f"{subject}: decision", limit=6),
            rules=tuple(RuleResult.from_json(item, subject=f"{subject}: rule") for item in value["rules"]),
            engines={
                canonical.text(name, subject=f"{subject}: engine", limit=40): canonical.text(
                    version, subject=f"{subject}: engine version", limit=40
                )
                for name, version in value["engines"].items()
            },
            reasons=tuple(canonical.text(item, subject=f"{subject}: reason", limit=300) for item in value["reasons"]),
        )
        verdict._check(subject)
        return verdict

    def _check(self, subject: str) -> None:
        """What holds between the fields; an ACCEPT that does not follow from its own numbers is no verdict."""
        if self.decision not in DECISIONS:
            raise Malformed(f"{subject}: decision {', '.join(DECISIONS)} expected, got another")
        if self.rows != self.accepted + self.quarantined:
            raise Malformed(f"{subject}: {self.rows} rows as accepted plus quarantined expected, got another sum")
        if len({rule.id for rule in self.rules}) != len(self.rules):
            raise Malformed(f"{subject}: each rule once expected, got one twice")
        if (self.decision == ACCEPT) != (not self.reasons):
            raise Malformed(f"{subject}: reasons exactly when the decision is not {ACCEPT} expected")
        if (self.decision == ACCEPT) != (self.mask is not None):
            raise Malformed(f"{subject}: a mask exactly when the decision is {ACCEPT} expected")
        if self.decision != ACCEPT:
            return
        expectations = sum(rule.id.startswith("suite:") for rule in self.rules)
        if not self.declared == self.evaluated == expectations > 0 or not self.accepted or not self.engines:
            raise Malformed(f"{subject}: {ACCEPT} over every declared expectation and some rows expected, got less")
        if not all(rule.success for rule in self.rules):
            raise Malformed(f"{subject}: {ACCEPT} with every rule holding expected, got one that does not")
