"""evaluate: measure the nets on the test split, which only the assessor opens, and let the contract's floors decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, manifest, model_staging, opening, paths, refusal
from hardline.tasks.core.act import Act
from hardline.tasks.core.errors import DigestMismatch, FloorError
from hardline.tasks.core.model_documents import EVALUATION, TRAINED, EvaluationDocument, TrainedDocument
from hardline.tasks.core.references import EvaluatedModel, TrainedModel, Wanted
from hardline.tasks.core.steps.train import STANDARD, WEIGHTS

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.dataset import VerifiedDataset
    from hardline.tasks.core.records import Record

PLOT = "robustness.png"


@dataclass(frozen=True)
class Measured:
    """What an assessor found.

    Attributes:
        metrics: Net ("standard", "hardened") to its report; `clean` and `robust` are counts of right rows out of `rows`.
        plot: A PNG, or nothing.
    """

    rows: int
    metrics: Mapping[str, Mapping[str, Any]]
    plot: bytes | None


Assess = Callable[["VerifiedDataset", TrainedDocument, Mapping[str, bytes]], Measured]


def evaluate(act: Act, trained: TrainedModel, *, assess: Assess) -> EvaluatedModel:
    """Attack the nets as the contract's threat model permits.

    Args:
        act: As assessor.
        trained: What train made.
        assess: The attackers; gets the opened test split, the statement of training and the weights by net.

    Raises:
        FloorError: The hardened net measures below a floor of the contract; nothing of it stays but the record.
        VerificationError: The dataset or the weights are not what their makers recorded.
    """
    view = act.ledger.view()
    name, version = trained.name, trained.version
    done = view.last("evaluate", name=name, version=version)
    if done is not None:
        return _reference(trained, done)
    record = view.last("train", name=name, version=version, trained=trained.trained)
    if record is None:
        raise DigestMismatch(f"{name}: a recorded training expected, got none")
    staging = paths.staging(name, version)
    weights = {}
    with refusal.ended_if_changed(act, name, version):
        document = model_staging.read_trained(act, name, version, trained.trained)
        key = model_staging.open_key(act, view, record, document.key_id)
        for net, path in (("standard", STANDARD), ("hardened", WEIGHTS)):
            if path in document.files:
                file = document.files[path]
                sealed = act.recorded(f"{staging}/{path}", file.digest)
                weights[net] = model_staging.open_file(version, path, sealed, file, key)
    publication = view.last("publication", manifest=document.manifest)
    if publication is None:
        raise DigestMismatch(f"{name}: the publication of its dataset expected in the log, got none")
    dataset = Wanted(name=publication["name"], digest=document.manifest)
    with opening.open_dataset(act.runtime, dataset, act.role) as data:
        measured = assess(data, document, weights)
        contract = data.contract
    missed = _missed(contract, measured)
    statement = EvaluationDocument(
        name=name,
        version=version,
        trained=trained.trained,
        manifest=document.manifest,
        rows=measured.rows,
        decision="REJECT" if missed else "ACCEPT",
        metrics=measured.metrics,
        floors={"clean": str(contract.floors.clean), "robust": str(contract.floors.robust)},
    ).encode()
    if missed:
        refusal.refuse(act, name, version, missed)
        raise FloorError(f"{name}: {missed}", help="train with another recipe, or accept a contract with other floors")
    if measured.plot is not None:
        public = contract.visibility == "public"
        model_staging.put_files(act, staging, version, {PLOT: measured.plot}, key, public=public)
    done = act.finish(
        paths.model(name, version),
        "evaluate",
        {"name": name, "version": version, "trained": trained.trained, "evaluation": canonical.digest(statement)},
        materials={TRAINED: trained.trained, manifest.FILE: document.manifest},
        products={f"{paths.EVIDENCE}/{EVALUATION}": statement},
        dataset=dataset.name,
    )
    return _reference(trained, done)


def _missed(contract: Contract, measured: Measured) -> str:
    """Which floors the hardened net misses, or an empty text."""
    report = measured.metrics["hardened"]
    missed = []
    for what, floor in (("clean", contract.floors.clean), ("robust", contract.floors.robust)):
        right = report[what]
        if not isinstance(right, int) or Decimal(right) < Decimal(str(floor)) * measured.rows:
            missed.append(f"{what} accuracy of at least {floor} expected, got {right} of {measured.rows} rows right")
    return "; ".join(missed)


def _reference(trained: TrainedModel, record: Record) -> EvaluatedModel:
    return EvaluatedModel(
        name=trained.name,
        version=trained.version,
        manifest=trained.manifest,
        trained=trained.trained,
        evaluation=record["evaluation"],
    )
