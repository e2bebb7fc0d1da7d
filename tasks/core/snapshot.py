"""The snapshot: what ingest made of the sources, in sealed staging."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed
from hardline.tasks.core.manifest import Source

FORMAT = "hardline/snapshot/v1"
FILE = "snapshot.json"


@dataclass(frozen=True, slots=True)
class StagedShard:
    """One sealed Arrow shard with all columns of `rows` rows of one split."""

    path: str
    size: int
    rows: int
    digest: str
    split: str


@dataclass(frozen=True, slots=True)
class SnapshotDocument:
    """The single product of ingest."""

    name: str
    version: str
    contract: str
    suite: str
    key_id: str  # of the staging data key
    landing: Mapping[str, str]  # path of a sealed raw source or annex -> digest of its sealed bytes
    sources: tuple[Source, ...]
    shards: tuple[StagedShard, ...]

    @property
    def rows(self) -> int:
        """Rows in all shards."""
        return sum(shard.rows for shard in self.shards)

    def encode(self) -> bytes:
        """The canonical bytes."""
        return canonical.encode(
            {
                "format": FORMAT,
                "name": self.name,
                "version": self.version,
                "contract": self.contract,
                "suite": self.suite,
                "key_id": self.key_id,
                "landing": dict(self.landing),
                "sources": [source.to_json() for source in self.sources],
                "shards": [
                    {"path": s.path, "size": s.size, "rows": s.rows, "sha256": s.digest, "split": s.split}
                    for s in self.shards
                ],
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse a snapshot strictly; raises `Malformed`."""
        subject = "snapshot"
        value = canonical.decode(data, subject=subject)
        names = {"format", "name", "version", "contract", "suite", "key_id", "landing", "sources", "shards"}
        canonical.fields(value, names, subject=subject)
        if value["format"] != FORMAT:
            raise Malformed(f"{subject}: format {FORMAT} expected, got another")
        if not isinstance(value["landing"], dict) or not isinstance(value["sources"], list):
            raise Malformed(f"{subject}: landing as an object and sources as a list expected")
        if not isinstance(value["shards"], list) or not value["shards"]:
            raise Malformed(f"{subject}: at least one shard expected")
        return cls(
            name=canonical.text(value["name"], subject=f"{subject}: name", limit=63),
            version=canonical.text(value["version"], subject=f"{subject}: version", limit=32),
            contract=canonical.parse_digest(value["contract"], subject=f"{subject}: contract"),
            suite=canonical.parse_digest(value["suite"], subject=f"{subject}: suite"),
            key_id=canonical.text(value["key_id"], subject=f"{subject}: key_id", limit=64),
            landing={
                path: canonical.parse_digest(digest, subject=f"{subject}: landing")
                for path, digest in value["landing"].items()
            },
            sources=tuple(Source.from_json(item, subject=f"{subject}: source") for item in value["sources"]),
            shards=tuple(_shard(item) for item in value["shards"]),
        )


def _shard(value: Any) -> StagedShard:
    subject = "snapshot: shard"
    canonical.fields(value, {"path", "size", "rows", "sha256", "split"}, subject=subject)
    return StagedShard(
        path=canonical.text(value["path"], subject=f"{subject}: path", limit=200),
        size=canonical.integer(value["size"], subject=f"{subject}: size", low=1),
        rows=canonical.integer(value["rows"], subject=f"{subject}: rows", low=1),
        digest=canonical.parse_digest(value["sha256"], subject=f"{subject}: sha256"),
        split=canonical.text(value["split"], subject=f"{subject}: split", limit=40),
    )
