"""A gradient attacker for evaluation, which is not the trainer's: what one gets wrong, the other does not repeat.

It climbs the margin (Carlini and Wagner 2017, https://arxiv.org/abs/1608.04644) in raw units, with momentum (Dong et al.
2018, https://arxiv.org/abs/1710.06081) and restarts, and mends every iterate with the projection of `search`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from hardline.tasks.hardening.search import Limits

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.hardening.search import Floats, Predict

STEPS = 40
STARTS = 3
_MOMENTUM = 0.75
_BATCH = 4096  # rows that climb side by side, which bounds memory


def climb(
    net: nn.Module, predict: Predict, x: NDArray[np.float32], y: NDArray[np.int64], contract: Contract, *, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Follow gradients to permitted rows that the net gets wrong.

    Args:
        net: Raw rows, float32 [N, F], to logits [N, K]. Where it has no gradient, only the random starts are tried.
        predict: The same net, by whose answers a row counts as wrong.
        x: Clean rows, float32 [N, F], raw units.
        y: True class indices, int64 [N].
        contract: The threat model.
        seed: Of the starts after the first, which is the clean row.

    Returns:
        The moved rows, float32 [N, F], and where they are wrong and permitted, bool [N]; other rows come back clean.
    """
    limits = Limits.of(contract)
    rng = np.random.default_rng(seed)
    moved, found = x.copy(), np.zeros(len(x), dtype=np.bool_)
    for begin in range(0, len(x), _BATCH):
        part = slice(begin, begin + _BATCH)
        for start in range(STARTS):
            left = begin + np.flatnonzero(~found[part] & limits.attackable[y[part]])
            if not len(left):
                break
            rows, wrong = _climb(net, predict, x[left].astype(np.float64), y[left], limits, rng, start > 0)
            moved[left[wrong]], found[left[wrong]] = rows[wrong], True
    return moved, found


def _climb(
    net: nn.Module,
    predict: Predict,
    x: Floats,
    y: NDArray[np.int64],
    limits: Limits,
    rng: np.random.Generator,
    away: bool,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """One start for every row: the first wrong and permitted iterate, float32 [N, F], and where there was one."""
    lower, upper = limits.box(x, y)
    room = upper - lower
    at = limits.repair(lower + rng.random(x.shape) * room, x, lower, upper) if away else x
    rows, found = x.astype(np.float32), np.zeros(len(x), dtype=np.bool_)
    pull = np.zeros(x.shape)
    for step in range(STEPS):
        slope = _slope(net, at.astype(np.float32), y) * room  # in units of the box, whatever a column is measured in
        pull = _MOMENTUM * pull + slope / (np.abs(slope).sum(1, keepdims=True) + 1e-30)
        size = 0.5 * (1 - step / STEPS) + 0.02
        at = limits.repair(at + size * room * np.sign(pull), x, lower, upper)
        reached = at.astype(np.float32)
        hit = ~found & (np.argmax(predict(reached), axis=1) != y)
        hit &= limits.keeps(reached.astype(np.float64), x, y)
        rows[hit], found[hit] = reached[hit], True
        if found.all():
            break
    return rows, found


def _slope(net: nn.Module, rows: NDArray[np.float32], y: NDArray[np.int64]) -> Floats:
    """The gradient of the margin, float64 [N, F]; zero where there is none or it is not finite."""
    x = torch.from_numpy(rows).requires_grad_(True)
    logits = net(x)
    if not logits.requires_grad:
        return np.zeros(rows.shape)
    labels = torch.from_numpy(y)[:, None]
    rival = logits.scatter(1, labels, -torch.inf).amax(1)
    (slope,) = torch.autograd.grad((rival - logits.gather(1, labels).squeeze(1)).sum(), x, allow_unused=True)
    if slope is None:
        return np.zeros(rows.shape)
    result: Floats = np.nan_to_num(slope.double().numpy(), nan=0.0, posinf=0.0, neginf=0.0)
    return result
