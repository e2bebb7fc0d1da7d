"""One home in memory, made once for the session: two versions of the diagnosis dataset, and a model on the second."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hardline.infra.clock import SystemClock
from hardline.infra.emitters.memory import MemoryEmitter
from hardline.infra.keys.memory_vault import MemoryVault
from hardline.infra.logstore.memory import MemoryLog
from hardline.infra.runtime import Runtime, Silent
from hardline.infra.settings import Settings
from hardline.infra.storage.memory import MemoryStore
from hardline.tasks.core import home as homes
from hardline.tasks.core.accepted import accept
from hardline.tasks.core.act import Act
from hardline.tasks.core.parsing import parse
from hardline.tasks.core.references import ContractRef, DatasetRef, ModelRef, SourceRef
from hardline.tasks.core.steps.encrypt import encrypt
from hardline.tasks.core.steps.evaluate import Measured, evaluate
from hardline.tasks.core.steps.ingest import ingest
from hardline.tasks.core.steps.publish import publish
from hardline.tasks.core.steps.release import release
from hardline.tasks.core.steps.sign import sign
from hardline.tasks.core.steps.train import STANDARD, WEIGHTS, Nets, train
from hardline.tasks.core.steps.validate import validate
from hardline.tasks.core.steps.verify import verify
from hardline.tasks.core.trust import ROLES

RECIPE = {"preset": "none"}


def clone(runtime: Runtime) -> Runtime:
    """The same home beside itself: what is done to one is not seen in the other; the keys are shared."""
    store, trust, log = MemoryStore(), MemoryStore(), MemoryLog()
    store.objects = dict(runtime.store.objects)
    trust.objects = dict(runtime.trust.objects)
    log.records, log.checkpoint, log._uniques = [*runtime.log.records], runtime.log.checkpoint, {*runtime.log._uniques}
    return replace(runtime, store=store, trust=trust, log=log, emitter=MemoryEmitter())


@dataclass
class Lab:
    """A home in which the contract is accepted and nothing is published, and the steps with their engines' answers kept."""

    base: Runtime
    source: Path
    older: Path
    _judged: dict[int, Any] = field(default_factory=dict)
    _parsed: dict[Any, Any] = field(default_factory=dict)

    clone = staticmethod(clone)

    def judge(self, contract, suite, suite_bytes, shards, key):
        """The real gate, once for each number of rows: every row of these sources is accepted."""
        from hardline.expectations import gate

        rows = sum(table.num_rows for _, table in shards())
        if rows not in self._judged:
            self._judged[rows] = gate.judge(contract, suite, suite_bytes, shards, key)
            assert self._judged[rows].mask.all()
        return self._judged[rows]

    def parse(self, files, contract):
        """The real parser, once for each source."""
        data = tuple((name, b"".join(chunks)) for name, chunks in files)
        if data not in self._parsed:
            self._parsed[data] = list(parse(((name, [whole]) for name, whole in data), contract))
        return iter(self._parsed[data])

    def publish_stages(self, source: Path):
        """The five steps, each from the runtime and what the step before returned."""
        where, contract = SourceRef(uri=str(source)), ContractRef(name="diagnosis")
        return [
            lambda r, _: ingest(Act(r, "ingest", "ingestor"), where, contract, parse=self.parse),
            lambda r, made: validate(Act(r, "validate", "validator"), made, judge=self.judge),
            lambda r, made: encrypt(Act(r, "encrypt", "sealer"), made),
            lambda r, made: sign(Act(r, "sign", "publisher"), made),
            lambda r, made: publish(Act(r, "publish", "publisher"), made),
        ]

    def harden_stages(self, dataset: DatasetRef):
        """The four steps; training and attackers are stand-ins, since what is under test is around them."""

        def fit(data):
            return Nets({WEIGHTS: b"hardened" * 99, STANDARD: b"standard" * 99}, {}, "raw", data.rows("train"), {})

        def assess(data, document, weights):
            rows = data.rows("test")
            report = {"clean": rows, "robust": rows, "attackers": []}
            return Measured(rows, dict.fromkeys(sorted(weights), report), b"a plot")

        return [
            lambda r, _: verify(Act(r, "verify", "auditor"), dataset),
            lambda r, made: train(Act(r, "train", "trainer"), made, None, RECIPE, fit=fit),
            lambda r, made: evaluate(Act(r, "evaluate", "assessor"), made, assess=assess),
            lambda r, made: release(Act(r, "release", "releaser"), made),
        ]


def run(stages, runtime, history=None):
    """Steps one after the other; `history` takes the log after each."""
    made = None
    for stage in stages:
        made = stage(runtime, made)
        if history is not None:
            history.append(([*runtime.log.records], runtime.log.checkpoint))
    return made


@dataclass(frozen=True)
class Published:
    """The finished home; clone it before touching it."""

    runtime: Runtime
    older: DatasetRef
    dataset: DatasetRef
    model: ModelRef
    history: list[tuple[list[bytes], bytes]]  # the log and its checkpoint as they were after each step

    def clone(self) -> Runtime:
        """See `clone`."""
        return clone(self.runtime)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Keys, trust, log, accepted contract, and two sources of which one is a row shorter."""
    from hardline.expectations import shipped

    folder = tmp_path_factory.mktemp("sources")
    runtime = Runtime(
        Path("/nonexistent"), Settings.from_environment({}), MemoryStore(), MemoryLog(), MemoryVault(), MemoryStore(),
        SystemClock(), MemoryEmitter(), Silent(),
    )  # fmt: skip
    homes.make_keys(runtime)
    homes.make_trust(runtime, dict.fromkeys(ROLES, "operator"))
    homes.open_log(runtime)
    declared = shipped.folder("diagnosis")
    contract, suite = (declared / "contract.odcs.yaml").read_bytes(), (declared / "suite.json").read_bytes()
    accept(Act(runtime, "declare", "steward"), contract, suite)
    shipped.write_source("diagnosis", folder / "new.csv")
    lines = (folder / "new.csv").read_bytes().splitlines(keepends=True)
    (folder / "old.csv").write_bytes(b"".join(lines[:-1]))
    return Lab(runtime, folder / "new.csv", folder / "old.csv")


@pytest.fixture(scope="session")
def published(lab: Lab) -> Published:
    """diagnosis@1 (older), diagnosis@2, and diagnosis-model@1 on the second."""
    runtime = clone(lab.base)
    history = [([*runtime.log.records], runtime.log.checkpoint)]
    older = run(lab.publish_stages(lab.older), runtime, history)
    dataset = run(lab.publish_stages(lab.source), runtime, history)
    model = run(lab.harden_stages(dataset), runtime, history)
    assert (older.number, dataset.number) == (1, 2)
    return Published(runtime, older, dataset, model, history)
