"""Results of the verbs that look at rows, keys and everything at once, in words; see command_text.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hardline.flows.command_text import columns, facts, text
from hardline.tasks.core import results


@text.register
def _(result: results.RowsRead) -> str:
    known = {
        "rows": f"{result.rows:,}",
        "columns": len(result.columns),
        "digest": f"sha256:{result.digest}",
        "logged as": f"a read by the {result.role}",
    }
    return facts(f"wrote {result.file}, rows of {result.reference} in the clear", known)


@text.register
def _(result: results.Tried) -> str:
    known = {
        "rows": f"{result.rows:,} in, {result.accepted:,} accepted, {result.quarantined:,} refused",
        "expectations": f"{result.evaluated} of {result.declared} evaluated alike by both engines",
        "why": "; ".join(result.reasons) or "every rule that is critical holds, or its rows are within the budget",
        "contract": f"sha256:{result.contract}",
        "suite": f"sha256:{result.suite}",
    }
    return "\n".join([facts(f"{result.decision}: {result.name}", known), *failing(result.rules)])


@text.register
def _(result: results.BackedUp) -> str:
    known = {"files": result.files, "bytes": f"{result.bytes:,}", "digest": f"sha256:{result.digest}"}
    return facts(f"wrote {result.file}", {**known, "next": "keep the passphrase elsewhere: it is not in the file"})


@text.register
def _(result: results.Restored) -> str:
    known = {"files": result.files, "kept": ", ".join(result.kept) or "nothing: the home had none of them"}
    return facts(f"restored keys and trust to {result.home}", {**known, "next": "hardline log verify"})


@text.register
def _(result: results.Predicted) -> str:
    known = {
        "rows": f"{result.rows:,}",
        "clipped": f"{result.clipped:,} values outside the contract's scale",
        "digest": f"sha256:{result.digest}",
        "logged as": f"a read by the {result.role}",
    }
    return facts(f"wrote {result.file}, answers of {result.reference}", known)


@text.register
def _(result: results.PutAside) -> str:
    place = " ".join(f"{name} {value}" for name, value in result.place.items())
    known = {
        "refused by": result.step,
        "source": result.uri,
        "why": f"{result.code}: {result.message}" if result.code else "; ".join(result.reasons) or "within the budget",
        "place": place,
        "decision": result.decision,
        "rows": f"{result.rows:,}" if result.decision else "",
        "log index": result.log_index,
        "written": f"{result.written:,} rows in the clear to {result.file}" if result.file else "",
    }
    title = f"quarantine of {result.reference or f'a refused run of {result.name}'}"
    told = facts(title, {name: value for name, value in known.items() if value not in ("", None)})
    return "\n".join([told, *(failing(result.rules) if result.decision else [])])


@text.register
def _(result: results.Audited) -> str:
    known = {"datasets": result.datasets, "models": result.models, "records": result.records}
    title = "everything verifies" if result.verified else "NOT everything verifies"
    lines = [
        f"  {finding.severity}: {finding.subject}: {f'step {finding.step}: ' if finding.step else ''}"
        f"{finding.error}: {finding.message}"
        for finding in result.findings
    ]
    return "\n".join([facts(title, known), *(["findings:", *lines] if lines else ["findings: none"])])


def failing(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    """A table of the rules that fail, by counts; nothing when none does."""
    failed = [rule for rule in rules if not rule["success"] or rule["violations"]]
    rows = [(f"  {_rows(rule['violations'])}", rule["severity"], rule["id"], rule["column"]) for rule in failed]
    return ["rules that fail:", columns(rows)] if rows else ["rules that fail: none"]


def _rows(count: int | None) -> str:
    return "as a whole" if count is None else f"{count:,} row{'s' * (count != 1)}"
