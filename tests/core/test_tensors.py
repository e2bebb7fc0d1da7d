"""Tensors as columns: their Arrow types by name, and the split of a row by its bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from hardline.tasks.core.arrow_types import arrow_type, elements, matrix
from hardline.tasks.core.contract import SplitRule
from hardline.tasks.core.errors import Malformed
from hardline.tasks.core.rows import assign_splits

RULE, KEY = SplitRule(50, None), bytes(32)


def column(values, chunks=1):
    array = pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
    size = -(-len(values) // chunks)
    return pa.chunked_array([array.slice(start, size) for start in range(0, len(values), size)])


@pytest.mark.parametrize("type_", [pa.list_(pa.uint8(), 784), pa.list_(pa.float32(), 3)])
def test_a_tensor_is_known_by_its_name(type_):
    assert arrow_type(str(type_)) == type_


@pytest.mark.parametrize(
    "name",
    [
        "fixed_size_list<item: int8>[3]", "fixed_size_list<item: uint8>[0]", "fixed_size_list<item: uint8>[03]",
        "fixed_size_list<item: uint8>[9999999999]", "fixed_size_list<element: uint8>[3]", "list<item: uint8>",
        "fixed_size_list<item: uint8>[3]x", "fixed_size_list<item: uint8 not null>[3]",
    ],
)  # fmt: skip
def test_another_name_is_none(name):
    with pytest.raises(Malformed):
        arrow_type(name)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_equal_rows_fall_into_the_same_split_however_they_are_cut(dtype):
    values = np.random.default_rng(0).integers(0, 9, (300, 4)).astype(dtype)
    values[200:] = values[:100]
    one = assign_splits(pa.table({"i": column(values)}), RULE, KEY)
    many = assign_splits(pa.table({"i": column(values, 7)}), RULE, KEY)
    assert (one == many).all() and (one[200:] == one[:100]).all()
    assert 90 < one.sum() < 210
    assert (assign_splits(pa.table({"i": column(values)}), RULE, b"k" * 32) != one).any()
    assert (matrix(column(values, 7)) == values).all()
    assert elements(column(values, 7)).to_pylist() == values.reshape(-1).tolist()


def test_a_negative_zero_is_a_zero():
    plain = np.zeros((64, 2), np.float32)
    assert (
        assign_splits(pa.table({"i": column(plain)}), RULE, KEY)
        == assign_splits(pa.table({"i": column(-plain)}), RULE, KEY)
    ).all()
