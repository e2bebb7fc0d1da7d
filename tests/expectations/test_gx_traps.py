"""What Great Expectations passes or does on its own, and what stands around it. Each trap is shown, then closed."""

from __future__ import annotations

import json
import math
import os
import sys

import pyarrow as pa
import pytest
from validation_fixtures import SMALL, diagnosis, judge, replaced, suite_of

from hardline.expectations import run_gx
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.suite import SUPPORTED, parse_suite

BETWEEN = {"type": "expect_column_values_to_be_between", "kwargs": {"column": "mean radius", "max_value": 100}}


def _between(**more) -> bytes:
    return suite_of({**BETWEEN, "kwargs": {**BETWEEN["kwargs"], **more}})


@pytest.mark.parametrize("value", [math.nan, None], ids=["nan", "null"])
def test_gx_passes_an_empty_column_in_a_range_and_the_gate_does_not(value):
    table = replaced(diagnosis(), "mean radius", dict.fromkeys(range(569), value))
    assert run_gx.run(_between(), table) == (True,)
    assert judge(table, SMALL).decision == "REJECT"


def test_gx_passes_infinity_above_a_minimum_and_the_gate_does_not():
    only_minimum = suite_of(
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "mean radius", "min_value": 0}}
    )
    table = replaced(diagnosis(), "mean radius", {4: math.inf})
    assert run_gx.run(only_minimum, table) == (True,)
    assert int((~judge(table, only_minimum).mask).sum()) == 1


def test_gx_passes_an_empty_frame_and_the_gate_does_not():
    empty = diagnosis().slice(0, 0)
    assert run_gx.run(_between(), empty) == (True,)
    assert judge(empty, _between()).decision != "ACCEPT"


def test_an_empty_suite_is_refused():
    with pytest.raises(ContractError, match="at least one expectation"):
        parse_suite(json.dumps({"name": "empty", "expectations": []}).encode())


@pytest.mark.parametrize(
    "more",
    [
        {"row_condition": "@pd.io.common.os.getpid() > 0", "condition_parser": "pandas"},
        {"row_condition": "a > 0"},
        {"condition_parser": "pandas"},
        {"row_condition": {"type": "pass_through", "pass_through_filter": "a > 0"}},
        {"strict_mim": True},
    ],
    ids=["code", "row_condition", "condition_parser", "pass_through", "misspelt"],
)
def test_arguments_that_are_not_listed_are_refused(more):
    with pytest.raises(ContractError, match="only the arguments|row_condition: "):
        parse_suite(_between(**more))


@pytest.mark.parametrize(
    "type_", ["unexpected_rows_expectation", "expect_column_values_to_match_like_pattern", "os.system"]
)
def test_types_that_are_not_listed_are_refused_with_the_list(type_):
    with pytest.raises(ContractError) as refused:
        parse_suite(suite_of({"type": type_, "kwargs": {"column": "a"}}))
    assert all(name in str(refused.value) for name in SUPPORTED)


def test_raw_sql_is_refused():
    query = {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": "SELECT 1"}}
    with pytest.raises(ContractError, match="supported"):
        parse_suite(suite_of(query))


@pytest.mark.parametrize("meta", [None, {}, {"reason": ""}, {"reason": "  "}, {"reason": 1}])
def test_an_expectation_without_a_reason_is_refused(meta):
    value = {"name": "test", "expectations": [{**BETWEEN, "meta": meta}]}
    with pytest.raises(ContractError, match="reason"):
        parse_suite(json.dumps(value).encode())


def test_an_unknown_severity_is_refused():
    value = {"name": "test", "expectations": [{**BETWEEN, "meta": {"reason": "x"}, "severity": "mild"}]}
    with pytest.raises(ContractError, match="critical, warning, info"):
        parse_suite(json.dumps(value).encode())


def test_results_are_matched_by_position_and_not_by_order():
    """Great Expectations sorts by column; the two answers below must not change places."""
    mixed = suite_of(
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "z", "max_value": 0}},
        {"type": "expect_column_values_to_be_between", "kwargs": {"column": "a", "max_value": 2}},
    )
    assert run_gx.run(mixed, pa.table({"a": [1.0], "z": [1.0]})) == (False, True)


def test_gx_that_cannot_say_is_silent_and_not_a_pass():
    said = run_gx.run(_between(), pa.table({"another": [1.0]}))
    assert said[0] is not True


def test_gx_calls_nobody_and_writes_no_cell():
    """Whatever folders it makes, no file is written while a suite runs, and no address is looked up."""
    run_gx.run(SMALL, diagnosis())  # imports are done
    written, called, watching = [], [], [True]

    def watch(event, arguments):
        if not watching:
            return
        if event in ("socket.connect", "socket.getaddrinfo"):
            called.append(event)
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            written.append(arguments[0])

    sys.addaudithook(watch)
    try:
        run_gx.run(SMALL, diagnosis())
    finally:
        watching.clear()
    assert called == []
    assert written == []
