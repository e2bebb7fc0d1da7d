"""The gate over the diagnosis data: what it accepts, what it puts aside, what it refuses."""

from __future__ import annotations

import json
import math

import numpy as np
import pyarrow as pa
import pytest
from validation_fixtures import KEY, SMALL, SUITE_BYTES, contract, diagnosis, judge, replaced, shards, suite, suite_of

from hardline.expectations import gate, run_gx
from hardline.tasks.core.suite import parse_suite


def _refused(judgement) -> int:
    return int((~judgement.mask).sum())


def test_the_data_is_accepted_whole():
    found = judge(diagnosis(), SUITE_BYTES)
    assert (found.decision, found.reasons, _refused(found)) == ("ACCEPT", (), 0)
    assert found.evaluated == len(suite().expectations) > 0
    assert len(found.mask) == 569
    assert set(found.engines) == {"compiler on polars", "great-expectations"}


def test_a_few_bad_rows_are_put_aside_and_the_rest_is_accepted():
    table = replaced(diagnosis(), "mean radius", {5: None, 6: math.nan, 9: 1e6})
    table = replaced(table, "diagnosis", {10: "unclear"})
    found = judge(table, SUITE_BYTES)
    assert found.decision == "ACCEPT", found.reasons
    assert _refused(found) == 4
    parts = pa.concat_tables([part for _, part in shards(table)()])
    kept = parts.filter(pa.array(found.mask))
    assert np.isfinite(kept.column("mean radius").to_numpy()).all()
    assert "unclear" not in kept.column("diagnosis").to_pylist()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # numpy's word for inf - inf
def test_infinities_are_put_aside():
    found = judge(replaced(diagnosis(), "mean radius", {7: math.inf, 8: -math.inf}), SMALL)
    assert (found.decision, _refused(found)) == ("ACCEPT", 2), found.reasons


def test_too_many_bad_rows_are_refused():
    budget = contract().budget.rows
    found = judge(replaced(diagnosis(), "mean radius", dict.fromkeys(range(budget + 1), math.nan)), SUITE_BYTES)
    assert found.decision == "REJECT"
    assert _refused(found) == budget + 1
    assert "budget" in found.reasons[0]


def test_the_budget_is_a_limit_and_not_a_refusal():
    found = judge(replaced(diagnosis(), "mean radius", dict.fromkeys(range(contract().budget.rows), math.nan)), SMALL)
    assert found.decision == "ACCEPT", found.reasons


@pytest.mark.parametrize("value", [None, math.nan], ids=["null", "nan"])
def test_an_empty_column_is_refused_though_gx_passes_its_range(value):
    table = replaced(diagnosis(), "mean radius", dict.fromkeys(range(569), value))
    assert judge(table, SMALL).decision == "REJECT"


def test_a_class_that_is_missing_is_refused():
    table = diagnosis()
    only = table.filter(pa.array(np.array(table.column("diagnosis").to_pylist()) == "benign"))
    assert judge(only, SMALL).decision == "REJECT"


def test_a_feature_that_never_varies_is_refused():
    found = judge(replaced(diagnosis(), "radius error", dict.fromkeys(range(569), 0.4)), SMALL)
    assert found.decision == "REJECT"


def test_no_rows_trains_nothing():
    found = judge(diagnosis().slice(0, 0), SMALL)
    assert found.decision != "ACCEPT"
    assert len(found.mask) == 0


def _with_split(split: str):
    table = diagnosis()
    return lambda: iter([(split, table)])


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_split_without_rows_is_refused(split):
    found = gate.judge(contract(), parse_suite(SMALL), SMALL, _with_split(split), KEY)
    assert found.decision == "REJECT"
    assert any("split" in reason for reason in found.reasons)


@pytest.mark.parametrize("answer", ["flipped", "silent"])
def test_engines_that_differ_or_are_silent_are_an_error(monkeypatch, answer):
    """The one place where an engine is replaced: its real answer is changed at one position."""
    real = run_gx.run

    def other(suite_bytes, table):
        said = list(real(suite_bytes, table))
        said[4] = (not said[4]) if answer == "flipped" else None
        return tuple(said)

    monkeypatch.setattr(run_gx, "run", other)
    found = judge(diagnosis(), SMALL)
    assert found.decision == "ERROR"
    assert found.evaluated == len(parse_suite(SMALL).expectations) - 1


def test_two_expectations_that_gx_takes_for_one_are_an_error():
    """Great Expectations keeps the later of two of one type on one column; a rule it dropped is never a pass."""
    twice = suite_of(
        *(
            {"type": "expect_column_values_to_be_between", "kwargs": {"column": "mean radius", "max_value": bound}}
            for bound in (500, 400)
        )
    )
    assert judge(diagnosis(), twice).decision in ("ACCEPT", "ERROR")
    broken = replaced(diagnosis(), "mean radius", dict.fromkeys(range(569), 450.0))
    assert judge(broken, twice).decision != "ACCEPT"


def test_above_the_limit_a_keyed_sample_is_shown_to_gx(monkeypatch):
    seen = []
    real = run_gx.run

    def counting(suite_bytes, table):
        seen.append(table)
        return real(suite_bytes, table)

    monkeypatch.setattr(gate, "GX_ROWS", 400)
    monkeypatch.setattr(run_gx, "run", counting)
    small = suite_without_counts()
    for key in (KEY, KEY, bytes(32)):
        found = gate.judge(contract(), parse_suite(small), small, shards(diagnosis()), key)
        assert found.decision == "ACCEPT", found.reasons
    assert [table.num_rows for table in seen] == [400, 400, 400]
    assert seen[0].equals(seen[1])
    assert not seen[0].equals(seen[2])


def suite_without_counts() -> bytes:
    value = json.loads(SMALL)
    value["expectations"] = [e for e in value["expectations"] if "row_count" not in e["type"]]
    return json.dumps(value).encode()


def test_nothing_of_a_cell_stands_in_what_is_kept():
    found = judge(replaced(diagnosis(), "mean radius", {5: 98765.4321}), SMALL)
    text = repr((found.rules, found.reasons, found.engines))
    assert "98765" not in text
