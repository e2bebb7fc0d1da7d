"""The verdict: what validation says about a snapshot. The single product of validate; it holds counts and no value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed

FORMAT = "hardline/verdict/v1"
DECISIONS = ("ACCEPT", "REJECT", "ERROR")
SEVERITIES = ("critical", "warning", "info")  # Great Expectations' words; an invariant is critical


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One expectation, or one invariant of ours, over all rows."""

    id: str
    type: str
    column: str
    success: bool
    violations: int | None  # rows; None for a rule about the whole
    severity: str = "critical"

    def to_json(self) -> dict[str, Any]:
        """The form in a verdict."""
        return {
            "id": self.id,
            "type": self.type,
            "column": self.column,
            "success": self.success,
            "violations": self.violations,
            "severity": self.severity,
        }

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """Parse strictly; raises `Malformed`."""
        subject = "verdict: rule"
        canonical.fields(value, {"id", "type", "column", "success", "violations", "severity"}, subject=subject)
        if not isinstance(value["success"], bool) or not isinstance(value["column"], str):
            raise Malformed(f"{subject}: success as true or false and column as text expected")
        if value["severity"] not in SEVERITIES:
            raise Malformed(f"{subject}: severity: {', '.join(SEVERITIES)} expected")
        count = value["violations"]
        return cls(
            id=canonical.text(value["id"], subject=f"{subject}: id", limit=400),
            type=canonical.text(value["type"], subject=f"{subject}: type", limit=200),
            column=value["column"],
            success=value["success"],
            violations=None if count is None else canonical.integer(count, subject=f"{subject}: violations"),
            severity=value["severity"],
        )


@dataclass(frozen=True, slots=True)
class Verdict:
    """See the module."""

    snapshot: str
    mask: str | None  # digest of the sealed accept-mask; None unless ACCEPT
    decision: str
    rows: int
    accepted: int
    quarantined: int
    declared: int  # expectations in the suite
    evaluated: int  # expectations that both engines evaluated alike
    rules: tuple[RuleResult, ...]
    suite: str
    contract: str
    engines: Mapping[str, str]
    warnings: tuple[str, ...]  # ids of the rules of severity warning that fail on the rows that stay
    reasons: tuple[str, ...]

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(
            {
                "format": FORMAT, "snapshot": self.snapshot, "mask": self.mask, "decision": self.decision,
                "rows": self.rows, "accepted": self.accepted, "quarantined": self.quarantined,
                "declared": self.declared, "evaluated": self.evaluated,
                "rules": [rule.to_json() for rule in self.rules], "suite": self.suite, "contract": self.contract,
                "engines": dict(self.engines), "warnings": list(self.warnings), "reasons": list(self.reasons),
            }
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse strictly.

        Raises:
            Malformed: Another format, or counts that do not add up.
        """
        subject = "verdict"
        value = canonical.decode(data, subject=subject)
        names = {
            "format", "snapshot", "mask", "decision", "rows", "accepted", "quarantined", "declared", "evaluated",
            "rules", "suite", "contract", "engines", "warnings", "reasons",
        }  # fmt: skip
        canonical.fields(value, names, subject=subject)
        if value["format"] != FORMAT or value["decision"] not in DECISIONS:
            raise Malformed(f"{subject}: format {FORMAT} with a decision of {', '.join(DECISIONS)} expected")
        engines, reasons, rules = value["engines"], value["reasons"], value["rules"]
        if not isinstance(engines, dict) or not isinstance(reasons, list) or not isinstance(rules, list):
            raise Malformed(f"{subject}: engines, reasons and rules expected")
        read = tuple(RuleResult.from_json(item) for item in rules)
        warnings, known = value["warnings"], {rule.id for rule in read if rule.severity == "warning"}
        if not isinstance(warnings, list) or not all(isinstance(item, str) and item in known for item in warnings):
            raise Malformed(f"{subject}: warnings: ids of rules of severity warning expected")
        counts = {
            name: canonical.integer(value[name], subject=f"{subject}: {name}")
            for name in ("rows", "accepted", "quarantined", "declared", "evaluated")
        }
        if counts["accepted"] + counts["quarantined"] != counts["rows"]:
            raise Malformed(f"{subject}: accepted and quarantined rows that add up expected")
        return cls(
            snapshot=canonical.parse_digest(value["snapshot"], subject=f"{subject}: snapshot"),
            mask=None if value["mask"] is None else canonical.parse_digest(value["mask"], subject=f"{subject}: mask"),
            decision=value["decision"],
            **counts,
            rules=read,
            suite=canonical.parse_digest(value["suite"], subject=f"{subject}: suite"),
            contract=canonical.parse_digest(value["contract"], subject=f"{subject}: contract"),
            engines={
                canonical.text(name, subject=subject, limit=60): canonical.text(version, subject=subject, limit=60)
                for name, version in engines.items()
            },
            warnings=tuple(warnings),
            reasons=tuple(canonical.text(item, subject=f"{subject}: reason", limit=500) for item in reasons),
        )
