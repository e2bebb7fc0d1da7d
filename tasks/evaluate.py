"""evaluate: TrainedModel -> EvaluatedModel."""

from __future__ import annotations

from typing import Any

from hardline.tasks import _page
from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import EvaluatedModel, TrainedModel
from hardline.tasks.core.steps import evaluate as core


@stage("assessor", "evaluate {trained.name}", _page.show_robustness)
def evaluate(act: Act, trained: TrainedModel) -> EvaluatedModel:
    """Attack both nets on the test split, which nobody else opens; the contract's floors decide."""

    def assess(*given: Any) -> core.Measured:
        from hardline.tasks.hardening.evaluation import assess

        return assess(*given)

    return core.evaluate(act, trained, assess=assess)
