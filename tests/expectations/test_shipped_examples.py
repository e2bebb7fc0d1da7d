"""digits and payments: equal bytes each time, accepted by the real gate, and every expectation is seen failing once."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import yaml
from shipped_fixtures import contract, judged, source, suite, table
from validation_fixtures import replaced, shards_of

from hardline.expectations import compiler, shipped
from hardline.expectations.payments_generator import payments
from hardline.tasks.core.errors import UsageError

NAMES = ("digits", "payments")
CASES = [(name, position) for name in NAMES for position in range(len(suite(name).expectations))]


def _breaking(name: str, expectation) -> pa.Table:
    """A change that breaks one expectation."""
    whole, kwargs, kind = table(name), expectation.kwargs, expectation.type
    column, rows = kwargs.get("column"), range(table(name).num_rows)
    if kind == "expect_table_columns_to_match_ordered_list":
        return whole.select([*whole.column_names[1:], whole.column_names[0]])
    if kind == "expect_table_row_count_to_be_between":
        return whole.slice(0, kwargs["min_value"] - 1)
    if kind == "expect_column_pair_values_a_to_be_greater_than_b":
        row = next(row for row in rows if whole.column(kwargs["column_B"])[row].as_py() is not None)
        return replaced(whole, kwargs["column_A"], {row: whole.column(kwargs["column_B"])[row].as_py() - 1})
    if kind in ("expect_column_values_to_not_be_null", "expect_column_values_to_be_null"):
        at = 3
        if expectation.kwargs.get("row_condition"):
            wanted = expectation.kwargs["row_condition"].parameter
            at = whole.column("card_present").to_pylist().index(wanted)
        return replaced(whole, column, {at: None if kind.endswith("not_be_null") else 5})
    if kind == "expect_column_values_to_be_between":
        return replaced(whole, column, {3: kwargs["max_value"] + 1})
    if kind == "expect_column_values_to_be_in_set":
        share = 1 if "mostly" not in kwargs else len(rows) // 5
        return replaced(whole, column, dict.fromkeys(range(share), "something else"))
    if kind == "expect_column_values_to_match_regex":
        return replaced(whole, column, {3: "4929123412341234"})
    if kind == "expect_column_values_to_not_match_regex":
        return replaced(whole, column, {3: " "})
    if kind == "expect_column_distinct_values_to_equal_set":
        return replaced(whole, column, dict.fromkeys(rows, kwargs["value_set"][0]))
    if kind == "expect_column_unique_value_count_to_be_between":
        return replaced(whole, column, dict.fromkeys(rows, whole.column(column)[0].as_py()))
    if kind == "expect_column_kl_divergence_to_be_less_than":
        moved, part = {"digits": ("7", 6), "payments": ("fraud", 40)}[
            name
        ]  # a sixth of the digits, a fortieth of the payments
        return replaced(whole, column, dict.fromkeys(range(len(rows) // part), moved))
    if kind == "expect_column_proportion_of_non_null_values_to_be_between":
        return replaced(whole, column, dict.fromkeys(range(len(rows) // 2), None))
    assert kind.removeprefix("expect_column_") in {"mean_to_be_between", "median_to_be_between"}, kind
    return replaced(whole, column, dict.fromkeys(rows, int(kwargs["max_value"] + 1)))


@pytest.mark.parametrize(("name", "position"), CASES, ids=lambda at: str(at))
def test_a_shipped_expectation_fails_on_what_it_is_for(name, position):
    expectation = suite(name).expectations[position]
    alone = replace(suite(name), expectations=(expectation,))
    assert compiler.run(alone, shards_of(table(name))).success == (True,)
    assert compiler.run(alone, shards_of(_breaking(name, expectation))).success == (False,)


@pytest.mark.parametrize("name", NAMES)
def test_the_gate_accepts_the_data_whole(name):
    found = judged(name, table(name))
    assert (found.decision, found.reasons, found.warnings) == ("ACCEPT", (), ())
    assert found.mask.all()
    assert found.evaluated == len(suite(name).expectations)


def test_the_gate_refuses_a_broken_column():
    images = table("digits")
    brighter = images.column("image").combine_chunks().flatten().to_numpy() * 16  # as 0 to 255
    moved = pa.FixedSizeListArray.from_arrays(pa.array(brighter, pa.float32()), 64)
    assert judged("digits", images.set_column(0, "image", moved)).decision == "REJECT"
    rows = table("payments").num_rows
    found = judged("payments", replaced(table("payments"), "spent_24h", dict.fromkeys(range(rows), 0.02)))
    assert found.decision == "REJECT"


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_pair_fits_and_says_why(name):
    suite(name).check_against(contract(name))
    assert all(len(expectation.reason) > 30 for expectation in suite(name).expectations)
    text = (shipped.folder(name) / "contract.odcs.yaml").read_text()
    for column in yaml.safe_load(text)["schema"][0]["properties"]:
        assert len(column["description"]) > 20, column["name"]


def test_what_stands_in_and_what_is_synthetic_is_said():
    assert "road signs" in contract("digits").description
    assert "synthetic" in contract("payments").description
    assert shipped.SYNTHETIC == ("payments",)


def test_the_ranges_hold_the_payments_and_the_relation_holds_on_them():
    frame, declared = table("payments"), contract("payments")
    for column in declared.feature_columns:
        if column.valid is not None:
            values = frame.column(column.name).drop_null().to_numpy()
            assert float(column.valid[0]) <= values.min() <= values.max() <= float(column.valid[1]), column.name
            inside = (float(column.scale[0]) <= values) & (values <= float(column.scale[1]))
            assert inside.mean() > 0.8, column.name
    for relation in declared.threat.relations:
        total = sum(float(factor) * frame.column(name).to_numpy() for name, factor in relation.terms)
        assert (total >= float(relation.lower)).all()
    assert declared.threat.attackable == (declared.classes.index("fraud"),)


def test_equal_bytes_in_every_process():
    code = "import hashlib; from hardline.expectations.shipped import EXAMPLES as e; "
    code += "print(*(hashlib.sha256(e[name].data()).hexdigest() for name in e))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [hashlib.sha256(example.data()).hexdigest() for example in shipped.EXAMPLES.values()]


def test_no_clock_in_the_archive():
    with zipfile.ZipFile(io.BytesIO(source("digits"))) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("name", shipped.NAMES)
def test_a_source_is_written_once(name, tmp_path):
    path = tmp_path / "made" / shipped.file_name(name)
    shipped.write_source(name, path)
    first = path.stat()
    shipped.write_source(name, path)
    assert path.stat().st_mtime_ns == first.st_mtime_ns
    assert path.stat().st_ino == first.st_ino
    path.write_bytes(b"something else")
    shipped.write_source(name, path)
    assert path.read_bytes() == shipped.EXAMPLES[name].data()
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_a_name_that_is_none_is_refused(tmp_path):
    for call in (shipped.folder, shipped.file_name, lambda name: shipped.write_source(name, tmp_path / "x")):
        with pytest.raises(UsageError, match="diagnosis, digits, payments"):
            call("../payments")


def test_the_generator_follows_its_seed():
    assert payments(500, 1).equals(payments(500, 1))
    assert not payments(500, 1).equals(payments(500, 2))
    labels = table("payments").column("fraud").to_pylist()
    assert len(labels) == 50_000
    assert 0.008 < labels.count("fraud") / len(labels) < 0.012


def test_a_baseline_finds_much_of_the_fraud_and_not_all_of_it():
    """The task is neither noise nor given away: average precision of gradient boosting on a 70/30 split."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import average_precision_score

    from hardline.tasks.core.inputs import encode

    x = encode(contract("payments"), table("payments"))
    y = np.array(table("payments").column("fraud").to_pylist()) == "fraud"
    order = np.random.default_rng(0).permutation(len(y))
    train, test = np.split(order, [35_000])
    model = HistGradientBoostingClassifier(random_state=0).fit(x[train], y[train])
    precision = average_precision_score(y[test], model.predict_proba(x[test])[:, 1])
    assert 0.5 < precision < 0.85, precision
