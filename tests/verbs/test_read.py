"""hardline read: rows for whoever holds the key, in one new file, and a line in the log either way."""

import json
import stat

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from planted import NUMBER

import hardline
from hardline.tasks.core.row_files import row_file


def decisions(home):
    shown = hardline.show("diagnosis@1", home=home)
    return [(record["type"], record["role"]) for record in shown.records if record["type"] in ("read", "denied")]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_role_gets_exactly_its_rows(suffix, home, say, tmp_path):
    target = tmp_path / f"rows.{suffix}"
    before = decisions(home)
    code, out, _ = say("read", "diagnosis@1", "--as", "trainer", "--out", target, "--home", home, "--json")
    value = json.loads(out)
    assert (code, value["reference"], value["role"]) == (0, "diagnosis@1", "trainer")
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    written = (pq.read_table if suffix == "parquet" else pc.read_csv)(target)
    with hardline.open_dataset("diagnosis@1", role="trainer", home=home) as data:
        expected = data.to_arrow()
    assert written.schema.names == expected.schema.names == value["columns"]
    assert written.num_rows == value["rows"] == expected.num_rows
    for name in expected.schema.names:
        assert written.column(name).to_pylist() == expected.column(name).to_pylist()
    assert decisions(home)[len(before)] == ("read", "trainer")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_custodian_says_which_split_and_which_columns(home, say, tmp_path):
    arguments = ["read", "diagnosis", "--as", "custodian", "--out", tmp_path / "a.csv", "--home", home]
    code, _, err = say(*arguments)
    assert code == 2 and "split: train or test expected" in err
    code, _, _ = say(*arguments, "--split", "test", "--columns", "diagnosis,mean radius")
    assert code == 0
    assert pc.read_csv(tmp_path / "a.csv").schema.names == ["diagnosis", "mean radius"]


def test_parquet_repeats_no_cell_in_its_footer(home, say, tmp_path):
    assert say("read", "diagnosis", "--as", "trainer", "--out", tmp_path / "a.parquet", "--home", home)[0] == 0
    footer = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert not any(footer.row_group(0).column(place).is_stats_set for place in range(footer.num_columns))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as", "trainer", "--split", "test"], "holds no key for split test"),
        (["--as", "steward"], "nothing was asked for"),
    ],
)
def test_a_denial_is_logged_and_writes_nothing(arguments, message, home, say, tmp_path):
    before = decisions(home)
    code, out, err = say("read", "diagnosis@1", *arguments, "--out", tmp_path / "a.csv", "--home", home)
    assert (code, out) == (5, "") and message in err
    assert decisions(home)[len(before) :][-1] == ("denied", arguments[1])
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize("name", ["-", "a.xlsx", "taken.csv", "link.csv", "missing/a.csv", "home/store/a.csv"])
def test_a_file_that_cannot_be_made_is_refused_before_anything_is_read(name, home, say, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.csv").write_text("theirs")
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere.csv")
    before = decisions(home)
    code, out, _ = say("read", "diagnosis@1", "--as", "trainer", "--out", name, "--home", home)
    assert (code, out) == (2, "")
    assert (tmp_path / "taken.csv").read_text() == "theirs" and not (tmp_path / "elsewhere.csv").exists()
    assert decisions(home) == before


def test_other_bytes_in_the_store_leave_no_file(home, say, tmp_path):
    shard = next(path for path in (home / "store/datasets").rglob("train/features/*.arrow*"))
    data = bytearray(shard.read_bytes())
    data[-1] ^= 1
    shard.write_bytes(data)
    code, out, err = say("read", "diagnosis@1", "--as", "trainer", "--out", tmp_path / "a.csv", "--home", home)
    assert (code, out) == (4, "") and "step 7" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home"]


def test_a_failure_half_way_leaves_no_file(tmp_path):
    schema = pa.schema([("a", pa.string())])
    with pytest.raises(ZeroDivisionError), row_file(tmp_path / "a.csv", schema) as file:
        file.write_batch(pa.record_batch([["x"]], schema=schema))
        raise ZeroDivisionError
    assert [*tmp_path.iterdir()] == []


def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path):
    schema = pa.schema([("a", pa.string())])
    with pytest.raises(hardline.errors.UsageError), row_file(tmp_path / "a.csv", schema):
        (tmp_path / "a.csv").write_text("theirs")
    assert (tmp_path / "a.csv").read_text() == "theirs" and len([*tmp_path.iterdir()]) == 1


def test_csv_tells_text_from_numbers_and_nothing_from_empty(tmp_path):
    columns = {"a,b": ["=1+1", "", None, '1"'], "n": [0.1, -0.0, None, 1e300], "i": [1, None, 3, 4]}
    table = pa.table(columns)
    with row_file(tmp_path / "a.csv", table.schema) as file:
        file.write_batch(table.to_batches()[0])
    assert (tmp_path / "a.csv").read_text() == '"a,b","n","i"\n"=1+1",0.1,1\n"",-0,\n,,3\n"1""",1e+300,4\n'


def test_csv_has_no_tensors(tmp_path):
    schema = pa.schema([("t", pa.list_(pa.float32(), 2))])
    with pytest.raises(hardline.errors.UsageError, match="tensors"), row_file(tmp_path / "a.csv", schema):
        pass
    with row_file(tmp_path / "a.parquet", schema) as file:
        file.write_batch(pa.record_batch([pa.array([[1.0, 2.0]], schema.types[0])], schema=schema))
    assert pq.read_table(tmp_path / "a.parquet").column("t").to_pylist() == [[1.0, 2.0]]


def test_the_planted_value_is_in_the_file_and_not_in_the_home(home, say, tmp_path):
    splits = []
    for split in ("train", "test"):
        target = tmp_path / f"{split}.csv"
        assert say("read", "diagnosis", "--as", "custodian", "--split", split, "--out", target, "--home", home)[0] == 0
        splits.append(target.read_text())
    assert any(NUMBER[:15] in text for text in splits)
    marks = (NUMBER[:13].encode(), np.float64(NUMBER).tobytes())
    files = [path for path in home.rglob("*") if path.is_file()]
    assert len(files) > 20 and not [path for path in files if any(mark in path.read_bytes() for mark in marks)]
