"""Opening a dataset or a model: the whole of verification, then the broker's decision, in the log either way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from hardline.tasks.core import dataset as datasets
from hardline.tasks.core import paths, verification
from hardline.tasks.core.dataset import VerifiedDataset
from hardline.tasks.core.errors import AccessDenied, UsageError
from hardline.tasks.core.folders import StoreFolder
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.manifest import Manifest
from hardline.tasks.core.references import Wanted
from hardline.tasks.core.roles import READERS, readable
from hardline.tasks.core.verification import Steps, Subject, Verified
from hardline.tasks.core.wrapping import RecipientKey

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.keyring import DataKey
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record


def verified(
    runtime: Runtime, wanted: Wanted, *, kind: str | None = None, steps: Steps | None = None
) -> tuple[Verified, StoreFolder, LogView]:
    """Steps 1 to 7 for something in the home.

    Args:
        runtime: The home.
        wanted: The reference.
        kind: `dataset`, `model`, or None for either.
        steps: Where the walk is noted, for a caller that reports a failed one.

    Raises:
        NotFound: The log holds no such reference.
        VerificationError: With the number of the step that refused.
    """
    steps = steps or Steps()
    view = Ledger(runtime).view()
    with steps(1), steps(2):
        pass  # view() has walked both, and stamped their numbers on what it raised
    with steps(3):
        record = verification.resolve(view, wanted, kind=kind)
    folder = StoreFolder(runtime.store, folder_of(record))
    assert view.checkpoint is not None
    return verification.verify(Subject(record, view.trust, view.checkpoint, view, steps), folder), folder, view


def folder_of(record: Record) -> str:
    """Where the version of a publication or a release lies in the store."""
    place = paths.dataset if record.type == "publication" else paths.model
    return place(record["name"], record["version"])


@contextmanager
def open_dataset(runtime: Runtime, wanted: Wanted, role: str) -> Iterator[VerifiedDataset]:
    """Verify a dataset, all eight steps, and hand it out while the block lasts.

    Args:
        runtime: The home.
        wanted: The reference.
        role: Who reads: trainer, assessor, steward or custodian; this process must hold its recipient key.

    Raises:
        VerificationError: With the number of the step that refused.
        AccessDenied: The role has no key for any part, or this process does not hold the role.
        UsageError: No such role reads datasets.
    """
    if role not in READERS:
        raise UsageError(f"role: {', '.join(READERS)} expected, got {role[:40]!r}")
    proven, folder, _ = verified(runtime, wanted, kind="dataset")
    document = proven.document
    assert isinstance(document, Manifest)
    parts = readable(role, document.keys)
    with brokered(runtime, proven, role, " ".join(parts) or "nothing"):
        private = RecipientKey.from_bytes(runtime.vault.recipient(role))
        found = verification.grant(proven, folder, role, private, [document.keys[part] for part in parts])
    data = datasets.make(proven, folder, role, {part: found[document.keys[part]] for part in parts})
    try:
        yield data
    finally:
        data.close()


def open_model_key(
    runtime: Runtime, proven: Verified, folder: StoreFolder, role: str, key_id: str
) -> Mapping[str, DataKey]:
    """Step 8 for a sealed model; raises like `open_dataset`."""
    with brokered(runtime, proven, role, "weights"):
        private = RecipientKey.from_bytes(runtime.vault.recipient(role))
        return verification.grant(proven, folder, role, private, [key_id])


@contextmanager
def brokered(runtime: Runtime, proven: Verified, role: str, what: str) -> Iterator[None]:
    """Log the decision that the block makes; see `decided`."""
    with decided(runtime, proven.subject.digest, role, what):
        yield


@contextmanager
def decided(runtime: Runtime, digest: str, role: str, what: str) -> Iterator[None]:
    """Log the decision that the block makes about something: `read` when it passes, `denied` on `AccessDenied`."""
    with denials(runtime, digest, role):
        yield
    Ledger(runtime).append(role, "read", lambda _: {"digest": digest, "what": what[:300]})


@contextmanager
def denials(runtime: Runtime, digest: str, role: str) -> Iterator[None]:
    """Log `denied` when the block raises `AccessDenied`."""
    try:
        yield
    except AccessDenied as error:
        body = {"digest": digest, "what": error.message[:300]}
        with suppress(AccessDenied):  # a process without the role's signing key cannot speak for it
            Ledger(runtime).append(role, "denied", lambda _: body)
        raise
