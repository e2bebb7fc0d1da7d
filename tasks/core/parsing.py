"""How a source becomes record batches, by its contract."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from hardline.infra.parsers import process, sources
from hardline.infra.parsers.remote_files import RemoteLimits
from hardline.infra.parsers.spec import CsvSpec, Spec, Tensor

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.infra.parsers.sources import SourceFile
    from hardline.infra.settings import Settings
    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.references import SourceRef


def files_of(source: SourceRef, contract: Contract, settings: Settings) -> Sequence[SourceFile]:
    """The files of a source, at least one, in the order in which they are read; raises `ParseRefused`."""
    limits = RemoteLimits(
        ca_file=settings.ca_file,
        http_loopback=settings.allow_http_loopback,
        max_bytes=settings.download_bytes,
        max_seconds=settings.download_seconds,
    )
    stated = contract.source
    return sources.open_sources(source.uri, format=stated.format, compression=stated.compression, limits=limits)


def parse(files: Iterable[tuple[str, Iterable[bytes]]], contract: Contract) -> Iterator[pa.RecordBatch]:
    """The rows of a source's files, in the contract's format and columns; see `process.parse`."""
    return process.parse(files, specification(contract))


def specification(contract: Contract) -> Spec:
    """What the parser is told of a contract."""
    columns = [(column.name, column.type, column.nullable) for column in contract.columns]
    if contract.source.format == "csv":
        csv = contract.csv
        return CsvSpec(
            columns=columns,
            compression=contract.source.compression,
            delimiter=csv.delimiter,
            decimal=csv.decimal,
            null_values=csv.null_values,
            true_values=csv.true_values,
            false_values=csv.false_values,
            trim=csv.trim,
        )
    column = contract.tensor
    return Spec(
        columns=columns,
        format=contract.source.format,
        compression=contract.source.compression,
        tensor=Tensor(column.tensor.dtype, column.tensor.shape) if column and column.tensor else None,
    )
