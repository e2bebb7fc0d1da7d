"""publish: the one commit. Until its record stands in the log, nothing was published; after it, everything was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, custody, layouts, paths, proof
from hardline.tasks.core.act import Act
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
        made = {step: view.last(step, name=name, version=version) for step in _RECORDED}
        if None in made.values() or made["sign"]["bundle"] != signed.bundle:  # type: ignore[index]
            raise DigestMismatch(f"{name}: a record of each of {', '.join(_RECORDED)} expected, got fewer")
        steps = {step: found for step, found in made.items() if found is not None}
        _refuse_unseparated(view, act, steps)
        layout = place_layout(act, view, folder, "dataset")
        links = links_digest(read_links(act, folder))
        key = steps["ingest"]["key"]

        def compose(head: LogView) -> Mapping[str, object] | Record:
            earlier = head.last("publication", name=name, key=key)
            if earlier is not None:
                return earlier
            return {
                "name": name,
                "number": 1 + sum(1 for _ in head.scan("publication", name=name)),
                "version": version,
                "key": key,
                "manifest": signed.manifest,
                "bundle": signed.bundle,
                "links": links,
                "keyring": steps["encrypt"]["keyring"],
                "trust": head.trust.digest,
                "layout": layout,
            }

        record = act.ledger.append(act.role, "publication", compose, unique=(claim("publication", key),))
        created = record["version"] == version
        view = act.ledger.view()
    finish(
        act, view, record, folder if created or record["version"] == version else paths.dataset(name, record["version"])
    )
    if created:
        act.say(f"published {name}@{record['number']} at log index {record.index}")
    return DatasetRef(
        name=name, number=record["number"], digest=record["manifest"], index=record.index, created=created
    )


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


def read_links(act: Act, folder: str) -> dict[str, bytes]:
    """The version's links by file name."""
    found = {info.path.rsplit("/", 1)[-1]: info.path for info in act.store.list(f"{folder}/{paths.LINKS}")}
    return {name: act.store.get(path) for name, path in sorted(found.items()) if custody.LINK_NAME.fullmatch(name)}


def _refuse_unseparated(view: LogView, act: Act, made: Mapping[str, Record]) -> None:
    declared = view.last("declare", name=made["ingest"]["name"])
    assert declared is not None
    principals = {"declare": {declared.principal}, **{step: {record.principal} for step, record in made.items()}}
    assert set(principals) == set(layouts.STEPS_DATASET)
    view.trust.separation(principals)
