"""What earlier runs have made already, told from the log: so that a second run makes nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardline.infra.parsers.errors import ParseRefused
from hardline.tasks.core import idempotency, layouts, opening
from hardline.tasks.core.accepted import read_accepted
from hardline.tasks.core.act import Act
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.parsing import files_of
from hardline.tasks.core.references import ContractRef, SourceRef, Wanted
from hardline.tasks.core.results import DatasetFacts, Hardened, Named, Published

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record
    from hardline.tasks.core.verification import Verified


def publication(runtime: Runtime, source: SourceRef, contract: ContractRef) -> Record | None:
    """The standing publication of the same source under the same accepted contract, or None."""
    view = Ledger(runtime).view()
    declared = view.last("declare", name=contract.name)
    if declared is None or view.last("publication", name=contract.name) is None:
        return None
    if contract.contract not in (None, declared["contract"]) or contract.suite not in (None, declared["suite"]):
        return None
    if source.uri.lower().startswith(("https:", "http:")):
        return None  # it is downloaded once, by the run itself, which finds what was published too
    stated = read_accepted(Act(runtime, "ingest", "ingestor"), declared).contract
    commitments = []
    try:
        for file in files_of(source, stated, runtime.settings):
            commitment = idempotency.Commitment(runtime.vault.secret("source"))
            for chunk in file.chunks():
                commitment.update(chunk)
            commitments.append(commitment.value)
    except ParseRefused:
        return None  # the run itself will say what is wrong with it
    key = idempotency.dataset_key(contract.name, commitments, declared["contract"], declared["suite"])
    return _standing(view, "publication", key)


def release(runtime: Runtime, name: str | None, dataset: Record, recipe: Mapping[str, Any]) -> Record | None:
    """The standing release of the same recipe on the same dataset, or None."""
    key = idempotency.model_key(name or f"{dataset['name']}-model", dataset["manifest"], recipe)
    return _standing(Ledger(runtime).view(), "release", key)


def _standing(view: LogView, type_: str, key: str) -> Record | None:
    recalled = {record["digest"] for record in view.scan("recall")}
    for record in view.scan(type_, key=key):
        if record["manifest"] not in recalled:
            return record
    return None


def published(runtime: Runtime, wanted: Wanted, *, created: bool) -> Published:
    """The facts of a published dataset, verified."""
    proven, _, view = opening.verified(runtime, wanted, kind="dataset")
    record = proven.subject.record
    facts = DatasetFacts(
        proven.reference,
        proven.subject.digest,
        proven.verdict.rows,
        proven.verdict.accepted,
        proven.verdict.quarantined,
    )
    return Published(facts, record.index, created, _signers(proven, layouts.STEPS_DATASET, view, record))


def hardened(runtime: Runtime, wanted: Wanted, *, created: bool) -> Hardened:
    """The facts of a released model, verified."""
    proven, _, view = opening.verified(runtime, wanted, kind="model")
    record, evaluation = proven.subject.record, proven.evaluation
    assert evaluation is not None
    dataset = view.last("publication", manifest=record["dataset"])
    assert dataset is not None
    return Hardened(
        model=Named(proven.reference, proven.subject.digest),
        dataset=Named(f"{dataset['name']}@{dataset['number']}", dataset["manifest"]),
        metrics=metrics(evaluation.metrics, evaluation.rows),
        log_index=record.index,
        created=created,
        signers=_signers(proven, ("train", "evaluate", "release"), view, record),
    )


def metrics(reports: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """Counts as shares: net to clean and robust accuracy, with intervals, classes and attackers."""
    found: dict[str, Any] = {
        net: {
            "clean": report["clean"] / rows,
            "robust": report["robust"] / rows,
            "interval": report.get("interval"),
            "classes": report.get("classes"),
            "attackers": report["attackers"],
        }
        for net, report in reports.items()
    }
    first = next(iter(reports.values()))
    names = [{"name": item["name"], "permitted": item["permitted"]} for item in first["attackers"]]
    return {**found, "attackers": names, "rows": rows}


def _signers(proven: Verified, steps: tuple[str, ...], view: LogView, record: Record) -> dict[str, str]:
    return {step: proven.signers[step] for step in steps if step in proven.signers}
