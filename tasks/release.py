"""release: EvaluatedModel -> ModelRef."""

from __future__ import annotations

from hardline.tasks import _page
from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import EvaluatedModel, ModelRef
from hardline.tasks.core.steps import release as core


@stage("releaser", "release {evaluated.name}", _page.show_model)
def release(act: Act, evaluated: EvaluatedModel) -> ModelRef:
    """Sign the model's folder, and record it in the log as a release."""
    return core.release(act, evaluated)
