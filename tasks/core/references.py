"""What travels between steps: names, numbers and digests, never rows.

    SourceRef, ContractRef -> Snapshot -> AcceptedSnapshot -> SealedDataset -> SignedDataset -> DatasetRef
    DatasetRef, RecipeRef  -> Receipt -> TrainedModel -> EvaluatedModel -> ModelRef

All are frozen pydantic models, since an orchestrator stores them and shows the first ones as forms. A reference proves
nothing: whoever receives one looks its subject up in the log again.
"""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from hardline.tasks.core.errors import UsageError

NAME = r"[a-z][a-z0-9-]{0,62}"
Name = Annotated[str, Field(pattern=f"^{NAME}$", description="Lower-case letters, digits and hyphens.")]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 in hexadecimal.")]
VersionId = Annotated[
    str, Field(pattern="^[0-9a-f]{32}$", description="Sixteen random bytes, drawn at the first step.")
]
_WRITTEN = re.compile(rf"({NAME})(?:@(?:([1-9][0-9]{{0,8}})|sha256:([0-9a-f]{{64}})))?")


class Reference(BaseModel):
    """A frozen, JSON-able value that names something."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_max_length=4096)


class SourceRef(Reference):
    """Where raw data comes from."""

    uri: str = Field(
        min_length=1,
        description="A local file or folder, a pattern such as data/*.parquet, a file:// or an https:// URI. Credentials never "
        "stand here: a URI with a user or a query is refused.",
    )


class ContractRef(Reference):
    """An accepted contract and its suite."""

    name: Name = Field(description="The name of an accepted contract, for example diagnosis.")
    contract: Digest | None = Field(
        None, description="The digest that must be the accepted one; empty: the latest accepted."
    )
    suite: Digest | None = Field(
        None, description="The suite's digest that must be the accepted one; empty: the latest accepted."
    )


class RecipeRef(Reference):
    """How to train."""

    preset: str = Field("balanced", description="fast, balanced or strong.", max_length=40)
    seed: int = Field(0, ge=0, lt=2**31, description="The seed of every random draw in training.")
    options: dict[str, str | int | bool] = Field(
        default_factory=dict, description="Single settings of the recipe that differ from the preset."
    )
    name: Name | None = Field(None, description="The model's name; empty: the dataset's name with -model.")


class Snapshot(Reference):
    """What ingest made: sealed staging under one version id."""

    name: Name
    version: VersionId
    digest: Digest


class AcceptedSnapshot(Reference):
    """A snapshot with the verdict ACCEPT."""

    name: Name
    version: VersionId
    snapshot: Digest
    verdict: Digest


class SealedDataset(Reference):
    """Final shards, a manifest and a keyring."""

    name: Name
    version: VersionId
    manifest: Digest


class SignedDataset(Reference):
    """A sealed dataset with its signature bundle."""

    name: Name
    version: VersionId
    manifest: Digest
    bundle: Digest


class Versioned(Reference):
    """Something that the log has numbered."""

    name: Name
    number: int = Field(ge=1)
    digest: Digest
    index: int = Field(ge=0, description="The index of its record in the log.")
    created: bool = Field(description="False when an earlier run had made it already.")

    @property
    def reference(self) -> str:
        """The form people write: `name@3`."""
        return f"{self.name}@{self.number}"


class DatasetRef(Versioned):
    """A published dataset; `digest` is its manifest's."""


class ModelRef(Versioned):
    """A released model; `digest` is its model.json's."""

    dataset: Digest = Field(description="The manifest of the dataset it was trained on.")


class Receipt(Reference):
    """A record that a verification passed; not a permission, every consumer verifies again."""

    reference: str
    manifest: Digest
    index: int = Field(ge=0)
    checkpoint: int = Field(ge=1, description="The size of the log that the verification saw.")
    steps: tuple[int, ...] = Field(description="The numbers of the steps that passed.")


class TrainedModel(Reference):
    """Weights in sealed staging, and the statement of how they were made."""

    name: Name
    version: VersionId
    manifest: Digest
    trained: Digest


class EvaluatedModel(Reference):
    """A trained model whose numbers the assessor signed."""

    name: Name
    version: VersionId
    manifest: Digest
    trained: Digest
    evaluation: Digest


class Wanted(Reference):
    """A reference as a person writes it: `name`, `name@3` or `name@sha256:...`."""

    name: Name
    number: int | None = None
    digest: Digest | None = None

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read the written form.

        Raises:
            UsageError: It is none.
        """
        match = _WRITTEN.fullmatch(written)
        if match is None:
            raise UsageError(
                f"reference {written[:80]!r}: name, name@3 or name@sha256:... expected", help="hardline list shows them"
            )
        name, number, digest = match.groups()
        return cls(name=name, number=int(number) if number else None, digest=digest)

    def __str__(self) -> str:
        if self.number is not None:
            return f"{self.name}@{self.number}"
        return f"{self.name}@sha256:{self.digest}" if self.digest else self.name
