"""Reading staging again: the snapshot that a record names, and its shards, each digested and opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from hardline.tasks.core import paths, rows, sealing
from hardline.tasks.core.act import Act, open_keyring
from hardline.tasks.core.snapshot import FILE, SnapshotDocument, StagedShard

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record

KEYRING = "keyring.json"


def read_snapshot(act: Act, name: str, version: str, digest: str) -> SnapshotDocument:
    """The snapshot that a record names; raises `DigestMismatch`."""
    return SnapshotDocument.decode(act.recorded(f"{paths.dataset(name, version)}/{paths.EVIDENCE}/{FILE}", digest))


def staged(
    act: Act, view: LogView, ingested: Record, snapshot: SnapshotDocument, contract: Contract
) -> Iterator[tuple[StagedShard, pa.Table]]:
    """The shards of staging, each digested against the snapshot and opened, in the snapshot's order."""
    staging = paths.staging(snapshot.name, snapshot.version)
    keys = open_keyring(act, view, f"{staging}/{KEYRING}", ingested["keyring"], "ingestor", act.role, [snapshot.key_id])
    columns = [(field.name, str(field.type)) for field in contract.arrow_schema()]
    for shard in snapshot.shards:
        sealed = act.recorded(f"{staging}/{shard.path}", shard.digest)
        context = sealing.context(bytes.fromhex(snapshot.version), "staging", shard.path)
        plain = sealing.open_sealed(sealed, keys[snapshot.key_id].secret, context)
        yield shard, rows.decode_table(plain, subject=f"staging {shard.path}", columns=columns, rows=shard.rows)
