"""Verifying an exported folder without its home: trust comes from elsewhere, never from the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks.core import paths, verification
from hardline.tasks.core.errors import NotFound, TrustRefused
from hardline.tasks.core.folders import read_recorded
from hardline.tasks.core.verification import Steps, Subject, Verified

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from hardline.infra.ports import ObjectStore
    from hardline.tasks.core.folders import Folder
    from hardline.tasks.core.keys import PublicKey
    from hardline.tasks.core.logview import LogView


def verify_folder(
    folder: Folder,
    steps: Steps,
    now: datetime,
    max_age: timedelta | None,
    *,
    trust: ObjectStore | None = None,
    owners: Sequence[PublicKey] = (),
    view: LogView | None = None,
) -> Verified:
    """Steps 1 to 7 for a folder, as of the checkpoint that travels with it.

    Args:
        folder: What was exported.
        steps: Where the walk is noted.
        now: The time.
        max_age: How old a checkpoint may be; None: any age.
        trust: A trust folder: its document, what was last seen of it, and of the log.
        owners: Owner keys that were got elsewhere; then the folder's own trust document is verified under them.
        view: The log of the home that trust comes from, which knows of recalls since.

    Raises:
        TrustRefused: Neither was given.
        VerificationError: With the number of the step that refused.
    """
    with steps(1):
        if trust is not None:
            document = verification.read_trust(trust.get(paths.TRUST), _seen(trust, paths.SEEN_TRUST) or b"", now)
        elif owners:
            document = verification.read_trust(read_recorded(folder, "trust/trust.json"), owners, now)
        else:
            raise TrustRefused(
                "trust: a trust folder or an owner's key got elsewhere expected", help="--trust or --owner-key"
            )
    with steps(2):
        seen = None if trust is None else _seen(trust, paths.SEEN_CHECKPOINT)
        record, head = verification.read_proof(
            document,
            read_recorded(folder, f"{paths.PROOF}/record.json"),
            read_recorded(folder, f"{paths.PROOF}/inclusion.json"),
            read_recorded(folder, f"{paths.PROOF}/checkpoint"),
            seen,
            now,
            max_age,
        )
        if record.type not in ("publication", "release"):
            raise TrustRefused(f"log record {record.index}: a publication or a release expected, got {record.type}")
    if view is not None:
        with steps(3):
            verification.refuse_recalled(view, record)
    return verification.verify(Subject(record, document, head, None, steps), folder)


def _seen(trust: ObjectStore, path: str) -> bytes | None:
    try:
        return trust.get(path)
    except NotFound:
        return None
