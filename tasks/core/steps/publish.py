"""publish: the one commit. Until its record stands in the log, nothing was published; after it, everything was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, paths, proof, refusal
from hardline.tasks.core.act import Act
from hardline.tasks.core.commit import prune_links, refuse_shared_name, rehearse
from hardline.tasks.core.errors import DigestMismatch
from hardline.tasks.core.idempotency import claim
from hardline.tasks.core.references import DatasetRef, SignedDataset
from hardline.tasks.core.verification import links_digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record

_RECORDED = ("ingest", "validate", "encrypt", "sign")


def publish(act: Act, signed: SignedDataset) -> DatasetRef:
    """Number the dataset and record it; then write its proof and let go of staging.

    Args:
        act: As publisher.
        signed: What sign made.

    Raises:
        DigestMismatch: A part is not what its maker recorded.
        TrustRefused: Separation of duties does not hold, or no layout is in force.
    """
    view = act.ledger.view()
    name, version = signed.name, signed.version
    folder = paths.dataset(name, version)
    record = view.last("publication", name=name, version=version)
    created = record is None
    if record is None:
        with refusal.ended_if_changed(act, name, version):
            record = _record(act, view, signed, folder)
        created = record["version"] == version
        view = act.ledger.view()
    finish(act, view, record, paths.dataset(name, record["version"]))
    if created:
        act.say(f"published {name}@{record['number']} at log index {record.index}")
    return DatasetRef(
        name=name, number=record["number"], digest=record["manifest"], index=record.index, created=created
    )


def _record(act: Act, view: LogView, signed: SignedDataset, folder: str) -> Record:
    name, version = signed.name, signed.version
    made = {step: view.last(step, name=name, version=version) for step in _RECORDED}
    steps = {step: found for step, found in made.items() if found is not None}
    declared = view.last("declare", name=name)
    if len(steps) < len(_RECORDED) or declared is None or steps["sign"]["bundle"] != signed.bundle:
        raise DigestMismatch(f"{name}: a record of each of {', '.join(_RECORDED)} expected, got fewer")
    key = steps["ingest"]["key"]
    accepted = {record["link"] for record in view.scan("declare", name=name)}
    body = {
        "name": name,
        "number": _next(view, name),
        "version": version,
        "key": key,
        "manifest": signed.manifest,
        "bundle": signed.bundle,
        "layout": place_layout(act, view, folder, "dataset"),
        "links": links_digest(prune_links(act, folder, accepted | {record["link"] for record in steps.values()})),
        "keyring": steps["encrypt"]["keyring"],
        "trust": view.trust.digest,
    }
    rehearse(act, view, "publication", body, folder)

    def compose(head: LogView) -> Mapping[str, object] | Record:
        earlier = head.last("publication", name=name, key=key)
        if earlier is not None:
            return earlier
        refuse_shared_name(head, name, "dataset")
        return {**body, "number": _next(head, name), "trust": head.trust.digest}

    return act.ledger.append(act.role, "publication", compose, unique=(claim("publication", key),))


def _next(view: LogView, name: str) -> int:
    return 1 + sum(1 for _ in view.scan("publication", name=name))


def finish(act: Act, view: LogView, record: Record, folder: str) -> None:
    """What follows a commit, and can be done again: the proof, and the end of staging."""
    proof.write(act.runtime, view, record.index, folder)
    for info in act.store.list(paths.staging(record["name"], record["version"])):
        act.store.delete(info.path)


def place_layout(act: Act, view: LogView, folder: str, kind: str) -> str:
    """Copy the layout in force to the version's folder; returns its digest."""
    digest = view.trust.layout_at(kind, len(view))
    data = act.runtime.trust.get(paths.layout(digest))
    if canonical.digest(data) != digest:
        raise DigestMismatch(f"layout: sha256:{digest} expected, got another")
    act.place(f"{folder}/{paths.LAYOUT}", data)
    return digest
