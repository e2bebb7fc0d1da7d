"""A verdict without a home: for whoever proposes data, a contract or a suite, and may sign nothing.

The source is parsed and judged as a publication would, by the same parser and the same gate. Rows stay in memory, so that
there is a limit; the key that splits them and the one that draws Great Expectations' sample are thrown away, so that
another trial may put a row into the other split.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hardline.infra.parsers.errors import ParseRefused
from hardline.tasks.core import canonical, parsing, rows
from hardline.tasks.core.accepted import read_folder
from hardline.tasks.core.contract import parse_contract
from hardline.tasks.core.errors import HardlineError, IngestError, UsageError
from hardline.tasks.core.results import Tried
from hardline.tasks.core.suite import parse_suite

if TYPE_CHECKING:
    import pyarrow as pa

    from hardline.infra.ports import Progress
    from hardline.infra.settings import Settings
    from hardline.tasks.core.contract import Contract
    from hardline.tasks.core.references import SourceRef
    from hardline.tasks.core.steps.validate import Judge

MAX_BYTES = 4 << 30  # of Arrow data in memory; a publication has no such limit, since it reads sealed shards again


def try_source(
    source: SourceRef,
    folder: Path,
    *,
    judge: Judge,
    settings: Settings,
    progress: Progress,
    max_bytes: int = MAX_BYTES,
) -> Tried:
    """Judge a source by the contract and the suite that lie in a folder, accepted or not.

    Args:
        source: Where the rows come from.
        folder: With `contract.odcs.yaml` and `suite.json`.
        judge: The engines; see `steps.validate.Judge`.
        settings: Of this process.
        progress: Who watches.
        max_bytes: The most that is kept in memory.

    Raises:
        ContractError, ExpectationError: The contract or the suite is wrong.
        IngestError: The source cannot be read as the contract says.
        UsageError: One of the files is missing, or the source is too large for a trial.
    """
    contract_bytes, suite_bytes = read_folder(folder)
    contract, suite = parse_contract(contract_bytes), parse_suite(suite_bytes)
    suite.check_against(contract)
    try:
        shards = [*_shards(source, contract, settings, progress, max_bytes)]
    except ParseRefused as error:
        raise IngestError(error.message, help=error.help) from None
    progress.say(
        f"judging {sum(table.num_rows for _, table in shards):,} rows by {len(suite.expectations)} expectations"
    )
    try:
        found = judge(contract, suite, suite_bytes, lambda: iter(shards), secrets.token_bytes(32))
    except HardlineError:
        raise
    except Exception as error:  # of a library, whose text may quote a cell
        reason = f"an engine failed ({type(error).__name__}); please report this bug, with the suite"
        return Tried(
            contract.name, "ERROR", sum(table.num_rows for _, table in shards), 0, 0, len(suite.expectations), 0,
            (), (reason,), (), canonical.digest(contract_bytes), canonical.digest(suite_bytes),
        )  # fmt: skip
    accepted = int(found.mask.sum()) if found.decision == "ACCEPT" else 0
    return Tried(
        name=contract.name,
        decision=found.decision,
        rows=len(found.mask),
        accepted=accepted,
        quarantined=len(found.mask) - accepted,
        declared=len(suite.expectations),
        evaluated=found.evaluated,
        warnings=found.warnings,
        reasons=found.reasons,
        rules=tuple(rule.to_json() for rule in found.rules),
        contract=contract.digest,
        suite=suite.digest,
    )


def _shards(
    source: SourceRef, contract: Contract, settings: Settings, progress: Progress, most: int
) -> Iterator[tuple[str, pa.Table]]:
    """The source's rows by split, as ingest would shard them."""
    import pyarrow as pa

    key, sharder, kept, read = secrets.token_bytes(32), rows.Sharder(), 0, 0
    files = ((file.name, file.chunks()) for file in parsing.files_of(source, contract, settings))
    for batch in parsing.parse(files, contract):
        table = pa.Table.from_batches([batch])
        kept, read = kept + table.nbytes, read + table.num_rows
        if kept > most:
            raise UsageError(
                f"validate: at most {most >> 20:,} MiB of rows in memory expected, got more",
                help="hardline publish judges a source of any size",
            )
        yield from sharder.add(table, rows.assign_splits(table, contract.split, key))
        progress.advance("validate", read, None)
    if not read:
        raise ParseRefused("empty", message="at least one row expected, got none")
    yield from sharder.rest()
