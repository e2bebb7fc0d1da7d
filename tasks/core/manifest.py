"""The manifest: what a dataset is. Its digest is the dataset's identity and never changes.

It lists every sealed object with the digest of its sealed bytes, and names data keys by `key_id`; it holds no wrap, no
plain digest of confidential data and no floating-point number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed

FORMAT = "hardline/manifest/v1"
FILE = "manifest.json"
SPLITS = ("train", "test")
_PATH = re.compile(r"[a-z][a-z0-9-]*(?:/[a-z0-9][a-z0-9.-]*){1,4}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_VERSION = re.compile(r"[0-9a-f]{32}")
_KEY_ID = re.compile(r"[0-9a-f]{32,64}")


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One sealed object: `rows` rows of one column group of one split."""

    path: str
    size: int  # bytes, sealed
    rows: int
    digest: str  # SHA-256 of the sealed bytes
    split: str
    group: str

    def to_json(self) -> dict[str, Any]:
        """The entry as it stands in the manifest."""
        return {
            "path": self.path, "size": self.size, "rows": self.rows, "sha256": self.digest,
            "split": self.split, "group": self.group,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Any, *, subject: str) -> Self:
        """Parse one entry strictly; raises `Malformed`."""
        canonical.fields(value, {"path", "size", "rows", "sha256", "split", "group"}, subject=subject)
        entry = cls(
            path=_match(_PATH, value["path"], subject=f"{subject}: path"),
            size=canonical.integer(value["size"], subject=f"{subject}: size", low=1),
            rows=canonical.integer(value["rows"], subject=f"{subject}: rows", low=1),
            digest=canonical.parse_digest(value["sha256"], subject=f"{subject}: sha256"),
            split=canonical.text(value["split"], subject=f"{subject}: split", limit=40),
            group=_match(_NAME, value["group"], subject=f"{subject}: group"),
        )
        if entry.split not in SPLITS:
            raise Malformed(f"{subject}: split {' or '.join(SPLITS)} expected")
        return entry


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows came from; `commitment` is a keyed digest, so that it confirms no guess of the content."""

    uri: str
    size: int
    commitment: str

    def to_json(self) -> dict[str, Any]:
        """The source as it stands in the manifest."""
        return {"uri": self.uri, "size": self.size, "commitment": self.commitment}

    @classmethod
    def from_json(cls, value: Any, *, subject: str) -> Self:
        """Parse one source strictly; raises `Malformed`."""
        canonical.fields(value, {"uri", "size", "commitment"}, subject=subject)
        return cls(
            uri=canonical.text(value["uri"], subject=f"{subject}: uri"),
            size=canonical.integer(value["size"], subject=f"{subject}: size"),
            commitment=canonical.parse_digest(value["commitment"], subject=f"{subject}: commitment"),
        )


@dataclass(frozen=True, slots=True)
class Manifest:
    """A dataset: its entries in order of path, its column groups, and what it was judged by."""

    name: str
    version: str  # the version id, hexadecimal
    contract: str
    suite: str
    verdict: str
    visibility: str
    rows: int
    columns: tuple[tuple[str, str, str], ...]  # name, Arrow type, column group; in the contract's order
    keys: Mapping[str, str]  # "split/group" -> key_id
    sources: tuple[Source, ...]
    entries: tuple[Entry, ...]

    def encode(self) -> bytes:
        """The canonical bytes; their digest is the dataset's identity."""
        return canonical.encode(
            {
                "format": FORMAT,
                "name": self.name,
                "version": self.version,
                "contract": self.contract,
                "suite": self.suite,
                "verdict": self.verdict,
                "visibility": self.visibility,
                "rows": self.rows,
                "columns": [{"name": name, "type": type_, "group": group} for name, type_, group in self.columns],
                "keys": dict(self.keys),
                "sources": [source.to_json() for source in self.sources],
                "entries": [entry.to_json() for entry in self.entries],
            }
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Parse a manifest strictly.

        Raises:
            Malformed: Another format, a field too many or too few, entries out of order or twice, rows that do not
                add up, or an entry without a data key.
        """
        subject = "manifest"
        value = canonical.decode(data, subject=subject)
        names = {
            "format", "name", "version", "contract", "suite", "verdict", "visibility", "rows", "columns", "keys",
            "sources", "entries",
        }  # fmt: skip
        canonical.fields(value, names, subject=subject)
        if value["format"] != FORMAT:
            raise Malformed(
                f"{subject}: format {FORMAT} expected, got another", help="upgrade Hardline, if it is newer"
            )
        manifest = cls(
            name=_match(_NAME, value["name"], subject=f"{subject}: name"),
            version=_match(_VERSION, value["version"], subject=f"{subject}: version"),
            contract=canonical.parse_digest(value["contract"], subject=f"{subject}: contract"),
            suite=canonical.parse_digest(value["suite"], subject=f"{subject}: suite"),
            verdict=canonical.parse_digest(value["verdict"], subject=f"{subject}: verdict"),
            visibility=canonical.text(value["visibility"], subject=f"{subject}: visibility", limit=40),
            rows=canonical.integer(value["rows"], subject=f"{subject}: rows", low=1),
            columns=tuple(_column(item) for item in _list(value["columns"], subject=f"{subject}: columns")),
            keys=_keys(value["keys"]),
            sources=tuple(
                Source.from_json(item, subject=f"{subject}: source {number}")
                for number, item in enumerate(_list(value["sources"], subject=f"{subject}: sources"))
            ),
            entries=tuple(
                Entry.from_json(item, subject=f"{subject}: entry {number}")
                for number, item in enumerate(_list(value["entries"], subject=f"{subject}: entries"))
            ),
        )
        manifest._check()
        return manifest

    def files(self) -> dict[str, str]:
        """Path to digest of everything in the payload folder but the manifest itself."""
        return {entry.path: entry.digest for entry in self.entries}

    def select(self, split: str, groups: Iterable[str]) -> tuple[Entry, ...]:
        """The entries of one split and some column groups, in order of path."""
        wanted = frozenset(groups)
        return tuple(entry for entry in self.entries if entry.split == split and entry.group in wanted)

    def _check(self) -> None:
        paths = [entry.path for entry in self.entries]
        if paths != sorted(set(paths)):
            raise Malformed("manifest: entries in order of path, each once, expected")
        if {f"{entry.split}/{entry.group}" for entry in self.entries} != set(self.keys):
            raise Malformed("manifest: one data key for each split and column group expected")
        if len(set(self.keys.values())) != len(self.keys):
            raise Malformed("manifest: a data key of its own for each split and column group expected")
        groups = {group for _, _, group in self.columns}
        if {entry.group for entry in self.entries} != groups:
            raise Malformed("manifest: entries for exactly the columns' groups expected")
        if len({name for name, _, _ in self.columns}) != len(self.columns):
            raise Malformed("manifest: each column once expected")
        for group in groups:
            if sum(entry.rows for entry in self.entries if entry.group == group) != self.rows:
                raise Malformed(f"manifest: {self.rows} rows expected in column group {group}")


def _match(pattern: re.Pattern[str], value: Any, *, subject: str) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Malformed(f"{subject}: the form {pattern.pattern} expected")
    return value


def _list(value: Any, *, subject: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise Malformed(f"{subject}: a list with at least one item expected")
    return value


def _column(value: Any) -> tuple[str, str, str]:
    canonical.fields(value, {"name", "type", "group"}, subject="manifest: column")
    return (
        canonical.text(value["name"], subject="manifest: column name"),
        canonical.text(value["type"], subject="manifest: column type", limit=60),
        _match(_NAME, value["group"], subject="manifest: column group"),
    )


def _keys(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise Malformed("manifest: keys: an object expected")
    for key_id in value.values():
        _match(_KEY_ID, key_id, subject="manifest: key id")
    return value
