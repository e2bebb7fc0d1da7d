"""publish: SignedDataset -> DatasetRef."""

from __future__ import annotations

from hardline.tasks import _page
from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import DatasetRef, SignedDataset
from hardline.tasks.core.steps import publish as core


@stage("publisher", "publish {signed.name}", _page.show_dataset)
def publish(act: Act, signed: SignedDataset) -> DatasetRef:
    """Number the dataset and record it in the log: the one commit."""
    return core.publish(act, signed)
