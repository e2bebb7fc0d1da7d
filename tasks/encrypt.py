"""encrypt: AcceptedSnapshot -> SealedDataset."""

from __future__ import annotations

from hardline.tasks import _page
from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import AcceptedSnapshot, SealedDataset
from hardline.tasks.core.steps import encrypt as core


@stage("sealer", "encrypt {accepted.name}", _page.show_seals)
def encrypt(act: Act, accepted: AcceptedSnapshot) -> SealedDataset:
    """Seal the accepted rows, a data key for each split and column group; make the manifest and the keyring."""
    return core.encrypt(act, accepted)
