"""Appending to the log, and reading it back as a verified view.

The record, the tree's new root and the keeper's checkpoint enter in one transaction, so the log never holds a record
that no checkpoint covers, and a reader who finds one knows that somebody else wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import checkpoint as checkpoints
from hardline.tasks.core import merkle, records, verification
from hardline.tasks.core.errors import NotFound, TrustRefused, UsageError
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.logview import LogView
from hardline.tasks.core.paths import SEEN_CHECKPOINT, SEEN_TRUST, TRUST
from hardline.tasks.core.records import Record

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime

Compose = Callable[[LogView], "Record | Mapping[str, Any]"]


class Ledger:
    """The log of one home, through steps 1 and 2 of verification on every use."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def view(self) -> LogView:
        """The log as of its latest checkpoint; remembers that checkpoint as seen.

        Raises:
            VerificationError: The trust document, the checkpoint or the records are not what they must be.
            UsageError: There is no home here.
        """
        view = self._read(*self._runtime.log.read())
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
            view = self._read(*transaction.read())
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
            transaction.append([leaf], self._checkpoint(view, len(view) + 1, now), unique)
        self.view()
        return record

    def sign_checkpoint(self) -> LogView:
        """Sign the same tree again with the current time, for readers who demand freshness."""
        runtime = self._runtime
        view = self.view()
        if not len(view):
            raise NotFound("log: at least one record expected, got none", help="hardline init")
        runtime.log.save_checkpoint(self._checkpoint(view, len(view), int(runtime.clock.now().timestamp())))
        return self.view()

    def _checkpoint(self, view: LogView, size: int, now: int) -> bytes:
        head = checkpoints.Checkpoint(view.trust.log_name, size, view.tree.root(size), now)
        return checkpoints.sign(head, view.trust.log_name, self._runtime.vault.signer("keeper"))

    def _read(self, leaves: list[bytes], checkpoint: bytes | None) -> LogView:
        runtime = self._runtime
        now = runtime.clock.now()
        steps = verification.Steps()
        with steps(1):
            trust = verification.read_trust(self._trusted(TRUST), self._trusted(SEEN_TRUST), now)
        with steps(2):
            if checkpoint is None and not leaves and self._seen() is None:
                return LogView.empty(trust)
            return verification.read_log(
                trust, leaves, checkpoint, self._seen(), now, runtime.settings.max_checkpoint_age
            )

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
        if view.source and view.source != self._seen():
            self._runtime.trust.replace(SEEN_CHECKPOINT, view.source)
