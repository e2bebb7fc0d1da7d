"""A file that nobody has described yet: draft, accept, publish, harden, without an edit."""

from __future__ import annotations

import csv
import gzip
import json

import numpy as np
import pytest

import hardline
from hardline.flows import command_frame as frame
from hardline.flows.command_line import app

RNG = np.random.default_rng(11)


def people(rows: int) -> tuple[list[str], list[list[str]]]:
    """Blanks before cells, `?` and nothing for missing, codes with zeros, names, dates, a constant, a number of the case."""
    age, hours = RNG.integers(17, 90, rows), RNG.integers(1, 99, rows)
    work = RNG.choice(["Private", "Self-emp", "Gov", "?", "Never"], rows, p=[0.6, 0.15, 0.15, 0.08, 0.02])
    code = RNG.choice(["00501", "01234", "90210"], rows)
    gain = np.where(RNG.random(rows) < 0.8, 0, RNG.integers(100, 99_999, rows))
    rich = RNG.random(rows) < 1 / (1 + np.exp(-(age - 45) / 12 - (hours - 40) / 20))
    header = [
        "Person ID",
        "Age ",
        "Work Class",
        "Hours per Week",
        "Gain",
        "ZIP",
        "Joined",
        "Name",
        "Const",
        "Income class",
    ]
    cells = [
        [
            str(1000 + at), "" if at % 19 == 0 else str(age[at]), str(work[at]), "?" if at % 7 == 0 else str(hours[at]),
            str(gain[at]), str(code[at]), f"2024-0{1 + at % 9}-1{at % 9}", f"Person {at} of town", "USA",
            ">50K" if rich[at] else "<=50K",
        ]
        for at in range(rows)
    ]  # fmt: skip
    return header, cells


def classes(rows: int, count: int) -> tuple[list[str], list[list[str]]]:
    """Many classes, the last ones with a handful of rows each."""
    share = np.ones(count)
    share[-max(1, count // 8) :] = 0.03
    label = RNG.choice(count, rows, p=share / share.sum())
    x = RNG.normal(size=(rows, 4)) + np.stack([np.cos(label), np.sin(label), label / 9, label % 3], axis=1)
    return ["F1 (mm)", "F2", "F3", "F4", "Class"], [
        [*(f"{v:.4f}" for v in row), f"class {c}"] for row, c in zip(x, label, strict=True)
    ]


def rare(rows: int) -> tuple[list[str], list[list[str]]]:
    """One in a hundred, decimal commas."""
    y = np.arange(rows) % 100 == 0
    x = RNG.lognormal(3, 1, rows) * (1 + 4 * y)
    return ["amount", "seconds", "fraud"], [
        [f"{a:.2f}".replace(".", ","), str(RNG.integers(0, 86_400)), str(int(b))] for a, b in zip(x, y, strict=True)
    ]


def write(path, header, rows, *, delimiter=",", quoting=csv.QUOTE_MINIMAL, lead="", opened=open):
    with opened(path, "wt", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=quoting)
        writer.writerow(header)
        writer.writerows([lead + cell for cell in row] for row in rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own-data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("HARDLINE_HOME", str(folder / "home"))
        patch.chdir(folder)
        hardline.init()
        yield folder


CASES = {
    "people": (people(600), "Income class", {"lead": " "}),
    "quoted": (classes(1500, 30), "Class", {"quoting": csv.QUOTE_ALL}),
    "commas": (rare(3000), "fraud", {"delimiter": ";"}),
    "tabs": (classes(220, 3), "Class", {"delimiter": "\t"}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_messy_file_goes_through_without_an_edit(home, name):
    (header, rows), label, spelled = CASES[name]
    write(home / f"{name}.csv", header, rows, **spelled)
    made = hardline.draft(f"{name}.csv", name, label)
    assert made.rows == len(rows) and made.columns["label"] == 1
    assert hardline.accept(name).created
    published = hardline.publish(f"{name}.csv", name)
    assert published.dataset.rows_accepted >= 0.95 * len(rows)
    with hardline.open_dataset(name, role="trainer") as data:
        x, y = data.arrays()
        assert np.isfinite(x).all() and x.shape[1] == len(data.contract.inputs)
        assert set(y) == set(range(len(data.contract.classes)))
        assert "Person" not in str(data.to_arrow().column_names) and "Name" not in data.to_arrow().column_names
    if name in ("people", "tabs"):
        hardened = hardline.harden(name, "fast")
        assert hardline.verify(hardened.model.reference).scope == "full"


def test_a_compressed_file_and_the_command(home, capsys):
    header, rows = classes(1000, 3)
    write(home / "packed.csv.gz", header, rows, opened=gzip.open)
    assert frame.call(app, ["draft", "packed.csv.gz", "--name", "packed", "--label", "Class", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["rows"], said["name"]) == (1000, "packed") and said["discloses"]
    assert hardline.accept("packed").created and hardline.publish("packed.csv.gz", "packed").created
    assert frame.call(app, ["draft", "packed.csv.gz", "--name", "packed", "--label", "Class"]) == 2
    assert "there already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "label", "code", "word"),
    [
        ("a,b\n" + "1,2\n" * 50, "c", 3, "'a', 'b'"),
        ("a,a\n1,2\n", "a", 3, "each column once"),
        ("a,,c\n1,2,3\n", "a", 3, "with names"),
        ("", "a", 3, "empty file"),
        ("a,b\n", "a", 3, "row"),
        ("only\n1\n", "only", 3, "--delimiter"),
        ("^a$,b\n1,2\n", "b", 3, "rename that column"),
        ("a,b\n1,2\n3\n", "a", 3, "line 3"),
        ("a,b\n" + "".join(f"{at}.5,x{at % 2}\n" for at in range(60)), "a", 3, "regression"),
        ("a,b\n" + "".join(f"2024-01-0{1 + at % 9},x{at % 2}\n" for at in range(60)), "b", 3, "to learn from"),
    ],
)
def test_what_cannot_be_drafted_is_said_and_leaves_no_file(home, tmp_path, capsys, text, label, code, word):
    (tmp_path / "bad.csv").write_text(text)
    out = tmp_path / "out"
    called = ["draft", str(tmp_path / "bad.csv"), "--name", "bad", "--label", label, "--out", str(out)]
    assert frame.call(app, called) == code
    said = capsys.readouterr().err
    assert word in said and "Traceback" not in said
    assert not out.exists()
