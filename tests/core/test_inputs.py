"""Rows as a net takes them, by the contract alone."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from test_contract import CATEGORY, NULLABLE, _with

from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.inputs import encode, level_indices, positions

CONTRACT = parse_contract(_with(CATEGORY + NULLABLE))


def table(ward, age):
    rest = {column.name: pa.array([1.5] * len(ward), pa.float64()) for column in CONTRACT.feature_columns[2:]}
    return pa.table({"ward": pa.array(ward, pa.string()), "age": pa.array(age, pa.int64()), **rest})


def test_levels_unknown_values_and_missing_ones():
    rows = encode(CONTRACT, table(["south", "west", None, "", "north"], [40, None, 0, 61, 18]))
    assert rows.dtype == np.float32 and rows.shape == (5, len(CONTRACT.inputs))
    assert rows[:, :6].tolist() == [
        [0, 1, 0, 0, 40, 0],
        [0, 0, 1, 0, 61, 1],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 1, 0, 61, 0],
        [1, 0, 0, 0, 18, 0],
    ]
    assert (rows[:, 6:] == 1.5).all()


def test_no_rows():
    assert encode(CONTRACT, table([], [])).shape == (0, len(CONTRACT.inputs))


def test_what_must_not_be_missing_is_refused_without_its_value():
    rows = table(["south"], [40]).set_column(2, "mean radius", pa.array([None], pa.float64()))
    with pytest.raises(ContractError, match="'mean radius': a value in every row expected, got 1 missing"):
        encode(CONTRACT, rows)


def test_a_label_that_is_not_listed_is_refused():
    column = CONTRACT.column("diagnosis")
    assert level_indices(column, pa.chunked_array([["benign", "malignant"], ["benign"]])).tolist() == [1, 0, 1]
    with pytest.raises(ContractError, match="got 1 others") as refused:
        level_indices(column, pa.chunked_array([["benign", "unsure"]]))
    assert "unsure" not in str(refused.value)


def test_the_value_of_a_column_has_one_place():
    place = positions(CONTRACT.inputs)
    assert place["age"] == 4 and "ward" not in place
    assert CONTRACT.inputs[place["mean radius"]].name == "mean radius"
