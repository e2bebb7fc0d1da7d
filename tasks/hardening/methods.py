"""What a net is trained on, and the watchdog over the cheap way of making it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hardline.tasks.hardening import attacks

if TYPE_CHECKING:
    from hardline.tasks.hardening.attacks import Predict, Threat
    from hardline.tasks.hardening.recipe import Recipe

_LEAST_STEP = 0.5


def n_fgsm(
    predict: Predict, z: Tensor, y: Tensor, threat: Threat, *, share: float, noise: float, step: float,
    generator: torch.Generator,
) -> Tensor:  # fmt: skip
    """Noise of `noise` radii, then one step of `step` radii from there, clipped to neither ball nor range.

    Source: de Jorge et al. 2022, algorithm 1; that nothing is clipped is what keeps a single step honest. What a
    contract forbids to move, or to move in a direction, does not move here either.
    """
    radius = torch.maximum(threat.down, threat.up) * threat.moves(z, y, share)
    start = z + (torch.rand(z.shape, generator=generator) * 2 - 1) * noise * radius
    moved = start + step * radius * attacks.gradient(predict, start, y).sign()
    moved = torch.where(threat.up > 0, moved, moved.minimum(z))
    return torch.where(threat.down > 0, moved, moved.maximum(z))


@dataclass
class Watchdog:
    """Chooses the training examples, and notices catastrophic overfitting.

    That failure shows as a single-step accuracy far above the iterated one: the net learned to fool the single step.
    The first time the step is halved, the second time the iterated attack takes over for the rest of the run.
    """

    recipe: Recipe
    threat: Threat
    generator: torch.Generator
    method: str
    step: float = 1.0

    @classmethod
    def over(cls, recipe: Recipe, threat: Threat, generator: torch.Generator) -> Watchdog:
        """At the start of a run."""
        return cls(recipe, threat, generator, recipe.method)

    def examples(self, predict: Predict, z: Tensor, y: Tensor, share: float) -> Tensor:
        """What to train on in place of the clean rows `z`, float32 [N, F], scaled."""
        if self.method == "pgd":
            return attacks.pgd(
                lambda rows: predict(rows.clamp(0.0, 1.0)), z, y, self.threat, steps=self.recipe.pgd_steps,
                generator=self.generator, share=share,
            ).clamp(0.0, 1.0)  # fmt: skip
        return n_fgsm(
            predict, z, y, self.threat, share=share, noise=float(self.recipe.noise), step=self.step,
            generator=self.generator,
        )  # fmt: skip

    def measure(self, predict: Predict, z: Tensor, y: Tensor, share: float) -> tuple[int, int]:
        """Rows right under the single step, and under the iterated attack, at the present radius."""
        single = attacks.fgsm(predict, z, y, self.threat, share=share)
        iterated = attacks.pgd(
            predict, z, y, self.threat, steps=self.recipe.pgd_steps, generator=self.generator, share=share, keep=True
        )
        with torch.no_grad():
            right = [int((predict(rows).argmax(1) == y).sum()) for rows in (single, iterated)]
        return right[0], right[1]

    def react(self, single: int, iterated: int, rows: int) -> str:
        """What was done about the epoch: an empty text when it may stay, else it is to be rolled back."""
        if self.method == "pgd" or single - iterated <= float(self.recipe.watchdog_gap) * rows:
            return ""
        if self.step > _LEAST_STEP:
            self.step /= 2
            return "rolled back, step halved"
        self.method = "pgd"
        return "rolled back, pgd from here"
