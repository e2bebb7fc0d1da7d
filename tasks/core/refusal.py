"""What stays when data is refused: one sealed record for the steward, one line in the log, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, keyring, paths, rows, sealing
from hardline.tasks.core.act import grants
from hardline.tasks.core.errors import HardlineError, VerificationError
from hardline.tasks.core.keyring import DataKey

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.tasks.core.act import Act
    from hardline.tasks.core.logview import LogView

RECORD = "record.sealed"
ROWS = "rows.sealed"
RING = "keyring.json"


def quarantine(
    act: Act, view: LogView, name: str, version: str, record: Mapping[str, Any], table: pa.Table | None
) -> None:
    """Seal what was refused, for the steward (and the recovery recipient).

    Args:
        act: The step that refuses.
        view: The log.
        name: The dataset's name.
        version: The version id.
        record: Why, without floats; it may name columns and positions.
        table: The refused rows, or None when there are none to show.
    """
    folder = paths.quarantine(name, version)
    key = DataKey.generate()
    files = {RECORD: memoryview(canonical.encode(record))}
    if table is not None:
        files[ROWS] = rows.encode_table(table)
    for path, data in files.items():
        context = sealing.context(bytes.fromhex(version), "quarantine", path)
        act.place(f"{folder}/{path}", sealing.seal(data, key.secret, context))
    subject = canonical.digest(canonical.encode([name, version]))
    ring = keyring.make(subject, bytes.fromhex(version), 0, grants(view.trust, key, "steward"))
    act.place(f"{folder}/{RING}", ring.sign(act.runtime.vault.signer(act.role)))


def refuse(act: Act, name: str, version: str, reason: str) -> None:
    """Record the refusal, and remove everything of the version but its quarantine."""
    body = {"name": name, "version": version, "step": act.step, "reason": reason[:300]}
    act.ledger.append(act.role, "refused", lambda view: view.last("refused", name=name, version=version) or body)
    discard(act, name, version)


@contextmanager
def ended_if_changed(act: Act, name: str, version: str) -> Iterator[None]:
    """End a version whose parts are not as recorded, so that the next run makes another and does not stumble again.

    Raises:
        VerificationError: As the block does; the log then says why the version ended.
    """
    try:
        yield
    except VerificationError as error:
        with suppress(HardlineError):  # of a log that does not verify either
            refuse(act, name, version, f"not as recorded: {error.message}")
        error.help = error.help or "run the same command again: it begins anew"
        raise


def discard(act: Act, name: str, version: str) -> None:
    """Remove everything that an unpublished version left in the store, but its quarantine."""
    for folder in (
        paths.staging(name, version),
        paths.landing(name, version),
        paths.dataset(name, version),
        paths.model(name, version),
    ):
        for info in act.store.list(folder):
            act.store.delete(info.path)
