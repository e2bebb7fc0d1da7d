"""encrypt: apply the accept-mask, write the final shards under their own data keys, make the manifest and the keyring."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, manifest, paths, refusal, rows, sealing
from hardline.tasks.core.act import Act, grants, open_keyring
from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.errors import DigestMismatch, TrustRefused
from hardline.tasks.core.keyring import DataKey
from hardline.tasks.core.manifest import Entry, Manifest
from hardline.tasks.core.references import AcceptedSnapshot, SealedDataset
from hardline.tasks.core.roles import readers
from hardline.tasks.core.snapshot import FILE as SNAPSHOT
from hardline.tasks.core.staging import read_snapshot, staged
from hardline.tasks.core.steps.validate import MASK, MASK_KEYRING, VERDICT, decode_mask
from hardline.tasks.core.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record
    from hardline.tasks.core.snapshot import SnapshotDocument


def encrypt(act: Act, accepted: AcceptedSnapshot) -> SealedDataset:
    """Seal the accepted rows for good.

    Args:
        act: As sealer.
        accepted: A snapshot with the verdict ACCEPT.

    Raises:
        DigestMismatch: Staging, the mask or the verdict is not what its maker recorded.
        TrustRefused: The verdict is not ACCEPT.
    """
    view = act.ledger.view()
    name, version = accepted.name, accepted.version
    done = view.last("encrypt", name=name, version=version)
    if done is not None:
        return SealedDataset(name=name, version=version, manifest=done["manifest"])
    judged = view.last("validate", name=name, version=version, verdict=accepted.verdict)
    ingested = view.last("ingest", name=name, version=version, snapshot=accepted.snapshot)
    if judged is None or ingested is None:
        raise DigestMismatch(f"{name}: a recorded snapshot and verdict expected, got none")
    with refusal.ended_if_changed(act, name, version):
        return _encrypt(act, view, judged, ingested)


def _encrypt(act: Act, view: LogView, judged: Record, ingested: Record) -> SealedDataset:
    name, version = judged["name"], judged["version"]
    folder = paths.dataset(name, version)
    verdict_bytes = act.recorded(f"{folder}/{paths.EVIDENCE}/{VERDICT}", judged["verdict"])
    verdict = Verdict.decode(verdict_bytes)
    if verdict.decision != "ACCEPT" or verdict.snapshot != ingested["snapshot"]:
        raise TrustRefused(f"verdict: ACCEPT of this snapshot expected, got {verdict.decision}")
    snapshot = read_snapshot(act, name, version, ingested["snapshot"])
    contract = parse_contract(act.recorded(f"{folder}/{paths.EVIDENCE}/contract.odcs.yaml", snapshot.contract))
    mask = _open_mask(act, view, judged, verdict)
    for info in act.store.list(f"{folder}/{paths.PAYLOAD}"):
        act.store.delete(info.path)  # of an interrupted attempt, under data keys that nobody has
    shards = _Shards(act, folder, version, contract)
    for split, table in _accepted_rows(act, view, ingested, snapshot, contract, mask):
        shards.add(split, table)
    made = _manifest(contract, snapshot, judged["verdict"], shards)
    if made.rows != verdict.accepted or snapshot.rows != verdict.accepted + verdict.quarantined:
        raise DigestMismatch(f"{name}: {verdict.accepted} accepted rows expected, got {made.rows}")
    data = made.encode()
    digest = canonical.digest(data)
    wraps = [wrap for part, key in shards.keys.items() for wrap in grants(view.trust, key, *readers(*part.split("/")))]
    ring = act.seal_keyring(digest, version, wraps, f"{folder}/{paths.KEYRING}/0.json")
    act.finish(
        folder,
        "encrypt",
        {"name": name, "version": version, "verdict": judged["verdict"], "manifest": digest, "keyring": ring},
        materials={SNAPSHOT: ingested["snapshot"], VERDICT: judged["verdict"]},
        products={f"{paths.PAYLOAD}/{manifest.FILE}": data},
    )
    act.say(f"sealed {made.rows:,} rows in {len(made.entries)} objects under {len(made.keys)} data keys")
    return SealedDataset(name=name, version=version, manifest=digest)


def _open_mask(act: Act, view: LogView, judged: Record, verdict: Verdict) -> NDArray[np.bool_]:
    staging = paths.staging(judged["name"], judged["version"])
    assert verdict.mask is not None
    sealed = act.recorded(f"{staging}/{MASK}", verdict.mask)
    keys = open_keyring(act, view, f"{staging}/{MASK_KEYRING}", judged["keyring"], "validator", act.role, None)
    (key,) = keys.values()
    context = sealing.context(bytes.fromhex(judged["version"]), "mask", MASK)
    return decode_mask(sealing.open_sealed(sealed, key.secret, context), verdict.rows)


def _accepted_rows(
    act: Act, view: LogView, ingested: Record, snapshot: SnapshotDocument, contract: Contract, mask: NDArray[np.bool_]
) -> Iterator[tuple[str, pa.Table]]:
    """The accepted rows by split, in shards of the size that is kept."""
    import numpy as np
    import pyarrow as pa

    start = 0
    sharder = rows.Sharder()
    for shard, table in staged(act, view, ingested, snapshot, contract):
        keep = mask[start : start + shard.rows]
        start += shard.rows
        kept = table.filter(pa.array(keep))
        train = np.full(kept.num_rows, shard.split == "train")
        yield from sharder.add(kept, train)
        act.advance(start, snapshot.rows)
    yield from sharder.rest()


class _Shards:
    """The final shards: one object for each split, column group and shard, one data key for each split and group."""

    def __init__(self, act: Act, folder: str, version: str, contract: Contract) -> None:
        self._act = act
        self._folder = folder
        self._version = bytes.fromhex(version)
        self._contract = contract
        self._count: dict[str, int] = {}
        self.keys: dict[str, DataKey] = {}
        self.entries: list[Entry] = []

    def add(self, split: str, table: pa.Table) -> None:
        """Seal one shard, column group by column group."""
        number = self._count.get(split, 0)
        self._count[split] = number + 1
        for group in self._contract.groups:
            names = [column.name for column in self._contract.columns if column.group == group]
            key = self.keys.setdefault(f"{split}/{group}", DataKey.generate())
            path = f"{split}/{group}/{number:05d}.arrow"
            context = sealing.context(self._version, "shard", path)
            sealed = sealing.seal(rows.encode_table(table.select(names)), key.secret, context)
            self._act.store.put(f"{self._folder}/{paths.PAYLOAD}/{path}", sealed)
            self.entries.append(Entry(path, len(sealed), table.num_rows, canonical.digest(sealed), split, group))


def _manifest(contract: Contract, snapshot: SnapshotDocument, verdict: str, shards: _Shards) -> Manifest:
    types = {field.name: str(field.type) for field in contract.arrow_schema()}
    kept = [column for column in contract.columns if column.group in contract.groups]
    first = [entry for entry in shards.entries if entry.group == contract.groups[0]]
    return Manifest(
        name=snapshot.name,
        version=snapshot.version,
        contract=snapshot.contract,
        suite=snapshot.suite,
        verdict=verdict,
        visibility=contract.visibility,
        rows=sum(entry.rows for entry in first),
        columns=tuple((column.name, types[column.name], column.group) for column in kept),
        keys={part: key.key_id for part, key in shards.keys.items()},
        sources=snapshot.sources,
        entries=tuple(sorted(shards.entries)),
    )
