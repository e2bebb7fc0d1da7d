"""How a source becomes record batches, by its contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from hardline.infra.parsers.csv import parse_csv
from hardline.infra.parsers.spec import CsvSpec

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.tasks.core.contract import Contract


def parse(source: Iterable[bytes], contract: Contract) -> Iterator[pa.RecordBatch]:
    """CSV under the contract's columns; raises `ParseRefused`."""
    spec = CsvSpec(
        columns=[(column.name, column.type, column.nullable) for column in contract.columns],
        delimiter=contract.csv.delimiter,
        null_values=contract.csv.null_values,
    )
    return parse_csv(source, spec)
