"""train: open the verified train split, make the nets, seal their weights, and say how they were made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, manifest, opening, paths
from hardline.tasks.core.act import Act, grants
from hardline.tasks.core.commit import refuse_shared_name
from hardline.tasks.core.errors import DigestMismatch
from hardline.tasks.core.idempotency import model_key
from hardline.tasks.core.keyring import DataKey
from hardline.tasks.core.model_documents import TRAINED, TrainedDocument
from hardline.tasks.core.model_staging import put_files
from hardline.tasks.core.references import Receipt, TrainedModel, Wanted
from hardline.tasks.core.roles import MODEL_READERS

if TYPE_CHECKING:
    from hardline.tasks.core.dataset import VerifiedDataset
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record

WEIGHTS = "weights.safetensors"  # of the hardened net, which is released
STANDARD = "standard.safetensors"  # of the standard net beside it, which only evaluation reads


@dataclass(frozen=True)
class Nets:
    """What training hands over."""

    files: Mapping[str, bytes]  # WEIGHTS, and perhaps STANDARD: safetensors
    architecture: Mapping[str, Any]
    inputs: str
    rows: int
    history: Mapping[str, Any]


Fit = Callable[["VerifiedDataset"], Nets]


def train(act: Act, receipt: Receipt, name: str | None, recipe: Mapping[str, Any], *, fit: Fit) -> TrainedModel:
    """Train on a published dataset, which is verified again, all eight steps.

    Args:
        act: As trainer.
        receipt: Of a verification; it only says what to open.
        name: The model's name; None: the dataset's with `-model`.
        recipe: How to train, as canonical JSON without floats; part of the release's idempotency key.
        fit: The training itself.

    Raises:
        VerificationError: The dataset is not what it must be any more.
        AccessDenied: This process does not hold the trainer's keys.
        UsageError: A dataset has the model's name.
    """
    wanted = Wanted.parse(receipt.reference)
    model = name or f"{wanted.name}-model"
    view = act.ledger.view()
    refuse_shared_name(view, model, "model")
    key = model_key(model, receipt.manifest, recipe)
    earlier = _earlier(act, view, key)
    if earlier is not None:
        return _reference(earlier)
    with opening.open_dataset(act.runtime, Wanted(name=wanted.name, digest=receipt.manifest), act.role) as data:
        nets = fit(data)
        public = data.contract.visibility == "public"
        contract = data.contract.digest
    version = secrets.token_hex(16)
    data_key = DataKey.generate()
    files = put_files(act, paths.staging(model, version), version, nets.files, data_key, public=public)
    document = TrainedDocument(
        name=model,
        version=version,
        manifest=receipt.manifest,
        contract=contract,
        recipe=recipe,
        architecture=nets.architecture,
        inputs=nets.inputs,
        rows=nets.rows,
        key_id=data_key.key_id,
        files=files,
        history=nets.history,
    ).encode()
    digest = canonical.digest(document)
    folder = paths.model(model, version)
    ring = act.seal_keyring(
        digest, version, grants(view.trust, data_key, *MODEL_READERS), f"{folder}/{paths.KEYRING}/0.json"
    )
    record = act.finish(
        folder,
        "train",
        {
            "name": model,
            "version": version,
            "key": key,
            "manifest": receipt.manifest,
            "trained": digest,
            "keyring": ring,
        },
        materials={manifest.FILE: receipt.manifest},
        products={f"{paths.EVIDENCE}/{TRAINED}": document},
        dataset=wanted.name,
    )
    return _reference(record)


def _earlier(act: Act, view: LogView, key: str) -> Record | None:
    """The training of the same request: released, or resumable; None: there is none."""
    record = view.last("train", key=key)
    released = view.last("release", key=key)
    if released is not None:
        if view.last("recall", digest=released["manifest"]) is not None:
            return None  # train again, and let release claim another number
        return view.last("train", key=key, version=released["version"])
    if record is None or view.last("refused", name=record["name"], version=record["version"]) is not None:
        return None
    try:
        folder = paths.model(record["name"], record["version"])
        document = TrainedDocument.decode(act.recorded(f"{folder}/{paths.EVIDENCE}/{TRAINED}", record["trained"]))
        for path, file in document.files.items():
            act.recorded(f"{paths.staging(record['name'], record['version'])}/{path}", file.digest)
    except DigestMismatch:
        return None
    return record


def _reference(record: Record) -> TrainedModel:
    return TrainedModel(
        name=record["name"], version=record["version"], manifest=record["manifest"], trained=record["trained"]
    )
