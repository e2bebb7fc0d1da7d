"""The three statements about a model: how it was trained, what it measures, and what is released.

Each is canonical JSON without floats: shares are counts over rows, settings are decimal strings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed

TRAINED = "trained.json"
EVALUATION = "evaluation.json"
MODEL = "model.json"
_FORMATS = {TRAINED: "hardline/trained/v1", EVALUATION: "hardline/evaluation/v1", MODEL: "hardline/model/v1"}
_PATH = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class File:
    """One file of a model's payload, as it lies there (sealed, when the data is not public)."""

    size: int
    digest: str
    sealed: bool

    def to_json(self) -> dict[str, Any]:
        """The form in a document."""
        return {"size": self.size, "sha256": self.digest, "sealed": self.sealed}

    @classmethod
    def from_json(cls, value: Any, *, subject: str) -> Self:
        """Parse strictly; raises `Malformed`."""
        canonical.fields(value, {"size", "sha256", "sealed"}, subject=subject)
        if not isinstance(value["sealed"], bool):
            raise Malformed(f"{subject}: sealed: true or false expected")
        return cls(
            size=canonical.integer(value["size"], subject=f"{subject}: size", low=1),
            digest=canonical.parse_digest(value["sha256"], subject=f"{subject}: sha256"),
            sealed=value["sealed"],
        )


@dataclass(frozen=True, slots=True)
class TrainedDocument:
    """The single product of train."""

    name: str
    version: str
    manifest: str  # the dataset
    contract: str
    recipe: Mapping[str, Any]
    architecture: Mapping[str, Any]
    inputs: str
    rows: int  # rows trained on
    key_id: str  # of the model's data key
    files: Mapping[str, File]  # path in staging -> file
    history: Mapping[str, Any]

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(
            {
                "format": _FORMATS[TRAINED], "name": self.name, "version": self.version, "manifest": self.manifest,
                "contract": self.contract, "recipe": dict(self.recipe), "architecture": dict(self.architecture),
                "inputs": self.inputs, "rows": self.rows, "key_id": self.key_id, "files": _files_json(self.files),
                "history": dict(self.history),
            }
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse strictly; raises `Malformed`."""
        names = {
            "name", "version", "manifest", "contract", "recipe", "architecture", "inputs", "rows", "key_id", "files",
            "history",
        }  # fmt: skip
        value = _open(TRAINED, data, names)
        return cls(
            **_head(TRAINED, value),
            manifest=canonical.parse_digest(value["manifest"], subject="trained.json: manifest"),
            contract=canonical.parse_digest(value["contract"], subject="trained.json: contract"),
            recipe=_object(value["recipe"], subject="trained.json: recipe"),
            architecture=_object(value["architecture"], subject="trained.json: architecture"),
            inputs=canonical.text(value["inputs"], subject="trained.json: inputs", limit=200),
            rows=canonical.integer(value["rows"], subject="trained.json: rows", low=1),
            key_id=canonical.text(value["key_id"], subject="trained.json: key_id", limit=64),
            files=_files(value["files"], subject="trained.json: files"),
            history=_object(value["history"], subject="trained.json: history"),
        )


@dataclass(frozen=True, slots=True)
class EvaluationDocument:
    """The single product of evaluate. `decision` is ACCEPT when every floor of the contract is met."""

    name: str
    version: str
    trained: str
    manifest: str
    rows: int
    decision: str
    metrics: Mapping[str, Any]  # model ("standard", "hardened") -> the report of tasks.hardening.evaluation
    floors: Mapping[str, str]

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(
            {
                "format": _FORMATS[EVALUATION], "name": self.name, "version": self.version, "trained": self.trained,
                "manifest": self.manifest, "rows": self.rows, "decision": self.decision,
                "metrics": dict(self.metrics), "floors": dict(self.floors),
            }
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse strictly; raises `Malformed`."""
        names = {"name", "version", "trained", "manifest", "rows", "decision", "metrics", "floors"}
        value = _open(EVALUATION, data, names)
        if value["decision"] not in ("ACCEPT", "REJECT"):
            raise Malformed("evaluation.json: decision ACCEPT or REJECT expected")
        return cls(
            **_head(EVALUATION, value),
            trained=canonical.parse_digest(value["trained"], subject="evaluation.json: trained"),
            manifest=canonical.parse_digest(value["manifest"], subject="evaluation.json: manifest"),
            rows=canonical.integer(value["rows"], subject="evaluation.json: rows", low=1),
            decision=value["decision"],
            metrics=_object(value["metrics"], subject="evaluation.json: metrics"),
            floors=_object(value["floors"], subject="evaluation.json: floors"),
        )


@dataclass(frozen=True, slots=True)
class ModelDocument:
    """The single product of release; its digest is the model's identity."""

    name: str
    version: str
    dataset: str  # the written reference
    manifest: str  # the dataset's digest
    contract: str
    trained: str
    evaluation: str
    visibility: str
    classes: tuple[str, ...]
    architecture: Mapping[str, Any]
    inputs: str
    key_id: str
    files: Mapping[str, File]

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(
            {
                "format": _FORMATS[MODEL], "name": self.name, "version": self.version, "dataset": self.dataset,
                "manifest": self.manifest, "contract": self.contract, "trained": self.trained,
                "evaluation": self.evaluation, "visibility": self.visibility, "classes": list(self.classes),
                "architecture": dict(self.architecture), "inputs": self.inputs, "key_id": self.key_id,
                "files": _files_json(self.files),
            }
        )  # fmt: skip

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse strictly; raises `Malformed`."""
        names = {
            "name", "version", "dataset", "manifest", "contract", "trained", "evaluation", "visibility", "classes",
            "architecture", "inputs", "key_id", "files",
        }  # fmt: skip
        value = _open(MODEL, data, names)
        classes = value["classes"]
        if not isinstance(classes, list) or not 2 <= len(classes) <= 1000:
            raise Malformed("model.json: 2 to 1,000 classes expected")
        return cls(
            **_head(MODEL, value),
            dataset=canonical.text(value["dataset"], subject="model.json: dataset", limit=200),
            **{
                field: canonical.parse_digest(value[field], subject=f"model.json: {field}")
                for field in ("manifest", "contract", "trained", "evaluation")
            },
            visibility=canonical.text(value["visibility"], subject="model.json: visibility", limit=40),
            classes=tuple(canonical.text(item, subject="model.json: class", limit=200) for item in classes),
            architecture=_object(value["architecture"], subject="model.json: architecture"),
            inputs=canonical.text(value["inputs"], subject="model.json: inputs", limit=200),
            key_id=canonical.text(value["key_id"], subject="model.json: key_id", limit=64),
            files=_files(value["files"], subject="model.json: files"),
        )


def _open(document: str, data: bytes, names: set[str]) -> dict[str, Any]:
    value = canonical.decode(data, subject=document)
    canonical.fields(value, names | {"format"}, subject=document)
    if value["format"] != _FORMATS[document]:
        raise Malformed(f"{document}: format {_FORMATS[document]} expected, got another")
    result: dict[str, Any] = value
    return result


def _head(document: str, value: Mapping[str, Any]) -> dict[str, Any]:
    version = value["version"]
    if not isinstance(version, str) or not _ID.fullmatch(version):
        raise Malformed(f"{document}: a version id expected")
    return {"name": canonical.text(value["name"], subject=f"{document}: name", limit=63), "version": version}


def _object(value: Any, *, subject: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{subject}: an object expected")
    return value


def _files(value: Any, *, subject: str) -> dict[str, File]:
    if not isinstance(value, dict) or not value:
        raise Malformed(f"{subject}: at least one file expected")
    for path in value:
        if not _PATH.fullmatch(path):
            raise Malformed(f"{subject}: a plain file name expected")
    return {path: File.from_json(item, subject=f"{subject}: {path}") for path, item in value.items()}


def _files_json(files: Mapping[str, File]) -> dict[str, Any]:
    return {path: file.to_json() for path, file in files.items()}
