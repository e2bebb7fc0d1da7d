"""Makes tests/vectors/documents/*.json: `python tests/core/make_document_vectors.py`. The same vectors come out each time.

Each document has one good example, and cases that differ from it in the one defect that they are named after. All are
canonical JSON, so those cases that break the encoding itself are the same for each.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from typing import Any

from format_samples import VECTORS

from hardline.tasks.core import canonical, manifest, snapshot, verdict
from hardline.tasks.core.manifest import Entry, Manifest, Source
from hardline.tasks.core.model_documents import EvaluationDocument, File, ModelDocument, TrainedDocument
from hardline.tasks.core.snapshot import SnapshotDocument, StagedShard
from hardline.tasks.core.verdict import RuleResult, Verdict

VERSION = bytes(range(16)).hex()
Change = Callable[[dict[str, Any]], Any]


def digest(word: str) -> str:
    return canonical.digest(word.encode())


def key_id(number: int) -> str:
    return bytes([number] * 16).hex()


def put(value: Any, *path: str | int) -> Change:
    """Set a field; a path of names and positions leads to it."""

    def change(document: dict[str, Any]) -> None:
        *above, last = path
        place: Any = document
        for step in above:
            place = place[step]
        place[last] = value

    return change


def drop(*path: str | int) -> Change:
    def change(document: dict[str, Any]) -> None:
        *above, last = path
        place: Any = document
        for step in above:
            place = place[step]
        del place[last]

    return change


def both(*changes: Change) -> Change:
    def change(document: dict[str, Any]) -> None:
        for one in changes:
            one(document)

    return change


SOURCE = Source("patients.csv", 4096, digest("commitment"))


def a_manifest() -> Manifest:
    entries = [
        Entry(f"{split}/{group}/00000.arrow", 900 + at, rows, digest(f"{split} {group}"), split, group)
        for at, (split, group, rows) in enumerate(
            [("test", "features", 3), ("test", "label", 3), ("train", "features", 7), ("train", "label", 7)]
        )
    ]
    return Manifest(
        name="diagnosis", version=VERSION, contract=digest("contract"), suite=digest("suite"), verdict=digest("verdict"),
        visibility="confidential", rows=10,
        columns=(("mean radius", "double", "features"), ("diagnosis", "string", "label")),
        keys={f"{entry.split}/{entry.group}": key_id(at) for at, entry in enumerate(entries)},
        sources=(SOURCE,), entries=tuple(entries),
    )  # fmt: skip


def a_snapshot() -> SnapshotDocument:
    return SnapshotDocument(
        name="diagnosis", version=VERSION, contract=digest("contract"), suite=digest("suite"), key_id=key_id(9),
        landing={"source/00000.part": digest("part"), "annex.sealed": digest("annex"), "keyring.json": digest("ring")},
        sources=(SOURCE,),
        shards=(
            StagedShard("train/00000.arrow", 900, 8, digest("a"), "train"),
            StagedShard("test/00001.arrow", 700, 3, digest("b"), "test"),
        ),
    )  # fmt: skip


def a_verdict() -> Verdict:
    return Verdict(
        snapshot=digest("snapshot"), mask=digest("mask"), decision="ACCEPT", rows=11, accepted=10, quarantined=1,
        declared=1, evaluated=1,
        rules=(
            RuleResult("invariant:finite:mean radius", "invariant_finite", "mean radius", True, 0),
            RuleResult("0:column_values_to_be_between:mean radius", "expect_column_values_to_be_between", "mean radius", False, 1),
            RuleResult("1:column_mean_to_be_between:mean radius", "expect_column_mean_to_be_between", "mean radius", False, None, "warning"),
        ),
        suite=digest("suite"), contract=digest("contract"), engines={"compiler on polars": "2.1.0"},
        warnings=("1:column_mean_to_be_between:mean radius",), reasons=(),
    )  # fmt: skip


FILES = {"weights.safetensors": File(5000, digest("weights"), True)}


def a_training() -> TrainedDocument:
    return TrainedDocument(
        name="diagnosis-model", version=VERSION, manifest=digest("manifest"), contract=digest("contract"),
        recipe={"preset": "balanced", "seed": 0}, architecture={"kind": "mlp", "widths": [30, 64, 2]},
        inputs="raw units [N, F]", rows=7, key_id=key_id(3), files=FILES, history={"epochs": 60},
    )  # fmt: skip


def an_evaluation() -> EvaluationDocument:
    return EvaluationDocument(
        name="diagnosis-model", version=VERSION, trained=digest("trained"), manifest=digest("manifest"), rows=3,
        decision="ACCEPT", metrics={"hardened": {"clean": 3, "robust": 2}}, floors={"clean": "0.85", "robust": "0.5"},
    )  # fmt: skip


def a_model() -> ModelDocument:
    return ModelDocument(
        name="diagnosis-model", version=VERSION, dataset="diagnosis@1", manifest=digest("manifest"),
        contract=digest("contract"), trained=digest("trained"), evaluation=digest("evaluation"),
        visibility="confidential", classes=("malignant", "benign"), architecture={"kind": "mlp", "widths": [30, 64, 2]},
        inputs="raw units [N, F]", key_id=key_id(3), files=FILES,
    )  # fmt: skip


UPPER = put(digest("x").upper(), "contract")
DEFECTS: dict[str, dict[str, Change]] = {
    "manifest": {
        "entries out of order": lambda d: d["entries"].reverse(),
        "an entry twice": lambda d: d["entries"].insert(1, d["entries"][0]),
        "no entries": put([], "entries"),
        "a path that climbs out": put("train/../../x/00000.arrow", "entries", 3, "path"),
        "a hidden path": put("train/label/.arrow", "entries", 3, "path"),
        "an entry of no rows": put(0, "entries", 0, "rows"),
        "rows that do not add up": put(11, "rows"),
        "another split": put("validation", "entries", 0, "split"),
        "an entry without a data key": drop("keys", "train/label"),
        "a data key for nothing": put(key_id(8), "keys", "train/restricted"),
        "one data key for two parts": lambda d: d["keys"].update({"train/label": d["keys"]["train/features"]}),
        "a group without a column": put("restricted", "columns", 1, "group"),
        "a column twice": put("mean radius", "columns", 1, "name"),
        "no source": put([], "sources"),
        "a digest in capitals": UPPER,
        "a short version id": put("00", "version"),
        "a name with capitals": put("Diagnosis", "name"),
    },
    "snapshot": {
        "no shards": put([], "shards"),
        "a shard of no rows": put(0, "shards", 0, "rows"),
        "a digest in capitals": UPPER,
        "landing as a list": put([], "landing"),
        "a shard with an unknown field": put("", "shards", 0, "note"),
    },
    "verdict": {
        "counts that do not add up": put(2, "quarantined"),
        "an unknown decision": put("MAYBE", "decision"),
        "success as text": put("true", "rules", 0, "success"),
        "a negative count": put(-1, "rules", 0, "violations"),
        "a rule without its column": drop("rules", 0, "column"),
        "a digest in capitals": UPPER,
        "a mask that is no digest": put("", "mask"),
        "an unknown severity": put("fatal", "rules", 0, "severity"),
        "a warning of a critical rule": put(["invariant:finite:mean radius"], "warnings"),
    },
    "trained": {
        "no files": put({}, "files"),
        "a file that climbs out": lambda d: d["files"].update({"../x": d["files"]["weights.safetensors"]}),
        "a file without its size": drop("files", "weights.safetensors", "size"),
        "sealed as text": put("yes", "files", "weights.safetensors", "sealed"),
        "no rows": put(0, "rows"),
        "a digest in capitals": UPPER,
    },
    "evaluation": {
        "an unknown decision": put("ERROR", "decision"),
        "no rows": put(0, "rows"),
        "metrics as a list": put([], "metrics"),
        "a digest in capitals": put(digest("x").upper(), "trained"),
    },
    "model": {
        "one class": put(["malignant"], "classes"),
        "a class that is no text": put(["malignant", 1], "classes"),
        "no files": put({}, "files"),
        "a file that climbs out": lambda d: d["files"].update({"a/b": d["files"]["weights.safetensors"]}),
        "a digest in capitals": UPPER,
    },
}  # fmt: skip
SAMPLES: dict[str, tuple[str, Callable[[], Any]]] = {
    "manifest": (manifest.FORMAT, a_manifest),
    "snapshot": (snapshot.FORMAT, a_snapshot),
    "verdict": (verdict.FORMAT, a_verdict),
    "trained": ("hardline/trained/v1", a_training),
    "evaluation": ("hardline/evaluation/v1", an_evaluation),
    "model": ("hardline/model/v1", a_model),
}
DECODERS: dict[str, Callable[[bytes], Any]] = {
    "manifest": Manifest.decode,
    "snapshot": SnapshotDocument.decode,
    "verdict": Verdict.decode,
    "trained": TrainedDocument.decode,
    "evaluation": EvaluationDocument.decode,
    "model": ModelDocument.decode,
}


def document(kind: str) -> dict[str, Any]:
    """The file of one kind of document."""
    format_, sample = SAMPLES[kind]
    good = sample().encode().decode()
    value = json.loads(good)
    cases = [{"name": "a good document", "expect": "success", "document": good}]

    def add(name: str, text: str) -> None:
        cases.append({"name": name, "expect": "malformed", "document": text})

    for name, change in DEFECTS[kind].items():
        changed = copy.deepcopy(value)
        change(changed)
        add(name, canonical.encode(changed).decode())
    add("an unknown format", canonical.encode({**value, "format": format_[:-1] + "2"}).decode())
    add("an unknown field", canonical.encode({**value, "zz": ""}).decode())
    for field in sorted(value):
        add(f"without {field}", canonical.encode({k: v for k, v in value.items() if k != field}).decode())
    first = next(iter(json.loads(good)))
    add("a key twice", good.replace("{", f'{{"{first}":0,', 1))
    add("not canonical: blanks", json.dumps(value, sort_keys=True))
    add("not canonical: order", json.dumps(dict(reversed(value.items())), separators=(",", ":")))
    add("a floating-point number", re.sub(r":([0-9]+)([,}])", r":\1.0\2", good, count=1))
    add("text after the document", good + "\n")
    add("nothing", "")
    return {"format": format_, "digest": canonical.digest(good.encode()), "cases": cases}


if __name__ == "__main__":
    (VECTORS / "documents").mkdir(exist_ok=True)
    for kind_ in SAMPLES:
        text = json.dumps(document(kind_), indent=1) + "\n"
        (VECTORS / "documents" / f"{kind_}.json").write_text(text, encoding="utf-8")
