"""Removing what a crash left behind: version folders that no record of the log names, and staging that is done with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from hardline.tasks.core.errors import Misconfigured
from hardline.tasks.core.ledger import Ledger

if TYPE_CHECKING:
    from hardline.infra.ports import ObjectInfo
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.logview import LogView

ROOTS = ("landing", "staging", "datasets", "models", "quarantine")  # of folders that belong to one version


def sweep(runtime: Runtime) -> int:
    """Remove them; returns how many objects. Call it only while no other process works on this home."""
    view = Ledger(runtime).view(any_age=True)
    removed = 0
    for path in unnamed(view, [info for root in ROOTS for info in runtime.store.list(root)]):
        with suppress(Misconfigured):  # a name that no put of ours could have written
            runtime.store.delete(path)
            removed += 1
    return removed


def unnamed(view: LogView, listed: Iterable[ObjectInfo]) -> Iterator[str]:
    """Of the store's objects, those of a version that no record names, or that a record says is done with.

    What is no part of a version is somebody else's: it is not among them, and for an audit to report.
    """
    begun = {(record["name"], record["version"]) for type_ in ("ingest", "train") for record in view.scan(type_)}
    done = {(record["name"], record["version"]) for type_ in ("publication", "release") for record in view.scan(type_)}
    refused = {(record["name"], record["version"]) for record in view.scan("refused")}
    kept = dict.fromkeys(ROOTS, begun - refused)
    kept |= {"quarantine": begun | refused, "staging": begun - refused - done}
    for info in listed:
        root, *rest = info.path.split("/")
        if root in ROOTS and len(rest) >= 3 and tuple(rest[:2]) not in kept[root]:
            yield info.path
