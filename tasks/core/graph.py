"""Lineage: what was made from what, by whom, read from the log's own records. Never from a database of an orchestrator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hardline.infra.escaping import one_line
from hardline.tasks.core import layouts, verification
from hardline.tasks.core.references import Wanted

if TYPE_CHECKING:
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record


@dataclass(frozen=True, slots=True)
class Node:
    """One step that was done, and the artifacts that it made."""

    id: str
    step: str
    principal: str
    role: str
    time: str
    log_index: int
    made: str  # the artifact's name
    digest: str
    after: tuple[str, ...]  # ids of the steps whose products it took

    def to_json(self) -> dict[str, Any]:
        """The node as JSON values."""
        return {
            "id": self.id, "step": self.step, "principal": self.principal, "role": self.role, "time": self.time,
            "log_index": self.log_index, "artifact": self.made, "digest": self.digest, "after": list(self.after),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lineage:
    """The steps behind one reference, oldest first, and whether it stands."""

    reference: str
    digest: str
    kind: str
    recalled: str | None
    nodes: tuple[Node, ...]

    def to_json(self) -> dict[str, Any]:
        """The lineage as JSON values."""
        return {
            "reference": self.reference, "digest": self.digest, "kind": self.kind, "recalled": self.recalled,
            "steps": [node.to_json() for node in self.nodes],
        }  # fmt: skip


_MADE = {
    "declare": ("contract.odcs.yaml", "contract"), "ingest": ("snapshot.json", "snapshot"),
    "validate": ("verdict.json", "verdict"), "encrypt": ("manifest.json", "manifest"),
    "sign": ("payload.sigstore.json", "bundle"), "train": ("trained.json", "trained"),
    "evaluate": ("evaluation.json", "evaluation"),
}  # fmt: skip
_FINAL = {"publication": ("publish", "sign"), "release": ("release", "evaluate")}


def trace(view: LogView, written: str) -> Lineage:
    """The lineage of a written reference, recalled ones too.

    Raises:
        NotFound: The log holds no such reference.
        VerificationError: A record of it does not hold.
    """
    record = verification.find(view, Wanted.parse(written))
    recall = view.last("recall", digest=record["manifest"])
    nodes: dict[str, Node] = {}
    if record.type == "release":
        dataset = view.last("publication", manifest=record["dataset"])
        if dataset is not None:
            _add(view, dataset, layouts.STEPS_DATASET, nodes)
    steps = layouts.STEPS_DATASET if record.type == "publication" else ("train", "evaluate")
    _add(view, record, steps, nodes)
    return Lineage(
        reference=f"{record['name']}@{record['number']}",
        digest=record["manifest"],
        kind="dataset" if record.type == "publication" else "model",
        recalled=None if recall is None else recall["reason"],
        nodes=tuple(sorted(nodes.values(), key=lambda node: node.log_index)),
    )


def _add(view: LogView, record: Record, steps: tuple[str, ...], nodes: dict[str, Node]) -> None:
    for step in steps:
        if step == "declare":
            found = _declared(view, record)
        else:
            found = view.last(step, name=record["name"], version=record["version"])
        if found is not None:
            made, field = _MADE[step]
            nodes[step] = _node(step, found, made, found[field], nodes)
    step, last = _FINAL[record.type]
    made = f"{record['name']}@{record['number']}"
    after = (last,) if step == "publish" else ("evaluate",)
    nodes[step] = Node(
        step, step, record.principal, record.role, _time(record), record.index, made, record["manifest"],
        tuple(name for name in after if name in nodes),
    )  # fmt: skip


def _declared(view: LogView, record: Record) -> Record | None:
    """The acceptance that was in force when the version was ingested."""
    ingested = view.last("ingest", name=record["name"], version=record["version"])
    found = None
    for declared in view.scan("declare", name=record["name"]):
        if ingested is None or declared.index < ingested.index:
            found = declared
    return found


def _node(step: str, record: Record, made: str, digest: str, nodes: dict[str, Node]) -> Node:
    origins = layouts.STEPS[step].materials.values()
    after = tuple(origin for origin in dict.fromkeys(origins) if origin in nodes)
    if step == "train" and "publish" in nodes:
        after = ("publish",)
    return Node(step, step, record.principal, record.role, _time(record), record.index, made, digest, after)


def _time(record: Record) -> str:
    return datetime.fromtimestamp(record.time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def mermaid(view: LogView, written: str) -> str:
    """The lineage as a Mermaid graph; what it shows are step names, principals and digests."""
    lineage = trace(view, written)
    lines = ["graph LR"]
    for node in lineage.nodes:
        text = f"{node.step}<br/>{_safe(node.made)}<br/>{node.digest[:12]}<br/>by {_safe(node.principal)}, log {node.log_index}"
        lines.append(f'  {node.id}["{text}"]')
    lines += [f"  {origin} --> {node.id}" for node in lineage.nodes for origin in node.after]
    return "\n".join(lines)


def tree(lineage: Lineage) -> str:
    """The lineage for a terminal: the newest step first, what it rests on below."""
    by_id = {node.id: node for node in lineage.nodes}
    mark = "" if lineage.recalled is None else f"  RECALLED: {one_line(lineage.recalled)}"
    lines = [f"{lineage.reference}  sha256:{lineage.digest}{mark}"]
    shown: set[str] = set()

    def walk(node: Node, indent: str, last: bool) -> None:
        again = "  (above)" if node.id in shown else ""
        branch = "`- " if last else "|- "
        facts = f"{node.made}  sha256:{node.digest[:16]}  by {one_line(node.principal)} ({node.role}), {node.time}, log {node.log_index}"
        lines.append(f"{indent}{branch}{node.step}: {facts}{again}")
        if node.id in shown:
            return
        shown.add(node.id)
        below = [by_id[origin] for origin in node.after if origin in by_id]
        for position, origin in enumerate(below):
            walk(origin, indent + ("   " if last else "|  "), position == len(below) - 1)

    walk(lineage.nodes[-1], "", last=True)
    return "\n".join(lines)


def _safe(text: str) -> str:
    return "".join(c if c.isalnum() or c in " ._@-" else "_" for c in text)
