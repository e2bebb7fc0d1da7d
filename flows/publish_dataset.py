"""From a source to a published dataset."""

from __future__ import annotations

from hardline.tasks.core.references import ContractRef, DatasetRef, SourceRef
from hardline.tasks.encrypt import encrypt
from hardline.tasks.ingest import ingest
from hardline.tasks.publish import publish
from hardline.tasks.sign import sign
from hardline.tasks.validate import validate


def publish_dataset(source: SourceRef, contract: ContractRef) -> DatasetRef:
    """Ingest, validate, encrypt, sign and publish. A second run of the same finds what the first one published.

    Args:
        source: Where the rows come from.
        contract: What they must look like.
    """
    snapshot = ingest(source, contract)
    accepted = validate(snapshot)
    sealed = encrypt(accepted)
    signed = sign(sealed)
    return publish(signed)
