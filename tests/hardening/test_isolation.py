"""What the caller has set in torch, numpy and `random` neither reaches training nor is changed by it."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from hardening_fixtures import diagnosis

from hardline.tasks.hardening.fit import fit_arrays
from hardline.tasks.hardening.model_format import encode_net
from hardline.tasks.hardening.recipe import Recipe
from hardline.tasks.hardening.scaling import isolated

SHORT = Recipe.named("fast", epochs=2)


@pytest.mark.parametrize(
    "around",
    [
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.autocast("cpu", dtype=torch.bfloat16),
        lambda: torch.device("meta"),
    ],
)
def test_the_same_weights_whatever_surrounds_training(around):
    bound, x, y, _, _ = diagnosis()
    plain = encode_net(fit_arrays(bound, x, y, SHORT).hardened)
    with around():
        trained = fit_arrays(bound, x, y, SHORT).hardened
    assert encode_net(trained) == plain


def test_every_global_generator_goes_on_where_it_was():
    state = random.getstate(), np.random.get_state()[1].tobytes(), torch.random.get_rng_state().tolist()
    with isolated(3):
        first = random.random(), np.random.rand(), torch.rand(1).item()
    with isolated(3):
        assert (random.random(), np.random.rand(), torch.rand(1).item()) == first
    assert (random.getstate(), np.random.get_state()[1].tobytes(), torch.random.get_rng_state().tolist()) == state
