"""One version's folder, read as bytes wherever it lies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from hardline.infra.ports import ObjectStore
from hardline.tasks.core.errors import DigestMismatch, NotFound


class Folder(Protocol):
    """What verification reads; paths are relative to the version's folder."""

    def paths(self) -> Mapping[str, int]:
        """Every file beneath, hidden ones too, with its size in bytes."""

    def read(self, path: str) -> bytes:
        """One file, whole, in private memory; raises `NotFound`."""


def read_recorded(folder: Folder, path: str) -> bytes:
    """A file that somebody recorded, so that none at all is other bytes; raises `DigestMismatch`."""
    try:
        return folder.read(path)
    except NotFound:
        raise DigestMismatch(f"{path}: expected, got nothing") from None


class StoreFolder:
    """A version's folder in an object store."""

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._prefix = f"{prefix}/"

    def paths(self) -> Mapping[str, int]:
        """See `Folder`."""
        start = len(self._prefix)
        return {info.path[start:]: info.size for info in self._store.list(self._prefix.removesuffix("/"))}

    def read(self, path: str) -> bytes:
        """See `Folder`."""
        return self._store.get(self._prefix + path)
