"""Appending to the log, and reading it back as a verified view.

The record, the tree's new root and the keeper's checkpoint enter in one transaction, so the log never holds a record
that no checkpoint covers, and a reader who finds one knows that somebody else wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import checkpoint as checkpoints
from hardline.tasks.core import merkle, records, verification
from hardline.tasks.core.errors import DigestMismatch, NotFound, TrustRefused, UsageError
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.logview import LogView
from hardline.tasks.core.paths import SEEN_CHECKPOINT, SEEN_TRUST, TRUST
from hardline.tasks.core.records import Record

if TYPE_CHECKING:
    from datetime import timedelta

    from hardline.infra.runtime import Runtime

_LOST = (
    "log: the {what} that was just written expected, got another or none: the database does not keep what it is given"
)
Compose = Callable[[LogView], "Record | Mapping[str, Any]"]


class Ledger:
    """The log of one home, through steps 1 and 2 of verification on every use."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def view(self, *, any_age: bool = False) -> LogView:
        """The log as of its latest checkpoint; remembers that checkpoint as seen.

        Args:
            any_age: For who is about to write, which makes it fresh.

        Raises:
            VerificationError: The trust document, the checkpoint or the records are not what they must be.
            UsageError: There is no home here.
        """
        seen = self._seen()  # before the log: what others see meanwhile is then no newer than what is read
        max_age = None if any_age else self._runtime.settings.max_checkpoint_age
        view = self._read(*self._runtime.log.read(), seen, max_age)
        self._remember(view)
        return view

    def append(self, role: str, type: str, compose: Compose, *, unique: tuple[str, ...] = ()) -> Record:
        """Add one record of a type, signed by this process's key for the role.

        Args:
            role: Who acts.
            type: A key of `records.KINDS`.
            compose: Called with the log as it is while its head is held; returns the record's fields, or a record that
                is there already, which is then returned and nothing is added.
            unique: Keys that no other record may claim.

        Raises:
            AccessDenied: This process holds no key for the role, or none for the log.
            VerificationError: The log is not what it must be.
        """
        runtime = self._runtime
        signer = runtime.vault.signer(role)
        with runtime.log.transaction() as transaction:
            view = self._read(*transaction.read(), self._seen(), None)
            composed = compose(view)
            if isinstance(composed, Record):
                return composed
            now = int(runtime.clock.now().timestamp())
            keyid = PublicKey.of(signer).keyid
            principal = view.trust.principal_of(keyid, role, len(view))
            leaf = records.make_record(type, role, principal, now, composed, signer)
            view.tree.append(merkle.leaf(leaf))
            record = records.parse_record(len(view), leaf)
            records.verify_record(record, view.trust)  # never write what no reader would accept
            transaction.append([leaf], self._checkpoint(view, len(view) + 1), unique)
        self._written(record.index, leaf)
        return record

    def sign_checkpoint(self) -> LogView:
        """Sign the same tree again with the current time, for readers who demand freshness."""
        with self._runtime.log.transaction() as transaction:
            view = self._read(*transaction.read(), self._seen(), None)
            if not len(view):
                raise NotFound("log: at least one record expected, got none", help="hardline init")
            head = self._checkpoint(view, len(view))
            transaction.append([], head)
        read = self.view()
        if len(read) == len(view) and read.source != head:
            raise DigestMismatch(_LOST.format(what="checkpoint"))
        return read

    def _written(self, index: int, leaf: bytes) -> None:
        """A database whose owner is another says that it wrote, and did not: only reading it back shows."""
        view = self.view()
        if len(view) <= index or view.leaves[index] != leaf:
            raise DigestMismatch(_LOST.format(what=f"record {index}"))

    def _checkpoint(self, view: LogView, size: int) -> bytes:
        """Never older than the one before, whatever the clock says: a reader would refuse it."""
        before = 0 if view.checkpoint is None else view.checkpoint.time
        now = max(int(self._runtime.clock.now().timestamp()), before)
        head = checkpoints.Checkpoint(view.trust.log_name, size, view.tree.root(size), now)
        return checkpoints.sign(head, view.trust.log_name, self._runtime.vault.signer("keeper"))

    def _read(
        self, leaves: list[bytes], checkpoint: bytes | None, seen: bytes | None, max_age: timedelta | None
    ) -> LogView:
        runtime = self._runtime
        now = runtime.clock.now()
        steps = verification.Steps()
        with steps(1):
            trust = verification.read_trust(self._trusted(TRUST), self._trusted(SEEN_TRUST), now)
        with steps(2):
            if checkpoint is None and not leaves and seen is None:
                return LogView.empty(trust)
            if seen is None and len(leaves) > 1:  # the first record alone may have come before anybody could see it
                raise TrustRefused(f"{SEEN_CHECKPOINT} is missing: nothing says which checkpoint was last seen")
            return verification.read_log(trust, leaves, checkpoint, seen, now, max_age)

    def _trusted(self, path: str) -> bytes:
        try:
            return self._runtime.trust.get(path)
        except NotFound:
            if path == SEEN_TRUST:
                raise TrustRefused(f"{path} is missing: nothing says which trust document was last seen") from None
            raise UsageError("no home here: trust/trust.json expected", help="hardline init") from None

    def _seen(self) -> bytes | None:
        try:
            return self._runtime.trust.get(SEEN_CHECKPOINT)
        except NotFound:
            return None

    def _remember(self, view: LogView) -> None:
        """What was seen never goes back: another process may have seen more since this one read."""
        if not view.source or view.source == self._seen():
            return
        with self._runtime.log.transaction():  # one at a time
            seen = self._seen()
            if seen is None or verification.is_newer(view, seen):
                self._runtime.trust.replace(SEEN_CHECKPOINT, view.source)
