"""The proof beside a version: its record, its inclusion, and the checkpoint. Derived from the log; it can be made again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, paths
from hardline.tasks.core.errors import NotFound
from hardline.tasks.core.verification import PROOF_FORMAT

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.logview import LogView


def files(view: LogView, index: int) -> dict[str, bytes]:
    """The three files of a record's proof under the view's checkpoint, by path in the version's folder."""
    size = len(view)
    path = [node.hex() for node in view.tree.inclusion(index, size)]
    inclusion = {"format": PROOF_FORMAT, "index": index, "size": size, "path": path}
    return {
        f"{paths.PROOF}/record.json": view.leaves[index],
        f"{paths.PROOF}/inclusion.json": canonical.encode(inclusion),
        f"{paths.PROOF}/checkpoint": view.source,
    }


def write(runtime: Runtime, view: LogView, index: int, folder: str) -> None:
    """Put the proof beside the version, unless one of this record is there already."""
    try:
        if runtime.store.get(f"{folder}/{paths.PROOF}/record.json") == view.leaves[index]:
            runtime.store.get(f"{folder}/{paths.PROOF}/checkpoint")
            return
    except NotFound:
        pass
    for path, data in files(view, index).items():
        runtime.store.replace(f"{folder}/{path}", data)
