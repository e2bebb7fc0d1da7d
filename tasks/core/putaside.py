"""Looking into quarantine: what a refused run, or a published version, put aside, for the steward who acts on it.

The log names each refusal and each count, and of a published version the digest of its verdict, which must be the one in
quarantine. It names no digest of the rest: what a refused run left is as good as the role that sealed it, whose
signature on the keyring is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical, envelope, keyring, opening, paths, private_file, rows, sealing, verification
from hardline.tasks.core.accepted import read_accepted
from hardline.tasks.core.act import MAX_OBJECT, Act
from hardline.tasks.core.errors import DigestMismatch, Malformed, NotFound, TrustRefused, UsageError
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.refusal import RECORD, RING, ROWS
from hardline.tasks.core.results import PutAside
from hardline.tasks.core.row_files import refuse_suffix, row_file
from hardline.tasks.core.verdict import Verdict
from hardline.tasks.core.wrapping import RecipientKey

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.keyring import DataKey
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record
    from hardline.tasks.core.references import Wanted

READERS = ("steward", "custodian")
_PLACE = {"step", "code", "uri", "message", "sha256", "line", "row", "column"}


@dataclass(frozen=True)
class _Case:
    """One version whose quarantine is looked into."""

    name: str
    version: str
    step: str  # the one that sealed it
    record: Record  # of the refusal, or of the publication
    verdict: str | None  # its digest, where the log has it

    @property
    def folder(self) -> str:
        return paths.quarantine(self.name, self.version)

    @property
    def subject(self) -> str:
        return canonical.digest(canonical.encode([self.name, self.version]))


def look(runtime: Runtime, wanted: Wanted, role: str, target: Path | None = None) -> PutAside:
    """Open the quarantine of a published version, or of the latest refused run of a name.

    Args:
        runtime: The home.
        wanted: A published version (recalled or not) by number or digest; a bare name is its latest refused run, or its
            latest version when none was refused.
        role: steward, or custodian; the read is logged, and so is a denial.
        target: A file that does not exist, for the rows; None: counts only.

    Raises:
        NotFound: Nothing was put aside.
        VerificationError: It is not what its role sealed.
        AccessDenied: This process does not hold the role's key.
    """
    if role not in READERS:
        raise UsageError(f"role: {' or '.join(READERS)} expected, got {role[:40]!r}")
    if target is not None:
        refuse_suffix(target)
        private_file.refuse_taken(target, runtime.root)
    view = Ledger(runtime).view()
    case = _find(runtime, view, wanted)
    with opening.decided(runtime, case.subject, role, f"quarantine of {case.name} {case.version}"):
        key = _key(runtime, view, case, role)
    stated = canonical.decode(_open(runtime, case, key, RECORD), subject="quarantine record")
    facts, verdict = _facts(stated, case)
    count = None if target is None else _write(runtime, view, case, key, verdict, target)
    published = case.record.type == "publication"
    return PutAside(
        name=case.name,
        version=case.version,
        reference=f"{case.name}@{case.record['number']}" if published else None,
        log_index=case.record.index,
        **facts,
        file=None if target is None else str(target),
        written=count,
    )


def _find(runtime: Runtime, view: LogView, wanted: Wanted) -> _Case:
    if wanted.number is None and wanted.digest is None:
        for record in reversed([*view.scan("refused", name=wanted.name)]):
            version = record["version"]
            if runtime.store.list(paths.quarantine(wanted.name, version)):
                step = "ingest" if record["step"] == "ingest" else "validate"
                return _Case(wanted.name, version, step, record, None)
    record = verification.find(view, wanted, kind="dataset")
    judged = view.last("validate", name=record["name"], version=record["version"])
    if judged is None or not judged["quarantined"]:
        raise NotFound(f"{record['name']}@{record['number']}: rows that were put aside expected, got none")
    return _Case(record["name"], record["version"], "validate", record, judged["verdict"])


def _key(runtime: Runtime, view: LogView, case: _Case, role: str) -> DataKey:
    """The data key, from a keyring that the step's role signed, as of the log."""
    maker = {"ingest": "ingestor", "validate": "validator"}[case.step]
    data = _get(runtime, case, RING, canonical.MAX_BYTES)
    wrapped = envelope.parse(data, subject="quarantine keyring")
    holders = view.trust.holders(maker, case.record.index)
    ring = keyring.Keyring.decode(envelope.verify(wrapped, keyring.PAYLOAD_TYPE, holders, subject="quarantine keyring"))
    if (ring.subject, ring.version_id.hex(), ring.generation) != (case.subject, case.version, 0):
        raise TrustRefused("quarantine keyring: the one of this version expected, got another")
    found = ring.open(role, RecipientKey.from_bytes(runtime.vault.recipient(role)))
    if len(found) != 1:
        raise Malformed(f"quarantine keyring: one data key expected, got {len(found)}")
    return next(iter(found.values()))


def _get(runtime: Runtime, case: _Case, path: str, limit: int) -> bytes:
    try:
        data = runtime.store.get(f"{case.folder}/{path}", limit)
    except NotFound:
        raise DigestMismatch(f"{case.folder}/{path}: expected, got nothing") from None
    if len(data) > limit:
        raise DigestMismatch(f"{case.folder}/{path}: at most {limit:,} bytes expected, got more")
    return data


def _open(runtime: Runtime, case: _Case, key: DataKey, path: str) -> bytes:
    sealed = _get(runtime, case, path, MAX_OBJECT)
    context = sealing.context(bytes.fromhex(case.version), "quarantine", path)
    return bytes(sealing.open_sealed(sealed, key.secret, context))


def _facts(stated: Any, case: _Case) -> tuple[dict[str, Any], Verdict | None]:
    """What a person is told, without a value: the place in the source, or the verdict's counts."""
    if case.step == "ingest":
        canonical.fields(stated, _PLACE, subject="quarantine record")
        place = {name: stated[name] for name in ("line", "row", "column") if stated[name]}
        text = {
            name: canonical.text(stated[name], subject=f"quarantine record: {name}", limit=4000)
            for name in ("code", "uri", "message")
        }
        facts = {"decision": None, **text, "place": place, "rules": (), "reasons": (), "rows": 0}
        return {"step": "ingest", **facts}, None
    canonical.fields(stated, {"verdict"}, subject="quarantine record")
    data = canonical.encode(stated["verdict"])
    if case.verdict is not None and canonical.digest(data) != case.verdict:
        raise DigestMismatch(f"quarantine: the verdict sha256:{case.verdict} of the log expected, got another")
    verdict = Verdict.decode(data)
    rules = tuple(rule.to_json() for rule in verdict.rules if rule.violations or not rule.success)
    return {
        "step": "validate",
        "decision": verdict.decision,
        "code": None,
        "uri": None,
        "message": None,
        "place": {},
        "rules": rules,
        "reasons": verdict.reasons,
        "rows": verdict.quarantined,
    }, verdict


def _write(runtime: Runtime, view: LogView, case: _Case, key: DataKey, verdict: Verdict | None, target: Path) -> int:
    """The refused rows, in the columns of the contract that refused them."""
    if verdict is None or not _has_rows(runtime, case):
        raise UsageError(f"{case.name}: a refusal of single rows expected for --out, got one of the whole source")
    declared = view.last("declare", name=case.name, contract=verdict.contract, suite=verdict.suite)
    if declared is None:
        raise TrustRefused(f"{case.name}: the accepted contract of the verdict expected in the log, got none")
    contract = read_accepted(Act(runtime, "quarantine", "steward"), declared).contract
    schema = contract.arrow_schema()
    columns = [(field.name, str(field.type)) for field in schema]
    exact = verdict.quarantined if verdict.decision == "ACCEPT" else None
    plain = _open(runtime, case, key, ROWS)
    table: pa.Table = rows.decode_table(plain, subject="quarantine rows", columns=columns, rows=exact)
    with row_file(target, table.schema) as file:
        for batch in table.to_batches():
            file.write_batch(batch)
    return int(table.num_rows)


def _has_rows(runtime: Runtime, case: _Case) -> bool:
    return any(info.path == f"{case.folder}/{ROWS}" for info in runtime.store.list(case.folder))
