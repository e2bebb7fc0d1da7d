"""Training: only on verified data, the same bits for the same seed, and nothing left behind in torch."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hardening_fixtures import contract, diagnosis, feature

from hardline.tasks.core import canonical
from hardline.tasks.core.dataset import VerifiedDataset
from hardline.tasks.core.errors import ContractError, UsageError
from hardline.tasks.hardening import attacks, methods, model_format
from hardline.tasks.hardening.attacks import Threat
from hardline.tasks.hardening.fit import fit, fit_arrays
from hardline.tasks.hardening.methods import Watchdog
from hardline.tasks.hardening.recipe import Recipe
from hardline.tasks.hardening.scaling import Scaling, clipped, isolated

SHORT = Recipe.named("fast", epochs=3)


def opened(bound, x, y):
    """A dataset as `open_dataset` returns it, around rows in memory: opening itself is tested with the core."""
    data = object.__new__(VerifiedDataset)
    data._verified = SimpleNamespace(contract=bound)
    data.arrays = lambda split: {"train": (x, y), "test": (x, y)}[split]
    return data


def test_only_verified_data_is_trained_on():
    bound, x, y, _, _ = diagnosis()
    like = SimpleNamespace(contract=bound, arrays=lambda split: (x, y))
    with pytest.raises(TypeError, match="VerifiedDataset"):
        fit(like, SHORT)

    class Sub(VerifiedDataset):
        def __init__(self):
            pass

    with pytest.raises(TypeError, match="VerifiedDataset"):
        fit(Sub(), SHORT)


def test_fit_hands_over_two_nets_without_floats():
    bound, x, y, _, _ = diagnosis()
    nets = fit(opened(bound, x, y), SHORT)
    assert set(nets.files) == {"weights.safetensors", "standard.safetensors"}
    assert nets.rows == len(y) == 398
    canonical.encode({"architecture": dict(nets.architecture), "history": dict(nets.history)})
    net = model_format.decode_net(nets.files["weights.safetensors"], nets.architecture)
    assert net(torch.from_numpy(x)).shape == (398, 2)
    assert nets.files["weights.safetensors"] != nets.files["standard.safetensors"]


@pytest.mark.parametrize("method", ["n-fgsm", "pgd"])
def test_the_same_seed_gives_the_same_bits(method):
    bound, x, y, _, _ = diagnosis()
    recipe = Recipe.named("fast", epochs=2, method=method)
    first = fit(opened(bound, x, y), recipe)
    torch.manual_seed(99)  # the caller's state has no say
    again = fit(opened(bound, x, y), recipe)
    other = fit(opened(bound, x, y), Recipe.named("fast", epochs=2, method=method, seed=1))
    assert first == again
    assert first.files["weights.safetensors"] != other.files["weights.safetensors"]


def test_the_global_state_of_torch_is_restored():
    torch.manual_seed(7)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    try:
        with pytest.raises(ZeroDivisionError), isolated(3):
            assert torch.are_deterministic_algorithms_enabled()
            assert torch.get_default_dtype() == torch.float32
            torch.rand(5)
            raise ZeroDivisionError
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda x, y: (x.astype(np.float64), y), "float32"),
        (lambda x, y: (x[:, :-1], y), "features"),
        (lambda x, y: (x[:0], y[:0]), "features"),
        (lambda x, y: (np.where(x == x[0, 0], np.nan, x).astype(np.float32), y), "finite"),
        (lambda x, y: (x, y + 1), "indices"),
        (lambda x, y: (x, np.zeros_like(y)), "every class"),
        (lambda x, y: (x, y[:-1]), "labels"),
    ],
)
def test_rows_that_do_not_fit_the_contract_are_refused(change, what):
    bound, x, y, _, _ = diagnosis()
    with pytest.raises(ContractError, match=what):
        fit_arrays(bound, *change(x, y), SHORT)


def test_scaling_clips_and_counts():
    bound = contract([feature("a", ("10", "20")), feature("b", ("-1", "1"))])
    x = np.array([[10, -1], [20, 1], [25, -2], [15, 0]], dtype=np.float32)
    scaled = Scaling((("10", "20"), ("-1", "1")))(torch.from_numpy(x))
    assert scaled.tolist() == [[0, 0], [1, 1], [1, 0], [0.5, 0.5]]
    assert clipped(x, bound) == 2
    with pytest.raises(ContractError, match="column 'a'"):
        clipped(x, contract([replace(feature("a"), scale=None)]))


def test_the_watchdog_halves_the_step_and_then_changes_the_method():
    threat = Threat.of(contract([feature("a")]))
    dog = Watchdog.over(Recipe(), threat, torch.Generator())
    assert dog.react(100, 90, 100) == ""
    assert (dog.react(100, 80, 100), dog.step, dog.method) == ("rolled back, step halved", 0.5, "n-fgsm")
    assert (dog.react(100, 80, 100), dog.method) == ("rolled back, pgd from here", "pgd")
    assert dog.react(100, 0, 100) == ""


def test_the_watchdog_rolls_an_overfitted_epoch_back(monkeypatch):
    # A single step that lies about itself, as catastrophic overfitting does: it measures clean accuracy.
    bound, x, y, _, _ = diagnosis()
    monkeypatch.setattr(attacks, "fgsm", lambda predict, z, y, threat, share: z)
    hardened = fit_arrays(bound, x, y, Recipe.named("fast", epochs=12, watchdog_gap="0.02", warmup="0")).history[
        "hardened"
    ]
    events = [entry["event"] for entry in hardened if entry["event"]]
    assert events == ["rolled back, step halved", "rolled back, pgd from here"]
    assert hardened[-1]["method"] == "pgd"
    for before, entry in pairwise(hardened):
        if entry["event"]:  # the epoch's weights are gone: the net answers as it did before
            assert entry["right"] == before["right"]


@pytest.mark.parametrize("related", [True, False])
@pytest.mark.parametrize("method", ["fgsm", "pgd"])
def test_attacks_stay_inside_the_contract(method, related):
    from hardline.tasks.hardening.search import permitted

    bound, x, y, _, _ = diagnosis()
    if not related:
        bound = contract(bound.feature_columns)
    ends = [column.scale for column in bound.feature_columns]
    low = np.array([float(end[0]) for end in ends], dtype=np.float32)
    span = np.array([float(end[1] - end[0]) for end in ends], dtype=np.float32)
    z = torch.from_numpy((x - low) / span)
    with isolated(0):
        net = torch.nn.Linear(30, 2)
        arguments = {"steps": 5, "generator": torch.Generator()} if method == "pgd" else {}
        moved = getattr(attacks, method)(net, z, torch.from_numpy(y), Threat.of(bound), **arguments).numpy()
    still = moved == z.numpy()
    raw = np.where(still, x, moved * span + low).astype(np.float32)
    assert permitted(raw, x, y, bound).mean() > 0.99
    assert not still.all()


def test_n_fgsm_moves_what_may_move_and_nothing_else():
    bound = contract(
        [feature("free"), feature("fixed", immutable=True), feature("up", direction="increase")], attackable=(1,)
    )
    z, y = torch.full((64, 3), 0.5), torch.arange(64) % 2
    with isolated(0):
        net = torch.nn.Linear(3, 2)
        moved = methods.n_fgsm(net, z, y, Threat.of(bound), share=1.0, noise=2.0, step=1.0, generator=torch.Generator())
    assert torch.equal(moved[y == 0], z[y == 0])
    assert torch.equal(moved[:, 1], z[:, 1])
    assert (moved[:, 2] >= 0.5).all()
    assert ((moved[y == 1][:, 0] - 0.5).abs() <= 0.3 + 1e-6).all()
    assert (moved[y == 1][:, 0] != 0.5).all()


def test_a_recipe_has_one_encoding():
    assert Recipe.from_json(Recipe().to_json()) == Recipe()
    assert Recipe(learning_rate=Decimal("0.0030")).digest == Recipe().digest
    assert Recipe(seed=1).digest != Recipe().digest
    assert Recipe.named("strong").method == "pgd"
    for wrong in (
        {"epoch": 3},
        {"epochs": 0},
        {"learning_rate": "NaN"},
        {"hidden": []},
        {"method": "free"},
        [],
        {1: 2},
    ):
        with pytest.raises(UsageError):
            Recipe.from_json(wrong)
    with pytest.raises(UsageError):
        Recipe.named("best")


def test_with_many_rows_there_are_fewer_epochs():
    bound, x, y, _, _ = diagnosis()
    recipe = Recipe(epochs=30, updates=21)  # 398 rows in batches of 64 are 7 updates
    assert len(fit_arrays(bound, x, y, recipe).history["hardened"]) == 3
    assert len(fit_arrays(bound, x, y, Recipe(epochs=30, updates=1)).history["standard"]) == 1
