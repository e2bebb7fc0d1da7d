"""ingest: SourceRef, ContractRef -> Snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hardline.tasks._stage import stage
from hardline.tasks.core.act import Act
from hardline.tasks.core.references import ContractRef, Snapshot, SourceRef
from hardline.tasks.core.steps import ingest as core

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.tasks.core.contract import Contract


@stage("ingestor", "ingest {contract.name}")
def ingest(act: Act, source: SourceRef, contract: ContractRef) -> Snapshot:
    """Read the source once: seal it as received, parse it under the contract, write sealed staging."""
    return core.ingest(act, source, contract, parse=_parse)


def _parse(source: Iterable[bytes], contract: Contract) -> Iterator[pa.RecordBatch]:
    from hardline.infra.parsers.csv import parse_csv
    from hardline.infra.parsers.spec import CsvSpec

    options = {"delimiter": contract.csv.delimiter, "null_values": contract.csv.null_values}
    return parse_csv(source, CsvSpec(contract.parser_columns(), **options))
