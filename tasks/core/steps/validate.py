"""validate: judge a snapshot; write one verdict, a sealed mask, and quarantine. No data is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, paths, refusal, sealing
from hardline.tasks.core.accepted import CONTRACT_FILE, SUITE_FILE
from hardline.tasks.core.act import Act, grants
from hardline.tasks.core.contract import Contract, parse_contract
from hardline.tasks.core.errors import DigestMismatch, ExpectationError, HardlineError, Malformed
from hardline.tasks.core.keyring import DataKey
from hardline.tasks.core.references import AcceptedSnapshot, Snapshot
from hardline.tasks.core.snapshot import FILE as SNAPSHOT
from hardline.tasks.core.staging import read_snapshot, staged
from hardline.tasks.core.suite import Suite, parse_suite
from hardline.tasks.core.verdict import RuleResult, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record

MASK = "mask.sealed"
MASK_KEYRING = "mask-keyring.json"
VERDICT = "verdict.json"

Shards = Callable[[], Iterator[tuple[str, "pa.Table"]]]


@dataclass(frozen=True)
class Judgement:
    """What the engines found.

    Attributes:
        decision: ACCEPT, REJECT or ERROR.
        mask: Boolean [rows], true for the rows that no rule refuses.
        rules: A result for each invariant and each expectation.
        evaluated: Expectations that both engines evaluated, alike.
        engines: Engine to version.
        warnings: Ids of the rules of severity warning that fail on the rows that stay.
        reasons: Why it is not ACCEPT; counts and names only.
    """

    decision: str
    mask: NDArray[np.bool_]
    rules: tuple[RuleResult, ...]
    evaluated: int
    engines: Mapping[str, str]
    warnings: tuple[str, ...]
    reasons: tuple[str, ...]


Judge = Callable[[Contract, Suite, bytes, Shards, bytes], Judgement]


def validate(act: Act, snapshot: Snapshot, *, judge: Judge) -> AcceptedSnapshot:
    """Judge every row of a snapshot by its accepted suite.

    Args:
        act: As validator.
        snapshot: What ingest made.
        judge: The engines: contract, suite, the suite's bytes, the shards, and the key of the sample.

    Raises:
        ExpectationError: The verdict is REJECT or ERROR; a sealed quarantine record stays for the steward.
        DigestMismatch: Staging is not what ingest recorded.
    """
    view = act.ledger.view()
    name, version = snapshot.name, snapshot.version
    done = view.last("validate", name=name, version=version)
    if done is not None:
        return AcceptedSnapshot(name=name, version=version, snapshot=done["snapshot"], verdict=done["verdict"])
    ingested = view.last("ingest", name=name, version=version, snapshot=snapshot.digest)
    if ingested is None:
        raise DigestMismatch(f"{name}: a recorded snapshot expected, got none")
    with refusal.ended_if_changed(act, name, version):
        return _validate(act, view, ingested, judge)


def _validate(act: Act, view: LogView, ingested: Record, judge: Judge) -> AcceptedSnapshot:
    name, version, snapshot = ingested["name"], ingested["version"], ingested["snapshot"]
    document = read_snapshot(act, name, version, snapshot)
    folder = paths.dataset(name, version)
    contract = parse_contract(act.recorded(f"{folder}/{paths.EVIDENCE}/{CONTRACT_FILE}", document.contract))
    suite_bytes = act.recorded(f"{folder}/{paths.EVIDENCE}/{SUITE_FILE}", document.suite)
    suite = parse_suite(suite_bytes)

    def shards() -> Iterator[tuple[str, pa.Table]]:
        for shard, table in staged(act, view, ingested, document, contract):
            yield shard.split, table

    try:
        found = judge(contract, suite, suite_bytes, shards, act.runtime.vault.secret("sample"))
    except HardlineError:
        raise
    except Exception as error:  # of a library, whose text may quote a cell; what cannot be judged trains nothing
        reason = f"ERROR: an engine failed ({type(error).__name__})"
        refusal.refuse(act, name, version, reason)
        raise ExpectationError(f"{name}: verdict {reason}", help="please report this bug, with the suite") from None
    accepted = int(found.mask.sum()) if found.decision == "ACCEPT" else 0
    mask_key = DataKey.generate()
    mask = sealing.seal(encode_mask(found.mask), mask_key.secret, sealing.context(bytes.fromhex(version), "mask", MASK))
    verdict = Verdict(
        snapshot=snapshot,
        mask=canonical.digest(mask) if found.decision == "ACCEPT" else None,
        decision=found.decision,
        rows=len(found.mask),
        accepted=accepted,
        quarantined=len(found.mask) - accepted,
        declared=len(suite.expectations),
        evaluated=found.evaluated,
        rules=found.rules,
        suite=document.suite,
        contract=document.contract,
        engines=found.engines,
        warnings=found.warnings,
        reasons=found.reasons,
    )
    data = verdict.encode()
    if not found.mask.all():
        refused = _refused_rows(shards, found.mask)
        refusal.quarantine(act, view, name, version, {"verdict": canonical.decode(data)}, refused)
    elif found.decision != "ACCEPT":
        refusal.quarantine(act, view, name, version, {"verdict": canonical.decode(data)}, None)
    if found.decision != "ACCEPT":
        reason = "; ".join(found.reasons)
        refusal.refuse(act, name, version, f"{found.decision}: {reason}")
        raise ExpectationError(
            f"{name}: verdict {found.decision} over {verdict.rows:,} rows: {reason}",
            help="correct the source; the steward's key opens the quarantine",
        )
    staging = paths.staging(name, version)
    act.place(f"{staging}/{MASK}", mask)
    ring = act.seal_keyring(
        canonical.digest(data), version, grants(view.trust, mask_key, "sealer"), f"{staging}/{MASK_KEYRING}"
    )
    act.finish(
        folder,
        "validate",
        {
            "name": name,
            "version": version,
            "snapshot": snapshot,
            "verdict": canonical.digest(data),
            "keyring": ring,
            "accepted": accepted,
            "quarantined": verdict.quarantined,
        },
        materials={SNAPSHOT: snapshot, CONTRACT_FILE: document.contract, SUITE_FILE: document.suite},
        products={f"{paths.EVIDENCE}/{VERDICT}": data},
        assertions=[
            {"assertion": rule.type, "column": rule.column or None, "success": rule.success} for rule in found.rules
        ],
    )
    act.say(f"accepted {accepted:,} of {verdict.rows:,} rows by {verdict.declared} expectations")
    if verdict.warnings:
        act.say(f"{len(verdict.warnings)} warnings fail: {', '.join(verdict.warnings[:5])}")
    return AcceptedSnapshot(name=name, version=version, snapshot=snapshot, verdict=canonical.digest(data))


def _refused_rows(shards: Shards, mask: NDArray[np.bool_]) -> pa.Table:
    import pyarrow as pa

    parts, start = [], 0
    for _, table in shards():
        parts.append(table.filter(pa.array(~mask[start : start + table.num_rows])))
        start += table.num_rows
    return pa.concat_tables(parts).combine_chunks()


def encode_mask(mask: NDArray[np.bool_]) -> bytes:
    """One bit for each row, in the snapshot's order, the first row the highest bit of the first byte."""
    import numpy as np

    return np.packbits(mask).tobytes()


def decode_mask(data: bytes | bytearray, size: int) -> NDArray[np.bool_]:
    """The mask again; raises `Malformed` when it is not of that many rows."""
    import numpy as np

    if len(data) != (size + 7) // 8:
        raise Malformed(f"mask: {size} rows expected, got another number")
    return np.unpackbits(np.frombuffer(data, dtype=np.uint8), count=size).astype(np.bool_)
