"""hardline predict: the answers of a verified model, under its own contract, for rows that the contract permits."""

import csv
import json
import shutil
import stat
from dataclasses import replace

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
import torch
from planted import LABEL, NUMBER

import hardline
from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.inputs import encode


@pytest.fixture(scope="session")
def hardened(made, tmp_path_factory):
    """A home with a model of each kind."""
    folder, phrase = made
    place = tmp_path_factory.mktemp("hardened") / "home"
    shutil.copytree(folder / "home", place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARDLINE_PASSPHRASE_FILE", str(phrase))
        hardline.harden("diagnosis", "fast", home=place)
    return place


@pytest.fixture
def home(hardened, made, tmp_path, monkeypatch):
    monkeypatch.setenv("HARDLINE_PASSPHRASE_FILE", str(made[1]))
    shutil.copytree(hardened, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def rows(source, tmp_path):
    """Write rows of the source with changes; returns the file."""

    def write(change=lambda line: line, count=40):
        with source.open() as file:
            lines = [*csv.reader(file)][: count + 1]
        lines = [line for line in lines if LABEL not in line]
        with (tmp_path / "new.csv").open("w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([change([*line]) for line in lines])
        return tmp_path / "new.csv", lines

    return write


def reads(home):
    shown = hardline.show("diagnosis-model", home=home)
    return [(record["type"], record["role"]) for record in shown.records if record["type"] in ("read", "denied")]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_answers_are_those_of_the_released_net(suffix, home, rows, say, tmp_path):
    file, lines = rows()
    target = tmp_path / f"answers.{suffix}"
    before = reads(home)
    code, out, _ = say("predict", "diagnosis-model", "--in", file, "--out", target, "--home", home, "--json")
    value = json.loads(out)
    assert (code, value["rows"], value["role"]) == (0, len(lines) - 1, "releaser")
    assert reads(home)[len(before) :] == [("read", "releaser")]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    found = (pc.read_csv if suffix == "csv" else pq.read_table)(target)
    contract = parse_contract(next((home / "store/models").rglob("contract.odcs.yaml")).read_bytes())
    assert found.schema.names == ["predicted", *(f"probability={level}" for level in contract.classes), "clipped"]
    shares = np.stack([found.column(f"probability={level}").to_numpy() for level in contract.classes], axis=1)
    assert np.allclose(shares.sum(axis=1), 1, atol=1e-6) and np.ptp(shares[:, 0]) > 0.1
    assert found.column("predicted").to_pylist() == [contract.classes[place] for place in shares.argmax(axis=1)]
    right = [one == line[30] for one, line in zip(found.column("predicted").to_pylist(), lines[1:], strict=True)]
    assert np.mean(right) > 0.8
    assert np.allclose(shares, by_hand(home, contract, file), atol=1e-5)


def by_hand(home, contract, file):
    """The same through the steps that evaluation takes."""
    from hardline.infra.runtime import open_runtime
    from hardline.tasks.core import opening
    from hardline.tasks.core.references import Wanted
    from hardline.tasks.predict import _open

    runtime = open_runtime(home)
    proven, folder, _ = opening.verified(runtime, Wanted.parse("diagnosis-model"), kind="model")
    x = encode(contract, pc.read_csv(file))
    with torch.no_grad():
        return torch.softmax(_open(runtime, proven, folder, "trainer")(torch.from_numpy(x)), dim=1).numpy()


@pytest.mark.parametrize("kept", [30, 31])
def test_the_label_may_be_missing(kept, home, rows, say, tmp_path):
    file, lines = rows(lambda line: line[:kept])
    assert say("predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home)[0] == 0
    assert pc.read_csv(tmp_path / "a.csv").num_rows == len(lines) - 1


def test_what_lies_outside_the_scale_is_clipped_and_counted(home, rows, say, tmp_path):
    contract = parse_contract(next((home / "store/models").rglob("contract.odcs.yaml")).read_bytes())
    column = contract.columns[0]
    beyond = (column.scale[1] + column.valid[1]) / 2
    assert column.scale[1] < beyond <= column.valid[1]
    file, _ = rows(lambda line: line if line[0] == column.name else [str(beyond), *line[1:]], count=3)
    code, out, _ = say(
        "predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home, "--json"
    )
    assert (code, json.loads(out)["clipped"] >= 3) == (0, True)
    assert min(pc.read_csv(tmp_path / "a.csv").column("clipped").to_pylist()) >= 1


@pytest.mark.parametrize("text", ["-133713.37", "1e999", "nan", ""])
def test_rows_that_are_impossible_are_named_by_number_and_nothing_is_written(text, home, rows, say, tmp_path):
    count = iter(range(100))
    file, _ = rows(lambda line: [text, *line[1:]] if next(count) in (3, 7) else line)
    code, out, err = say("predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home)
    assert (code, out) == (3, "") and "133713" not in err
    assert "3, 7" in err or "line 4" in err, "of the parser, where the format has no such number"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "new.csv"]


def test_a_source_that_is_not_the_contracts_is_refused(home, rows, say, tmp_path):
    file, _ = rows(lambda line: [*line, "x"])
    assert say("predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home)[0] == 3
    file, _ = rows(lambda line: line[1:])
    assert say("predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home)[0] == 3
    file, _ = rows(lambda line: [LABEL if line[0] == NUMBER else line[0], *line[1:]])
    assert say("predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home)[0] == 3
    assert not (tmp_path / "a.csv").exists()


def test_a_recalled_model_and_changed_weights_answer_nothing(home, rows, say, tmp_path):
    file, _ = rows()
    weights = next((home / "store/models").rglob("payload/weights.safetensors"))
    good = weights.read_bytes()
    weights.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    code, _, err = say("predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home)
    assert code == 4 and "step 7" in err
    weights.write_bytes(good)
    hardline.recall("diagnosis", "mislabelled", home=home)
    code, _, err = say("predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home)
    assert code == 4 and "recalled" in err and not (tmp_path / "a.csv").exists()


def test_a_role_without_a_key_is_denied_and_logged(home, rows, say, tmp_path):
    file, _ = rows()
    (home / "keys/releaser.recipient.key").unlink()
    before = reads(home)
    arguments = ["predict", "diagnosis-model", "--in", file, "--out", tmp_path / "a.csv", "--home", home]
    assert say(*arguments)[0] == 5
    assert reads(home)[len(before) :] == [("denied", "releaser")]
    assert say(*arguments, "--as", "steward")[0] == 2
    assert say(*arguments, "--as", "trainer")[0] == 0


def test_a_net_of_ones_own_is_refused_with_what_to_do(home):
    from hardline.infra.runtime import open_runtime
    from hardline.tasks.core import opening
    from hardline.tasks.core.references import Wanted
    from hardline.tasks.predict import _open

    runtime = open_runtime(home)
    proven, folder, _ = opening.verified(runtime, Wanted.parse("diagnosis-model"), kind="model")
    foreign = replace(proven, document=replace(proven.document, architecture={"kind": "foreign"}))
    with pytest.raises(hardline.errors.UsageError, match="built-in net"):
        _open(runtime, foreign, folder, "releaser")
