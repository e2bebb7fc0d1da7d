"""Releasing a model that somebody trained in a loop of their own: the same steps, with the net they hand over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hardline.infra import runtime as runtimes
from hardline.tasks.core.act import Act
from hardline.tasks.core.dataset import VerifiedDataset
from hardline.tasks.core.references import ModelRef, Receipt
from hardline.tasks.core.steps import evaluate, release, train

if TYPE_CHECKING:
    import torch


def release_own(
    net: torch.nn.Module, data: VerifiedDataset, *, inputs: str, name: str | None, recipe: Mapping[str, Any]
) -> ModelRef:
    """State, evaluate and release a net.

    Args:
        net: Raw units, float32 [N, F], to logits [N, K].
        data: The open dataset that it was trained on.
        inputs: What it takes, for people.
        name: The model's name.
        recipe: What to record of how it was trained.
    """
    from hardline.tasks.core import canonical
    from hardline.tasks.hardening import evaluation, model_format

    runtime = runtimes.current()
    weights = model_format.encode_net(net)
    architecture = model_format.architecture(net)
    subject = data.verified.subject
    receipt = Receipt(
        reference=data.reference,
        manifest=data.digest,
        index=subject.record.index,
        checkpoint=subject.checkpoint.size,
        steps=tuple(number for number, result in subject.steps.results.items() if result == "passed"),
    )
    stated = {"preset": "own", "weights": canonical.digest(weights), **recipe}  # other weights are another model

    def fit(opened: VerifiedDataset) -> train.Nets:
        return train.Nets({train.WEIGHTS: weights}, architecture, inputs, opened.rows("train"), {})

    def assess(opened: VerifiedDataset, document: Any, files: Mapping[str, bytes]) -> evaluate.Measured:
        return evaluation.assess(opened, document, files, nets={"hardened": net})

    trained = train.train(Act(runtime, "train", "trainer"), receipt, name, stated, fit=fit)
    evaluated = evaluate.evaluate(Act(runtime, "evaluate", "assessor"), trained, assess=assess)
    return release.release(Act(runtime, "release", "releaser"), evaluated)
