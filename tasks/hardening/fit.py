"""Train a standard and a hardened net on a verified dataset, bit for bit reproducible on one machine."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F

from hardline.tasks.core.dataset import VerifiedDataset
from hardline.tasks.core.errors import ContractError
from hardline.tasks.core.steps.train import STANDARD, WEIGHTS, Nets
from hardline.tasks.hardening import model_format
from hardline.tasks.hardening.attacks import Threat
from hardline.tasks.hardening.methods import Watchdog
from hardline.tasks.hardening.models import BuiltIn, build
from hardline.tasks.hardening.scaling import clipped, isolated, scales

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.hardening.recipe import Recipe

Progress = Callable[[str, int, int], None]  # net, epochs done, epochs


@dataclass(frozen=True)
class Trained:
    """Two nets of the same shape, from the same first weights and the same order of rows."""

    standard: BuiltIn
    hardened: BuiltIn
    history: Mapping[str, Any]


def fit(data: VerifiedDataset, recipe: Recipe, progress: Progress | None = None) -> Nets:
    """Train on the train split of a verified dataset.

    Args:
        data: From `open_dataset`; nothing else is trained on.
        recipe: How to train.
        progress: Told after each epoch.

    Raises:
        TypeError: `data` is anything but a `VerifiedDataset`.
        ContractError: The rows do not fit the contract.
    """
    if type(data) is not VerifiedDataset:
        raise TypeError(f"fit: a VerifiedDataset expected, from hardline.open_dataset; got {type(data).__name__}")
    x, y = data.arrays("train")
    x = x.reshape(len(x), -1)
    trained = fit_arrays(data.contract, x, y, recipe, progress)
    return Nets(
        files={
            WEIGHTS: model_format.encode_net(trained.hardened),
            STANDARD: model_format.encode_net(trained.standard),
        },
        architecture=model_format.architecture(trained.hardened),
        inputs=f"float32 [N, {x.shape[1]}], raw units, the contract's inputs in their order",
        rows=len(y),
        history=trained.history,
    )


def fit_arrays(
    contract: Contract, x: NDArray[np.float32], y: NDArray[np.int64], recipe: Recipe, progress: Progress | None = None
) -> Trained:
    """The numeric part of `fit`.

    Args:
        contract: Gives scale, classes and threat model.
        x: Float32 [N, F], raw units.
        y: Int64 [N], class indices.
        recipe: How to train.
        progress: Told after each epoch.

    Raises:
        ContractError: Shapes, types, non-finite values or a missing class.
    """
    check_arrays(contract, x, y)
    if len(np.unique(y)) != len(contract.classes):
        raise ContractError("train split: at least one row of every class expected")
    nets: dict[str, BuiltIn] = {}
    history: dict[str, Any] = {"recipe": recipe.digest, "clipped": clipped(x, contract)}
    for name in ("standard", "hardened"):
        with isolated(recipe.seed):
            net = build(contract, scales(contract), recipe)
            threat = Threat.of(contract, float(recipe.epsilon_factor)) if name == "hardened" else None
            rows, labels = torch.from_numpy(x.copy()), torch.from_numpy(y.copy())  # the caller's may be read-only
            history[name] = _run(name, net, rows, labels, recipe, threat, progress)
            nets[name] = net.eval()
    return Trained(standard=nets["standard"], hardened=nets["hardened"], history=history)


def check_arrays(contract: Contract, x: NDArray[np.float32], y: NDArray[np.int64]) -> None:
    """Rows that a net of this contract can take; raises `ContractError`, which holds no value."""
    features = len(contract.inputs)
    if x.dtype != np.float32 or x.ndim != 2 or x.shape[1] != features or not len(x):
        raise ContractError(f"features: float32 [N > 0, {features}] expected, got {x.dtype} {list(x.shape)}")
    if y.dtype != np.int64 or y.shape != (len(x),):
        raise ContractError(f"labels: int64 [{len(x)}] expected, got {y.dtype} {list(y.shape)}")
    if not np.isfinite(x).all():
        raise ContractError("features: finite values expected, got others")
    if y.min() < 0 or y.max() >= len(contract.classes):
        raise ContractError(f"labels: indices below {len(contract.classes)} expected, got others")


def _run(
    name: str, net: BuiltIn, x: torch.Tensor, y: torch.Tensor, recipe: Recipe, threat: Threat | None,
    progress: Progress | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Train in place; returns one entry for each epoch."""
    generator = torch.Generator().manual_seed(recipe.seed)
    noise = torch.Generator().manual_seed(recipe.seed + 1)  # its own stream: both nets see the same order of rows
    watchdog = None if threat is None else Watchdog.over(recipe, threat, noise)
    z = net.scaling(x)
    watched = torch.randperm(len(z), generator=generator)[: recipe.watchdog_rows]
    rate = float(recipe.learning_rate)
    optimiser = torch.optim.Adam(net.body.parameters(), lr=rate, weight_decay=float(recipe.weight_decay), fused=True)
    updates = math.ceil(len(z) / recipe.batch)
    epochs = max(1, min(recipe.epochs, recipe.updates // updates))
    total = updates * epochs
    ramp = float(recipe.warmup) * total
    history: list[dict[str, Any]] = []
    for epoch in range(epochs):
        before = copy.deepcopy((net.body.state_dict(), optimiser.state_dict()))
        loss_sum, share = 0.0, 1.0
        order = torch.randperm(len(z), generator=generator)
        for number in range(updates):
            index = order[number * recipe.batch : (number + 1) * recipe.batch]
            done = epoch * updates + number
            share = min(1.0, (done + 1) / ramp) if ramp else 1.0
            for group in optimiser.param_groups:
                group["lr"] = rate * min(1.0, 2 * (1 - done / total) + 0.02)
            rows, labels = z[index], y[index]
            if watchdog is not None:
                rows = watchdog.examples(net.body, rows, labels, share)
            loss = F.cross_entropy(net.body(rows), labels)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            loss_sum += loss.item() * len(index)
        entry: dict[str, Any] = {"epoch": epoch + 1, "loss": f"{loss_sum / len(z):.6f}", "rows": len(z)}
        if watchdog is not None:
            entry |= {"method": watchdog.method, "step": f"{watchdog.step:.4f}", "share": f"{share:.4f}"}
            single, iterated = watchdog.measure(net.body, z[watched], y[watched], share)
            event = watchdog.react(single, iterated, len(watched))
            entry |= {"watched": len(watched), "single": single, "iterated": iterated, "event": event}
            if event:
                net.body.load_state_dict(before[0])
                optimiser.load_state_dict(before[1])
        with torch.no_grad():
            entry["right"] = int((net.body(z).argmax(1) == y).sum())
        history.append(entry)
        if progress is not None:
            progress(name, epoch + 1, epochs)
    return history
