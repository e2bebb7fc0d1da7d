"""What a home holds: its datasets and models, what is known of one, its keys; and recalling one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import opening, paths, verification
from hardline.tasks.core.act import fetch
from hardline.tasks.core.errors import UsageError, VerificationError
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.manifest import FILE, Manifest
from hardline.tasks.core.model_documents import EVALUATION, MODEL, EvaluationDocument, ModelDocument
from hardline.tasks.core.results import KeyFacts, Listed, RecallResult, Shown

if TYPE_CHECKING:
    from hardline.infra.ports import KeyVault
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record
    from hardline.tasks.core.references import Wanted
    from hardline.tasks.core.trust import TrustDocument

_KIND = {"publication": "dataset", "release": "model"}


def listed(view: LogView) -> tuple[Listed, ...]:
    """Every dataset and model, oldest first; a model of a recalled dataset counts as recalled."""
    recalled = {record["digest"] for record in view.scan("recall")}
    names = {record["manifest"]: f"{record['name']}@{record['number']}" for record in view.scan("publication")}
    found = [record for type_ in _KIND for record in view.scan(type_)]
    return tuple(
        Listed(
            _KIND[record.type],
            f"{record['name']}@{record['number']}",
            record["manifest"],
            written(record.time),
            record.index,
            not recalled.isdisjoint({record["manifest"], record.body.get("dataset")}),
            _what(view, record, names),
        )
        for record in sorted(found, key=lambda record: record.index)
    )


def _what(view: LogView, record: Record, names: dict[str, str]) -> str:
    if record.type == "release":
        return f"on {names.get(record['dataset'], 'an unknown dataset')}"
    judged = view.last("validate", name=record["name"], version=record["version"])
    return "" if judged is None else f"{judged['accepted']:,} rows, {judged['quarantined']:,} quarantined"


def shown(runtime: Runtime, wanted: Wanted) -> Shown:
    """Everything the log and the public documents say about a reference."""
    view = Ledger(runtime).view()
    record = verification.find(view, wanted)
    recall = view.last("recall", digest=record["manifest"])
    try:
        facts = _facts(runtime, record)
    except VerificationError as error:
        facts = {"documents": f"not as recorded: {error.message}"}
    history = [
        {
            "log_index": item.index,
            "type": item.type,
            "by": item.principal,
            "role": item.role,
            "time": written(item.time),
        }
        | {field: item.body[field] for field in ("what", "reason") if field in item.body}
        for item in view.all()
        if _concerns(item, record)
    ]
    return Shown(
        _KIND[record.type],
        f"{record['name']}@{record['number']}",
        record["manifest"],
        None if recall is None else recall["reason"],
        facts,
        tuple(history),
    )


def _concerns(item: Record, record: Record) -> bool:
    own = (record["name"], record["version"])
    return (item.body.get("name"), item.body.get("version")) == own or item.body.get("digest") == record["manifest"]


def _facts(runtime: Runtime, record: Record) -> dict[str, Any]:
    folder = opening.folder_of(record)
    if record.type == "publication":
        data = fetch(runtime, f"{folder}/{paths.PAYLOAD}/{FILE}", record["manifest"])
        manifest = Manifest.decode(data)
        return {
            "rows": manifest.rows,
            "columns": len(manifest.columns),
            "column_groups": sorted({group for _, _, group in manifest.columns}),
            "visibility": manifest.visibility,
            "sealed_objects": len(manifest.entries),
            "sealed_bytes": sum(entry.size for entry in manifest.entries),
            "data_keys": sorted(manifest.keys),
            "contract": manifest.contract,
            "suite": manifest.suite,
            "verdict": manifest.verdict,
            "sources": [source.to_json() for source in manifest.sources],
        }
    model = ModelDocument.decode(fetch(runtime, f"{folder}/{paths.PAYLOAD}/{MODEL}", record["manifest"]))
    statement = fetch(runtime, f"{folder}/{paths.EVIDENCE}/{EVALUATION}", model.evaluation)
    evaluation = EvaluationDocument.decode(statement)
    return {
        "dataset": model.dataset,
        "classes": [*model.classes],
        "inputs": model.inputs,
        "architecture": dict(model.architecture),
        "files": {path: file.to_json() for path, file in model.files.items()},
        "rows": evaluation.rows,
        "metrics": dict(evaluation.metrics),
        "floors": dict(evaluation.floors),
    }


def recall(runtime: Runtime, wanted: Wanted, reason: str) -> RecallResult:
    """Record that a version must not be used any more; a second time changes nothing.

    Raises:
        UsageError: No reason.
        NotFound: The log holds no such reference.
    """
    if not 0 < len(reason.strip()) <= 300 or not reason.isprintable():
        raise UsageError("recall: a reason of 1 to 300 printable characters on one line expected")
    ledger = Ledger(runtime)
    before = ledger.view(any_age=True)
    record = verification.find(before, wanted)
    body = {"name": record["name"], "digest": record["manifest"], "reason": reason.strip()}
    made = ledger.append("steward", "recall", lambda view: view.last("recall", digest=record["manifest"]) or body)
    affected = [f"{r['name']}@{r['number']}" for r in before.scan("release", dataset=record["manifest"])]
    return RecallResult(
        f"{record['name']}@{record['number']}",
        record["manifest"],
        made["reason"],
        made.index,
        tuple(affected),
        made.index >= len(before),
    )


def keys(trust: TrustDocument, vault: KeyVault) -> tuple[KeyFacts, ...]:
    """Every key of the trust document."""
    held = vault.roles()  # type: ignore[attr-defined]
    return tuple(
        KeyFacts(
            member.role,
            member.principal,
            member.key.keyid,
            member.key.fingerprint,
            member.key.scheme,
            None if member.recipient is None else member.recipient.keyid,
            member.start,
            member.until,
            member.role in held,
        )
        for member in trust.members
    )


def written(time: int) -> str:
    """Seconds since 1970 as people and other programs read them (RFC 3339)."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
