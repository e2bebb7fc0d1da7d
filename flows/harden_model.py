"""From a published dataset to a released model."""

from __future__ import annotations

from hardline.tasks.core.references import DatasetRef, ModelRef, RecipeRef, Wanted
from hardline.tasks.evaluate import evaluate
from hardline.tasks.release import release
from hardline.tasks.train import train
from hardline.tasks.verify import verify


def harden_model(dataset: Wanted | DatasetRef, recipe: RecipeRef) -> ModelRef:
    """Verify, train, evaluate and release. A second run of the same finds what the first one released.

    Args:
        dataset: What to train on; a name alone means the latest that is not recalled.
        recipe: A preset of the training, and what differs from it.
    """
    receipt = verify(dataset)
    trained = train(receipt, recipe)
    evaluated = evaluate(trained)
    return release(evaluated)
