"""The gradient attacker of evaluation: independent of the trainer, exact where the answer is known, never outside."""

from __future__ import annotations

import ast
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import torch
from hardening_fixtures import category, contract, diagnosis, feature

import hardline.tasks.hardening.evaluation as judge
import hardline.tasks.hardening.gradient as module
from hardline.tasks.core.contract import LinearRelation
from hardline.tasks.hardening.gradient import climb
from hardline.tasks.hardening.search import permitted, search

ONE = np.array([1], dtype=np.int64)


class Linear(torch.nn.Module):
    """Class 1 where weights @ x > bias."""

    def __init__(self, weights, bias):
        super().__init__()
        self.weights = torch.nn.Parameter(torch.tensor(weights))
        self.bias = bias

    def forward(self, x):
        value = x @ self.weights - self.bias
        return torch.stack([-value, value], 1)


def answers(net):
    def predict(rows):
        with torch.no_grad():
            return net(torch.from_numpy(rows)).numpy()

    return predict


def attack(net, values, bound):
    return climb(net, answers(net), np.array([values], dtype=np.float32), ONE, bound, seed=0)


def imported(source):
    names = set()
    for node in ast.walk(ast.parse(Path(source.__file__).read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("source", [module, judge])
def test_no_attack_of_the_trainer_judges(source):
    trainer = {f"hardline.tasks.hardening.{name}" for name in ("attacks", "methods")}
    assert not imported(source) & trainer


@pytest.mark.parametrize(("bias", "broken"), [(0.81, True), (0.79, False)])
def test_it_is_exact_on_a_linear_net(bias, broken):
    net = Linear([1.0, 1.0], bias)
    assert attack(net, [0.5, 0.5], contract([feature("a"), feature("b")]))[1].tolist() == [broken]


@pytest.mark.parametrize("changes", [{"immutable": True}, {"direction": "increase"}, {"epsilon": Decimal("0.05")}])
def test_each_promise_stops_it(changes):
    net = Linear([1.0, 1.0], 0.81)
    assert attack(net, [0.5, 0.5], contract([feature("a"), feature("b")]))[1].all()
    assert not attack(net, [0.5, 0.5], contract([feature("a", **changes), feature("b")]))[1].any()


def test_it_walks_along_a_relation():
    # b may not fall below a: both have to fall together.
    relation = LinearRelation((("b", Decimal(1)), ("a", Decimal(-1))), Decimal(0))
    bound = contract([feature("a"), feature("b")], relations=[relation])
    moved, found = attack(Linear([0.0, 1.0], 0.41), [0.5, 0.5], bound)
    assert found.all()
    assert moved[0, 1] >= moved[0, 0] - 1e-6


def test_a_net_without_gradients_is_tried_at_random():
    class Step(torch.nn.Module):
        def forward(self, x):
            value = (x.detach().sum(1) > 0.99).float()
            return torch.stack([1 - value, value], 1)

    assert attack(Step(), [0.5, 0.5], contract([feature("a"), feature("b")]))[1].all()


def test_on_real_rows_immutable_columns_stand_still_and_both_families_agree():
    # The two attackers see the same limits and have nothing else in common, so a gap would be a bug of one.
    bound, _, _, x, _ = diagnosis()
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(30, generator=generator) / torch.tensor(
        [float(column.scale[1] - column.scale[0]) for column in bound.feature_columns]
    )
    net = Linear(weights.tolist(), float(np.median(x @ weights.numpy())))
    predict = answers(net)
    labels = predict(x).argmax(1).astype(np.int64)
    fixed = [position for position, column in enumerate(bound.feature_columns) if column.immutable]
    assert len(fixed) == 10
    results = [climb(net, predict, x, labels, bound, seed=0), search(predict, x, labels, bound, seed=0)]
    for moved, found in results:
        assert 0.2 < found.mean() < 1
        assert (moved[:, fixed] == x[:, fixed]).all()
        assert (moved != x).any()
        assert permitted(moved, x, labels, bound).all()
        assert (predict(moved).argmax(1) != labels)[found].all()
    assert abs(results[0][1].mean() - results[1][1].mean()) < 0.02


def test_the_trainers_threat_leaves_missing_values_and_categories_alone():
    from hardline.tasks.hardening.attacks import Threat

    threat = Threat.of(contract([feature("a", nullable=True, fill=Decimal("0.5")), category("c", "x", "y")]))
    z = torch.tensor([[0.5, 1.0, 1.0, 0.0], [0.5, 0.0, 0.0, 1.0]])
    lower, upper = threat.box(z, torch.tensor([0, 1]))
    assert torch.equal(lower[0], z[0]) and torch.equal(upper[0], z[0])
    assert (upper - lower)[1].tolist() == pytest.approx([0.2, 0, 0, 0])
