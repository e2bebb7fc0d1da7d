"""An attacker with the store and the log gets nothing past `verify` and nothing into training."""

from __future__ import annotations

import json
import random
import re

import pytest
from mutations import DATASET, FAMILIES, REFUSED, SAME, flipped, judge, resealed

from hardline.flows import command_frame as frame
from hardline.flows.command_line import app
from hardline.infra.logstore.sql import SqlLog
from hardline.infra.runtime import HOME_FILE, HOME_FORMAT
from hardline.tasks.core import opening
from hardline.tasks.core.errors import VerificationError


def test_there_are_enough(mutations):
    assert sum(len(found) for found in mutations.values()) >= 300
    expected = [mutation.expected for found in mutations.values() for mutation in found]
    assert set(expected) == {REFUSED, SAME}
    assert expected.count(REFUSED) >= 300


@pytest.mark.parametrize("family", FAMILIES)
def test_each_is_refused_or_changes_nothing(scene, mutations, family):
    wrong = [problem for mutation in mutations[family] if (problem := judge(scene, mutation))]
    assert not wrong, f"{len(wrong)} of {len(mutations[family])}\n" + "\n".join(wrong)


@pytest.mark.parametrize("way", ["flip", "truncate", "empty", "swap", "reseal", "delete"])
def test_bytes_that_change_after_opening_are_refused(scene, published, way):
    rng = random.Random(way)
    runtime = published.clone()
    folder = scene.folders[DATASET]
    path = f"{folder}/payload/train/features/00000.arrow"
    data = runtime.store.objects[path]
    with opening.open_dataset(runtime, DATASET, role="trainer") as opened:
        if way == "reseal":
            next(m for m in resealed(scene, rng) if m.label.startswith("reseal train/features")).apply(runtime)
        elif way == "delete":
            del runtime.store.objects[path]
        else:
            other = runtime.store.objects[f"{folder}/payload/test/features/00000.arrow"]
            runtime.store.objects[path] = {
                "flip": flipped(data, rng), "truncate": data[:-1], "empty": b"", "swap": other,
            }[way]  # fmt: skip
        with pytest.raises(VerificationError) as refused:
            opened.to_arrow("train")
    assert refused.value.step == 7


def write_home(runtime, root):
    """The home as files: what the program finds when the attacker has been there."""
    for name, store in (("store", runtime.store), ("trust", runtime.trust)):
        for path, data in store.objects.items():
            (root / name / path).parent.mkdir(parents=True, exist_ok=True)
            (root / name / path).write_bytes(data)
    (root / HOME_FILE).write_text(json.dumps({"format": HOME_FORMAT}))
    with SqlLog(f"sqlite:///{root / 'log.db'}").transaction() as head:
        head.append(runtime.log.records, runtime.log.checkpoint or b"")


def one_of_each(mutations):
    """One mutation of each kind, which is what its label says without names of files, numbers and details."""
    kinds = {}
    for family in FAMILIES:
        for mutation in mutations[family]:
            if mutation.expected == REFUSED:
                way = re.sub(r"[0-9]+", "", mutation.label).split(" in ")[0]
                kind = (family, way.split(" by ")[0].split(", ")[0].split()[0], mutation.wanted.name)
                kinds.setdefault(kind, mutation)
    return kinds


def test_one_of_each_kind_is_refused_by_the_program(scene, mutations, tmp_path, capsys):
    """By `verify`, and by `harden` where it is about a dataset: exit 4, the step's number, one message."""
    kinds = one_of_each(mutations)
    assert len(kinds) >= 25
    for number, (kind, mutation) in enumerate(kinds.items()):
        runtime = scene.published.clone()
        mutation.apply(runtime)
        home = tmp_path / str(number)
        write_home(runtime, home)
        commands = [["verify", str(mutation.wanted)]]
        if mutation.wanted is DATASET:
            commands.append(["harden", "diagnosis", "--recipe", "fast"])
        for command in commands:
            code = frame.call(app, ["--home", str(home), *command, "--json"])
            said = capsys.readouterr()
            value = json.loads(said.out)
            assert code == 4, (kind, mutation.label, command, value)
            assert value["step"] in range(1, 9) and value["message"], (kind, value)
            assert "Traceback" not in said.err
            code = frame.call(app, ["--home", str(home), *command])
            said = capsys.readouterr()
            assert code == 4 and f"step {value['step']}: " in said.err and not said.out


def test_the_home_that_was_written_verifies_when_nobody_touched_it(scene, tmp_path, capsys):
    write_home(scene.published.clone(), tmp_path)
    assert frame.call(app, ["--home", str(tmp_path), "verify", "diagnosis-model", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["verified"] is True
