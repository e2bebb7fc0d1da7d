"""The trainer's attacks: gradient steps in the scaled box [0, 1]^F.

Evaluation shares none of this code. What is permitted here is the contract's ball, its immutable columns, its directions
and its linear relations; whole numbers are relaxed, which only makes the trainer's attacker stronger.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor
from torch.nn import functional as F

from hardline.tasks.hardening.scaling import Scaling

if TYPE_CHECKING:
    from hardline.tasks.core.contract import Contract

Logits = Callable[[Tensor], Tensor]
_CYCLES = 3  # of projections onto the relations; what is left of a violation after them is small


@dataclass(frozen=True)
class Ball:
    """What an attacker may do around a scaled row.

    Attributes:
        down: How far each feature may fall, in units of scale, [F]; 0 for an immutable column.
        up: How far each may rise, [F].
        classes: Which classes are attacked, bool [K].
        normals: Of the relations `normals @ z >= offsets`, in scaled units, [R, F].
        offsets: [R].
    """

    down: Tensor
    up: Tensor
    classes: Tensor
    normals: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, contract: Contract, scaling: Scaling, factor: float) -> Self:
        """The ball of a contract, its radii times `factor`."""
        columns = contract.feature_columns
        free = [0.0 if column.immutable else float(column.epsilon) * factor for column in columns]
        down = [0.0 if column.direction == "increase" else radius for column, radius in zip(columns, free, strict=True)]
        up = [0.0 if column.direction == "decrease" else radius for column, radius in zip(columns, free, strict=True)]
        named = {column.name: position for position, column in enumerate(columns)}
        normals = torch.zeros(len(contract.threat.relations), len(columns))
        offsets = torch.zeros(len(contract.threat.relations))
        for row, relation in enumerate(contract.threat.relations):
            for name, coefficient in relation.terms:
                normals[row, named[name]] += float(coefficient)
            offsets[row] = float(relation.lower)
        offsets -= normals @ scaling.lower
        normals *= scaling.upper - scaling.lower
        classes = torch.zeros(len(contract.classes), dtype=torch.bool)
        classes[list(contract.threat.attackable)] = True
        return cls(torch.tensor(down), torch.tensor(up), classes, normals, offsets)

    def scaled(self, factor: float) -> Ball:
        """The same, with its radii times `factor`."""
        return Ball(self.down * factor, self.up * factor, self.classes, self.normals, self.offsets)

    def reach(self, y: Tensor) -> tuple[Tensor, Tensor]:
        """How far rows of the classes `y` [N] may fall and rise, both [N, F]."""
        moves = self.classes[y].unsqueeze(1).to(self.down.dtype)
        return moves * self.down, moves * self.up

    def draw(self, y: Tensor, factor: float, generator: torch.Generator) -> Tensor:
        """Uniform noise in the ball times `factor`, [N, F]."""
        down, up = self.reach(y)
        return factor * (torch.rand(down.shape, generator=generator) * (down + up) - down)

    def project(self, z: Tensor, origin: Tensor, y: Tensor) -> Tensor:
        """The nearest permitted point, nearly: into ball and box, and onto the relations by turns."""
        down, up = self.reach(y)
        low = torch.minimum((origin - down).clamp(min=0.0), origin)
        high = torch.maximum((origin + up).clamp(max=1.0), origin)
        z = torch.minimum(torch.maximum(z, low), high)
        if len(self.offsets) == 0:
            return z
        return self._relate(z, origin, low, high)

    def _relate(self, z: Tensor, origin: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """Alternating projections; a row that broke a relation before the attack need not mend it."""
        room = high - low
        need = torch.minimum(self.offsets, origin @ self.normals.T)
        weight = (room * room) @ (self.normals * self.normals).T + 1e-12
        for _ in range(_CYCLES):
            lack = (need - z @ self.normals.T).clamp(min=0.0)
            z = z + (lack / weight) @ self.normals * room * room
            z = torch.minimum(torch.maximum(z, low), high)
        return z


def gradient(logits: Logits, z: Tensor, y: Tensor) -> Tensor:
    """The gradient of the summed cross-entropy at each row, [N, F]; no gradient reaches the net's weights."""
    z = z.detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(F.cross_entropy(logits(z), y, reduction="sum"), z)
    return slope


def step(slope: Tensor, ball: Ball, y: Tensor, size: float) -> Tensor:
    """A signed step of `size` radii, by feature, [N, F]."""
    down, up = ball.reach(y)
    return size * torch.where(slope > 0, up, torch.where(slope < 0, -down, torch.zeros_like(slope)))


def fgsm(logits: Logits, z: Tensor, y: Tensor, ball: Ball) -> Tensor:
    """One full signed step from the row itself (Goodfellow et al. 2015), [N, F]."""
    return ball.project(z + step(gradient(logits, z, y), ball, y, 1.0), z, y)


def n_fgsm(logits: Logits, z: Tensor, y: Tensor, ball: Ball, noise: float, generator: torch.Generator) -> Tensor:
    """Noise of `noise` radii, then one step, clipped to neither ball nor box (de Jorge et al. 2022, Algorithm 1)."""
    noisy = z + ball.draw(y, noise, generator)
    return noisy + step(gradient(logits, noisy, y), ball, y, 1.0)


def pgd(logits: Logits, z: Tensor, y: Tensor, ball: Ball, steps: int, generator: torch.Generator) -> Tensor:
    """Projected signed steps of 2.5 radii over `steps`, from a uniform start (Madry et al. 2018), [N, F]."""
    found = ball.project(z + ball.draw(y, 1.0, generator), z, y)
    for _ in range(steps):
        found = ball.project(found + step(gradient(logits, found, y), ball, y, 2.5 / steps), z, y)
    return found
