"""A white-box attacker for evaluation: gradients in raw units, every iterate repaired into the permitted set.

It is not the trainer's code: other units, another loss (the margin, as in Carlini and Wagner 2017), another projection,
momentum and restarts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from hardline.tasks.hardening.search import Found, Permitted, margin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hardline.tasks.core.contract import Contract
    from hardline.tasks.hardening.search import Predict, Rows

_STEPS = 30
_RESTARTS = 3
_BATCH = 4096


def climb(
    net: nn.Module, predict: Predict, x: Rows, y: NDArray[np.int64], contract: Contract, *, seed: int
) -> Found:
    """Follow the gradient of the margin to permitted rows that the net gets wrong.

    Args:
        net: Raw units [N, F] float32 to logits [N, K]; without gradients only the restarts' random points are tried.
        predict: The same net, to judge points by.
        x: Rows in raw units [N, F].
        y: Their true classes [N].
        contract: What is permitted.
        seed: Of the random starts.
    """
    rows, success, asked = [np.empty((0, x.shape[1]), np.float32)], [np.empty(0, np.bool_)], 0
    for number, start in enumerate(range(0, len(x), _BATCH)):
        part = slice(start, start + _BATCH)
        found = _climb(net, predict, Permitted(contract, x[part], y[part]), y[part], np.random.default_rng([seed, number]))
        rows.append(found.rows)
        success.append(found.success)
        asked += found.queries
    return Found(np.concatenate(rows), np.concatenate(success), asked)


def _climb(
    net: nn.Module, predict: Predict, permitted: Permitted, y: NDArray[np.int64], random: np.random.Generator
) -> Found:
    best = permitted.origin.copy()
    worst = margin(predict(best), y)
    asked = len(best)
    for restart in range(_RESTARTS):
        active = np.flatnonzero((worst < 0) & permitted.movable.any(1))
        if not len(active):
            break
        sets, labels = permitted.take(active), y[active]
        room = (sets.high - sets.low).astype(np.float64)
        start = random.random(room.shape) if restart else 0.5
        points = sets.repair(sets.low + start * room) if restart else sets.origin.copy()
        pull = np.zeros(room.shape)
        for number in range(_STEPS):
            slope = _slope(net, points, labels) * room  # in units of the box, whatever a column is measured in
            pull = 0.75 * pull + slope / (np.abs(slope).sum(1, keepdims=True) + 1e-30)
            size = 0.5 * (1.0 - number / _STEPS) + 0.02
            points = sets.repair(points + size * room * np.sign(pull))
            now = margin(predict(points), labels)
            asked += len(points)
            better = now > worst[active]
            best[active[better]], worst[active[better]] = points[better], now[better]
    return Found(best, worst >= 0, asked)


def _slope(net: nn.Module, points: Rows, y: NDArray[np.int64]) -> NDArray[np.float64]:
    """The gradient of the margin at each point, [N, F]; zero where the net has none."""
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    x = torch.tensor(points, device=device, requires_grad=True)
    labels = torch.tensor(y, device=device)[:, None]
    logits = net(x)
    if not logits.requires_grad:
        return np.zeros(points.shape)
    true = logits.gather(1, labels).squeeze(1)
    rival = logits.scatter(1, labels, -torch.inf).amax(1)
    (slope,) = torch.autograd.grad((rival - true).sum(), x, allow_unused=True)
    if slope is None:
        return np.zeros(points.shape)
    return np.asarray(np.nan_to_num(slope.double().cpu().numpy(), posinf=0.0, neginf=0.0))
