"""verify: DatasetRef -> Receipt."""

from __future__ import annotations

from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import DatasetRef, Receipt, Wanted
from hardline.tasks.core.steps import verify as core


@stage("auditor", "verify {dataset.name}")
def verify(act: Act, dataset: Wanted | DatasetRef) -> Receipt:
    """Walk the numbered list of verification with public keys only; the receipt is a record, not a permission."""
    return core.verify(act, dataset)
