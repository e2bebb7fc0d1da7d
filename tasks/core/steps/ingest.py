"""ingest: land the source exactly as received, parse it strictly, split it, and write sealed shards to staging."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardline.infra.parsers import sources
from hardline.infra.parsers.errors import ParseRefused
from hardline.tasks.core import canonical, keyring, paths, refusal, rows, sealing
from hardline.tasks.core.accepted import CONTRACT_FILE, SUITE_FILE, Accepted, find_accepted
from hardline.tasks.core.act import Act, grants
from hardline.tasks.core.errors import DigestMismatch, InfraError, IngestError, Recalled
from hardline.tasks.core.idempotency import Commitment, dataset_key
from hardline.tasks.core.keyring import DataKey
from hardline.tasks.core.manifest import Source
from hardline.tasks.core.references import ContractRef, Snapshot, SourceRef
from hardline.tasks.core.snapshot import FILE, SnapshotDocument, StagedShard
from hardline.tasks.core.staging import KEYRING, read_snapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record

Parse = Callable[[Iterable[bytes], "Contract"], Iterator["pa.RecordBatch"]]
PART_BYTES = 64 << 20  # of a landed source: each part is sealed, and opened again, in private memory


def ingest(act: Act, source: SourceRef, contract: ContractRef, *, parse: Parse) -> Snapshot:
    """Read the source once and seal what it holds.

    A source that was published before under the same contract and suite leads to that version's snapshot, and one that
    an interrupted run has ingested leads to what lies in staging.

    Args:
        act: As ingestor.
        source: Where the rows come from.
        contract: The accepted contract that says what they must look like.
        parse: Bytes of the source to record batches of the contract's schema; raises `ParseRefused`.

    Raises:
        ContractError: The contract was not accepted.
        IngestError: The source cannot be read as the contract says; a sealed quarantine record says where.
        Recalled: The same rows were published, and recalled.
    """
    view = act.ledger.view()
    accepted = find_accepted(act, view, contract)
    name = accepted.contract.name
    landing = _Landing(act, name, secrets.token_bytes(16))
    try:
        landing.fill(_read(source))
        key = dataset_key(name, [landing.commitment.value], accepted.contract.digest, accepted.suite.digest)
        earlier = _earlier(act, view, key)
        if earlier is not None:
            refusal.discard(act, name, landing.version)
            return Snapshot(name=name, version=earlier["version"], digest=earlier["snapshot"])
        return _stage(act, view, accepted, source, landing, key, parse)
    except ParseRefused as error:
        _refuse(act, view, name, landing, source, error)
        raise IngestError(f"{sources.redact_uri(source.uri)}: {error.message}", help=error.help) from None
    except BaseException:
        with suppress(InfraError):  # of the store that may just have failed; `sweep` finds the rest
            refusal.discard(act, name, landing.version)
        raise


def _read(source: SourceRef) -> Iterator[bytes]:
    try:
        yield from sources.open_source(source.uri)
    except ParseRefused as error:  # there is no source, so there is nothing to quarantine
        raise IngestError(error.message, help=error.help) from None


class _Landing:
    """The source as it was received, in sealed parts that only the steward opens again later."""

    def __init__(self, act: Act, name: str, version_id: bytes) -> None:
        self._act = act
        self._id = version_id
        self.version = version_id.hex()
        self.folder = paths.landing(name, self.version)
        self.key = DataKey.generate()
        self.commitment = Commitment(act.runtime.vault.secret("source"))
        self.digests: dict[str, str] = {}
        self._parts: list[str] = []

    def fill(self, chunks: Iterable[bytes]) -> None:
        """Take the source, once."""
        waiting = bytearray()
        for chunk in chunks:
            self.commitment.update(chunk)
            waiting += chunk
            while len(waiting) >= PART_BYTES:
                self._part(waiting[:PART_BYTES])
                del waiting[:PART_BYTES]
        if waiting or not self._parts:
            self._part(waiting)

    def read(self) -> Iterator[bytes]:
        """The same bytes again, from the sealed parts: what is parsed is what was landed."""
        for path in self._parts:
            sealed = self._act.recorded(f"{self.folder}/{path}", self.digests[path])
            yield bytes(sealing.open_sealed(sealed, self.key.secret, sealing.context(self._id, "landing", path)))

    def close(self, view: LogView, uri: str) -> None:
        """Add the annex with the plain digest, and the keyring."""
        self._seal("annex.sealed", canonical.encode({"uri": uri, "sha256": self.commitment.plain_digest}))
        ring = keyring.make(self.commitment.value, self._id, 0, grants(view.trust, self.key, "steward"))
        data = ring.sign(self._act.runtime.vault.signer(self._act.role))
        self._act.place(f"{self.folder}/{KEYRING}", data)
        self.digests[KEYRING] = canonical.digest(data)

    def _part(self, data: bytearray) -> None:
        path = f"source/{len(self._parts):05d}.part"
        self._seal(path, data)
        self._parts.append(path)

    def _seal(self, path: str, data: bytes | bytearray) -> None:
        sealed = sealing.seal(data, self.key.secret, sealing.context(self._id, "landing", path))
        self._act.store.put(f"{self.folder}/{path}", sealed)
        self.digests[path] = canonical.digest(sealed)


def _earlier(act: Act, view: LogView, key: str) -> Record | None:
    """The ingest record of the same request: published, or resumable; None: there is none."""
    published = view.last("publication", key=key)
    record = view.last("ingest", key=key)
    if record is None:
        return None
    if published is not None:
        if view.last("recall", digest=published["manifest"]) is not None:
            raise Recalled(
                f"{published['name']}@{published['number']}: the same source, contract and suite were published, and recalled",
                help="correct the source, or accept another contract",
            )
        return view.last("ingest", key=key, version=published["version"])
    if view.last("refused", name=record["name"], version=record["version"]) is not None:
        return None  # it is judged again: a steward may have accepted another suite under the same rules since
    try:
        return record if _intact(act, record) else None
    except DigestMismatch:
        return None


def _intact(act: Act, record: Record) -> bool:
    """Whether staging, or the payload made from it, still is what an interrupted run wrote."""
    document = read_snapshot(act, record["name"], record["version"], record["snapshot"])
    staging = paths.staging(record["name"], record["version"])
    for shard in document.shards:
        act.recorded(f"{staging}/{shard.path}", shard.digest)
    return True


def _stage(
    act: Act, view: LogView, accepted: Accepted, source: SourceRef, landing: _Landing, key: str, parse: Parse
) -> Snapshot:
    """Parse what was landed, split it, seal it shard by shard, and record the snapshot."""
    contract, name = accepted.contract, accepted.contract.name
    staging = _Staging(act, name, landing.version)
    sharder = rows.Sharder()
    split_key = act.runtime.vault.secret("split")
    import pyarrow as pa

    read = 0
    for batch in parse(landing.read(), contract):
        table = pa.Table.from_batches([batch])
        read += table.num_rows
        for split, shard in sharder.add(table, rows.assign_splits(table, contract.split, split_key)):
            staging.add(split, shard)
        act.advance(read)
    for split, shard in sharder.rest():
        staging.add(split, shard)
    if not staging.shards:
        raise ParseRefused("empty", message="at least one row expected, got none")
    uri = sources.redact_uri(source.uri)
    landing.close(view, uri)
    folder = paths.dataset(name, landing.version)
    act.place(f"{folder}/{paths.EVIDENCE}/{CONTRACT_FILE}", accepted.contract_bytes)
    act.place(f"{folder}/{paths.EVIDENCE}/{SUITE_FILE}", accepted.suite_bytes)
    act.place(f"{folder}/{paths.LINKS}/{accepted.link_name}", accepted.link)
    document = SnapshotDocument(
        name=name,
        version=landing.version,
        contract=contract.digest,
        suite=accepted.suite.digest,
        key_id=staging.key.key_id,
        landing=landing.digests,
        sources=(Source(uri, landing.commitment.size, landing.commitment.value),),
        shards=tuple(staging.shards),
    )
    data = document.encode()
    digest = canonical.digest(data)
    ring = act.seal_keyring(
        digest, landing.version, grants(view.trust, staging.key, "validator", "sealer"), f"{staging.folder}/{KEYRING}"
    )
    act.finish(
        folder,
        "ingest",
        {
            "name": name,
            "version": landing.version,
            "key": key,
            "snapshot": digest,
            "keyring": ring,
            "rows": document.rows,
        },
        materials={CONTRACT_FILE: contract.digest},
        products={f"{paths.EVIDENCE}/{FILE}": data},
    )
    act.say(f"ingested {document.rows:,} rows of {uri}")
    return Snapshot(name=name, version=landing.version, digest=digest)


@dataclass
class _Staging:
    """Sealed shards of all columns, one data key for all of them; they live until the version is published."""

    act: Act
    name: str
    version: str

    def __post_init__(self) -> None:
        self.folder = paths.staging(self.name, self.version)
        self.key = DataKey.generate()
        self.shards: list[StagedShard] = []

    def add(self, split: str, table: pa.Table) -> None:
        """Seal one shard."""
        path = f"{split}/{len(self.shards):05d}.arrow"
        context = sealing.context(bytes.fromhex(self.version), "staging", path)
        sealed = sealing.seal(rows.encode_table(table), self.key.secret, context)
        self.act.store.put(f"{self.folder}/{path}", sealed)
        self.shards.append(StagedShard(path, len(sealed), table.num_rows, canonical.digest(sealed), split))


def _refuse(act: Act, view: LogView, name: str, landing: _Landing, source: SourceRef, error: ParseRefused) -> None:
    where = {"line": error.line or 0, "column": error.column or ""}
    record = {
        "step": act.step, "code": error.code, "uri": sources.redact_uri(source.uri), "message": error.message,
        "sha256": landing.commitment.plain_digest, **where,
    }  # fmt: skip
    refusal.quarantine(act, view, name, landing.version, record, None)
    refusal.refuse(act, name, landing.version, f"{error.code}: {error.message}")
