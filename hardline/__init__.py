"""Hardline: verified, encrypted, signed training data, and models hardened on it.

    import hardline

    with hardline.open_dataset("diagnosis@1", role="trainer") as data:
        X, y = data.tensors("train")
        net = my_training_loop(X, y)
        model = hardline.release(net, data=data, inputs="raw units [N, F]")

The verbs are those of the command line, without an orchestrator: no event loop is started and no server is asked. Every
verb takes `home` (default: HARDLINE_HOME, else ~/.hardline) and raises the errors of `hardline.errors`, which say whose
turn it is. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import os
import re
import time as _time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import errors

if TYPE_CHECKING:
    import torch

    from hardline.infra.ports import Progress
    from hardline.infra.runtime import Runtime
    from hardline.tasks.core import results
    from hardline.tasks.core.dataset import VerifiedDataset
    from hardline.tasks.core.graph import Lineage
    from hardline.tasks.core.references import ContractRef, RecipeRef, SourceRef

__all__ = [
    "accept", "draft", "errors", "export", "harden", "init", "keys_list", "lineage", "list", "log_checkpoint", "log_prove",
    "log_verify", "open_dataset", "publish", "recall", "release", "run", "show", "verify",
]  # fmt: skip

_list = list  # the verb `list` shadows it below
Home = str | os.PathLike[str] | None
LOCK = "lock"


def init(*, home: Home = None, principal: str = "operator", progress: Progress | None = None) -> results.Home:
    """Make a home: keys for every role, trust document, layouts, log, and the shipped contracts accepted.

    Every part is made at most once, so a second call changes nothing. Without a terminal and without
    HARDLINE_PASSPHRASE_FILE, a random passphrase is written outside the home (0600).

    Args:
        home: The folder.
        principal: Who holds every role of this home.
        progress: Who watches.

    Raises:
        UsageError: The folder is none, or holds something else.
        Misconfigured: It cannot be made.
        AccessDenied: There is no passphrase, or not the one of its keys.
    """
    from hardline.expectations import shipped
    from hardline.infra import runtime as runtimes
    from hardline.infra.keys import passphrase
    from hardline.infra.locks import file_lock
    from hardline.infra.settings import Settings, protect_process
    from hardline.tasks.core import home as homes
    from hardline.tasks.core.ledger import Ledger
    from hardline.tasks.core.trust import ROLES

    protect_process()
    settings = Settings.from_environment(os.environ)
    root = runtimes.root_of(None if home is None else os.fspath(home), settings)
    created = not homes.begun(root, runtimes.HOME_FILE)
    if created:
        homes.refuse_stranger(root)
        homes.choose_passphrase(settings, root)
    else:
        runtimes.check_format(root)
    with file_lock(root / LOCK):
        runtime = runtimes.assemble(root, settings, progress=progress)
        if created:
            homes.make_keys(runtime)
            homes.make_trust(runtime, dict.fromkeys(ROLES, principal))
            homes.open_log(runtime)
        else:
            runtime.vault.unlock()  # type: ignore[attr-defined]
        for name in shipped.NAMES:
            if Ledger(runtime).view().last("declare", name=name) is None:
                _accept(runtime, shipped.folder(name))
        homes.stamp(runtime, runtimes.HOME_FILE, runtimes.HOME_FORMAT)
        view = Ledger(runtime).view()
    from hardline.tasks.core.results import Home as Made

    names = tuple(sorted({record["name"] for record in view.scan("declare")}))
    owner = view.trust.owners[0].fingerprint
    return Made(str(root), created, owner, passphrase.source(settings, root), names, len(view))


def accept(folder: str | os.PathLike[str], *, home: Home = None) -> results.Acceptance:
    """Sign a contract and its suite (`contract.odcs.yaml`, `suite.json`) as the steward.

    Raises:
        ContractError: One of them is wrong; the message names the place.
    """
    with _working(home) as runtime:
        return _accept(runtime, Path(folder))


def draft(
    source: str,
    name: str,
    label: str,
    out: str | os.PathLike[str] | None = None,
    *,
    delimiter: str | None = None,
    progress: Progress | None = None,
) -> results.Drafted:
    """Profile a CSV source once and write a contract and a suite for review; needs no home and signs nothing.

    Args:
        source: A path, a folder, a pattern or an https:// address.
        name: The dataset's name.
        label: The column to predict.
        out: The folder for the two files; None: a folder of the dataset's name.
        delimiter: Between cells; None: found in the first line.
        progress: Who watches.

    Raises:
        IngestError: It cannot be read.
        ContractError: There is nothing to learn, or it is no classification.
        UsageError: One of the files is there.
    """
    from hardline.infra.runtime import Silent
    from hardline.infra.settings import protect_process
    from hardline.tasks.core.drafting.draft import draft as make

    protect_process()
    target = Path(name if out is None else out)
    return make(source_ref(source).uri, name, label, target, progress or Silent(), delimiter=delimiter)


def publish(
    source: str, contract: str | os.PathLike[str], *, home: Home = None, progress: Progress | None = None
) -> results.Published:
    """Ingest, validate, encrypt, sign and publish a source.

    Args:
        source: A local file or folder, a pattern such as `data/*.parquet`, a file:// or an https:// URI.
        contract: The name of an accepted contract, or its folder, which must be as it was accepted.
        home: The home.
        progress: Who watches.

    Raises:
        IngestError, ContractError, ExpectationError: The data is refused; a sealed quarantine record stays.
    """
    from hardline.flows.publish_dataset import publish_dataset
    from hardline.tasks.core import finished
    from hardline.tasks.core.references import Wanted

    with _working(home, progress) as runtime:
        made = publish_dataset(source_ref(source), contract_ref(contract))
        return finished.published(runtime, Wanted(name=made.name, digest=made.digest), created=made.created)


def harden(
    dataset: str,
    recipe: RecipeRef | str = "balanced",
    *,
    model: str | None = None,
    home: Home = None,
    progress: Progress | None = None,
) -> results.Hardened:
    """Verify a dataset, train on it, attack the result, and release the model.

    Args:
        dataset: `name`, `name@3` or `name@sha256:...`.
        recipe: A preset's name, or a recipe.
        model: The model's name; None: the dataset's with `-model`.
        home: The home.
        progress: Who watches.

    Raises:
        UsageError: The recipe or the model's name is none.
        VerificationError: The dataset is not what its owners signed.
        FloorError: The model measures below a floor of the contract.
    """
    from hardline.flows.harden_model import harden_model
    from hardline.tasks.core import finished
    from hardline.tasks.core.references import Wanted

    wanted = Wanted.parse(dataset)
    chosen = recipe_ref(recipe, model, wanted.name)
    with _working(home, progress) as runtime:
        made = harden_model(wanted, chosen)
        return finished.hardened(runtime, Wanted(name=made.name, digest=made.digest), created=made.created)


def run(
    source: str,
    contract: str | os.PathLike[str],
    recipe: RecipeRef | str = "balanced",
    *,
    home: Home = None,
    progress: Progress | None = None,
) -> results.Ran:
    """Publish, then harden; see both."""
    from hardline.tasks.core.results import Ran

    start = _time.monotonic()
    chosen = recipe_ref(recipe)
    published = publish(source, contract, home=home, progress=progress)
    hardened = harden(published.dataset.reference, chosen, home=home, progress=progress)
    return Ran(published, hardened, _time.monotonic() - start)


def verify(
    what: str | os.PathLike[str],
    *,
    home: Home = None,
    trust: str | os.PathLike[str] | None = None,
    owner_key: str | os.PathLike[str] | None = None,
    steps: Any = None,
) -> results.Verification:
    """Verify a dataset or a model, step by step; it returns, or it raises.

    Args:
        what: A reference of the home, or an exported folder: a path with a `/` in it, since a text that can be a
            reference is one.
        home: The home; for a folder, where trust comes from unless one of the next two is given.
        trust: A trust folder that was got elsewhere.
        owner_key: A file with the owner's public key that was got elsewhere.
        steps: A `verification.Steps` that notes the walk, for a caller that reports a failed one.

    Raises:
        VerificationError: `error.step` is the number of the step that refused.
        NotFound: There is no such reference.
        UsageError: It is neither; or trust is given twice, or for a reference.
    """
    from hardline.tasks.core import anchors, opening
    from hardline.tasks.core.references import Wanted
    from hardline.tasks.core.verification import Steps

    steps = steps or Steps()
    folder = anchors.folder_asked(what, trust=trust, owner_key=owner_key)
    if folder is not None:
        return _verify_folder(folder, steps, home, trust, owner_key)
    try:
        proven, _, view = opening.verified(_open(home), Wanted.parse(os.fspath(what)), steps=steps)
    except (errors.NotFound, errors.UsageError) as error:
        anchors.mention_folder(error, os.fspath(what))
        raise
    return _verification(proven, "full", len(view))


def lineage(reference: str, *, home: Home = None) -> Lineage:
    """What something was made from, by whom, from the log's records."""
    from hardline.tasks.core import graph
    from hardline.tasks.core.ledger import Ledger

    return graph.trace(Ledger(_open(home)).view(), reference)


def list(*, home: Home = None) -> tuple[results.Listed, ...]:  # noqa: A001  the verb's name
    """Every dataset and model of the home, oldest first."""
    from hardline.tasks.core import catalogue
    from hardline.tasks.core.ledger import Ledger

    return catalogue.listed(Ledger(_open(home)).view())


def show(reference: str, *, home: Home = None) -> results.Shown:
    """Everything the log and the public documents say about a reference; it need not verify."""
    from hardline.tasks.core import catalogue
    from hardline.tasks.core.references import Wanted

    return catalogue.shown(_open(home), Wanted.parse(reference))


def export(reference: str, folder: str | os.PathLike[str], *, home: Home = None) -> results.Exported:
    """Verify a version and write everything that outside verifiers need."""
    from hardline.tasks.core import export as exports
    from hardline.tasks.core.references import Wanted

    return exports.export(_open(home), Wanted.parse(reference), Path(folder))


def recall(reference: str, reason: str, *, home: Home = None) -> results.RecallResult:
    """Say that a dataset or a model must not be used any more; models trained on it fall with it."""
    from hardline.tasks.core import catalogue
    from hardline.tasks.core.references import Wanted

    with _working(home, clean=False) as runtime:
        return catalogue.recall(runtime, Wanted.parse(reference), reason)


@contextmanager
def open_dataset(reference: str, *, role: str, home: Home = None) -> Iterator[VerifiedDataset]:
    """Verify a dataset, all eight steps, and read it while the block lasts.

    Args:
        reference: `name`, `name@3` or `name@sha256:...`.
        role: trainer (the train split), assessor (the test split), steward (restricted columns) or custodian (all).
        home: The home.

    Raises:
        VerificationError: With the number of the step that refused.
        AccessDenied: This process may not read it in that role.
    """
    from hardline.tasks.core import opening
    from hardline.tasks.core.references import Wanted

    runtime = _open(home)
    with opening.open_dataset(runtime, Wanted.parse(reference), role) as data:
        _homes[id(data)] = runtime
        try:
            yield data
        finally:
            del _homes[id(data)]


_homes: dict[int, Runtime] = {}  # of the datasets that are open, so that `release` goes where they came from


def release(
    net: torch.nn.Module,
    *,
    data: VerifiedDataset,
    inputs: str = "raw units [N, F]",
    name: str | None = None,
    recipe: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> results.Hardened:
    """Evaluate and release a model from your own training loop.

    Args:
        net: Takes the features in raw units, float32 [N, F], in the contract's order, and gives logits [N, K].
        data: The open dataset that it was trained on.
        inputs: What it takes, for people.
        name: The model's name; None: the dataset's with `-model`.
        recipe: What to record of how it was trained; JSON without floats.
        progress: Who watches.

    Raises:
        FloorError: It measures below a floor of the contract.
        TypeError: `data` is no open dataset of this module.
    """
    from hardline.infra import runtime as runtimes
    from hardline.infra.locks import file_lock
    from hardline.tasks.core import finished
    from hardline.tasks.core.dataset import VerifiedDataset
    from hardline.tasks.core.references import Wanted
    from hardline.tasks.own_model import release_own

    if not isinstance(data, VerifiedDataset) or id(data) not in _homes:
        raise TypeError("release: the dataset of an open `with hardline.open_dataset(...)` block expected")
    runtime = runtimes.watched(_homes[id(data)], progress)
    with file_lock(runtime.root / LOCK), runtimes.use(runtime):
        made = release_own(net, data, inputs=inputs, name=name, recipe=recipe or {})
        return finished.hardened(runtime, Wanted(name=made.name, digest=made.digest), created=made.created)


def log_checkpoint(*, home: Home = None, fresh: bool = True) -> results.CheckpointResult:
    """Sign the log's state again with the current time (`fresh`), or show the latest checkpoint."""
    from hardline.tasks.core.ledger import Ledger
    from hardline.tasks.core.results import CheckpointResult

    runtime = _open(home)
    view = Ledger(runtime).sign_checkpoint() if fresh else Ledger(runtime).view()
    head = view.checkpoint
    if head is None:
        raise errors.NotFound("log: at least one record expected, got none", help="hardline init")
    return CheckpointResult(head.origin, head.size, head.root.hex(), _written(head.time), view.source.decode())


def log_prove(what: str | int, *, home: Home = None) -> results.ProofResult:
    """The record of a reference, or of a log index, with its inclusion under the latest checkpoint."""
    from hardline.tasks.core import verification
    from hardline.tasks.core.ledger import Ledger
    from hardline.tasks.core.references import Wanted
    from hardline.tasks.core.results import ProofResult

    view = Ledger(_open(home)).view()
    if isinstance(what, int) or re.fullmatch("[0-9]{1,18}", what):
        if not 0 <= int(what) < len(view):
            raise errors.NotFound(f"log: an index below {len(view)} expected, got {what}")
        record = view.get(int(what))
    else:
        record = verification.find(view, Wanted.parse(what))
    path = tuple(node.hex() for node in view.tree.inclusion(record.index, len(view)))
    return ProofResult(
        record.index, record.type, record.principal, record.role, _written(record.time), len(view), path,
        view.leaves[record.index].decode(), view.source.decode(),
    )  # fmt: skip


def log_verify(*, home: Home = None) -> results.LogVerification:
    """Check every record, every signature and role, the tree and the checkpoint of the log."""
    from collections import Counter

    from hardline.tasks.core.ledger import Ledger
    from hardline.tasks.core.results import LogVerification

    view = Ledger(_open(home)).view()
    counts = Counter(record.type for record in view.all())
    return LogVerification(True, len(view), view.tree.root(len(view)).hex(), dict(sorted(counts.items())))


def keys_list(*, home: Home = None) -> tuple[results.KeyFacts, ...]:
    """Every key of the trust document, and whether this home holds its private part."""
    from hardline.tasks.core import catalogue
    from hardline.tasks.core.ledger import Ledger

    runtime = _open(home)
    return catalogue.keys(Ledger(runtime).view().trust, runtime.vault)


def source_ref(source: str) -> SourceRef:
    """The reference of a source; a local path is made absolute. Raises `IngestError` when it cannot be one."""
    from pydantic import ValidationError

    from hardline.tasks.core.references import SourceRef

    try:
        return SourceRef(uri=source if "://" in source else str(Path(source).expanduser().absolute()))
    except (ValidationError, RuntimeError):  # of pydantic; of a ~ without a user of that name
        raise errors.IngestError(
            "source: a path or URI of at most 4,096 characters, in UTF-8, expected",
            help="rename the file, or link to it",
        ) from None


def contract_ref(contract: str | os.PathLike[str], *, beside: Path | None = None) -> ContractRef:
    """The reference of a contract, by name or by folder; a folder's digests must be the accepted ones.

    A name means the accepted contract of that name. Where a folder of that name lies with a contract in it, both must
    be the same: what somebody edits there is not published under, and it cannot stand for another contract.

    Args:
        contract: A name, or a path.
        beside: The folder that a relative path begins at; None: the working directory.

    Raises:
        ContractError: The folder's contract or suite is wrong.
        UsageError: It is neither a name nor a folder with both files, or the folder is another contract's.
    """
    from hardline.tasks.core import accepted, canonical
    from hardline.tasks.core.contract import parse_contract
    from hardline.tasks.core.references import NAME, ContractRef

    folder = (beside or Path()) / contract
    named = isinstance(contract, str) and re.fullmatch(NAME, contract) is not None
    if named and not os.path.lexists(folder / accepted.CONTRACT_FILE):
        return ContractRef(name=os.fspath(contract))
    contract_bytes, suite_bytes = accepted.read_folder(folder)
    digests = {"contract": canonical.digest(contract_bytes), "suite": canonical.digest(suite_bytes)}
    with accepted.named(folder / accepted.CONTRACT_FILE):
        found = ContractRef(name=parse_contract(contract_bytes).name, **digests)
    if named and found.name != contract:
        raise errors.UsageError(
            f"contract {contract}: the folder of that name holds the contract {found.name!r}",
            help=f"write ./{contract} for the folder; for the accepted {contract}, go where no such folder lies",
        )
    return found


def recipe_ref(recipe: RecipeRef | str, model: str | None = None, dataset: str | None = None) -> RecipeRef:
    """The reference of a recipe, by a preset's name.

    Args:
        recipe: A preset's name, or a recipe.
        model: The model's name; None: as the recipe says.
        dataset: The dataset's name, which the model's is made of when nobody gives one.

    Raises:
        UsageError: There is no such preset or setting, or the model's name is none.
    """
    from pydantic import ValidationError

    from hardline.tasks.core.references import RecipeRef, Wanted
    from hardline.tasks.train import settings

    try:
        given = {"preset": recipe} if isinstance(recipe, str) else recipe.model_dump()
        found = RecipeRef.model_validate(given if model is None else {**given, "name": model})
        if found.name is None and dataset is not None:
            Wanted(name=f"{dataset}-model")
    except ValidationError as error:
        if error.errors()[0]["loc"] != ("name",):
            raise errors.UsageError(
                "recipe: fast, balanced or strong expected", help="hardline harden --help"
            ) from None
        raise errors.UsageError(
            "model's name: a letter, then letters, digits and hyphens, all lower-case and at most 63, expected",
            help="say --name NAME",
        ) from None
    settings(found)
    return found


def _open(home: Home) -> Runtime:
    from hardline.infra import runtime as runtimes
    from hardline.infra.settings import protect_process

    protect_process()
    in_use = runtimes.in_use()
    return (
        in_use
        if in_use is not None and home is None
        else runtimes.open_runtime(None if home is None else os.fspath(home))
    )


@contextmanager
def _working(home: Home, progress: Progress | None = None, *, clean: bool = True) -> Iterator[Runtime]:
    """The home, held alone."""
    from hardline.infra import runtime as runtimes
    from hardline.tasks.core.working import working

    with working(runtimes.watched(_open(home), progress), clean=clean) as runtime:
        yield runtime


def _accept(runtime: Runtime, folder: Path) -> results.Acceptance:
    from hardline.tasks.core import acceptance
    from hardline.tasks.core.act import Act

    return acceptance.accept_folder(Act(runtime, "declare", "steward"), folder)


def _verify_folder(folder: Path, steps: Any, home: Home, trust: Any, owner_key: Any) -> results.Verification:
    from hardline.infra.clock import SystemClock
    from hardline.infra.settings import Settings
    from hardline.infra.storage.folder import ReadOnlyFolder
    from hardline.tasks.core import anchors
    from hardline.tasks.core.ledger import Ledger
    from hardline.tasks.core.offline import verify_folder

    exported = ReadOnlyFolder(folder)
    given: dict[str, Any]
    if owner_key is not None:
        given = {"owners": [anchors.owner_key(Path(owner_key))]}
    elif trust is not None:
        given = {"trust": anchors.trust_folder(Path(trust))}
    else:
        with anchors.without_home():
            runtime = _open(home)
        given = {"trust": runtime.trust, "view": Ledger(runtime).view()}
    settings = Settings.from_environment(os.environ)
    try:
        proven = verify_folder(exported, steps, SystemClock().now(), settings.max_checkpoint_age, **given)
    except errors.VerificationError as error:
        if "trust" in given:
            anchors.say_another_owner(error, exported, given["trust"])
        raise
    assert proven.subject.checkpoint is not None
    result = _verification(proven, "offline", proven.subject.checkpoint.size)
    notes = ["README is for people, and was not verified"]
    if "view" not in given:
        notes.append(f"as of checkpoint {proven.subject.checkpoint.size}: a later recall is not seen from a folder")
    return replace(result, notes=(*result.notes, *notes))


def _verification(proven: Any, scope: str, size: int) -> results.Verification:
    from hardline.tasks.core.results import Verification

    subject = proven.subject
    return Verification(
        scope, subject.kind, proven.reference, subject.digest, size, tuple(subject.steps.to_json()),
        dict(proven.signers), proven.separation, tuple(proven.notes),
    )  # fmt: skip


def _written(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
