"""The store or the log stops answering at some call and at every one after; a rerun on healthy ones then finishes.

A run whose ports fail from call k on leaves exactly what the run had written before call k. So the two halves are
tested apart: each step, from where the one before left off, is run with ports that fail from its k-th call on, for every
k; and from every different thing that such a run leaves, the whole is run again.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace

import pytest

from hardline.tasks.core import opening, paths
from hardline.tasks.core.errors import Unavailable
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.references import Wanted
from hardline.tasks.core.sweep import sweep


class Fuse:
    """Counts the calls of all ports; from number `limit` on, each raises."""

    def __init__(self, limit: int | None = None) -> None:
        self.calls = 0
        self.limit = limit

    def __call__(self) -> None:
        self.calls += 1
        if self.limit is not None and self.calls >= self.limit:
            raise Unavailable(f"call {self.calls}: the port does not answer")


class FailingStore:
    """An `ObjectStore` behind a fuse."""

    def __init__(self, store, fuse: Fuse) -> None:
        self._store, self._fuse = store, fuse
        self.objects = store.objects

    def put(self, path, data):
        self._fuse()
        self._store.put(path, data)

    def replace(self, path, data):
        self._fuse()
        self._store.replace(path, data)

    def get(self, path, limit=None):
        self._fuse()
        return self._store.get(path, limit)

    def stream(self, path, chunk=1 << 20):
        self._fuse()
        return self._store.stream(path, chunk)

    def list(self, prefix):
        self._fuse()
        return self._store.list(prefix)

    def delete(self, path):
        self._fuse()
        self._store.delete(path)


class FailingLog:
    """A `LogStore` behind a fuse: it may fail when it is opened, read, added to, and after the commit."""

    def __init__(self, log, fuse: Fuse) -> None:
        self._log, self._fuse = log, fuse

    @property
    def records(self):
        return self._log.records

    def read(self, start=0):
        self._fuse()
        return self._log.read(start)

    @contextmanager
    def transaction(self):
        self._fuse()
        with self._log.transaction() as held:
            yield FailingTransaction(held, self._fuse)
            self._fuse()  # before the commit
        self._fuse()  # the commit happened, and nobody hears of it


class FailingTransaction:
    """A `LogTransaction` behind a fuse."""

    def __init__(self, held, fuse: Fuse) -> None:
        self._held, self._fuse = held, fuse

    def read(self, start=0):
        self._fuse()
        return self._held.read(start)

    def append(self, records, checkpoint, unique=()):
        self._fuse()
        self._held.append(records, checkpoint, unique)


def fused(runtime, limit=None):
    fuse = Fuse(limit)
    return replace(runtime, store=FailingStore(runtime.store, fuse), log=FailingLog(runtime.log, fuse)), fuse


def shape(runtime):
    """What lies there, without what is drawn at random."""
    names: dict[str, str] = {}

    def known(match):
        return names.setdefault(match[0], f"<{len(names)}>")

    found = [
        re.sub(r"[0-9a-f]{32,64}", known, path) for path in runtime.store.objects if not path.startswith("events/")
    ]
    return tuple(found), len(runtime.log.records)


def crashes(lab, start, stages):
    """Every state that a failure at some call leaves, once; each failure is seen to be raised as what it is."""
    begun, made, left, calls = lab.clone(start), None, {}, 0
    for stage in stages:
        stage(lab.clone(begun), made)  # the lab keeps its engines' answers, so that each later run makes the same calls
        runtime, fuse = fused(lab.clone(begun))
        after = stage(runtime, made)
        total = fuse.calls
        for limit in range(1, total + 1):
            healthy = lab.clone(begun)
            runtime, fuse = fused(healthy, limit)
            with pytest.raises(Unavailable):
                stage(runtime, made)
            assert fuse.calls >= limit
            left.setdefault(shape(healthy), healthy)
        calls += total
        # the next step goes on from a finished one
        begun = lab.clone(begun)
        made = stage(begun, made)
        assert type(made) is type(after)
    left.setdefault(shape(begun), begun)
    return [*left.values()], calls


def refuse_halves(runtime, kind, wanted):
    """If there is a record of a publication, it verifies already."""
    type_ = {"dataset": "publication", "model": "release"}[kind]
    found = [*Ledger(runtime).view().scan(type_, name=wanted.name)]
    assert len(found) <= 1
    if found:
        opening.verified(runtime, wanted, kind=kind)
    return len(found)


def refuse_left_over(runtime):
    """Every object of a version belongs to one that the log names, and staging is empty."""
    view = Ledger(runtime).view()
    named = {record["version"] for type_ in ("publication", "release") for record in view.scan(type_)}
    for info in runtime.store.list(""):
        root, *rest = info.path.split("/")
        assert root != "staging", info.path
        if root in ("landing", "datasets", "models", "quarantine"):
            assert rest[1] in named, info.path


def rerun(runtime, stages, kind, wanted):
    before = refuse_halves(runtime, kind, wanted)
    sweep(runtime)
    assert refuse_halves(runtime, kind, wanted) == before
    made = None
    for stage in stages:
        made = stage(runtime, made)
    assert refuse_halves(runtime, kind, wanted) == 1
    assert made.created is (before == 0)
    sweep(runtime)
    refuse_left_over(runtime)
    proven, folder, _ = opening.verified(runtime, wanted, kind=kind)
    assert proven.subject.digest == made.digest
    assert {
        f"{paths.PROOF}/{name}" for name in ("checkpoint", "inclusion.json", "record.json")
    } <= folder.paths().keys()


def test_publish_survives_a_failure_at_every_call(lab):
    stages = lab.publish_stages(lab.source)
    states, calls = crashes(lab, lab.base, stages)
    assert calls > 100
    assert len(states) > 30
    for state in states:
        rerun(state, stages, "dataset", Wanted.parse("diagnosis"))


def test_harden_survives_a_failure_at_every_call(lab, published):
    from hardline.tasks.core.references import DatasetRef

    base = lab.clone(lab.base)
    made = None
    for stage in lab.publish_stages(lab.source):
        made = stage(base, made)
    assert isinstance(made, DatasetRef)
    stages = lab.harden_stages(made)
    states, calls = crashes(lab, base, stages)
    assert calls > 60
    for state in states:
        rerun(state, stages, "model", Wanted.parse("diagnosis-model"))
