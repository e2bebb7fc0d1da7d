"""ingest: land the source exactly as received, parse it strictly, split it, and write sealed shards to staging."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hardline.infra.parsers.errors import ParseRefused
from hardline.tasks.core import canonical, keyring, paths, refusal, rows, sealing
from hardline.tasks.core.accepted import CONTRACT_FILE, SUITE_FILE, Accepted, find_accepted
from hardline.tasks.core.act import Act, grants
from hardline.tasks.core.errors import DigestMismatch, InfraError, IngestError, Recalled
from hardline.tasks.core.idempotency import Commitment, dataset_key
from hardline.tasks.core.keyring import DataKey
from hardline.tasks.core.manifest import Source
from hardline.tasks.core.parsing import files_of
from hardline.tasks.core.references import ContractRef, Snapshot, SourceRef
from hardline.tasks.core.snapshot import FILE, SnapshotDocument, StagedShard
from hardline.tasks.core.staging import KEYRING, read_snapshot

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.infra.parsers.sources import SourceFile
    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.records import Record

Parse = Callable[[Iterable[tuple[str, Iterable[bytes]]], "Contract"], Iterator["pa.RecordBatch"]]
PART_BYTES = 64 << 20  # of a landed source: each part is sealed, and opened again, in private memory


def ingest(act: Act, source: SourceRef, contract: ContractRef, *, parse: Parse) -> Snapshot:
    """Read the source's files once and seal what they hold: their rows are one dataset, file by file.

    A source that was published before under the same contract and suite leads to that version's snapshot, and one that
    an interrupted run has ingested leads to what lies in staging.

    Args:
        act: As ingestor.
        source: Where the rows come from.
        contract: The accepted contract that says what they must look like.
        parse: Names and bytes of the files to record batches of the contract's schema; raises `ParseRefused`.

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
        for file in _files(act, source, accepted.contract):
            landing.fill(file.name, _read(file))
        key = dataset_key(name, landing.commitments, accepted.contract.digest, accepted.suite.digest)
        earlier = _earlier(act, view, key)
        if earlier is not None:
            refusal.discard(act, name, landing.version)
            return Snapshot(name=name, version=earlier["version"], digest=earlier["snapshot"])
        return _stage(act, view, accepted, landing, key, parse)
    except ParseRefused as error:
        landed = landing.file(error.file)
        _refuse(act, view, name, landing, landed, error)
        raise IngestError(f"{landed.name}: {error.message}", help=error.help) from None
    except BaseException:
        with suppress(InfraError):  # of the store that may just have failed; `sweep` finds the rest
            refusal.discard(act, name, landing.version)
        raise


def _files(act: Act, source: SourceRef, contract: Contract) -> Sequence[SourceFile]:
    try:
        return files_of(source, contract, act.runtime.settings)
    except ParseRefused as error:  # there is no source, so there is nothing to quarantine
        raise IngestError(error.message, help=error.help) from None


def _read(file: SourceFile) -> Iterator[bytes]:
    try:
        yield from file.chunks()
    except ParseRefused as error:
        raise IngestError(error.message, help=error.help) from None


@dataclass
class _Landed:
    """One file of the source."""

    name: str  # what may be published
    commitment: Commitment
    parts: list[str]


class _Landing:
    """The source as it was received, in sealed parts that only the steward opens again later."""

    def __init__(self, act: Act, name: str, version_id: bytes) -> None:
        self._act = act
        self._id = version_id
        self.version = version_id.hex()
        self.folder = paths.landing(name, self.version)
        self.key = DataKey.generate()
        self.digests: dict[str, str] = {}
        self.files: list[_Landed] = []

    @property
    def commitments(self) -> list[str]:
        """One for each file, in order."""
        return [file.commitment.value for file in self.files]

    def file(self, position: int | None) -> _Landed:
        """The file at that position, or else the last one."""
        return self.files[min(position or 0, len(self.files) - 1)]

    def fill(self, name: str, chunks: Iterable[bytes]) -> None:
        """Take the next file, once."""
        file = _Landed(name, Commitment(self._act.runtime.vault.secret("source")), [])
        self.files.append(file)
        waiting = bytearray()
        for chunk in chunks:
            file.commitment.update(chunk)
            waiting += chunk
            while len(waiting) >= PART_BYTES:
                self._part(file, waiting[:PART_BYTES])
                del waiting[:PART_BYTES]
        if waiting or not file.parts:
            self._part(file, waiting)

    def read(self) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The same files again, from the sealed parts: what is parsed is what was landed."""
        for file in self.files:
            yield file.name, self._opened(file)

    def close(self, view: LogView) -> None:
        """Add the annex with the plain digests, and the keyring."""
        plain = [{"uri": file.name, "sha256": file.commitment.plain_digest} for file in self.files]
        self._seal("annex.sealed", canonical.encode({"sources": plain}))
        subject = canonical.digest(canonical.encode(self.commitments))
        ring = keyring.make(subject, self._id, 0, grants(view.trust, self.key, "steward"))
        data = ring.sign(self._act.runtime.vault.signer(self._act.role))
        self._act.place(f"{self.folder}/{KEYRING}", data)
        self.digests[KEYRING] = canonical.digest(data)

    def _part(self, file: _Landed, data: bytearray) -> None:
        path = f"source/{len(self.files) - 1:05d}/{len(file.parts):05d}.part"
        self._seal(path, data)
        file.parts.append(path)

    def _opened(self, file: _Landed) -> Iterator[bytes]:
        for path in file.parts:
            sealed = self._act.recorded(f"{self.folder}/{path}", self.digests[path])
            yield bytes(sealing.open_sealed(sealed, self.key.secret, sealing.context(self._id, "landing", path)))

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


def _stage(act: Act, view: LogView, accepted: Accepted, landing: _Landing, key: str, parse: Parse) -> Snapshot:
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
    landing.close(view)
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
        sources=tuple(Source(file.name, file.commitment.size, file.commitment.value) for file in landing.files),
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
    more = f" and {len(landing.files) - 1:,} more files" if len(landing.files) > 1 else ""
    act.say(f"ingested {document.rows:,} rows of {landing.files[0].name}{more}")
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


def _refuse(act: Act, view: LogView, name: str, landing: _Landing, file: _Landed, error: ParseRefused) -> None:
    where = {"line": error.line or 0, "row": error.row or 0, "column": error.column or ""}
    record = {
        "step": act.step, "code": error.code, "uri": file.name, "message": error.message,
        "sha256": file.commitment.plain_digest, **where,
    }  # fmt: skip
    refusal.quarantine(act, view, name, landing.version, record, None)
    refusal.refuse(act, name, landing.version, f"{error.code}: {error.message}")
