"""The main job: from a source to a released model."""

from __future__ import annotations

from hardline.flows.harden_model import harden_model
from hardline.flows.publish_dataset import publish_dataset
from hardline.tasks.core.references import ContractRef, ModelRef, RecipeRef, SourceRef


def secure_training(source: SourceRef, contract: ContractRef, recipe: RecipeRef) -> ModelRef:
    """Publish a dataset, then harden a model on it.

    Args:
        source: Where the rows come from.
        contract: What they must look like.
        recipe: A preset of the training, and what differs from it.
    """
    dataset = publish_dataset(source, contract)
    return harden_model(dataset, recipe)
