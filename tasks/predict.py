"""predict: a released model's answers to a file of rows, under the contract that the model was made under."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardline.infra.parsers.errors import ParseRefused
from hardline.tasks.core import canonical, model_staging, opening, parsing, paths, private_file
from hardline.tasks.core.errors import DigestMismatch, ExpectationError, IngestError, UsageError
from hardline.tasks.core.folders import read_recorded
from hardline.tasks.core.inputs import encode
from hardline.tasks.core.model_documents import ModelDocument
from hardline.tasks.core.results import Predicted
from hardline.tasks.core.roles import MODEL_READERS
from hardline.tasks.core.row_files import refuse_suffix, row_file
from hardline.tasks.core.steps.train import WEIGHTS

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.infra.runtime import Runtime
    from hardline.infra.settings import Settings
    from hardline.tasks.core.contract import Column, Contract
    from hardline.tasks.core.folders import StoreFolder
    from hardline.tasks.core.references import SourceRef, Wanted
    from hardline.tasks.core.verification import Verified
    from hardline.tasks.hardening.models import BuiltIn

_NAMED_ROWS = 10  # of each rule that refuses rows


def predict(runtime: Runtime, wanted: Wanted, source: SourceRef, target: Path, *, role: str = "releaser") -> Predicted:
    """Verify a model, open its weights, and write its answer to every row of a source.

    A row has `predicted` (the class), `probability=CLASS` (float32, the softmax of the logits) for each class, and
    `clipped` (how many values lie outside the contract's scale, and were moved to its end).

    Args:
        runtime: The home.
        wanted: The model; one that was recalled, or whose dataset was, is refused.
        source: Rows in the contract's format. The label may be missing, and so may all that is no feature.
        target: A file that does not exist, `.parquet` or `.csv`.
        role: Who opens the weights: releaser, trainer or assessor; logged.

    Raises:
        VerificationError: The model is not what its owners signed.
        AccessDenied: This process does not hold the role's key.
        IngestError: The source cannot be read as the contract says.
        ExpectationError: Rows are not finite, impossible or of an unknown level; they are named by number.
        UsageError: The net is not one of ours, or the file is there.
    """
    if role not in MODEL_READERS:
        raise UsageError(f"role: {', '.join(MODEL_READERS)} expected, got {role[:40]!r}")
    refuse_suffix(target)
    private_file.refuse_taken(target, runtime.root)
    proven, folder, _ = opening.verified(runtime, wanted, kind="model")
    net = _open(runtime, proven, folder, role)
    return _answer(runtime.settings, proven, net, source, target, role)


def _open(runtime: Runtime, proven: Verified, folder: StoreFolder, role: str) -> BuiltIn:
    from hardline.tasks.hardening.model_format import FOREIGN_KIND, decode_net

    document = proven.document
    assert isinstance(document, ModelDocument)
    if document.architecture.get("kind") == FOREIGN_KIND:
        raise UsageError(
            f"{proven.reference}: a built-in net expected, got one of your own, whose code is not in the model",
            help="build the net in your own code, and load the weights that it was released with",
        )
    keys = opening.open_model_key(runtime, proven, folder, role, document.key_id)
    file = document.files[WEIGHTS]
    with proven.subject.steps(7):  # again: the same private bytes are digested and opened
        sealed = read_recorded(folder, f"{paths.PAYLOAD}/{WEIGHTS}", file.size)
        if canonical.digest(sealed) != file.digest:
            raise DigestMismatch(f"entry {WEIGHTS}: sha256:{file.digest} expected, got other bytes")
        plain = model_staging.open_file(document.version, WEIGHTS, sealed, file, keys[document.key_id])
        return decode_net(plain, document.architecture)


def _answer(
    settings: Settings, proven: Verified, net: BuiltIn, source: SourceRef, target: Path, role: str
) -> Predicted:
    import pyarrow as pa

    contract, rows, clipped, refused = proven.contract, 0, 0, _Refused()
    names = [f"probability={level}" for level in contract.classes]
    schema = pa.schema([("predicted", pa.string()), *((name, pa.float32()) for name in names), ("clipped", pa.int64())])
    with row_file(target, schema) as file:
        for table in _tables(source, contract, settings):
            refused.add(contract, table, rows)
            rows += table.num_rows
            if not refused.where:
                answers = _batch(contract, net, table, schema)
                clipped += int(answers.column("clipped").to_numpy().sum())
                file.write_batch(answers)
        refused.require_none(source.uri, rows)
        if not rows:
            raise IngestError(f"{source.uri}: at least one row expected, got none")
    return Predicted(proven.reference, proven.subject.digest, role, str(target), rows, clipped)


def _batch(contract: Contract, net: BuiltIn, table: pa.Table, schema: pa.Schema) -> pa.RecordBatch:
    import numpy as np
    import pyarrow as pa

    from hardline.tasks.hardening.inference import probabilities
    from hardline.tasks.hardening.scaling import clipped_by_row

    x = encode(contract, table)
    shares = probabilities(net, x, len(contract.classes))
    predicted = np.asarray(contract.classes, dtype=object)[shares.argmax(axis=1)]
    columns = [predicted, *(shares[:, place] for place in range(shares.shape[1])), clipped_by_row(x, contract)]
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
    )


@dataclass
class _Refused:
    """Which rows are no input of the contract: what is enforced in training is enforced again."""

    where: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(list))
    rows: set[int] = field(default_factory=set)

    def add(self, contract: Contract, table: pa.Table, before: int) -> None:
        """Check the features of a table whose first row has the number `before` + 1."""
        from hardline.expectations.invariants import failing_rows

        for rule, column, failing in failing_rows(replace(contract, columns=contract.feature_columns), table):
            numbers = [before + 1 + int(place) for place in failing.nonzero()[0]]
            if numbers:
                self.where[rule, column] += numbers
                self.rows.update(numbers)

    def require_none(self, name: str, total: int) -> None:
        """Raise `ExpectationError` unless every row is an input."""
        if not self.rows:
            return
        said = [
            f"{rule} of {column}: {', '.join(map(str, rows[:_NAMED_ROWS]))}{' ...' * (len(rows) > _NAMED_ROWS)}"
            for (rule, column), rows in list(self.where.items())[:5]
        ]
        raise ExpectationError(
            f"{name}: {total:,} rows that the contract permits expected, got {len(self.rows):,} others; rows by number: "
            + "; ".join(said),
            help="correct or remove these rows; nothing was written",
        )


def _tables(source: SourceRef, contract: Contract, settings: Settings) -> Iterator[pa.Table]:
    """The rows of a source whose columns are the contract's, with or without what is no feature."""
    import pyarrow as pa

    refused: ParseRefused | None = None
    for columns in _choices(contract):
        begun = False
        try:
            files = ((file.name, file.chunks()) for file in parsing.files_of(source, contract, settings))
            for batch in parsing.parse(files, replace(contract, columns=tuple(columns))):
                begun = True
                yield pa.Table.from_batches([batch])
            return
        except ParseRefused as error:
            refused = refused or error
            if begun or error.code not in ("columns", "header"):
                refused = error
                break
    assert refused is not None
    raise IngestError(f"{source.uri}: {refused.message}", help=refused.help) from None


def _choices(contract: Contract) -> Sequence[Sequence[Column]]:
    """Sets of columns that a source may have, the likely ones first."""
    unlabelled = [column for column in contract.columns if column.name != contract.label]
    labelled = [column for column in contract.columns if column.group == "features" or column.name == contract.label]
    found = [unlabelled, [*contract.columns], [*contract.feature_columns], labelled]
    return [columns for place, columns in enumerate(found) if columns not in found[:place]]
