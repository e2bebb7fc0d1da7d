"""The log as of one checkpoint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from hardline.tasks.core import merkle, records
from hardline.tasks.core.records import Record

if TYPE_CHECKING:
    from hardline.tasks.core.checkpoint import Checkpoint
    from hardline.tasks.core.trust import TrustDocument


class LogView:
    """Every record under one verified checkpoint, in order.

    Only `verification.read_log` and `Ledger` make one. A record is handed out after its signature, its role and its
    principal were checked, once for each record.
    """

    def __init__(
        self,
        trust: TrustDocument,
        checkpoint: Checkpoint | None,
        tree: merkle.Tree,
        leaves: Sequence[bytes],
        source: bytes,
    ) -> None:
        self.trust = trust
        self.checkpoint = checkpoint  # None: the log is empty
        self.tree = tree
        self.leaves = leaves
        self.source = source  # the checkpoint's signed bytes
        self._by_type: dict[str, list[Record]] | None = None
        self._verified: set[int] = set()

    @classmethod
    def empty(cls, trust: TrustDocument) -> Self:
        """The log before its first record."""
        return cls(trust, None, merkle.Tree(), (), b"")

    def __len__(self) -> int:
        return len(self.leaves)

    def get(self, index: int) -> Record:
        """The record at an index of the log.

        Raises:
            VerificationError: It is malformed, or its maker had no right to it.
        """
        return self._check(records.parse_record(index, self.leaves[index]))

    def all(self) -> Iterator[Record]:
        """Every record, oldest first; raises like `get`."""
        return (self.get(index) for index in range(len(self.leaves)))

    def scan(self, type: str, **equal: Any) -> Iterator[Record]:
        """The records of one type whose fields equal the given ones, oldest first; raises like `get`."""
        if self._by_type is None:
            self._by_type = defaultdict(list)
            for index, leaf in enumerate(self.leaves):
                record = records.parse_record(index, leaf)
                self._by_type[record.type].append(record)
        for record in self._by_type.get(type, ()):
            if all(record.body.get(field) == value for field, value in equal.items()):
                yield self._check(record)

    def last(self, type: str, **equal: Any) -> Record | None:
        """The newest such record, or None; raises like `get`."""
        found = None
        for record in self.scan(type, **equal):
            found = record
        return found

    def _check(self, record: Record) -> Record:
        if record.index not in self._verified:
            records.verify_record(record, self.trust)
            self._verified.add(record.index)
        return record
