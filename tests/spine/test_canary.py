"""Values that are planted in the source are nowhere afterwards: not in the home, not in a temporary folder."""

from __future__ import annotations

import os
import struct

import pytest

import hardline
from hardline.expectations import shipped

NUMBER = 13.371337133713371
LABEL = "planted-label-canary"
MARKS = (b"13.3713371337", struct.pack("<d", NUMBER), struct.pack("<f", NUMBER), LABEL.encode())


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    hardline.init(home=tmp_path / "home")
    shipped.write_source("diagnosis", tmp_path / "clean.csv")
    return tmp_path


def plant(place, rows):
    lines = (place / "clean.csv").read_text().splitlines(keepends=True)
    for row in rows:
        cells = lines[row].rstrip("\n").split(",")
        cells[0], cells[30] = repr(NUMBER), LABEL if row > rows[0] else cells[30]
        lines[row] = ",".join(cells) + "\n"
    source = place / "source.csv"
    source.write_text("".join(lines))
    return str(source)


def found(place):
    files = [
        path for folder in ("home", "temporary", "config") for path in (place / folder).rglob("*") if path.is_file()
    ]
    assert len(files) > 20
    return [(path.relative_to(place), mark) for path in files for mark in MARKS if mark in path.read_bytes()]


def test_a_full_publication_leaves_no_plaintext(place):
    made = hardline.publish(plant(place, [5, 9]), "diagnosis", home=place / "home")
    assert made.dataset.rows_quarantined == 1
    assert found(place) == []
    with hardline.open_dataset(made.dataset.reference, role="custodian", home=place / "home") as data:
        numbers = data.to_pandas("train")["mean radius"].tolist() + data.to_pandas("test")["mean radius"].tolist()
    assert NUMBER in numbers, "the canary went all the way"


def test_a_refused_publication_leaves_no_plaintext(place):
    with pytest.raises(hardline.errors.ExpectationError) as refused:
        hardline.publish(plant(place, list(range(5, 60))), "diagnosis", home=place / "home")
    assert LABEL not in str(refused.value)
    assert found(place) == []


def test_a_source_refused_by_the_parser_leaves_no_plaintext(place):
    source = plant(place, [5, 6])
    with open(source, "a") as file:
        file.write(f"{NUMBER},{LABEL}\n")
    with pytest.raises(hardline.errors.IngestError) as refused:
        hardline.publish(source, "diagnosis", home=place / "home")
    assert LABEL not in str(refused.value) and "13.37" not in str(refused.value)
    assert found(place) == []


def test_the_scan_sees_a_plaintext(place):
    (place / "home" / "store").mkdir(exist_ok=True)
    (place / "home" / "store" / "leak").write_bytes(b"x" + struct.pack("<d", NUMBER))
    assert [str(path) for path, _ in found(place)] == [os.path.join("home", "store", "leak")]
