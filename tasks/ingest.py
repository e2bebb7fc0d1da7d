"""ingest: SourceRef, ContractRef -> Snapshot."""

from __future__ import annotations

from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.parsing import parse
from hardline.tasks.core.references import ContractRef, Snapshot, SourceRef
from hardline.tasks.core.steps import ingest as core


@stage("ingestor", "ingest {contract.name}")
def ingest(act: Act, source: SourceRef, contract: ContractRef) -> Snapshot:
    """Read the source once: seal it as received, parse it under the contract, write sealed staging."""
    return core.ingest(act, source, contract, parse=parse)
