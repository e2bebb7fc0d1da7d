"""Measuring: counts that are true, attackers that agree, and a report that can be signed."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hardening_fixtures import contract, diagnosis, feature
from test_fit import opened

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import ContractError, DigestMismatch, Malformed, UsageError
from hardline.tasks.hardening import evaluation, model_format
from hardline.tasks.hardening.evaluation import assess, measure, wilson
from hardline.tasks.hardening.fit import fit
from hardline.tasks.hardening.recipe import Recipe


@pytest.fixture(scope="module")
def measured():
    """The whole way on breast cancer, once: fit on the train split, assess on the test split."""
    bound, x, y, x_test, y_test = diagnosis()
    nets = fit(opened(bound, x, y), Recipe.named("balanced"))
    weights = {"hardened": nets.files["weights.safetensors"], "standard": nets.files["standard.safetensors"]}
    data = opened(bound, x_test, y_test)
    return assess(data, SimpleNamespace(architecture=nets.architecture), weights)


def test_the_report_has_the_agreed_form(measured):
    canonical.encode({"metrics": dict(measured.metrics)})  # raises for a float
    assert measured.rows == 171
    assert list(measured.metrics) == ["standard", "hardened"]
    for report in measured.metrics.values():
        assert report["rows"] == 171
        assert 0 <= report["robust"] <= report["clean"] <= 171
        permitted = [attacker["right"] for attacker in report["attackers"] if attacker["permitted"]]
        assert report["robust"] <= min(permitted)
        assert [attacker["name"] for attacker in report["attackers"]] == ["search", "pgd", "autoattack"]
        for what in ("clean", "robust", "rows"):
            assert sum(level[what] for level in report["classes"].values()) == report[what]
        low, high = report["interval"]["robust"]
        assert float(low) <= report["robust"] / 171 <= float(high)
    assert measured.plot.startswith(b"\x89PNG")


def test_hardening_hardens(measured):
    standard, hardened = measured.metrics["standard"], measured.metrics["hardened"]
    assert hardened["robust"] >= standard["robust"] + 0.2 * 171
    assert hardened["clean"] >= 0.85 * 171
    assert standard["clean"] >= 0.92 * 171


def test_the_two_families_of_permitted_attackers_agree(measured):
    # A defence that only hides gradients shows as a gradient attacker far weaker than the search.
    for report in measured.metrics.values():
        search, pgd, _ = (attacker["right"] for attacker in report["attackers"])
        assert abs(search - pgd) <= 0.05 * 171


class Line(torch.nn.Module):
    """Class 1 where the sum of the features exceeds a threshold, in raw units."""

    def __init__(self, threshold):
        super().__init__()
        self.threshold = torch.nn.Parameter(torch.tensor(threshold))

    def forward(self, x):
        value = x.sum(1) - self.threshold
        return torch.stack([-value, value], 1)


def line_rows():
    x = np.linspace(0.2, 0.8, 61, dtype=np.float32)[:, None].repeat(2, axis=1)
    return x, (x.sum(1) > 1.0001).astype(np.int64)


def test_counts_are_exact_on_a_line():
    # With radius .1 on both features a row falls when its sum is within .2 of the threshold.
    x, y = line_rows()
    report = measure(contract([feature("a"), feature("b")]), x, y, {"hardened": Line(1.0001)}).metrics["hardened"]
    expected = int((np.abs(x.astype(np.float64).sum(1) - 1.0001) > 0.2).sum())
    assert report["clean"] == 61
    assert report["robust"] == expected
    assert [attacker["right"] for attacker in report["attackers"]] == [expected] * 3


def test_a_promise_of_the_contract_counts_and_autoattack_ignores_it():
    x, y = line_rows()
    bound = contract([feature("a"), feature("b", immutable=True)])
    report = measure(bound, x, y, {"hardened": Line(1.0001)}).metrics["hardened"]
    right = {attacker["name"]: attacker["right"] for attacker in report["attackers"]}
    assert report["robust"] == right["search"] == right["pgd"] > right["autoattack"]


def test_a_net_that_is_wrong_everywhere_is_measured():
    x, y = line_rows()
    report = measure(contract([feature("a"), feature("b")]), x, 1 - y, {"hardened": Line(1.0001)}).metrics["hardened"]
    assert (report["clean"], report["robust"]) == (0, 0)


def test_the_net_and_torch_are_left_as_they_were():
    x, y = line_rows()
    net = Line(1.0001).train()
    state = torch.random.get_rng_state()
    first = measure(contract([feature("a"), feature("b")]), x, y, {"hardened": net})
    assert net.training
    assert net.threshold.requires_grad
    assert net.threshold.grad is None
    assert torch.equal(torch.random.get_rng_state(), state)
    again = measure(contract([feature("a"), feature("b")]), x, y, {"hardened": net})
    assert first.metrics == again.metrics
    assert hashlib.sha256(first.plot).digest() == hashlib.sha256(again.plot).digest()


def test_a_foreign_net_has_to_be_the_recorded_one():
    x, y = line_rows()
    net = Line(1.0001)
    document = SimpleNamespace(architecture=model_format.architecture(net))
    weights = {"hardened": model_format.encode_net(net)}
    data = opened(contract([feature("a"), feature("b")]), x, y)
    assert assess(data, document, weights, nets={"hardened": net}).metrics["hardened"]["clean"] == 61
    with pytest.raises(DigestMismatch):
        assess(data, document, weights, nets={"hardened": Line(0.5)})
    with pytest.raises(UsageError):
        assess(data, document, weights)
    with pytest.raises(UsageError):
        assess(data, document, {}, nets={})
    with pytest.raises(UsageError):
        assess(data, document, {**weights, "third": b""}, nets={"hardened": net})
    with pytest.raises(TypeError):
        assess(SimpleNamespace(contract=None), document, weights)


@pytest.mark.parametrize("answer", [lambda x: x[:, :1], lambda x: x[:, 0], lambda x: x / 0, lambda x: x[:-1]])
def test_a_net_with_other_than_finite_logits_is_refused(answer):
    class Bad(torch.nn.Module):
        def forward(self, x):
            return answer(x)

    x, y = line_rows()
    with pytest.raises(Malformed):
        measure(contract([feature("a"), feature("b")]), x, y, {"hardened": Bad()})


def test_an_empty_test_split_is_refused():
    x, y = line_rows()
    with pytest.raises(ContractError):
        measure(contract([feature("a"), feature("b")]), x[:0], y[:0], {"hardened": Line(1.0)})


def test_wilson_interval():
    # Newcombe 1998, Statistics in Medicine 17, 857-872, table I, method 3.
    for right, rows, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (29, 29, 0.8830, 1),
    ):
        interval = [float(end) for end in wilson(right, rows)]
        assert interval == pytest.approx([low, high], abs=1.01e-4)
    with pytest.raises(ValueError, match="wilson"):
        wilson(3, 2)


def test_a_defence_that_only_hides_gradients_does_not_help():
    class Masked(Line):
        def forward(self, x):
            return super().forward(torch.round(x * 1000) / 1000)  # zero gradient everywhere

    x, y = line_rows()
    report = measure(contract([feature("a"), feature("b")]), x, y, {"hardened": Masked(1.0001)}).metrics["hardened"]
    right = {attacker["name"]: attacker["right"] for attacker in report["attackers"]}
    assert right["pgd"] > right["search"] == report["robust"]
    assert evaluation.NETS == ("standard", "hardened")


def test_of_a_large_test_split_a_random_part_is_measured(monkeypatch):
    monkeypatch.setattr(evaluation, "ATTACKED_ROWS", 20)
    bound = contract([feature("a"), feature("b")], ["c0", "c1"])
    x = np.random.default_rng(0).random((90, 2), dtype=np.float32)
    y = (x[:, 0] > 0.5).astype(np.int64)
    found = measure(bound, x, y, {"hardened": torch.nn.Linear(2, 2)})
    report = found.metrics["hardened"]
    assert (found.rows, report["rows"], report["of"]) == (20, 20, 90)
    assert sum(item["rows"] for item in report["classes"].values()) == 20
