"""What a step puts on the page of its Prefect run: facts of public documents, each read back by its recorded digest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.infra.prefect import artifacts
from hardline.tasks.core import paths
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import (
    AcceptedSnapshot,
    DatasetRef,
    EvaluatedModel,
    ModelRef,
    SealedDataset,
    Versioned,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PUBLISHED = "hardline.dataset.published"  # prefect.yaml waits for this event


def show_verdict(act: Act, accepted: AcceptedSnapshot) -> None:
    """The verdict, rule by rule."""
    from hardline.tasks.core.steps.validate import VERDICT
    from hardline.tasks.core.verdict import Verdict

    folder = paths.dataset(accepted.name, accepted.version)
    verdict = Verdict.decode(act.recorded(f"{folder}/{paths.EVIDENCE}/{VERDICT}", accepted.verdict))
    rows = [
        {
            "rule": rule.type,
            "column": rule.column,
            "result": "passed" if rule.success else "failed",
            "severity": rule.severity,
            "rows": "" if rule.violations is None else rule.violations,
        }
        for rule in verdict.rules
    ]
    about = (
        f"{verdict.decision}: {verdict.accepted:,} of {verdict.rows:,} rows accepted, {verdict.quarantined:,} "
        f"quarantined; {verdict.evaluated} of {verdict.declared} expectations evaluated; "
        f"{len(verdict.warnings)} warnings"
    )
    artifacts.put_table(f"{accepted.name}-verdict", rows, about)


def show_seals(act: Act, sealed: SealedDataset) -> None:
    """What was sealed, and under how many data keys."""
    from hardline.tasks.core.manifest import FILE, Manifest

    folder = paths.dataset(sealed.name, sealed.version)
    manifest = Manifest.decode(act.recorded(f"{folder}/{paths.PAYLOAD}/{FILE}", sealed.manifest))
    facts = {
        "manifest": f"sha256:{sealed.manifest}",
        "rows": f"{manifest.rows:,}",
        "columns": len(manifest.columns),
        "sealed objects": len(manifest.entries),
        "sealed bytes": f"{sum(entry.size for entry in manifest.entries):,}",
        "data keys": ", ".join(sorted(manifest.keys)),
        "visibility": manifest.visibility,
        "verdict": f"sha256:{manifest.verdict}",
    }
    artifacts.put_card(f"{sealed.name}-seals", f"{sealed.name}, sealed", facts, "What was sealed")


def show_dataset(act: Act, dataset: DatasetRef) -> None:
    """The lineage of a published dataset, and the event that it was published."""
    _show_lineage(act, dataset)
    if dataset.created:
        payload = {"name": dataset.name, "digest": dataset.digest, "reference": dataset.reference}
        artifacts.emit(PUBLISHED, f"hardline.dataset.{dataset.name}", payload)


def show_robustness(act: Act, evaluated: EvaluatedModel) -> None:
    """Clean and robust accuracy of each net, with its attackers."""
    from hardline.tasks.core.model_documents import EVALUATION, EvaluationDocument

    folder = paths.model(evaluated.name, evaluated.version)
    data = act.recorded(f"{folder}/{paths.EVIDENCE}/{EVALUATION}", evaluated.evaluation)
    document = EvaluationDocument.decode(data)
    facts = {"rows": f"{document.rows:,}", **{f"floor, {name}": floor for name, floor in document.floors.items()}}
    shares = {}
    for net, report in document.metrics.items():
        for what in ("clean", "robust"):
            shares[f"{net} {what}"] = report[what] / document.rows
            facts[f"{net}, {what}"] = f"{100 * report[what] / document.rows:.1f} %"
        facts[f"{net}, attackers"] = _attackers(report, document.rows)
    chart = artifacts.fenced(artifacts.bars(f"{evaluated.name} under attack", shares))
    key = f"{evaluated.name}-robustness"
    artifacts.put_card(key, f"{evaluated.name}, robustness", facts, "Measured on the test split", below=chart)


def show_model(act: Act, model: ModelRef) -> None:
    """The lineage of a released model."""
    _show_lineage(act, model)


def _attackers(report: Mapping[str, Any], rows: int) -> str:
    return "; ".join(
        f"{attacker['name']} {100 * attacker['right'] / rows:.1f} %{'' if attacker['permitted'] else ' (not permitted)'}"
        for attacker in report["attackers"]
    )


def _show_lineage(act: Act, made: Versioned) -> None:
    from hardline.tasks.core import graph

    about = f"Lineage of {made.reference}, log index {made.index}"
    artifacts.put_graph(f"{made.name}-lineage", graph.mermaid(act.ledger.view(), made.reference), about)
