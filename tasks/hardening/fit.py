"""Training: a standard net and a hardened one from the same verified rows, bit for bit the same for the same seed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from hardline.tasks.core.dataset import VerifiedDataset
from hardline.tasks.core.errors import UsageError
from hardline.tasks.hardening.attacks import Ball
from hardline.tasks.hardening.isolation import isolated
from hardline.tasks.hardening.methods import Watchdog, perturber
from hardline.tasks.hardening.models import MLP, Net
from hardline.tasks.hardening.recipe import Recipe
from hardline.tasks.hardening.scaling import Scaling

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hardline.infra.ports import Progress
    from hardline.tasks.core.contract import Contract

INPUTS = "raw units [N, F] float32"


@dataclass(frozen=True)
class Trained:
    """What training made.

    Attributes:
        standard: The net without adversarial training, the measure of what hardening costs and gains.
        hardened: The net to release. Both map raw units [N, F] float32 to logits [N, K].
        history: Net to its epochs: counts over watched rows, losses as decimal strings, and when the watchdog reacted.
        recipe: How they were trained.
        rows: Number of rows trained on.
        outside: Number of values outside the contract's scale, which were clipped.
    """

    standard: nn.Module
    hardened: nn.Module
    history: Mapping[str, Any]
    recipe: Recipe
    rows: int
    outside: int


def fit(data: VerifiedDataset, recipe: Recipe, *, progress: Progress | None = None) -> Trained:
    """Train on the train split of a verified dataset, and on nothing else.

    Args:
        data: From `hardline.open_dataset`, which verified it.
        recipe: How to train.
        progress: Who watches; None: nobody.

    Raises:
        TypeError: `data` is no VerifiedDataset: arrays, however they came about, are not accepted.
        VerificationError: The rows are not the published ones any more.
        UsageError: Training diverged under this recipe, or the split cannot be learned from.
    """
    if type(data) is not VerifiedDataset:
        raise TypeError(f"fit: a VerifiedDataset expected, got {type(data).__name__}; hardline.open_dataset makes one")
    x, y = data.arrays("train")
    return fit_arrays(x, y, data.contract, recipe, progress=progress)


def fit_arrays(
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    contract: Contract,
    recipe: Recipe,
    *,
    progress: Progress | None = None,
) -> Trained:
    """The numerical work of `fit`, on rows whose origin the caller answers for.

    Args:
        x: Raw units [N, F].
        y: Class indices [N], from 0 to K - 1.
        contract: For scale, threat model and classes.
        recipe: How to train.
        progress: Who watches; None: nobody.

    Raises:
        UsageError: The arrays do not fit the contract, or training diverged.
    """
    with isolated(recipe.seed):
        rows, labels = _tensors(x, y, contract)
        scaling = Scaling.of(contract)
        z = scaling(rows)
        ball = Ball.of(contract, scaling, float(recipe.epsilon_factor))
        nets, history = {}, {}
        for name, method in (("standard", "standard"), ("hardened", recipe.method)):
            mlp = MLP(z.shape[1], recipe.hidden, len(contract.classes), _generator(recipe, 0))
            history[name] = _train(name, mlp, z, labels, ball, recipe, method, progress)
            nets[name] = Net(Scaling.of(contract), mlp).eval()
        return Trained(**nets, history=history, recipe=recipe, rows=len(z), outside=scaling.outside(rows))


def _train(
    name: str, net: MLP, z: Tensor, y: Tensor, ball: Ball, recipe: Recipe, method: str, progress: Progress | None
) -> dict[str, Any]:
    """Train a net in place; returns its history."""
    optimizer = torch.optim.Adam(net.parameters(), lr=1.0, weight_decay=float(recipe.weight_decay), fused=True)
    order, noise = _generator(recipe, 1), _generator(recipe, 2)
    perturb = perturber(method, recipe, ball, noise)
    watchdog = None if method == "standard" else Watchdog(z, y, ball, recipe)
    batches = math.ceil(len(z) / recipe.batch)
    total = recipe.epochs * batches
    epochs: list[dict[str, Any]] = []
    reactions: list[dict[str, Any]] = []
    alarmed = False
    for epoch in range(recipe.epochs):
        loss, share = 0.0, 1.0
        for number, rows in enumerate(torch.randperm(len(z), generator=order).split(recipe.batch), epoch * batches):
            share = _share(number, total, recipe)
            for group in optimizer.param_groups:
                group["lr"] = float(recipe.learning_rate) * min(1.0, 2.0 * (1.0 - number / total) + 0.02)
            loss += _learn(net, optimizer, perturb(net, z[rows], y[rows], share), y[rows]) * len(rows)
        mean = loss / len(z)
        if not math.isfinite(mean):
            raise UsageError(
                f"fit: a finite loss expected, got none in epoch {epoch + 1} of the {name} net", help="lower learning_rate"
            )
        entry: dict[str, Any] = {"loss": f"{mean:.6f}"}
        if watchdog is not None:
            seen = watchdog.look(net, share)
            entry |= {"clean": seen.clean, "one_step": seen.one_step, "pgd": seen.pgd, "watched": seen.rows}
            alarmed = watchdog.alarmed(seen)
            if not alarmed:
                watchdog.keep(net, optimizer)
            elif method != "pgd":
                method = "pgd"
                perturb = perturber(method, recipe, ball, noise)
                back = watchdog.restore(net, optimizer)
                reactions.append({"epoch": epoch + 1, "action": "pgd", "restored": back})
                alarmed = alarmed and not back
        epochs.append(entry)
        if progress is not None:
            progress.advance(f"train {name}", epoch + 1, recipe.epochs)
    if alarmed and watchdog is not None:
        reactions.append({"epoch": recipe.epochs, "action": "stop", "restored": watchdog.restore(net, optimizer)})
    return {"epochs": epochs, "reactions": reactions}


def _learn(net: MLP, optimizer: torch.optim.Optimizer, z: Tensor, y: Tensor) -> float:
    """One step of the optimizer; returns the mean loss before it."""
    optimizer.zero_grad(set_to_none=True)
    loss = F.cross_entropy(net(z), y)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return float(loss.detach())


def _share(number: int, total: int, recipe: Recipe) -> float:
    """The share of the radius in step `number`: a ramp from 0, since nets collapse under the full radius at once."""
    ramp = float(recipe.warmup) * total
    return 1.0 if number >= ramp else number / ramp


def _generator(recipe: Recipe, stream: int) -> torch.Generator:
    """One stream of random numbers for each purpose, so that none shifts another."""
    return torch.Generator().manual_seed(recipe.seed * 4 + stream)


def _tensors(x: NDArray[np.float32], y: NDArray[np.int64], contract: Contract) -> tuple[Tensor, Tensor]:
    rows, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.int64)
    features, classes = len(contract.feature_columns), len(contract.classes)
    if rows.ndim != 2 or rows.shape[1] != features or labels.shape != rows.shape[:1]:
        raise UsageError(f"fit: rows of {features} features and one label each expected, got other shapes")
    if len(rows) == 0 or not bool(torch.isfinite(rows).all()):
        raise UsageError("fit: finite rows expected, and at least one")
    if not torch.equal(labels.unique(), torch.arange(classes)):
        raise UsageError(f"fit: rows of all {classes} classes expected in the train split")
    return rows, labels
