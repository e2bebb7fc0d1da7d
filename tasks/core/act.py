"""One principal doing one step: the keys it holds, the link it signs, the record that commits it.

Every step is idempotent in the same way: it first looks in the log for its own record of this version, and returns what
that names. So a second run of a finished command and the rerun after a crash are one and the same thing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, custody, events, keyring, paths, program
from hardline.tasks.core.errors import DigestMismatch, NotFound
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.wrapping import RecipientKey, RecipientPublic

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.keyring import DataKey
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record
    from hardline.tasks.core.trust import TrustDocument


MAX_OBJECT = 256 << 20  # bytes; shards and parts of sources are at most a quarter of it


class Act:
    """What a step works with."""

    def __init__(self, runtime: Runtime, step: str, role: str) -> None:
        self.runtime = runtime
        self.step = step
        self.role = role
        self.store = runtime.store
        self.ledger = Ledger(runtime)

    def say(self, text: str) -> None:
        """One line of progress; names and counts only."""
        self.runtime.progress.say(text)

    def advance(self, done: int, total: int | None = None) -> None:
        """How far this step is."""
        self.runtime.progress.advance(self.step, done, total)

    def recorded(self, path: str, digest: str) -> bytes:
        """An object of the store whose digest the log has recorded.

        Raises:
            DigestMismatch: It is gone, or other bytes lie there.
        """
        return fetch(self.runtime, path, digest)

    def recipient(self, role: str | None = None) -> RecipientKey:
        """This process's private recipient key for a role; raises `AccessDenied`."""
        return RecipientKey.from_bytes(self.runtime.vault.recipient(role or self.role))

    def place(self, path: str, data: bytes) -> None:
        """Write a small file of a version that no record names yet; what an interrupted attempt left is replaced."""
        self.store.replace(path, data)

    def seal_keyring(
        self, subject: str, version: str, grants: Iterable[tuple[DataKey, str, RecipientPublic]], path: str
    ) -> str:
        """Wrap data keys, sign the keyring with this role's key, write it; returns its digest."""
        ring = keyring.make(subject, bytes.fromhex(version), 0, list(grants))
        data = ring.sign(self.runtime.vault.signer(self.role))
        self.place(path, data)
        return canonical.digest(data)

    def finish(
        self,
        folder: str,
        type: str,
        body: Mapping[str, Any],
        *,
        materials: Mapping[str, str],
        products: Mapping[str, bytes],
        assertions: Sequence[Mapping[str, Any]] = (),
        dataset: str | None = None,
    ) -> Record:
        """Write the products, sign the link, emit the lineage event, and commit all of it by one record.

        Args:
            folder: The version's folder in the store.
            type: The record's type.
            body: The record's fields but `link` and `event`.
            materials: Artifact name to digest, as the layout names them.
            products: Path below `folder` to bytes; the artifact's name is the last segment.
            assertions: The suite's results, for the lineage event of validation.
            dataset: The dataset's name, where the version is a model's.
        """
        for path, data in products.items():
            self.place(f"{folder}/{path}", data)
        made = {path.rsplit("/", 1)[-1]: canonical.digest(data) for path, data in products.items()}
        link = self.link(folder, materials, made)
        event = events.step_event(
            self.step,
            body["name"],
            body["version"],
            self.runtime.clock.now(),
            materials,
            made,
            link,
            assertions,
            dataset,
        )
        digest = canonical.digest(event)
        self.place(paths.event(digest), event)
        record = self.ledger.append(self.role, type, lambda _: {**body, "link": link, "event": digest})
        self.runtime.emitter.emit(event)
        return record

    def link(self, folder: str, materials: Mapping[str, str], products: Mapping[str, str]) -> str:
        """Sign this step's link and write it beside the others; returns its digest."""
        signer = self.runtime.vault.signer(self.role)
        data = custody.make_link(self.step, materials, products, signer, byproducts=program.byproducts())
        name = custody.link_name(self.step, PublicKey.of(signer).keyid)
        for info in self.store.list(f"{folder}/{paths.LINKS}"):
            if info.path.rsplit("/", 1)[-1].startswith(f"{self.step}."):
                self.store.delete(info.path)  # of an interrupted attempt; nothing recorded it
        self.place(f"{folder}/{paths.LINKS}/{name}", data)
        return canonical.digest(data)


def fetch(runtime: Runtime, path: str, digest: str) -> bytes:
    """An object of the store, if it is the one that was recorded; raises `DigestMismatch`."""
    try:
        data = runtime.store.get(path, MAX_OBJECT)
    except NotFound:
        raise DigestMismatch(f"{path}: sha256:{digest} expected, got nothing") from None
    if canonical.digest(data) != digest:
        raise DigestMismatch(f"{path}: sha256:{digest} expected, got sha256:{canonical.digest(data)}")
    return data


def grants(trust: TrustDocument, key: DataKey, *roles: str) -> list[tuple[DataKey, str, RecipientPublic]]:
    """The wraps of one data key: for the recipients of these roles, and always for the recovery recipient."""
    return [(key, role, recipient) for role in (*roles, "custodian") for recipient in trust.recipients(role)]


def open_keyring(
    act: Act, view: LogView, path: str, digest: str, maker: str, role: str, key_ids: Iterable[str] | None
) -> Mapping[str, DataKey]:
    """The data keys that a keyring of an earlier step wraps for this role.

    Args:
        act: The step that reads.
        view: The log.
        path: Where the keyring lies.
        digest: What the record of the earlier step says.
        maker: The role that signed it.
        role: The reader's role.
        key_ids: The data keys needed; None: every one that is wrapped to this role.
    """
    ring = keyring.read(act.recorded(path, digest), view.trust.holders(maker, len(view)))
    return ring.open(role, act.recipient(role), key_ids)
