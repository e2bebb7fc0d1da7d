"""Every shipped expectation is seen failing once, in both engines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml
from validation_fixtures import CONTRACT_BYTES, SMALL, contract, diagnosis, replaced, shards_of, suite

from hardline.expectations import compiler, run_gx
from hardline.tasks.core.suite import SUPPORTED, parse_suite

if TYPE_CHECKING:
    import pyarrow as pa


def _breaking(expectation) -> pa.Table:
    """The smallest change that breaks one expectation."""
    table, kwargs = diagnosis(), expectation.kwargs
    kind = expectation.type
    if kind == "expect_table_columns_to_match_ordered_list":
        return table.select([*table.column_names[1:], table.column_names[0]])
    if kind == "expect_table_column_count_to_equal":
        return table.select(table.column_names[1:])
    if kind == "expect_table_row_count_to_be_between":
        return table.slice(0, kwargs["min_value"] - 1)
    if kind == "expect_column_values_to_not_be_null":
        return replaced(table, kwargs["column"], {3: None})
    if kind == "expect_column_values_to_be_between":
        return replaced(table, kwargs["column"], {3: kwargs["max_value"] + 1.0})
    if kind == "expect_column_values_to_be_in_set":
        return replaced(table, kwargs["column"], {3: "unclear"})
    if kind == "expect_column_distinct_values_to_equal_set":
        return replaced(table, kwargs["column"], dict.fromkeys(range(table.num_rows), kwargs["value_set"][0]))
    if kind == "expect_column_pair_values_a_to_be_greater_than_b":
        low = table.column(kwargs["column_B"])[3].as_py() - 0.001
        return replaced(table, kwargs["column_A"], {3: low})
    rows = range(table.num_rows)
    if kind == "expect_column_stdev_to_be_between":
        return replaced(table, kwargs["column"], dict.fromkeys(rows, 1.0))
    if kind == "expect_column_unique_value_count_to_be_between":
        return replaced(table, kwargs["column"], dict.fromkeys(rows, 1.0))
    assert kind in {
        "expect_column_mean_to_be_between", "expect_column_min_to_be_between", "expect_column_max_to_be_between",
    }  # fmt: skip
    bound = kwargs.get("max_value")
    far = bound + 1.0 if bound is not None else kwargs["min_value"] - 1.0
    return replaced(table, kwargs["column"], dict.fromkeys(rows, far))


@pytest.mark.parametrize("position", range(len(suite().expectations)), ids=lambda at: suite().expectations[at].id)
def test_a_shipped_expectation_fails_on_what_it_is_for(position):
    expectation = suite().expectations[position]
    alone = replace(suite(), expectations=(expectation,))
    assert compiler.run(alone, shards_of(diagnosis())).success == (True,)
    assert compiler.run(alone, shards_of(_breaking(expectation))).success == (False,)


def test_great_expectations_fails_each_type_as_well():
    """One of each type: that all the others agree is the gate's own check, on every publish."""
    small = parse_suite(SMALL)
    for expectation in small.expectations:
        table = _breaking(expectation)
        said = run_gx.run(SMALL, table)
        if table.column_names[0] != "mean radius":  # the compiler is only shown tables of the contract's columns
            assert said[expectation.position] is False, expectation.id
            continue
        compiled = compiler.run(small, shards_of(table)).success
        assert said[expectation.position] is False, expectation.id
        assert said == compiled, expectation.id


def test_the_shipped_pair_fits():
    suite().check_against(contract())
    assert {e.type for e in suite().expectations} <= SUPPORTED.keys()
    assert all(len(e.reason) > 20 for e in suite().expectations)


def test_every_column_of_the_contract_is_described():
    for column in yaml.safe_load(CONTRACT_BYTES)["schema"][0]["properties"]:
        assert len(column["description"]) > 20, column["name"]


def test_the_ranges_hold_the_data_and_the_relations_hold_on_it():
    table = diagnosis()
    for column in contract().feature_columns:
        values = table.column(column.name).to_numpy()
        for low, high in filter(None, (column.valid, column.scale)):
            assert float(low) <= values.min() <= values.max() <= float(high), column.name
        assert column.immutable == column.name.endswith(" error"), column.name
    assert len(contract().threat.relations) >= 10
    assert contract().threat.attackable == (0, 1)
    for relation in contract().threat.relations:
        total = sum(float(factor) * table.column(name).to_numpy() for name, factor in relation.terms)
        assert (total >= float(relation.lower)).all(), relation
