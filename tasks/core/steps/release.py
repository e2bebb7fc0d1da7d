"""release: the model's folder, its signature, its chain, and the record that makes it a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, manifest, model_staging, oms, paths, refusal
from hardline.tasks.core.accepted import CONTRACT_FILE, SUITE_FILE
from hardline.tasks.core.act import MAX_OBJECT, Act
from hardline.tasks.core.commit import prune_links, read_links, refuse_shared_name, rehearse
from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.errors import DigestMismatch, NotFound
from hardline.tasks.core.idempotency import claim
from hardline.tasks.core.model_documents import EVALUATION, MODEL, EvaluationDocument, File, ModelDocument
from hardline.tasks.core.references import EvaluatedModel, ModelRef
from hardline.tasks.core.snapshot import FILE as SNAPSHOT
from hardline.tasks.core.steps.evaluate import PLOT
from hardline.tasks.core.steps.publish import finish, place_layout
from hardline.tasks.core.steps.train import WEIGHTS
from hardline.tasks.core.verification import links_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.model_documents import TrainedDocument
    from hardline.tasks.core.records import Record

REPORT = "report.json"


def release(act: Act, evaluated: EvaluatedModel) -> ModelRef:
    """Sign and record a model whose evaluation met the contract's floors.

    Args:
        act: As releaser.
        evaluated: What evaluate made.

    Raises:
        DigestMismatch: A part is not what its maker recorded.
        TrustRefused: Separation of duties does not hold, or no layout is in force.
    """
    view = act.ledger.view()
    name, version = evaluated.name, evaluated.version
    folder = paths.model(name, version)
    record = view.last("release", name=name, version=version)
    created = record is None
    if record is None:
        with refusal.ended_if_changed(act, name, version):
            record = _record(act, view, evaluated, folder)
        created = record["version"] == version
        view = act.ledger.view()
    finish(act, view, record, paths.model(name, record["version"]))
    if created:
        act.say(f"released {name}@{record['number']} at log index {record.index}")
    return ModelRef(
        name=name,
        number=record["number"],
        digest=record["manifest"],
        index=record.index,
        created=created,
        dataset=record["dataset"],
    )


def _record(act: Act, view: LogView, evaluated: EvaluatedModel, folder: str) -> Record:
    name, version = evaluated.name, evaluated.version
    made = {step: view.last(step, name=name, version=version) for step in ("train", "evaluate")}
    dataset = view.last("publication", manifest=evaluated.manifest)
    if made["train"] is None or made["evaluate"] is None or dataset is None:
        raise DigestMismatch(f"{name}: records of its dataset, training and evaluation expected, got fewer")
    trained = model_staging.read_trained(act, name, version, made["train"]["trained"])
    statement = act.recorded(f"{folder}/{paths.EVIDENCE}/{EVALUATION}", made["evaluate"]["evaluation"])
    if EvaluationDocument.decode(statement).decision != "ACCEPT":
        raise DigestMismatch(f"{name}: an evaluation with the decision ACCEPT expected")
    origin = paths.dataset(dataset["name"], dataset["version"])
    custody = _copy_custody(act, view, dataset, origin, folder)
    contract = parse_contract(act.recorded(f"{folder}/{paths.EVIDENCE}/{CONTRACT_FILE}", trained.contract))
    public = contract.visibility == "public"
    key = model_staging.open_key(act, view, made["train"], trained.key_id)
    files = _payload(act, trained, folder)
    report = {REPORT: statement}
    files |= model_staging.put_files(act, f"{folder}/{paths.PAYLOAD}", version, report, key, public=public)
    document = ModelDocument(
        name=name,
        version=version,
        dataset=f"{dataset['name']}@{dataset['number']}",
        manifest=trained.manifest,
        contract=trained.contract,
        trained=evaluated.trained,
        evaluation=evaluated.evaluation,
        visibility=contract.visibility,
        classes=contract.classes,
        architecture=trained.architecture,
        inputs=trained.inputs,
        key_id=trained.key_id,
        files=files,
    ).encode()
    digest = canonical.digest(document)
    act.place(f"{folder}/{paths.PAYLOAD}/{MODEL}", document)
    signer = act.runtime.vault.signer(act.role)
    bundle = oms.sign_bundle(name, {**{path: file.digest for path, file in files.items()}, MODEL: digest}, signer)
    act.place(f"{folder}/{paths.BUNDLE}", bundle)
    own = {
        act.link(folder, {EVALUATION: evaluated.evaluation}, {MODEL: digest}),
        made["train"]["link"],
        made["evaluate"]["link"],
    }
    key = made["train"]["key"]
    body = {
        "name": name,
        "number": _next(view, name),
        "version": version,
        "key": key,
        "dataset": trained.manifest,
        "manifest": digest,
        "bundle": canonical.digest(bundle),
        "layout": place_layout(act, view, folder, "model"),
        "links": links_digest(prune_links(act, folder, own | custody)),
        "keyring": made["train"]["keyring"],
        "trust": view.trust.digest,
    }
    rehearse(act, view, "release", body, folder)

    def compose(head: LogView) -> Mapping[str, object] | Record:
        earlier = _standing(head, key)
        if earlier is not None:
            return earlier
        refuse_shared_name(head, name, "model")
        return {**body, "number": _next(head, name), "trust": head.trust.digest}

    return act.ledger.append(act.role, "release", compose, unique=(claim("release", f"{key}:{version}"),))


def _next(view: LogView, name: str) -> int:
    return 1 + sum(1 for _ in view.scan("release", name=name))


def _standing(view: LogView, key: str) -> Record | None:
    """The release of the same request that was not recalled."""
    recalled = {record["digest"] for record in view.scan("recall")}
    for record in view.scan("release", key=key):
        if record["manifest"] not in recalled:
            return record
    return None


def _copy_custody(act: Act, view: LogView, dataset: Record, origin: str, folder: str) -> set[str]:
    """The dataset's links and evidence, each as it was recorded, beside the model's own; returns the links' digests."""
    links = read_links(act, origin)
    if links_digest(links) != dataset["links"]:
        raise DigestMismatch(f"{origin}: the links of its publication expected, got others")
    for name, data in links.items():
        act.place(f"{folder}/{paths.LINKS}/{name}", data)
    own = {"name": dataset["name"], "version": dataset["version"]}
    ingested, judged = view.last("ingest", **own), view.last("validate", **own)
    if ingested is None or judged is None:
        raise DigestMismatch(f"{origin}: records of its making expected, got fewer")
    published = act.recorded(f"{origin}/{paths.PAYLOAD}/{manifest.FILE}", dataset["manifest"])
    document = manifest.Manifest.decode(published)
    evidence = {
        SNAPSHOT: ingested["snapshot"],
        "verdict.json": judged["verdict"],
        CONTRACT_FILE: document.contract,
        SUITE_FILE: document.suite,
    }
    for name, digest in evidence.items():
        data = act.recorded(f"{origin}/{paths.EVIDENCE}/{name}", digest)
        act.place(f"{folder}/{paths.EVIDENCE}/{name}", data)
    act.place(f"{folder}/{paths.EVIDENCE}/{manifest.FILE}", published)
    return {canonical.digest(data) for data in links.values()}


def _payload(act: Act, trained: TrainedDocument, folder: str) -> dict[str, File]:
    """Move the released weights, and the plot if there is one, into the payload, sealed as they are."""
    staging = paths.staging(trained.name, trained.version)
    for info in act.store.list(f"{folder}/{paths.PAYLOAD}"):
        act.store.delete(info.path)
    weights = trained.files[WEIGHTS]
    files = {WEIGHTS: weights}
    act.place(f"{folder}/{paths.PAYLOAD}/{WEIGHTS}", act.recorded(f"{staging}/{WEIGHTS}", weights.digest))
    try:
        plot = act.store.get(f"{staging}/{PLOT}", MAX_OBJECT)
    except NotFound:
        return files
    files[PLOT] = File(len(plot), canonical.digest(plot), weights.sealed)
    act.place(f"{folder}/{paths.PAYLOAD}/{PLOT}", plot)
    return files
