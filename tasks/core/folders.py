"""One version's folder, read as bytes wherever it lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hardline.infra.ports import ObjectStore
from hardline.tasks.core import canonical
from hardline.tasks.core.errors import DigestMismatch, NotFound


class Folder(Protocol):
    """What verification reads; paths are relative to the version's folder."""

    def paths(self) -> Mapping[str, int]:
        """Every file beneath, hidden ones too, with its size in bytes."""

    def read(self, path: str, limit: int | None = None) -> bytes:
        """One file in private memory, and of one longer than `limit` one byte more than that; raises `NotFound`."""


def read_recorded(folder: Folder, path: str, limit: int = canonical.MAX_BYTES) -> bytes:
    """A file that somebody recorded, so that none at all, or a longer one, is other bytes; raises `DigestMismatch`."""
    try:
        data = folder.read(path, limit)
    except NotFound:
        raise DigestMismatch(f"{path}: expected, got nothing") from None
    if len(data) > limit:
        raise DigestMismatch(f"{path}: at most {limit:,} bytes expected, got more")
    return data


class StoreFolder:
    """A version's folder in an object store."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._prefix = f"{prefix}/"

    def paths(self) -> Mapping[str, int]:
        """See `Folder`."""
        start = len(self._prefix)
        return {info.path[start:]: info.size for info in self._store.list(self._prefix.removesuffix("/"))}

    def read(self, path: str, limit: int | None = None) -> bytes:
        """See `Folder`."""
        return self._store.get(self._prefix + path, limit)
