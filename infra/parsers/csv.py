"""CSV to Arrow, parsed in a child process that can do nothing else: no network, no file, a bound on memory and time."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from hardline.infra.parsers.errors import ParseRefused

if TYPE_CHECKING:
    import pyarrow as pa

_HELP = "correct the source, or accept a contract that says what it holds"


@dataclass(frozen=True)
class CsvSpec:
    """What the text must be.

    Attributes:
        columns: Name, type (number, integer, boolean, category, text, date) and whether a value may be missing.
        delimiter: Between cells.
        null_values: How a missing value is written.
        max_cell_bytes: Of one cell.
        max_bytes: Of the whole.
        timeout_s: CPU and wall time.
        memory_bytes: Address space of the child.
        block_bytes: Text in one batch.
    """

    columns: Sequence[tuple[str, str, bool]]
    delimiter: str = ","
    null_values: Sequence[str] = ("",)
    max_cell_bytes: int = 1 << 20
    max_bytes: int = 1 << 40
    timeout_s: int = 3600
    memory_bytes: int = 4 << 30
    block_bytes: int = 8 << 20


def parse_csv(source: Iterable[bytes], spec: CsvSpec) -> Iterator[pa.RecordBatch]:
    """Parse strictly: exactly the columns stated, in any order, every row whole, no value guessed.

    Args:
        source: The file's bytes, UTF-8, with or without a byte-order mark.
        spec: What it must hold.

    Yields:
        Batches in the spec's order of columns.

    Raises:
        ParseRefused: With the line or the column, never the value. What was yielded before is void then.
    """
    import pyarrow as pa

    command = [sys.executable, "-I", "-m", "hardline.infra.parsers.csv_child"]
    child = subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", env={"LC_ALL": "C.UTF-8"}
    )
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    failed: list[BaseException] = []
    feeder = threading.Thread(target=_feed, args=(child.stdin, source, spec, failed), daemon=True)
    errors: list[bytes] = []
    listener = threading.Thread(target=lambda: errors.append(child.stderr.read(65536)), daemon=True)  # type: ignore[union-attr]
    late = threading.Timer(spec.timeout_s, child.kill)
    late.daemon = True
    try:
        for thread in (feeder, listener, late):
            thread.start()
        whole = False
        try:
            with pa.ipc.open_stream(child.stdout) as batches:
                yield from batches
            whole = True
        except pa.ArrowException:
            pass  # the child ended early; it says why below
        feeder.join()
        code = child.wait()
        listener.join()
        if failed:
            raise failed[0]
        if code != 0 or not whole:
            raise _refusal(b"".join(errors), code, spec)
    finally:
        late.cancel()
        if child.poll() is None:
            child.kill()
        child.wait()
        feeder.join()
        listener.join()
        for pipe in (child.stdout, child.stderr):
            pipe.close()


def _feed(pipe: IO[bytes], source: Iterable[bytes], spec: CsvSpec, failed: list[BaseException]) -> None:
    try:
        with suppress(BrokenPipeError), pipe:
            pipe.write(json.dumps(asdict(spec)).encode() + b"\n")
            for chunk in source:
                pipe.write(chunk)
    except BaseException as error:  # noqa: BLE001  handed to the reader's thread
        failed.append(error)


def _refusal(said: bytes, code: int, spec: CsvSpec) -> ParseRefused:
    try:
        value: dict[str, Any] = json.loads(said.decode().strip().splitlines()[-1])
        names = {name for name, _, _ in spec.columns}
        column = value["column"] if value["column"] in names else None
        extra = str(value.get("extra") or "")[:200]
        message = _MESSAGES[value["code"]].format(extra=extra)
        return ParseRefused(value["code"], value["line"], column, message=message, help=_HELP)
    except (ValueError, KeyError, IndexError, TypeError):
        limits = f"{spec.memory_bytes >> 20} MiB of memory and {spec.timeout_s} s"
        return ParseRefused("limits", message=f"the parser ended ({code}) within its limits of {limits}", help=_HELP)


_MESSAGES = {
    "empty": "rows under a header expected, got an empty file",
    "header-only": "at least one row under the header expected, got none",
    "missing-column": "the contract's columns expected, {extra} missing",
    "unknown-column": "the contract's columns only expected, got {extra}",
    "duplicate-column": "each column once expected, got {extra} twice",
    "row-length": "as many cells as the header has expected, got {extra}",
    "utf-8": "UTF-8 expected, got other bytes",
    "nul": "text expected, got a NUL byte",
    "cell-size": "a cell of at most the allowed size expected, got a larger one",
    "size": "a source of at most the allowed size expected, got a larger one",
    "number": "a plain decimal number expected (no spaces, no thousands separators)",
    "integer": "a plain integer of at most 64 bits expected (no fraction, no spaces, no 0x)",
    "boolean": "true or false expected",
    "date": "a date as YYYY-MM-DD expected",
    "form": "CSV as RFC 4180 writes it, without line breaks in cells, expected",
}
