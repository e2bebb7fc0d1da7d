"""Verification, numbered. Every rule in one place, with no I/O of its own: bytes come in, an object goes out, or it raises.

1. The trust document is signed by its owners, not older than the last seen, not expired.
2. The checkpoint is signed by the log key, consistent with and not smaller than the last seen, not older than the
   allowed age.
3. The reference resolves through records under that checkpoint only: the publication (or the release) is included and
   signed by a publisher (a releaser), and no recall is among them. From a folder, this is "as of checkpoint N".
4. The manifest (or model.json) matches the digest asked for; its format is known; parsing is strict.
5. The layout in force at the publication's index is signed by the owners and has no inspections; every step has its
   threshold of valid links; they chain; separation of duties holds.
6. Each file of evidence is the one that its step's link names. The verdict is ACCEPT, evaluated == declared > 0, and its
   contract and suite are the accepted ones. (For a model also: its evaluation is ACCEPT under the contract's floors.)
7. Nothing is missing and nothing is extra in the folder, and its keyring is the one in force. Each entry is read once into private memory; the same bytes
   are digested against the manifest and opened; rows are released only when both hold. This repeats on every read.
8. The reader is permitted, and the keyring unwraps for it.

Bytes from outside raise `VerificationError` and nothing else; `error.step` is the number above. The only other error
is `AccessDenied` in step 8: everything holds, but not for this reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, custody, envelope, keyring, layouts, manifest, merkle, oms, paths, records
from hardline.tasks.core import checkpoint as checkpoints
from hardline.tasks.core import trust as trusts
from hardline.tasks.core.contract import Contract, parse_contract
from hardline.tasks.core.errors import (
    AccessDenied,
    DatasetError,
    DigestMismatch,
    Malformed,
    NotFound,
    Recalled,
    Stale,
    TrustRefused,
    UsageError,
    VerificationError,
)
from hardline.tasks.core.folders import read_recorded
from hardline.tasks.core.logview import LogView
from hardline.tasks.core.model_documents import EVALUATION, MODEL, EvaluationDocument, ModelDocument
from hardline.tasks.core.records import Record
from hardline.tasks.core.references import Wanted
from hardline.tasks.core.suite import Suite, parse_suite
from hardline.tasks.core.verdict import Verdict

if TYPE_CHECKING:
    from hardline.tasks.core.folders import Folder
    from hardline.tasks.core.keyring import DataKey
    from hardline.tasks.core.keys import PublicKey
    from hardline.tasks.core.trust import TrustDocument
    from hardline.tasks.core.wrapping import RecipientKey

NAMES: Mapping[int, str] = {
    1: "trust document",
    2: "checkpoint",
    3: "latest",
    4: "manifest",
    5: "custody",
    6: "verdict",
    7: "bytes",
    8: "reader",
}


class Steps:
    """The numbered list as it is walked: a step that raises stamps its number on the error."""

    def __init__(self) -> None:
        self.results: dict[int, str] = dict.fromkeys(NAMES, "not_applicable")

    @contextmanager
    def __call__(self, number: int) -> Iterator[None]:
        """Walk one step."""
        try:
            yield
        except VerificationError as error:
            self.results[number] = "failed"
            error.step = number
            raise
        self.results[number] = "passed"

    def to_json(self) -> list[dict[str, object]]:
        """The steps for a reader of JSON."""
        return [{"number": n, "name": NAMES[n], "result": self.results[n]} for n in NAMES]


@dataclass(frozen=True)
class Subject:
    """What steps 1 to 3 established: a publication or a release, and the view of the log it stands in.

    `view` is None when the record came with an inclusion proof from a folder; then whether it is the latest, or
    recalled, cannot be said beyond its checkpoint.
    """

    record: Record
    trust: TrustDocument
    checkpoint: checkpoints.Checkpoint
    view: LogView | None
    steps: Steps

    @property
    def kind(self) -> str:
        """`dataset` or `model`."""
        return "dataset" if self.record.type == "publication" else "model"

    @property
    def digest(self) -> str:
        """The identity: the digest of manifest.json or model.json."""
        identity: str = self.record["manifest"]
        return identity


@dataclass(frozen=True)
class Verified:
    """A dataset or a model that passed steps 1 to 7."""

    subject: Subject
    contract: Contract
    verdict: Verdict
    document: manifest.Manifest | ModelDocument
    evaluation: EvaluationDocument | None
    signers: Mapping[str, str]  # step -> principal
    separation: str
    notes: tuple[str, ...]

    @property
    def reference(self) -> str:
        """The form people write."""
        return f"{self.subject.record['name']}@{self.subject.record['number']}"


# Steps 1 and 2 ------------------------------------------------------------------------------------------------------


def read_trust(data: bytes, anchor: bytes | Sequence[PublicKey], now: datetime) -> TrustDocument:
    """Step 1, against the trust document last seen, or against owner keys got elsewhere."""
    if isinstance(anchor, bytes):
        # What was seen had been verified when it was put there; it lies where the verified thing cannot write.
        seen = trusts.TrustDocument.decode(envelope.parse(anchor, subject="trust document last seen").payload)
        return trusts.verify_trust(data, anchor=seen, now=now)
    return trusts.verify_trust(data, anchor=anchor, now=now)


def read_log(
    trust: TrustDocument,
    leaves: Sequence[bytes],
    checkpoint: bytes | None,
    seen: bytes | None,
    now: datetime,
    max_age: timedelta | None,
) -> LogView:
    """Step 2 over the whole log."""
    if checkpoint is None:
        raise DigestMismatch(f"log: a checkpoint expected over {len(leaves)} records, got none")
    head = _read_checkpoint(trust, checkpoint, now, max_age)
    tree = merkle.Tree()
    for leaf in leaves:
        tree.append(merkle.leaf(leaf))
    if head.size != len(leaves) or head.size == 0:
        raise DigestMismatch(f"log: {head.size} records expected under its checkpoint, got {len(leaves)}")
    if tree.root(head.size) != head.root:
        raise DigestMismatch("log: the root of its checkpoint expected, got another")
    view = LogView(trust, head, tree, leaves, checkpoint)
    if seen is not None:
        old = checkpoints.verify(seen, trust.log_name, trust.log_key, origin=trust.log_name)
        if head.size < old.size or tree.root(old.size) != old.root:
            raise Stale(f"log: at least the {old.size} records seen before expected, got {head.size} others or fewer")
        if head.size == old.size and head.time < old.time:
            raise Stale("log: a checkpoint not older than the last seen expected")
    return view


def is_newer(view: LogView, seen: bytes) -> bool:
    """Whether a view extends what was seen, so that it may take its place; raises `Stale` when the two are forks."""
    trust = view.trust
    old = checkpoints.verify(seen, trust.log_name, trust.log_key, origin=trust.log_name)
    assert view.checkpoint is not None
    if len(view) < old.size:
        return False
    if view.tree.root(old.size) != old.root:
        raise Stale(f"log: the {old.size} records seen before expected, got others")
    return (len(view), view.checkpoint.time) > (old.size, old.time)


def read_proof(
    trust: TrustDocument,
    leaf: bytes,
    inclusion: bytes,
    checkpoint: bytes,
    seen: bytes | None,
    now: datetime,
    max_age: timedelta | None,
) -> tuple[Record, checkpoints.Checkpoint]:
    """Step 2 for one record that travels with its inclusion proof."""
    head = _read_checkpoint(trust, checkpoint, now, max_age)
    if seen is not None:
        old = checkpoints.verify(seen, trust.log_name, trust.log_key, origin=trust.log_name)
        if head.size == old.size and head.root != old.root:
            raise Stale(f"log: the root seen before at size {old.size} expected, got another")
    value = canonical.decode(inclusion, subject="inclusion proof", limit=1 << 16)
    canonical.fields(value, {"format", "index", "size", "path"}, subject="inclusion proof")
    if value["format"] != PROOF_FORMAT or not isinstance(value["path"], list) or value["size"] != head.size:
        raise Malformed(f"inclusion proof: format {PROOF_FORMAT} over the checkpoint's size expected")
    index = canonical.integer(value["index"], subject="inclusion proof: index", high=head.size - 1)
    path = [bytes.fromhex(canonical.parse_digest(item, subject="inclusion proof: path")) for item in value["path"]]
    merkle.verify_inclusion(merkle.leaf(leaf), index, head.size, path, head.root)
    record = records.parse_record(index, leaf)
    records.verify_record(record, trust)
    return record, head


PROOF_FORMAT = "hardline/inclusion/v1"


def _read_checkpoint(
    trust: TrustDocument, data: bytes, now: datetime, max_age: timedelta | None
) -> checkpoints.Checkpoint:
    head = checkpoints.verify(data, trust.log_name, trust.log_key, origin=trust.log_name)
    age = now - datetime.fromtimestamp(head.time, UTC)
    if max_age is not None and age > max_age:
        raise Stale(
            f"log: a checkpoint of at most {max_age.days} days expected, got one of {age.days}",
            help="hardline log checkpoint",
        )
    return head


# Step 3 ---------------------------------------------------------------------------------------------------------------


def resolve(view: LogView, wanted: Wanted, *, kind: str | None = None) -> Record:
    """The record that a written reference names, of a dataset, a model or either.

    Raises:
        NotFound: The log holds nothing of that name, number or digest.
        Recalled: It was recalled, or every version of that name was.
    """
    recalled = {record["digest"] for record in view.scan("recall")}
    found = _named(view, wanted, kind)
    standing = [record for record in found if record["manifest"] not in recalled]
    if not standing:
        raise Recalled(f"{wanted}: recalled", help=f"hardline show {wanted} says why")
    return standing[-1]


def find(view: LogView, wanted: Wanted, *, kind: str | None = None) -> Record:
    """The newest record that a written reference names, recalled or not; raises `NotFound`."""
    return _named(view, wanted, kind)[-1]


def _named(view: LogView, wanted: Wanted, kind: str | None) -> list[Record]:
    types = {"dataset": ("publication",), "model": ("release",), None: ("publication", "release")}[kind]
    found = [record for type_ in types for record in view.scan(type_, name=wanted.name)]
    if wanted.number is not None:
        found = [record for record in found if record["number"] == wanted.number]
    if wanted.digest is not None:
        found = [record for record in found if record["manifest"] == wanted.digest]
    if len({record.type for record in found}) > 1:
        raise UsageError(f"{wanted}: a dataset or a model expected, and both have that name", help="name@sha256:DIGEST")
    if not found:
        raise NotFound(f"{wanted}: no such {kind or 'dataset or model'} in the log", help="hardline list")
    return found


def refuse_recalled(view: LogView, record: Record) -> None:
    """Refuse a version that was recalled, or a model whose dataset was; raises `Recalled`."""
    digests = {record["manifest"]: "it", record.body.get("dataset"): "the dataset it was trained on"}
    for recall in view.scan("recall"):
        if recall["digest"] in digests:
            raise Recalled(f"{record['name']}@{record['number']}: {digests[recall['digest']]} was recalled")


# Steps 4 to 7 ---------------------------------------------------------------------------------------------------------


def verify(subject: Subject, folder: Folder) -> Verified:
    """Steps 3 (recalls) to 7 for a dataset or a model; step 8 is `grant`.

    Args:
        subject: What steps 1 to 3 established.
        folder: The version's folder, from the store or an export.

    Raises:
        VerificationError: With the number of the step that refused.
    """
    steps, record, trust = subject.steps, subject.record, subject.trust
    listing = _Listing(folder)
    if subject.view is not None:
        with steps(3):
            refuse_recalled(subject.view, record)
    with steps(4):
        document = _document(subject, listing)
    with steps(5):
        chain, separation, notes = _custody(subject, listing)
    with steps(6):
        evidence = _evidence(subject, listing, chain)
        contract, verdict = _judgement(subject, evidence, document, chain)
        evaluation = _evaluation(document, evidence, chain) if isinstance(document, ModelDocument) else None
    with steps(7):
        _bytes(subject, listing, document)
        if subject.view is not None:
            read_keyring(subject, folder)
    signers = {
        step: trust.principal_of(link.keyids[0], layouts.ROLE_OF[step], record.index) for step, link in chain.items()
    }
    return Verified(subject, contract, verdict, document, evaluation, signers, separation, notes)


class _Listing:
    """The folder's names, taken once, and its files, each looked at under that listing."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self.sizes = dict(folder.paths())

    def read(self, path: str) -> bytes:
        size = self.sizes.get(path)
        if size is None or size < 0:
            raise DigestMismatch(f"{path}: expected, got {'nothing' if size is None else 'a link or something else'}")
        return read_recorded(self._folder, path)

    def read_entry(self, path: str, size: int) -> bytes:
        """A file of the payload, which may be as large as the manifest says and no larger."""
        return read_recorded(self._folder, path, size)

    def under(self, prefix: str) -> dict[str, int]:
        start = len(prefix) + 1
        return {path[start:]: size for path, size in self.sizes.items() if path.startswith(f"{prefix}/")}


def _document(subject: Subject, listing: _Listing) -> manifest.Manifest | ModelDocument:
    name = manifest.FILE if subject.kind == "dataset" else MODEL
    data = listing.read(f"{paths.PAYLOAD}/{name}")
    if canonical.digest(data) != subject.digest:
        raise DigestMismatch(f"{name}: sha256:{subject.digest} expected, got sha256:{canonical.digest(data)}")
    document = manifest.Manifest.decode(data) if subject.kind == "dataset" else ModelDocument.decode(data)
    if (document.name, document.version) != (subject.record["name"], subject.record["version"]):
        raise Malformed(f"{name}: the name and version id of its record expected, got others")
    return document


def _custody(subject: Subject, listing: _Listing) -> tuple[Mapping[str, custody.ParsedLink], str, tuple[str, ...]]:
    record, trust = subject.record, subject.trust
    names = sorted(path for path in listing.under(paths.LINKS) if custody.LINK_NAME.fullmatch(path))
    links = {name: listing.read(f"{paths.LINKS}/{name}") for name in names}
    if links_digest(links) != record["links"]:
        raise DigestMismatch(f"links: sha256:{record['links']} expected, got others, fewer or more")
    layout = listing.read(paths.LAYOUT)
    in_force = trust.layout_at(subject.kind, record.index)
    current = trust.layout_at(subject.kind, subject.checkpoint.size)
    if record["layout"] != in_force or canonical.digest(layout) not in (in_force, current):
        raise TrustRefused(f"layout: sha256:{in_force} expected, the one in force at log index {record.index}")
    steps = layouts.STEPS_DATASET if subject.kind == "dataset" else layouts.STEPS_MODEL
    # A layout that was renewed since may name later keys; whose link it is at the record's index is asked below.
    functionaries = {step: trust.holders_until(layouts.ROLE_OF[step], subject.checkpoint.size) for step in steps}
    published = datetime.fromtimestamp(record.time, UTC)
    chain = custody.verify_chain(
        layout, trust.owners, trust.threshold, links, functionaries=functionaries, when=published
    )
    if set(chain) != set(steps):
        raise TrustRefused(f"layout: the steps {', '.join(steps)} expected, got others")
    if subject.view is not None:
        _refuse_unrecorded(subject, links)
    principals = {
        step: {trust.principal_of(keyid, layouts.ROLE_OF[step], record.index) for keyid in link.keyids}
        for step, link in chain.items()
    }
    return chain, trust.separation(principals), ()


def _refuse_unrecorded(subject: Subject, links: Mapping[str, bytes]) -> None:
    """Each link was recorded, before the publication, by a principal who held the step's role at that index."""
    for name, data in links.items():
        step = name.split(".", 1)[0]
        if step in _COVERED:
            continue
        record = subject.view.last(step, link=canonical.digest(data)) if subject.view else None
        if record is None or record.index >= subject.record.index:
            raise TrustRefused(f"link {name}: a record of it before the publication expected in the log, got none")


_COVERED = ("release",)  # the release record itself names the digest of all links, its own included


def _evidence(subject: Subject, listing: _Listing, chain: Mapping[str, custody.ParsedLink]) -> Mapping[str, bytes]:
    """What the steps made and others read again: each file as the link of its step says."""
    products = {name: digest for link in chain.values() for name, digest in link.products.items()}
    found = {name: listing.read(f"{paths.EVIDENCE}/{name}") for name in sorted(_EVIDENCE[subject.kind])}
    for name, data in found.items():
        if canonical.digest(data) != products.get(name):
            raise DigestMismatch(f"{name}: sha256:{products.get(name)} expected, as its link says, got another")
    return found


def _judgement(
    subject: Subject,
    evidence: Mapping[str, bytes],
    document: manifest.Manifest | ModelDocument,
    chain: Mapping[str, custody.ParsedLink],
) -> tuple[Contract, Verdict]:
    verdict = Verdict.decode(evidence["verdict.json"])
    contract, suite = _accepted(evidence["contract.odcs.yaml"], evidence["suite.json"])
    declared = len(suite.expectations)
    if verdict.decision != "ACCEPT" or not verdict.evaluated == verdict.declared == declared > 0:
        raise TrustRefused(
            f"verdict: ACCEPT over {declared} expectations expected, got {verdict.decision} over {verdict.evaluated}"
        )
    if (verdict.contract, verdict.suite) != (contract.digest, suite.digest):
        raise TrustRefused("verdict: the accepted contract and suite expected, got others")
    if verdict.snapshot != chain["ingest"].products.get("snapshot.json"):
        raise TrustRefused("verdict: the snapshot that ingest made expected, got another")
    if document.contract != contract.digest:
        raise TrustRefused(f"{document.name}: the contract of its custody chain expected, got another")
    if isinstance(document, manifest.Manifest):
        if (document.suite, document.verdict) != (suite.digest, canonical.digest(evidence["verdict.json"])):
            raise TrustRefused("manifest: the suite and the verdict of its custody chain expected, got others")
        if (document.rows, document.name) != (verdict.accepted, contract.name):
            raise TrustRefused(
                f"manifest: the {verdict.accepted} accepted rows of {contract.name} expected, got others"
            )
    if subject.view is not None:
        declared_by = subject.view.last("declare", name=contract.name, contract=contract.digest, suite=suite.digest)
        if declared_by is None or declared_by.index > subject.record.index:
            raise TrustRefused(
                f"contract {contract.name}: accepted before the publication expected, got no such record"
            )
    return contract, verdict


def _accepted(contract: bytes, suite: bytes) -> tuple[Contract, Suite]:
    try:
        return parse_contract(contract), parse_suite(suite)
    except VerificationError:
        raise
    except DatasetError as error:
        raise Malformed(f"accepted contract or suite: {error.message}") from None


def _evaluation(
    document: ModelDocument, evidence: Mapping[str, bytes], chain: Mapping[str, custody.ParsedLink]
) -> EvaluationDocument:
    data = evidence[EVALUATION]
    if canonical.digest(data) != document.evaluation:
        raise DigestMismatch(f"{EVALUATION}: sha256:{document.evaluation} expected, got another")
    if document.trained != chain["train"].products.get("trained.json"):
        raise TrustRefused("model.json: the training of its custody chain expected, got another")
    evaluation = EvaluationDocument.decode(data)
    if (evaluation.trained, evaluation.manifest) != (document.trained, document.manifest):
        raise TrustRefused(f"{EVALUATION}: this model on its own dataset expected, got another")
    if document.manifest != chain["encrypt"].products.get(manifest.FILE):
        raise TrustRefused("model.json: the dataset of its custody chain expected, got another")
    if evaluation.decision != "ACCEPT":
        raise TrustRefused(f"{EVALUATION}: ACCEPT expected, got {evaluation.decision}")
    return evaluation


def _bytes(subject: Subject, listing: _Listing, document: manifest.Manifest | ModelDocument) -> None:
    record = subject.record
    if isinstance(document, manifest.Manifest):
        files, own = document.files(), manifest.FILE
        sizes = {entry.path: entry.size for entry in document.entries}
    else:
        files, own = {path: file.digest for path, file in document.files.items()}, MODEL
        sizes = {path: file.size for path, file in document.files.items()}
    expected = {*files, own}
    present = listing.under(paths.PAYLOAD)
    missing, extra = expected - present.keys(), present.keys() - expected
    if missing or extra:
        raise DigestMismatch(
            f"payload: {len(expected)} files expected, got {len(missing)} missing"
            f"{_some(missing)} and {len(extra)} extra{_some(extra)}"
        )
    _refuse_strangers(subject, listing)
    if subject.view is None:
        _refuse_false_keys(subject, listing)
    bundle = listing.read(paths.BUNDLE)
    if canonical.digest(bundle) != record["bundle"]:
        raise DigestMismatch(f"bundle: sha256:{record['bundle']} expected, got sha256:{canonical.digest(bundle)}")
    role = "publisher" if subject.kind == "dataset" else "releaser"
    signed = _bundle(bundle, subject.trust.holders_until(role, record.index))
    if dict(signed) != {**files, own: subject.digest}:
        raise DigestMismatch("bundle: a signature over exactly the manifest's files expected")
    for path, digest in files.items():
        if present[path] != sizes[path]:
            raise DigestMismatch(f"entry {path}: {sizes[path]} bytes expected, got {present[path]}")
        got = canonical.digest(listing.read_entry(f"{paths.PAYLOAD}/{path}", sizes[path]))
        if got != digest:
            raise DigestMismatch(f"entry {path}: sha256:{digest} expected, got sha256:{got}")


def _bundle(data: bytes, keys: Sequence[PublicKey]) -> Mapping[str, str]:
    refused: VerificationError = TrustRefused("bundle: a signer in its role expected, got none")
    for key in keys:
        try:
            return oms.verify_bundle(data, key)
        except VerificationError as error:
            refused = error
    raise refused


_EVIDENCE = {
    "dataset": {"contract.odcs.yaml", "suite.json", "verdict.json", "snapshot.json"},
    "model": {
        "contract.odcs.yaml", "suite.json", "verdict.json", "snapshot.json", "manifest.json", "trained.json",
        "evaluation.json",
    },
}  # fmt: skip
_EXPORTED = {"README", "trust/trust.json", "keys/owner.pub", "keys/publisher.pub", "keys/releaser.pub"}
_KEYRING = re.compile(rf"{paths.KEYRING}/(?:0|[1-9][0-9]{{0,8}})\.json")


def _refuse_strangers(subject: Subject, listing: _Listing) -> None:
    """Outside the payload too, a file that nothing speaks for is refused."""
    known = {paths.BUNDLE, paths.LAYOUT, *(f"{paths.EVIDENCE}/{name}" for name in _EVIDENCE[subject.kind])}
    known |= {f"{paths.PROOF}/{name}" for name in ("checkpoint", "record.json", "inclusion.json")}
    known |= _EXPORTED if subject.view is None else set()
    for path, size in listing.sizes.items():
        if size < 0:
            raise DigestMismatch(f"folder: plain files only expected, got something else at {path[:120]!r}")
        if path in known or path.startswith(f"{paths.PAYLOAD}/"):
            continue
        if subject.view is not None and _KEYRING.fullmatch(path):
            continue
        if path.startswith(f"{paths.LINKS}/") and custody.LINK_NAME.fullmatch(path.removeprefix(f"{paths.LINKS}/")):
            continue
        raise DigestMismatch(f"folder: nothing beyond its parts expected, got {path[:120]!r}")


def _refuse_false_keys(subject: Subject, listing: _Listing) -> None:
    """The keys that an export hands to other people's tools are the ones that verified."""
    role = "publisher" if subject.kind == "dataset" else "releaser"
    holders = {key.pem for key in subject.trust.holders_until(role, subject.record.index)}
    for path, pems in (("keys/owner.pub", {key.pem for key in subject.trust.owners}), (f"keys/{role}.pub", holders)):
        if path in listing.sizes and listing.read(path).decode("ascii", "replace") not in pems:
            raise TrustRefused(f"{path}: a key of the trust document expected, got another")


def _some(names: set[str]) -> str:
    return f" ({sorted(names)[0][:80]!r})" if names else ""


# Step 8 ---------------------------------------------------------------------------------------------------------------


def grant(
    verified: Verified, folder: Folder, role: str, private: RecipientKey, key_ids: Sequence[str]
) -> Mapping[str, DataKey]:
    """Step 8: the data keys that the keyring in force wraps for this reader.

    Args:
        verified: What passed steps 1 to 7.
        folder: The same folder.
        role: The reader's role.
        private: The reader's recipient key.
        key_ids: The data keys that are asked for; all of them are needed.

    Raises:
        AccessDenied: The keyring is good and holds no wrap for this reader.
        VerificationError: The keyring is not the recorded one.
    """
    with verified.subject.steps(8):
        ring = read_keyring(verified.subject, folder)
        if not key_ids:
            raise AccessDenied(f"{verified.reference}: nothing was asked for that role {role} may read")
        return ring.open(role, private, key_ids)


def read_keyring(subject: Subject, folder: Folder) -> keyring.Keyring:
    """The keyring in force: the one of the publication, or of the last rotation recorded."""
    record, trust = subject.record, subject.trust
    generation, digest, index, role = 0, record["keyring"], record.index, _KEYRING_MAKER[subject.kind]
    if subject.view is not None:
        rotated = subject.view.last("keyring", manifest=subject.digest)
        if rotated is not None:
            generation, digest, index, role = rotated["generation"], rotated["keyring"], rotated.index, "custodian"
    data = read_recorded(folder, f"{paths.KEYRING}/{generation}.json")
    if canonical.digest(data) != digest:
        raise DigestMismatch(f"keyring: sha256:{digest} expected, got sha256:{canonical.digest(data)}")
    wrapped = envelope.parse(data, subject="keyring")
    payload = envelope.verify(wrapped, keyring.PAYLOAD_TYPE, trust.holders_until(role, index), subject="keyring")
    ring = keyring.Keyring.decode(payload)
    same_subject = (
        ring.subject == subject.digest or subject.kind == "model"
    )  # a model's keys are made before model.json
    if (ring.generation, ring.version_id.hex()) != (generation, record["version"]) or not same_subject:
        raise TrustRefused("keyring: the one of this version and generation expected, got another")
    return ring


_KEYRING_MAKER = {"dataset": "sealer", "model": "trainer"}


def links_digest(links: Mapping[str, bytes]) -> str:
    """One digest over a version's links: of the canonical JSON object from file name to digest."""
    return canonical.digest(canonical.encode({name: canonical.digest(data) for name, data in links.items()}))
