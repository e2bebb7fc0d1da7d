"""The log as its writers and readers meet it: clocks that go back, two at once, a database that lies."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from hardline.infra.clock import FixedClock
from hardline.tasks.core import catalogue, opening, verification
from hardline.tasks.core.errors import DigestMismatch, Stale, TrustRefused, UsageError, VerificationError
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.paths import SEEN_CHECKPOINT
from hardline.tasks.core.references import Wanted
from hardline.tasks.core.sweep import sweep

DATASET = Wanted.parse("diagnosis@2")


def at(runtime, **moved):
    return replace(runtime, clock=FixedClock(runtime.clock.now() + timedelta(**moved)))


def recall(runtime):
    return catalogue.recall(runtime, DATASET, "mislabelled batch")


def test_a_clock_that_goes_back_locks_nobody_out(published):
    runtime = published.clone()
    head = Ledger(at(runtime, days=30)).sign_checkpoint().checkpoint
    assert Ledger(at(runtime, hours=-2)).sign_checkpoint().checkpoint.time == head.time
    assert recall(at(runtime, hours=-2)).created
    assert Ledger(runtime).view().checkpoint.time == head.time


def test_a_checkpoint_that_is_too_old_is_made_fresh_by_the_command_that_the_message_names(published):
    runtime = at(published.clone(), days=100)
    with pytest.raises(Stale) as refused:
        opening.verified(runtime, DATASET)
    assert refused.value.help == "hardline log checkpoint"
    Ledger(runtime).sign_checkpoint()
    assert opening.verified(runtime, DATASET)
    assert recall(at(published.clone(), days=100)).created


def test_what_was_seen_never_goes_back(published):
    """A reader that was slow between reading and remembering does not forget what others saw since."""
    runtime = published.clone()
    slow = Ledger(runtime)
    view = slow._read(*runtime.log.read(), slow._seen(), None)
    recall(runtime)
    newest = runtime.trust.get(SEEN_CHECKPOINT)
    slow._remember(view)
    assert runtime.trust.get(SEEN_CHECKPOINT) == newest


def test_a_view_that_is_a_fork_of_what_was_seen_takes_no_place(published):
    one, other = published.clone(), published.clone()
    recall(one)
    catalogue.recall(other, Wanted.parse("diagnosis@1"), "another")
    fork = Ledger(one).view()
    with pytest.raises(Stale):
        verification.is_newer(fork, other.trust.get(SEEN_CHECKPOINT))


def test_a_log_without_a_memory_of_it_is_refused(published):
    runtime = published.clone()
    runtime.trust.delete(SEEN_CHECKPOINT)
    with pytest.raises(TrustRefused, match="last seen"):
        Ledger(runtime).view()


class Lying:
    """A log whose database says that it wrote, and did not."""

    def __init__(self, log):
        self._log = log

    def read(self, start=0):
        return self._log.read(start)

    @contextmanager
    def transaction(self):
        yield self

    def append(self, records, checkpoint, unique=()):
        pass


@pytest.mark.parametrize("act", [recall, lambda runtime: Ledger(at(runtime, hours=1)).sign_checkpoint()])
def test_a_record_that_is_not_there_afterwards_was_not_written(published, act):
    runtime = published.clone()
    with pytest.raises(DigestMismatch, match="just written"):
        act(replace(runtime, log=Lying(runtime.log)))


def test_a_reader_beside_a_writer_sees_no_fault(published):
    """Whatever is appended between reading what was seen and reading the log."""
    runtime = published.clone()

    class Busy:
        """A trust folder whose reader is overtaken once."""

        def __init__(self, trust):
            self._trust, self.overtaken = trust, False

        def get(self, path, limit=None):
            data = self._trust.get(path, limit)
            if path == SEEN_CHECKPOINT and not self.overtaken:
                self.overtaken = True
                recall(runtime)
            return data

        def replace(self, path, data):
            self._trust.replace(path, data)

    seen = len(Ledger(runtime).view())
    busy = replace(runtime, trust=Busy(runtime.trust))
    assert len(Ledger(busy).view()) == seen + 1


@pytest.mark.parametrize(
    "path", ["landing/x", "staging", "staging/q/w/x", "datasets/a/b/c/d", "quarantine/z", "models/m"]
)
def test_a_stray_file_in_the_store_stops_nobody(published, path):
    runtime = published.clone()
    runtime.store.objects[path] = b"x"
    sweep(runtime)
    assert recall(runtime).created


def test_a_dataset_and_a_model_never_have_one_name(published, lab):
    from hardline.tasks.core.accepted import accept
    from hardline.tasks.core.act import Act
    from hardline.tasks.core.references import Receipt
    from hardline.tasks.core.steps.train import train

    runtime = published.clone()
    receipt = Receipt(reference="diagnosis@2", manifest=published.dataset.digest, index=0, checkpoint=1, steps=())
    with pytest.raises(UsageError, match="no dataset has"):
        train(Act(runtime, "train", "trainer"), receipt, "diagnosis", {}, fit=None)
    contract, suite = (runtime.store.objects[path] for path in sorted(runtime.store.objects) if path.startswith("contracts/") and "in-toto" not in path)  # fmt: skip
    renamed = contract.replace(b"name: diagnosis\n", b"name: diagnosis-model\n", 1)
    with pytest.raises(UsageError, match="no model has"):
        accept(Act(runtime, "declare", "steward"), renamed, suite)


def changed(runtime, part, way):
    path = next(path for path in runtime.store.objects if part in path)
    if way == "delete":
        del runtime.store.objects[path]
    else:
        runtime.store.objects[path] += b"x"


BETWEEN = [
    (1, "staging/", "change"), (1, "staging/diagnosis", "delete"), (1, "evidence/contract", "change"), (1, "/keyring.json", "change"),
    (2, "mask.sealed", "change"), (2, "mask-keyring", "delete"), (2, "verdict.json", "change"),
    (3, "keyring/0.json", "change"), (3, "payload/train", "change"), (3, "payload/manifest", "delete"),
    (4, "keyring/0.json", "delete"), (4, "payload/test", "change"), (4, "payload.sigstore", "change"), (4, "in-toto/sign", "change"),
    (4, "evidence/suite", "change"), (4, "in-toto/encrypt", "delete"),
]  # fmt: skip


@pytest.mark.parametrize(("done", "part", "way"), BETWEEN)
def test_what_changes_between_two_steps_is_never_published_and_blocks_nobody(lab, done, part, way):
    """The run is refused, the log says why, and the same command then makes another version that verifies."""
    stages = lab.publish_stages(lab.source)
    runtime, made = lab.clone(lab.base), None
    for stage in stages[:done]:
        made = stage(runtime, made)
    changed(runtime, part, way)
    try:
        for stage in stages[done:]:
            made = stage(runtime, made)
    except VerificationError as error:
        assert error.exit_code == 4
        assert Ledger(runtime).view().last("refused") is not None
        assert not [*Ledger(runtime).view().scan("publication")]
        made = None
        for stage in stages:
            made = stage(runtime, made)
    assert made.number == 1
    with opening.open_dataset(runtime, Wanted.parse("diagnosis"), "trainer") as data:
        assert data.to_arrow("train").num_rows == data.rows("train")


def test_a_stray_link_of_nobody_is_not_published(lab):
    stages = lab.publish_stages(lab.source)
    runtime, made = lab.clone(lab.base), None
    for stage in stages[:4]:
        made = stage(runtime, made)
    folder = next(path for path in runtime.store.objects if "/in-toto/sign." in path).rsplit("/", 1)[0]
    runtime.store.objects[f"{folder}/sign.00000000.link"] = b"{}"
    assert stages[4](runtime, made).number == 1
    assert opening.verified(runtime, Wanted.parse("diagnosis"))
