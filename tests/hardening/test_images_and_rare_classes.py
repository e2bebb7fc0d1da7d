"""What training decides from the data: the noise of images, the weights of a rare class; and that both are needed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
import torch
from hardening_fixtures import contract, feature

from hardline.tasks.core.contract_source import TensorOptions
from hardline.tasks.core.errors import UsageError
from hardline.tasks.hardening import evaluation
from hardline.tasks.hardening.attacks import Threat
from hardline.tasks.hardening.fit import _loss, fit_arrays
from hardline.tasks.hardening.models import CNN, MLP
from hardline.tasks.hardening.recipe import Recipe


def images(side: int):
    """One channel of side x side, 0 to 16; a row is of the half that is brighter."""
    column = feature("image", ("0", "16"), type="tensor", valid=(Decimal(0), Decimal(16)))
    bound = contract([replace(column, tensor=TensorOptions("float32", (side, side)))], ("top", "bottom"))
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 6, (200, side, side)).astype(np.float32)
    y = rng.integers(0, 2, 200)
    x[y == 0, : side // 2] += 9
    x[y == 1, side // 2 :] += 9
    return bound, x.reshape(200, -1), y.astype(np.int64)


@pytest.mark.parametrize(("side", "kind", "noise"), [(6, CNN, "2"), (3, MLP, "2")])
def test_images_are_trained_on_and_measured(side, kind, noise, monkeypatch):
    bound, x, y = images(side)
    trained = fit_arrays(bound, x, y, Recipe.named("fast", epochs=6))
    assert isinstance(trained.hardened, kind)
    assert trained.history["resolved"] == {"noise": noise, "class_weight": "none"}
    monkeypatch.setattr(evaluation, "ATTACKED_IMAGES", 30)
    found = evaluation.measure(bound, x, y, {"hardened": trained.hardened})
    assert (found.rows, found.metrics["hardened"]["of"]) == (30, 200)
    assert found.metrics["hardened"]["clean"] >= 28


def test_a_threat_over_an_image_has_the_radius_of_each_element():
    bound, _, _ = images(6)
    threat = Threat.of(bound)
    assert threat.up.tolist() == threat.down.tolist() == pytest.approx([0.1] * 36)
    assert threat.valid.shape == (2, 36)


def rare(share: float):
    """A table whose second class is rare and overlaps with the first."""
    bound = contract([feature(name, ("-4", "6"), epsilon=Decimal("0.02")) for name in "ab"], ("usual", "rare"))
    rng = np.random.default_rng(1)
    y = (rng.random(3000) < share).astype(np.int64)
    x = (rng.normal(0, 1, (3000, 2)) + 1.3 * y[:, None]).astype(np.float32)
    return bound, x.clip(-4, 6), y


def found(net, x, y) -> int:
    with torch.no_grad():
        return int((net(torch.from_numpy(x)).argmax(1).numpy()[y == 1] == 1).sum())


def test_a_rare_class_is_not_given_up():
    bound, x, y = rare(0.02)
    short = {"epochs": 6, "learning_rate": "0.001"}
    weighed = fit_arrays(bound, x, y, Recipe(**short))
    plain = fit_arrays(bound, x, y, Recipe(**short, class_weight="none"))
    assert weighed.history["resolved"]["class_weight"] == "balanced"
    assert plain.history["resolved"]["class_weight"] == "none"
    for name in ("standard", "hardened"):
        assert found(getattr(plain, name), x, y) < 0.2 * y.sum()
        assert found(getattr(weighed, name), x, y) > 0.6 * y.sum()


def test_a_batch_without_the_rare_class_weighs_less_than_one_with_it():
    logits, weights = torch.zeros(4, 2), torch.tensor([0.5, 50.0])
    usual, mixed = torch.tensor([0, 0, 0, 0]), torch.tensor([0, 0, 0, 1])
    assert float(_loss(logits, usual, weights)) == pytest.approx(0.5 * np.log(2))
    assert float(_loss(logits, mixed, weights)) == pytest.approx((1.5 + 50) / 4 * np.log(2))
    assert float(_loss(logits, mixed, None)) == pytest.approx(np.log(2))


def test_what_is_decided_and_what_is_asked_for():
    recipe = Recipe()
    assert recipe.resolved(images=False, rarest=0.05).to_json()["class_weight"] == "none"
    assert recipe.resolved(images=False, rarest=0.049).to_json()["class_weight"] == "balanced"
    assert recipe.resolved(images=False, rarest=0.4).noise == Decimal("0.5")
    asked = Recipe.named("fast", noise="1", class_weight="none").resolved(images=True, rarest=0.001)
    assert (asked.noise, asked.class_weight) == (Decimal(1), "none")
    assert Recipe.from_json(recipe.to_json()) == recipe
    for wrong in ({"noise": "much"}, {"noise": "5"}, {"class_weight": "all"}):
        with pytest.raises(UsageError, match=next(iter(wrong))):
            Recipe.named("fast", **wrong)
