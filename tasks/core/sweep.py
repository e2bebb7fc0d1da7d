"""Removing what a crash left behind: version folders that no record of the log names, and staging that is done with."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hardline.tasks.core.errors import Misconfigured
from hardline.tasks.core.ledger import Ledger

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime

_ROOTS = ("landing", "staging", "datasets", "models", "quarantine")


def sweep(runtime: Runtime) -> int:
    """Remove them; returns how many objects. Call it only while no other process works on this home."""
    view = Ledger(runtime).view(any_age=True)
    begun = {(record["name"], record["version"]) for type_ in ("ingest", "train") for record in view.scan(type_)}
    done = {(record["name"], record["version"]) for type_ in ("publication", "release") for record in view.scan(type_)}
    refused = {(record["name"], record["version"]) for record in view.scan("refused")}
    removed = 0
    for root in _ROOTS:
        for info in runtime.store.list(root):
            parts = info.path.split("/")
            if len(parts) < 4:
                continue  # no part of a version: somebody else's, and for an audit to report
            known = (parts[1], parts[2])
            if root == "quarantine":
                keep = known in begun | refused
            elif root == "staging":
                keep = known in begun - refused - done
            else:
                keep = known in begun - refused
            if not keep:
                with suppress(Misconfigured):  # a name that no put of ours could have written
                    runtime.store.delete(info.path)
                    removed += 1
    return removed
