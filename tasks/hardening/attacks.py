"""Gradient attacks inside the contract's threat model, in scaled units.

A threat is an L-infinity box with its own radius for each feature, cut by what may not move, by direction, by valid
ranges and by linear relations. This code belongs to the trainer; `search` and `autoattack` judge it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from hardline.tasks.core.inputs import positions
from hardline.tasks.hardening.scaling import scales

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract

Predict = Callable[[Tensor], Tensor]  # scaled rows [N, F] -> logits [N, K]
_SWEEPS = 3
_SLACK = 1e-6  # of a relation, in scaled units


@dataclass(frozen=True)
class Threat:
    """The contract's threat model as float32 tensors in scaled units.

    Attributes:
        down: Largest decrease of each feature, [F].
        up: Largest increase of each feature, [F].
        valid: Least and greatest valid value of each feature, [2, F]; infinite where the contract says none.
        indicator: Of each feature, where it stands that its value is missing, int64 [F]; -1: it never is.
        attackable: Whether a class may move, bool [K].
        relations: Coefficients, [R, F]: relations @ z >= bounds.
        bounds: [R].
    """

    down: Tensor
    up: Tensor
    valid: Tensor
    indicator: Tensor
    attackable: Tensor
    relations: Tensor
    bounds: Tensor

    @classmethod
    def of(cls, contract: Contract, factor: float = 1.0) -> Threat:
        """The threat of a contract, its radii multiplied by `factor`."""
        ends = torch.tensor([[float(low), float(high)] for low, high in scales(contract)], dtype=torch.float64)
        low, span = ends[:, 0], ends[:, 1] - ends[:, 0]
        columns = contract.inputs
        radius = [0.0 if column.immutable else float(column.epsilon) * factor for column in columns]
        down = [0.0 if column.direction == "increase" else r for column, r in zip(columns, radius, strict=True)]
        up = [0.0 if column.direction == "decrease" else r for column, r in zip(columns, radius, strict=True)]
        infinite = (float("-inf"), float("inf"))
        valid = torch.tensor(
            [infinite if c.valid is None else (float(c.valid[0]), float(c.valid[1])) for c in columns],
            dtype=torch.float64,
        )
        position = positions(columns)
        rows = torch.zeros(len(contract.threat.relations), len(columns), dtype=torch.float64)
        for number, relation in enumerate(contract.threat.relations):
            for name, coefficient in relation.terms:
                rows[number, position[name]] += float(coefficient)
        bounds = torch.tensor([float(relation.lower) for relation in contract.threat.relations], dtype=torch.float64)
        attackable = torch.zeros(len(contract.classes), dtype=torch.bool)
        attackable[list(contract.threat.attackable)] = True
        scaled = rows * span
        size = scaled.norm(dim=1).clamp_min(1e-12)  # unit rows: one slack fits all relations
        return cls(
            down=torch.tensor(down),
            up=torch.tensor(up),
            valid=((valid.T - low) / span).float(),
            indicator=torch.tensor([-1 if c.indicator is None else c.indicator for c in columns]),
            attackable=attackable,
            relations=(scaled / size[:, None]).float(),
            bounds=((bounds - rows @ low) / size).float(),
        )

    def moves(self, z: Tensor, y: Tensor, share: float = 1.0) -> Tensor:
        """The share of its radius by which each value moves, [N, F]: none of a class that does not evade, or if missing."""
        missing = (self.indicator >= 0) & (z[:, self.indicator] > 0.5)
        return self.attackable[y].float()[:, None] * share * ~missing

    def box(self, z: Tensor, y: Tensor, share: float = 1.0) -> tuple[Tensor, Tensor]:
        """Lower and upper limits [N, F] of each row; a row always lies in its own box."""
        moves = self.moves(z, y, share)
        lower = torch.maximum(z - self.down * moves, self.valid[0]).minimum(z)
        upper = torch.minimum(z + self.up * moves, self.valid[1]).maximum(z)
        return lower, upper

    def project(self, moved: Tensor, z: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
        """Points of the boxes that keep the relations as well as the clean rows `z` do.

        Simultaneous projections on the half-spaces first (Cimmino 1938); what still breaks a relation is pulled
        straight back to its clean row, which is exact because the permitted set is convex.
        """
        moved = moved.maximum(lower).minimum(upper)
        if not len(self.bounds):
            return moved
        free = ((self.down + self.up) > 0).float()
        weight = (self.relations.square() * free).sum(1).clamp_min(1e-12)
        kept = z @ self.relations.T
        bounds = torch.minimum(self.bounds, kept)
        for _ in range(_SWEEPS):
            broken = (bounds - moved @ self.relations.T).clamp_min(0.0)
            moved = (moved + (broken / weight) @ self.relations * free).maximum(lower).minimum(upper)
        fall = kept - moved @ self.relations.T
        room = (kept - bounds).clamp_min(0.0)
        pull = torch.where(fall > room + _SLACK, room / fall.clamp_min(1e-12), torch.ones_like(fall))
        return z + (moved - z) * pull.amin(1, keepdim=True)


def gradient(predict: Predict, z: Tensor, y: Tensor) -> Tensor:
    """Of the summed cross-entropy at `z`, [N, F]; the net's own gradients stay untouched."""
    with torch.enable_grad():
        at = z.detach().requires_grad_(True)
        (result,) = torch.autograd.grad(F.cross_entropy(predict(at), y, reduction="sum"), at)
    return result


def fgsm(predict: Predict, z: Tensor, y: Tensor, threat: Threat, *, share: float = 1.0) -> Tensor:
    """One step to the corner of the box (Goodfellow et al. 2015, https://arxiv.org/abs/1412.6572)."""
    lower, upper = threat.box(z, y, share)
    sign = gradient(predict, z, y).sign()
    corner = torch.where(sign > 0, upper, torch.where(sign < 0, lower, z))
    return threat.project(corner, z, lower, upper)


def pgd(
    predict: Predict,
    z: Tensor,
    y: Tensor,
    threat: Threat,
    *,
    steps: int,
    generator: torch.Generator,
    share: float = 1.0,
    keep: bool = False,
) -> Tensor:
    """Projected gradient ascent from a random point of the box (Madry et al. 2018).

    Args:
        predict: Scaled rows to logits.
        z: Clean rows, float32 [N, F], scaled.
        y: Class indices, int64 [N].
        threat: What may move.
        steps: Steps; the size is 2.5 half-widths over the number of steps, with `keep` a tenth of it at the end.
        generator: Of the start.
        share: Of the radii.
        keep: Return the last misclassified iterate of a row that has one, else the last iterate; training wants False.

    Returns:
        Float32 [N, F]: points that the threat permits.
    """
    lower, upper = threat.box(z, y, share)
    start = lower + (upper - lower) * torch.rand(z.shape, generator=generator)
    moved = threat.project(start, z, lower, upper)
    size = (upper - lower) / 2 * (2.5 / steps)
    found, hit = moved.clone(), torch.zeros(len(z), dtype=torch.bool)
    for step in range(steps):
        factor = 0.1 if keep and step >= 0.75 * steps else 1.0
        moved = threat.project(moved + factor * size * gradient(predict, moved, y).sign(), z, lower, upper)
        if keep:
            with torch.no_grad():
                wrong = predict(moved).argmax(1) != y
            found[wrong] = moved[wrong]
            hit |= wrong
    return torch.where(hit[:, None], found, moved)
