"""sign: SealedDataset -> SignedDataset."""

from __future__ import annotations

from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import SealedDataset, SignedDataset
from hardline.tasks.core.steps import sign as core


@stage("publisher", "sign {sealed.name}")
def sign(act: Act, sealed: SealedDataset) -> SignedDataset:
    """Digest every file of the payload again, and sign them all in a form that other people's tools verify."""
    return core.sign(act, sealed)
