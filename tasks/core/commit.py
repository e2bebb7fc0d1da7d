"""Before a record makes something a version: the whole of verification over what lies there, as if it stood already.

A publication or a release cannot be taken back, only recalled. So what would not verify afterwards is never recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, custody, paths, verification
from hardline.tasks.core.envelope import Envelope
from hardline.tasks.core.errors import UsageError
from hardline.tasks.core.folders import StoreFolder
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.records import PAYLOAD_TYPE, Record
from hardline.tasks.core.verification import Steps, Subject

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hardline.tasks.core.act import Act
    from hardline.tasks.core.logview import LogView


def rehearse(act: Act, view: LogView, type_: str, body: Mapping[str, Any], folder: str) -> None:
    """Steps 4 to 7 for a record that is not in the log yet; raises `VerificationError`.

    Args:
        act: Who is about to record it.
        view: The log.
        type_: `publication` or `release`.
        body: The record's fields.
        folder: The version's folder.
    """
    keyid = PublicKey.of(act.runtime.vault.signer(act.role)).keyid
    principal = view.trust.principal_of(keyid, act.role, len(view))
    time = int(act.runtime.clock.now().timestamp())
    record = Record(len(view), type_, act.role, principal, time, body, Envelope(b"", PAYLOAD_TYPE, ()))
    assert view.checkpoint is not None
    verification.verify(Subject(record, view.trust, view.checkpoint, view, Steps()), StoreFolder(act.store, folder))


def read_links(act: Act, folder: str) -> dict[str, bytes]:
    """A version's links by file name."""
    found = {info.path.rsplit("/", 1)[-1]: info.path for info in act.store.list(f"{folder}/{paths.LINKS}")}
    return {
        name: act.store.get(path, custody.MAX_LINK)
        for name, path in sorted(found.items())
        if custody.LINK_NAME.fullmatch(name)
    }


def prune_links(act: Act, folder: str, digests: Collection[str]) -> dict[str, bytes]:
    """The links that were recorded; others are of an interrupted attempt, or of nobody, and go."""
    links = read_links(act, folder)
    for name, data in [*links.items()]:
        if canonical.digest(data) not in digests:
            act.store.delete(f"{folder}/{paths.LINKS}/{name}")
            del links[name]
    return links


def refuse_shared_name(view: LogView, name: str, kind: str) -> None:
    """A dataset and a model never have one name: a reference says which of them it means.

    Args:
        view: The log.
        name: What is about to be made.
        kind: `dataset` or `model`.

    Raises:
        UsageError: The other kind has that name.
    """
    others = ("release",) if kind == "dataset" else ("publication", "declare")
    if any(view.last(type_, name=name) is not None for type_ in others):
        other = "model" if kind == "dataset" else "dataset"
        raise UsageError(f"{name}: a name that no {other} has expected for a {kind}", help="choose another name")
