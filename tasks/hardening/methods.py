"""Training methods, and the watchdog over the cheap one.

One-step training can fail all at once: the net learns to resist the one step and nothing else (catastrophic
overfitting, Wong et al. 2020, section 5.3). One-step accuracy then stays high while PGD accuracy falls, on the very rows that
are trained on, so no row has to be held out to see it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from hardline.tasks.hardening.attacks import Ball, fgsm, n_fgsm, pgd
from hardline.tasks.hardening.recipe import Recipe

Perturb = Callable[[nn.Module, Tensor, Tensor, float], Tensor]  # net, scaled rows, labels, share of the radius


def perturber(method: str, recipe: Recipe, ball: Ball, generator: torch.Generator) -> Perturb:
    """What a method makes of a batch before the net learns from it.

    Args:
        method: `standard` (nothing), `n-fgsm` or `pgd`.
        recipe: For the method's settings.
        ball: What the attacker may do, at full radius.
        generator: Of its noise.
    """

    def perturb(net: nn.Module, z: Tensor, y: Tensor, share: float) -> Tensor:
        if method == "standard":
            return z
        now = ball.scaled(share)
        if method == "n-fgsm":
            return n_fgsm(net, z, y, now, float(recipe.noise), generator)
        return pgd(net, z, y, now, recipe.pgd_steps, generator)

    return perturb


@dataclass(frozen=True)
class Sighting:
    """Right answers of a net on the watched rows: as they are, after one step, and after PGD."""

    rows: int
    clean: int
    one_step: int
    pgd: int


class Watchdog:
    """Compares one step with PGD after every epoch, and keeps the last net on which both agreed."""

    def __init__(self, z: Tensor, y: Tensor, ball: Ball, recipe: Recipe) -> None:
        """Args:
        z: Scaled training rows [N, F]; a seeded sample of them is watched.
        y: Their classes [N].
        ball: What the attacker may do, at full radius.
        recipe: For the number of rows and the gap that is tolerated.
        """
        self._generator = torch.Generator().manual_seed(recipe.seed)
        sample = torch.randperm(len(z), generator=self._generator)[: recipe.watchdog_rows]
        self._z, self._y = z[sample], y[sample]
        self._ball = ball
        self._steps = recipe.pgd_steps
        self._limit = float(recipe.watchdog_gap) * len(sample)
        self._kept: tuple[dict[str, Any], dict[str, Any]] | None = None

    def look(self, net: nn.Module, share: float) -> Sighting:
        """Measure the net at `share` of the radius."""
        now = self._ball.scaled(share)
        return Sighting(
            rows=len(self._y),
            clean=self._right(net, self._z),
            one_step=self._right(net, fgsm(net, self._z, self._y, now)),
            pgd=self._right(net, pgd(net, self._z, self._y, now, self._steps, self._generator)),
        )

    def alarmed(self, seen: Sighting) -> bool:
        """Whether PGD finds so much more than one step that training has gone wrong."""
        return seen.one_step - seen.pgd > self._limit

    def keep(self, net: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        """Remember a net that is well, with its optimizer."""
        self._kept = deepcopy((net.state_dict(), optimizer.state_dict()))

    def restore(self, net: nn.Module, optimizer: torch.optim.Optimizer) -> bool:
        """Go back to the last net that was well; False when there was none, and the net stays as it is."""
        if self._kept is None:
            return False
        weights, state = deepcopy(self._kept)
        net.load_state_dict(weights)
        optimizer.load_state_dict(state)
        return True

    def _right(self, net: nn.Module, z: Tensor) -> int:
        with torch.no_grad():
            return int((net(z).argmax(1) == self._y).sum())
