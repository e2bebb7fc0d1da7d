"""Our invariants alone: under a suite that asks nothing of any column, each still puts its rows aside."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from validation_fixtures import diagnosis, judge, replaced, shards_of, suite_of

from hardline.expectations import compiler
from hardline.tasks.core.suite import parse_suite

NOTHING = suite_of({"type": "expect_table_column_count_to_equal", "kwargs": {"value": 31}})


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("mean radius", None, "required"),
        ("mean radius", math.nan, "finite"),
        ("mean radius", math.inf, "finite"),
        ("mean radius", -math.inf, "finite"),
        ("mean radius", -1.0, "valid_range"),
        ("mean radius", 1e6, "valid_range"),
        ("diagnosis", None, "required"),
        ("diagnosis", "unclear", "known_level"),
        ("diagnosis", "Benign", "known_level"),
    ],
)
def test_an_invariant_needs_no_suite(column, value, rule):
    found = judge(replaced(diagnosis(), column, {5: value}), NOTHING)
    assert int((~found.mask).sum()) == 1
    broken = [result.id for result in found.rules if not result.success]
    assert broken == [f"invariant:{rule}:{column}"]
    assert found.decision == "ACCEPT"


def test_the_standard_deviation_is_that_of_a_sample():
    table = pa.table({"a": [1.0, 2.0, 3.0, 4.0]})  # 1.2910 over n - 1, 1.1180 over n
    for low, high, holds in ((1.29, 1.30, True), (1.11, 1.12, False)):
        rule = {
            "type": "expect_column_stdev_to_be_between",
            "kwargs": {"column": "a", "min_value": low, "max_value": high},
        }
        assert compiler.run(parse_suite(suite_of(rule)), shards_of(table)).success == (holds,)
