"""Everything again: the log, every version, every accepted contract, every event, and what nothing names.

An audit names all that is wrong instead of stopping at the first, and repairs nothing. A finding is an error, where
something does not verify, or a warning, where something will not for long, or lies there and nothing speaks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from hardline.tasks.core import canonical, custody, layouts, opening, paths, verification
from hardline.tasks.core.accepted import read_accepted
from hardline.tasks.core.act import Act, fetch
from hardline.tasks.core.errors import DigestMismatch, HardlineError, VerificationError
from hardline.tasks.core.folders import StoreFolder, read_recorded
from hardline.tasks.core.home import SECRETS
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.results import Audited, Finding
from hardline.tasks.core.sweep import ROOTS, unnamed
from hardline.tasks.core.trust import RECIPIENTS
from hardline.tasks.core.verification import Steps, Subject

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record

SOON: Final = timedelta(days=30)  # enough to gather a threshold of owners, whose keys are offline


class _Findings:
    """What was found so far."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    @contextmanager
    def noting(self, subject: str) -> Iterator[None]:
        """Turn an error of the block into a finding, and go on."""
        try:
            yield
        except HardlineError as error:
            step = error.step if isinstance(error, VerificationError) else None
            self.found.append(Finding(subject, "error", step, type(error).__name__, error.message))

    def warn(self, subject: str, error: str, message: str) -> None:
        """Note what is no error."""
        self.found.append(Finding(subject, "warning", None, error, message))


def audit(runtime: Runtime) -> Audited:
    """Verify a home as a whole; needs no private key.

    Args:
        runtime: The home.

    Returns:
        What was looked at and what was found; `verified` when no finding is an error.
    """
    notes, view = _Findings(), None
    with notes.noting("log"):
        view = Ledger(runtime).view()
    if view is None:  # nothing can be said about what only the log names
        return Audited(False, 0, 0, 0, tuple(notes.found))
    good = [*_records(view, notes)]
    standing = _standing(good)
    for place, record in enumerate(standing):
        runtime.progress.advance("audit", place, len(standing))
        _version(runtime, view, record, notes)
    for record in good:
        if record.type == "declare":
            with notes.noting(f"contract {record['name']} of log record {record.index}"):
                read_accepted(Act(runtime, "audit", "auditor"), record)
        if "event" in record.body:
            with notes.noting(f"lineage event of log record {record.index}"):
                fetch(runtime, paths.event(record["event"]), record["event"])
    if len(good) == len(view):  # otherwise nobody can say what the log does not name
        with notes.noting("store"):
            _strangers(runtime, view, good, notes)
    _expiring(runtime, view, notes)
    _keys(runtime, view, notes)
    verified = not any(finding.severity == "error" for finding in notes.found)
    kinds = [record.type for record in standing]
    return Audited(verified, kinds.count("publication"), kinds.count("release"), len(view), tuple(notes.found))


def _records(view: LogView, notes: _Findings) -> Iterator[Record]:
    for index in range(len(view)):
        with notes.noting(f"log record {index}"):
            yield view.get(index)


def _standing(records: Sequence[Record]) -> list[Record]:
    """Publications and releases that nobody recalled, nor their dataset."""
    recalled = {record["digest"] for record in records if record.type == "recall"}
    versions = [record for record in records if record.type in ("publication", "release")]
    return [record for record in versions if recalled.isdisjoint({record["manifest"], record.body.get("dataset")})]


def _version(runtime: Runtime, view: LogView, record: Record, notes: _Findings) -> None:
    assert view.checkpoint is not None
    folder = StoreFolder(runtime.store, opening.folder_of(record))
    with notes.noting(f"{record['name']}@{record['number']}"):
        subject = Subject(record, view.trust, view.checkpoint, view, Steps())
        verification.verify(subject, folder)
    with notes.noting(f"{record['name']}@{record['number']}: its proof"):  # for readers who have no log
        parts = (
            read_recorded(folder, f"{paths.PROOF}/{name}") for name in ("record.json", "inclusion.json", "checkpoint")
        )
        leaf, inclusion, checkpoint = parts
        verification.read_proof(view.trust, leaf, inclusion, checkpoint, None, runtime.clock.now(), None)
        if leaf != view.leaves[record.index]:
            raise DigestMismatch(
                f"{paths.PROOF}/record.json: the record of log index {record.index} expected, got another"
            )


def _strangers(runtime: Runtime, view: LogView, records: Sequence[Record], notes: _Findings) -> None:
    """Objects that no record speaks for; the next publication removes those that a crash left."""
    listed = runtime.store.list("")
    stray = set(unnamed(view, listed))
    named = {paths.event(record["event"]) for record in records if "event" in record.body}
    declared = {
        paths.contract(record["name"], record["contract"], record["suite"])
        for record in records
        if record.type == "declare"
    }
    for info in listed:
        root, *rest = info.path.split("/")
        known = (
            (root in ROOTS and len(rest) >= 3)
            or info.path in named
            or (root == "contracts" and "/".join([root, *rest[:2]]) in declared)
        )
        if info.path in stray or not known:
            notes.warn(info.path[:200], "Leftover", "a record of the log that names it expected, got none")


def _expiring(runtime: Runtime, view: LogView, notes: _Findings) -> None:
    trust, now = view.trust, runtime.clock.now()
    if trust.expires <= now + SOON:
        notes.warn(
            "trust document", "Expiring", f"valid beyond {SOON.days} days expected, got until {trust.expires:%Y-%m-%d}"
        )
    holders = {step: trust.holders_until(role, len(view)) for step, role in layouts.ROLE_OF.items()}
    for kind in layouts.KINDS:
        subject = f"layout of a {kind}"
        with notes.noting(subject):
            digest = trust.layout_at(kind, len(view))
            data = _layout(runtime, digest)
            until = custody.layout_expiry(data, trust.owners, trust.threshold, functionaries=holders)
            if until <= now + SOON:
                notes.warn(subject, "Expiring", f"valid beyond {SOON.days} days expected, got until {until:%Y-%m-%d}")


def _layout(runtime: Runtime, digest: str) -> bytes:
    """A layout of the trust folder, by its digest; raises `DigestMismatch`."""
    data = runtime.trust.get(paths.layout(digest))
    if canonical.digest(data) != digest:
        raise DigestMismatch(f"layout: sha256:{digest} expected, got sha256:{canonical.digest(data)}")
    return data


def _keys(runtime: Runtime, view: LogView, notes: _Findings) -> None:
    """Keys of the trust document that are not here; a home of public keys only has none to miss."""
    held = runtime.vault.held()  # type: ignore[attr-defined]
    if not held:
        return
    for role in sorted({member.role for member in view.trust.members if member.until is None}):
        for kind in ("signing", "recipient") if role in RECIPIENTS else ("signing",):
            if f"{role}.{kind}" not in held:
                notes.warn(f"{kind} key of {role}", "MissingKey", "its file in this home expected, got none")
    for name in SECRETS:
        if f"{name}.secret" not in held:
            notes.warn(f"secret {name}", "MissingKey", "its file in this home expected, got none")
