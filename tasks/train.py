"""train: Receipt, RecipeRef -> TrainedModel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import Receipt, RecipeRef, TrainedModel
from hardline.tasks.core.steps import train as core

if TYPE_CHECKING:
    from hardline.tasks.core.dataset import VerifiedDataset
    from hardline.tasks.hardening.recipe import Recipe


@stage("trainer", "train on {receipt.reference}")
def train(act: Act, receipt: Receipt, recipe: RecipeRef) -> TrainedModel:
    """Verify the dataset once more, open its train split, and train a standard and a hardened net on it."""
    chosen = settings(recipe)

    def fit(data: VerifiedDataset) -> core.Nets:
        from hardline.tasks.hardening.fit import fit

        return fit(data, chosen, lambda net, done, total: act.advance(done + total * (net == "hardened"), 2 * total))

    return core.train(act, receipt, recipe.name, chosen.to_json(), fit=fit)


def settings(recipe: RecipeRef) -> Recipe:
    """Every setting that a recipe's reference stands for; raises `UsageError` for a preset or a setting that is none."""
    from hardline.tasks.hardening.recipe import Recipe

    return Recipe.named(recipe.preset, **{**recipe.options, "seed": recipe.seed})
