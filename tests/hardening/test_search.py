"""The search finds what exists, finds nothing that is not permitted, and is independent of the trainer."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hardening_fixtures import category, contract, feature
from hypothesis import given, settings
from hypothesis import strategies as st

import hardline.tasks.hardening.search as module
from hardline.tasks.core.contract import LinearRelation
from hardline.tasks.core.errors import ContractError
from hardline.tasks.hardening.search import permitted, search


def linear(weights, bias):
    """Scores of a linear net: class 1 where weights @ x > bias."""
    weights = np.asarray(weights)

    def predict(x):
        value = x @ weights - bias
        return np.stack([-value, value], axis=1)

    return predict


def rows(*values):
    return np.array(values, dtype=np.float32)


ONE = np.array([1], dtype=np.int64)


def test_it_imports_nothing_else_of_hardening():
    tree = ast.parse(Path(module.__file__).read_text())
    names = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    names |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not {name for name in names if "hardening" in name or name.startswith("torch")}


@pytest.mark.parametrize(("bias", "broken"), [(0.81, True), (0.79, False)])
def test_it_is_exact_on_a_linear_net(bias, broken):
    # From (.5, .5) two features with radius .1 lower the sum to .8 and no further.
    _, found = search(linear([1, 1], bias), rows([0.5, 0.5]), ONE, contract([feature("a"), feature("b")]))
    assert found.tolist() == [broken]


@pytest.mark.parametrize(
    "changes",
    [
        {"immutable": True},
        {"direction": "increase"},
        {"valid": (Decimal("0.45"), Decimal(1))},
        {"epsilon": Decimal("0.05")},
        {"type": "integer"},
    ],
)
def test_each_promise_stops_it(changes):
    free = contract([feature("a"), feature("b")])
    bound = contract([feature("a", **changes), feature("b")])
    x = rows([1.0 if "type" in changes else 0.5, 0.5])
    predict = linear([1, 1], x.sum() - 0.19)
    assert search(predict, x, ONE, free)[1].all()
    assert not search(predict, x, ONE, bound)[1].any()


def test_a_direction_still_leaves_the_other():
    only_down = contract([feature("a", direction="decrease"), feature("b", direction="decrease")])
    assert search(linear([1, 1], 0.81), rows([0.5, 0.5]), ONE, only_down)[1].all()


def test_a_class_that_is_not_attackable_stays():
    assert not search(linear([1], 0.45), rows([0.5]), ONE, contract([feature("a")], attackable=(0,)))[1].any()


def test_a_relation_stops_it():
    relation = LinearRelation((("a", Decimal(1)), ("b", Decimal(1))), Decimal("0.9"))
    predict, x = linear([1, 1], 0.85), rows([0.5, 0.5])
    assert search(predict, x, ONE, contract([feature("a"), feature("b")]))[1].all()
    assert not search(predict, x, ONE, contract([feature("a"), feature("b")], relations=[relation]))[1].any()


def test_it_walks_along_a_relation():
    # b may not fall below a: both have to fall together.
    relation = LinearRelation((("b", Decimal(1)), ("a", Decimal(-1))), Decimal(0))
    bound = contract([feature("a"), feature("b")], relations=[relation])
    moved, found = search(linear([0, 1], 0.41), rows([0.5, 0.5]), ONE, bound)
    assert found.all()
    assert moved[0, 1] >= moved[0, 0] - 1e-6


def test_whole_numbers_stay_whole():
    bound = contract([feature("count", ("0", "100"), type="integer"), feature("b")])
    moved, found = search(linear([1, 0], 42.5), rows([50, 0.5]), ONE, bound)
    assert found.all()
    assert moved[0, 0] in (40, 41, 42)


@pytest.mark.parametrize("moved", [[0.61, 0.5], [0.5, 0.39], [np.nan, 0.5], [np.inf, 0.5]])
def test_outside_the_radius_is_not_permitted(moved):
    both = contract([feature("a"), feature("b")])
    assert not permitted(rows(moved), rows([0.5, 0.5]), ONE, both).any()
    assert permitted(rows([0.6, 0.4]), rows([0.5, 0.5]), ONE, both).all()


def test_a_broken_relation_of_the_clean_row_is_not_broken_further():
    relation = LinearRelation((("a", Decimal(1)),), Decimal("0.6"))
    bound = contract([feature("a")], relations=[relation])
    assert permitted(rows([0.5]), rows([0.5]), ONE, bound).all()
    assert not permitted(rows([0.49]), rows([0.5]), ONE, bound).any()


def test_a_feature_without_a_scale_is_refused():
    with pytest.raises(ContractError, match="column 'a'"):
        search(linear([1], 0), rows([0.5]), ONE, contract([feature("a", scale=("0", "1")), _bare()]))


def _bare():
    from dataclasses import replace

    return replace(feature("a"), scale=None)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), relations=st.integers(0, 3))
def test_every_row_it_reports_is_wrong_and_permitted(seed, relations):
    rng = np.random.default_rng(seed)
    names = [f"f{number}" for number in range(6)]
    features = [
        feature(
            name, ("-3", "7"), immutable=bool(rng.random() < 0.2),
            direction=str(rng.choice(["both", "increase", "decrease"])),
            epsilon=Decimal(int(rng.integers(1, 20))) / 100,
        )
        for name in names
    ]  # fmt: skip
    drawn = [
        LinearRelation(
            tuple((name, Decimal(int(rng.integers(-3, 4)))) for name in names), Decimal(int(rng.integers(-9, 3)))
        )
        for _ in range(relations)
    ]
    bound = contract(features, relations=drawn)
    x = rng.uniform(-3, 7, (20, 6)).astype(np.float32)
    predict = linear(rng.normal(size=6), rng.normal())
    y = predict(x).argmax(1).astype(np.int64)
    moved, found = search(predict, x, y, bound, rounds=1, proposals=10)
    assert (predict(moved).argmax(1) != y)[found].all()
    assert permitted(moved, x, y, bound).all()
    assert (moved[~found] == x[~found]).all()


def test_half_a_count_and_a_class_at_rest_are_not_permitted():
    count = contract([feature("count", ("0", "100"), type="integer")], attackable=(1,))
    assert permitted(rows([49]), rows([50]), ONE, count).all()
    assert not permitted(rows([49.5]), rows([50]), ONE, count).any()
    assert not permitted(rows([49]), rows([50]), ONE - 1, count).any()


def test_a_missing_value_does_not_move():
    bound = contract([feature("a", nullable=True, fill=Decimal("0.5"))])
    clean = rows([0.5, 1.0], [0.5, 0.0])  # missing, and measured
    y = np.array([1, 1], dtype=np.int64)
    moved = rows([0.45, 1.0], [0.45, 0.0])
    assert permitted(moved, clean, y, bound).tolist() == [False, True]
    assert permitted(rows([0.5, 0.0], [0.5, 1.0]), clean, y, bound).tolist() == [False, False]
    _, found = search(linear([1, 0], 0.41), clean, y, bound)
    assert found.tolist() == [False, True]


def test_categories_stand_still():
    bound = contract([feature("a"), category("c", "x", "y")])
    clean, moved = rows([0.5, 1.0, 0.0]), rows([0.5, 0.0, 1.0])
    assert permitted(moved, clean, ONE, bound).tolist() == [False]
    _, found = search(linear([1, 1, 0], 1.41), clean, ONE, bound)
    assert found.tolist() == [True]
