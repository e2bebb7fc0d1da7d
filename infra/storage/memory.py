"""Objects in memory: the same port without a disk, for tests and short-lived work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.infra.errors import Conflict, NotFound
from hardline.infra.ports import Bytes, ObjectInfo
from hardline.infra.storage.paths import check, check_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class MemoryStore:
    """An `ObjectStore` that ends with its process. `objects` is open, so that a test can be the attacker."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put(self, path: str, data: Bytes | Iterable[Bytes]) -> None:
        """See `ObjectStore`."""
        if check(path) in self.objects:
            raise Conflict(f"{path}: nothing of that name expected, and it exists")
        whole = isinstance(data, bytes | bytearray | memoryview)
        self.objects[path] = bytes(data) if whole else b"".join(bytes(piece) for piece in data)  # type: ignore[arg-type]

    def replace(self, path: str, data: Bytes) -> None:
        """See `ObjectStore`."""
        self.objects[check(path)] = bytes(data)

    def get(self, path: str, limit: int | None = None) -> bytes:
        """See `ObjectStore`."""
        try:
            data = self.objects[check(path)]
            return data if limit is None else data[: limit + 1]
        except KeyError:
            raise NotFound(f"{path}: an object expected, got nothing") from None

    def stream(self, path: str, chunk: int = 1 << 20) -> Iterator[bytes]:
        """See `ObjectStore`."""
        data = self.get(path)
        return (data[start : start + chunk] for start in range(0, len(data), chunk))

    def list(self, prefix: str) -> list[ObjectInfo]:
        """See `ObjectStore`."""
        start = f"{check_prefix(prefix)}/" if prefix else ""
        return sorted(
            ObjectInfo(path, len(data))
            for path, data in self.objects.items()
            if path.startswith(start) or path == prefix
        )

    def delete(self, path: str) -> None:
        """See `ObjectStore`."""
        self.objects.pop(check(path), None)
