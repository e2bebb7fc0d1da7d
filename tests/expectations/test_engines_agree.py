"""The two engines on one suite of the shipped types, over clean, broken and non-finite columns, each named."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from validation_fixtures import shards_of, suite_of

from hardline.expectations import compiler, run_gx
from hardline.tasks.core.suite import parse_suite

ROWS = 60

SUITE = suite_of(
    {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "a", "min_value": 0, "max_value": 1}},
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "b", "max_value": 0.5}},
    {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "c", "value_set": ["x", "y"]}},
    {"type": "expect_column_pair_values_a_to_be_greater_than_b", "kwargs": {"column_A": "a", "column_B": "b"}},
    {
        "type": "expect_column_pair_values_a_to_be_greater_than_b",
        "kwargs": {"column_A": "b", "column_B": "a", "or_equal": True},
    },
    {"type": "expect_table_columns_to_match_ordered_list", "kwargs": {"column_list": ["a", "b", "c"]}},
    {"type": "expect_table_column_count_to_equal", "kwargs": {"value": 3}},
    {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 60, "max_value": 60}},
    {"type": "expect_column_mean_to_be_between", "kwargs": {"column": "a", "min_value": 0.4, "max_value": 0.6}},
    {"type": "expect_column_stdev_to_be_between", "kwargs": {"column": "a", "min_value": 0.2, "max_value": 0.4}},
    {"type": "expect_column_min_to_be_between", "kwargs": {"column": "b", "min_value": 0}},
    {"type": "expect_column_max_to_be_between", "kwargs": {"column": "b", "max_value": 1}},
    {"type": "expect_column_unique_value_count_to_be_between", "kwargs": {"column": "a", "min_value": 30}},
    {"type": "expect_column_distinct_values_to_equal_set", "kwargs": {"column": "c", "value_set": ["x", "y"]}},
)


def _table(a, b, c) -> pa.Table:
    return pa.table({"a": pa.array(a, pa.float64()), "b": pa.array(b, pa.float64()), "c": pa.array(c, pa.string())})


def _clean() -> tuple[list, list, list]:
    rng = np.random.default_rng(7)
    a = rng.uniform(0, 0.9, ROWS)
    return a.tolist(), (a / 2 + 0.5).tolist(), ["x", "y"] * (ROWS // 2)


def _cases():
    a, b, c = _clean()
    yield "clean", _table(a, b, c)
    for name, value in (("null", None), ("nan", math.nan), ("inf", math.inf), ("-inf", -math.inf), ("big", 9.0)):
        yield f"{name} in a", _table([value, *a[1:]], b, c)
        yield f"{name} in b", _table(a, [value, *b[1:]], c)
    yield "a all null", _table([None] * ROWS, b, c)
    yield "a all nan", _table([math.nan] * ROWS, b, c)
    yield "a constant", _table([0.5] * ROWS, b, c)
    yield "equal pair", _table(a, a, c)
    yield "both null", _table([None, *a[1:]], [None, *b[1:]], c)
    yield "unknown level", _table(a, b, ["z", *c[1:]])
    yield "null level", _table(a, b, [None, *c[1:]])
    yield "one level", _table(a, b, ["x"] * ROWS)
    yield "one row less", _table(a[1:], b[1:], c[1:])
    yield "one row", _table(a[:1], b[:1], c[:1])
    yield "negative zero", _table([-0.0, *a[1:]], b, c)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # numpy's word for inf - inf
@pytest.mark.parametrize(("name", "table"), list(_cases()), ids=[name for name, _ in _cases()])
def test_both_engines_say_the_same(name, table):
    suite = parse_suite(SUITE)
    compiled = compiler.run(suite, shards_of(table))
    said = run_gx.run(SUITE, table)
    differ = [suite.expectations[at].id for at in range(len(said)) if said[at] != compiled.success[at]]
    assert differ == []


@pytest.mark.parametrize("cut", [1, 7, 59])
def test_shards_change_nothing(cut):
    a, b, c = _clean()
    whole = _table([None, math.nan, *a[2:]], b, ["z", *c[1:]])
    suite = parse_suite(SUITE)
    parts = [whole.slice(0, cut), whole.slice(cut)]
    one, many = compiler.run(suite, shards_of(whole)), compiler.run(suite, shards_of(*parts))
    assert (one.success, one.violations) == (many.success, many.violations)
    assert (one.mask == many.mask).all()


def test_violations_are_counted_by_row():
    a, b, c = _clean()
    rules = suite_of(
        {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "a", "min_value": 0, "max_value": 1}},
        {"type": "expect_table_column_count_to_equal", "kwargs": {"value": 3}},
    )
    outcome = compiler.run(parse_suite(rules), shards_of(_table([9.0, -1.0, None, *a[3:]], b, c)))
    assert outcome.violations == (1, 2, None)
    assert np.flatnonzero(~outcome.mask).tolist() == [0, 1, 2]


def _quantile(low, high):
    return {"quantile_ranges": {"quantiles": [0.5], "value_ranges": [[low, high]]}}


def _kl(threshold):
    return {"partition_object": {"bins": [0, 1, 2], "weights": [0.5, 0.5]}, "threshold": threshold}


@pytest.mark.parametrize(
    ("kind", "values", "kwargs", "holds"),
    [
        ("column_quantile_values_to_be_between", [10.0] * 3, _quantile(10.0009, 11), True),  # within 1e-4 of the bound
        ("column_quantile_values_to_be_between", [10.0] * 3, _quantile(10.002, 11), False),
        ("column_values_to_be_unique", [0.0, -0.0, 1.0], {}, False),
        ("column_unique_value_count_to_be_between", [0.0, -0.0, 1.0], {"min_value": 3}, False),
        ("column_values_to_be_in_set", [0.0, -0.0], {"value_set": [0]}, True),
        ("column_kl_divergence_to_be_less_than", [0.0, 0.5, 1.0, 2.0], _kl(1e-9), True),  # the last edge is inside
        (
            "column_kl_divergence_to_be_less_than",
            [0.0, 0.5, 1.0, 2.1],
            _kl(100),
            False,
        ),  # beyond it nothing was expected
        ("column_sum_to_be_between", [None, math.nan], {"min_value": 0, "max_value": 0}, True),
        ("column_mean_to_be_between", [math.inf, 1.0], {"min_value": 0}, True),
        ("column_values_to_be_between", [1.0, 2.0], {"min_value": 1, "max_value": 2, "strict_max": True}, False),
        ("column_values_to_be_between", [1.0, 2.0, 3.0, 9.0], {"max_value": 3, "mostly": 0.75}, True),
        ("column_values_to_be_between", [1.0, 2.0, 3.0, 9.0], {"max_value": 3, "mostly": 0.76}, False),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_both_engines_draw_the_same_fine_line(kind, values, kwargs, holds):
    rule = suite_of({"type": f"expect_{kind}", "kwargs": {"column": "a", **kwargs}})
    table = pa.table({"a": pa.array(values, pa.float64())})
    assert run_gx.run(rule, table) == (holds,)
    assert compiler.run(parse_suite(rule), shards_of(table)).success == (holds,)
