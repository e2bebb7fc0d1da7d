"""CSV from a stranger: parsed in a process that can do nothing else, and checked again when it comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hardline.infra.errors import HardlineError, Misconfigured, Unavailable
from hardline.infra.parsers import frames
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.refusals import refusal
from hardline.infra.parsers.spec import CsvSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import FileIO

    import pyarrow as pa


__all__ = ["CsvSpec", "parse_csv"]

# Without site (-S) no .pth file runs, so the two folders are named. The program's own face is not needed there, and an
# empty package stands in for it; nor is numpy, whose import would double the start.
_BOOT = (
    "import sys, types; sys.path += sys.argv[2:]; sys.modules['numpy'] = None; "
    "top = sys.modules['hardline'] = types.ModuleType('hardline'); top.__path__ = [sys.argv[1]]; "
    "from hardline.infra.parsers.child import main; main()"
)
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve more address space than they use
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # it would start with the import, and keep its privileges
}
_PIPE_BYTES = 1 << 20
_EXPANSION = 16  # Arrow bytes for a byte of text, at most: an empty cell and its delimiter make 8 and a bit


def parse_csv(source: Iterable[bytes], spec: CsvSpec) -> Iterator[pa.RecordBatch]:
    """The rows of a CSV source, in order, in batches of about `spec.batch_bytes` of text.

    RFC 4180 in UTF-8, with a header of exactly the specification's columns in any order. Nothing is coerced: a cell is
    spelled as its type is (`csv_convert.grammar`), or missing as `spec.null_values` say, or the source is refused.
    Spellings of NaN and infinity are numbers here, and a missing cell is null even in a column that is not nullable:
    how many such rows may be is for validation to say. Rows before a refused one have been handed out by then: the
    caller drops them.

    Args:
        source: The text, in chunks of any size; read once, on a thread of its own. What it raises is raised here.
        spec: The columns and the limits.

    Yields:
        Batches of `spec`'s columns in its order.

    Raises:
        ParseRefused: With code, line and column; never with a value.
        Misconfigured: The parser cannot be started.
    """
    process = _Process(spec)
    try:
        process.feed(source)
        yield from process.batches()
    finally:
        process.end()


class _Process:
    """One parser's process, from its start to its certain end."""

    def __init__(self, spec: CsvSpec) -> None:
        self._spec = spec
        self._fed = 0
        self._failure: BaseException | None = None
        self._late = False
        self._feeder: threading.Thread | None = None
        try:
            self._child = subprocess.Popen(
                _command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback could quote a cell
                bufsize=0,
                cwd="/",
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"CSV parser: no process: {error.strerror}", help="free memory and processes") from None
        self._stdin, self._stdout = cast("FileIO", self._child.stdin), cast("FileIO", self._child.stdout)
        _widen(self._stdin, self._stdout)

    def feed(self, source: Iterable[bytes]) -> None:
        """Begin to hand the source over."""
        self._feeder = threading.Thread(target=self._hand_over, args=(source,), name="csv-feeder", daemon=True)
        self._feeder.start()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every batch, checked; ends only where the process says that it read all of the source."""
        from hardline.infra.parsers import csv_convert

        schema, rows = csv_convert.schema(self._spec), 0
        while True:
            kind, body = self._frame()
            if kind == frames.BATCH:
                batch = _batch(body, schema)
                rows += batch.num_rows
                yield batch
            elif kind == frames.DONE:
                self._complete(body, rows)
                return
            else:
                raise refusal(self._spec, body)

    def end(self) -> None:
        """Kill it if it lives, and leave nothing of it."""
        self._child.kill()
        self._child.wait()
        if self._feeder is not None:
            self._feeder.join(timeout=5)  # one that waits for a slow source ends with its next chunk
        if self._feeder is None or not self._feeder.is_alive():
            self._stdin.close()
        self._stdout.close()

    def _hand_over(self, source: Iterable[bytes]) -> None:
        with suppress(BrokenPipeError):  # the process has ended, and has said why
            try:
                self._write(json.dumps(self._spec.to_json()).encode() + b"\n")
                for chunk in source:
                    self._write(chunk)
                    self._fed += len(chunk)
            except BrokenPipeError:
                raise
            except BaseException as error:
                self._failure = error
                self._child.kill()  # it must never take a source that broke off for one that ended
            finally:
                self._stdin.close()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._stdin.write(view) :]

    def _frame(self) -> tuple[bytes, bytearray]:
        limit = _EXPANSION * self._spec.record_bytes + len(self._spec.columns) * 4096 + _PIPE_BYTES
        watch = threading.Timer(self._spec.timeout_s, self._expire)
        watch.start()
        try:
            head = frames.read_exactly(self._read, frames.HEADER.size)
            kind, size = frames.HEADER.unpack(head) if head else (b"", 0)
            body = frames.read_exactly(self._read, size) if head and size <= limit else None
        finally:
            watch.cancel()
        if self._failure is not None:
            raise self._failure
        if body is None or kind not in (frames.BATCH, frames.DONE, frames.REFUSED):
            raise self._stopped()
        return kind, body

    def _read(self, view: memoryview) -> int | None:
        return self._stdout.readinto(view)

    def _expire(self) -> None:
        self._late = True
        self._child.kill()

    def _stopped(self) -> HardlineError:
        """Why there is no frame."""
        spec = self._spec
        self._child.kill()
        status = self._child.wait()
        if self._late:
            reason = f"{spec.timeout_s} s for one batch"
        elif status == -signal.SIGXCPU or status == -signal.SIGKILL:
            reason = f"{spec.cpu_s} s of CPU time, or the machine's memory"
        elif self._fed == 0:
            return Misconfigured(
                "CSV parser: its process cannot start", help="check that pyarrow is installed for this Python"
            )
        else:
            reason = f"{spec.memory_bytes >> 20} MiB of memory"
        return ParseRefused(
            "limits",
            message=f"a source that can be parsed within the limits expected, its parser was stopped: {reason}",
            help="look for very long cells or records, or split the source",
        )

    def _complete(self, body: bytearray, rows: int) -> None:
        if self._feeder is not None:
            self._feeder.join()
        if self._failure is not None:
            raise self._failure
        try:
            said = json.loads(bytes(body))
            whole = said == {"bytes": self._fed, "rows": rows}
        except ValueError:
            whole = False
        if not whole or not rows:
            raise ParseRefused("limits", message=f"all {self._fed} bytes of the source parsed expected, got fewer")


def _batch(body: bytearray, schema: pa.Schema) -> pa.RecordBatch:
    """One batch of exactly that schema whose offsets and text are valid: the process met hostile bytes."""
    import pyarrow as pa
    from pyarrow import ipc

    try:
        with ipc.open_stream(pa.py_buffer(body)) as reader:
            batch = reader.read_next_batch()
        batch.validate(full=True)
    except (pa.ArrowException, OSError, StopIteration, ValueError, MemoryError):
        batch = None
    if batch is None or not batch.schema.equals(schema, check_metadata=True):
        raise ParseRefused("limits", message="the parser's process said something that it never says")
    return batch


def _command() -> list[str]:
    import pyarrow as pa

    if not sys.executable:
        raise Misconfigured("CSV parser: a Python interpreter expected, got none", help="run Hardline with python")
    own = Path(__file__).parents[2]  # the folder that `hardline.infra` lies in
    libraries = Path(pa.__file__).parents[1]
    return [sys.executable, "-I", "-S", "-B", "-c", _BOOT, str(own), str(libraries)]


def _widen(*pipes: Any) -> None:
    """Larger pipes: fewer switches between the processes. Linux only, and not needed."""
    import fcntl

    with suppress(OSError, AttributeError):
        for pipe in pipes:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
