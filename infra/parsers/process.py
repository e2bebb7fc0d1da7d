"""A source from a stranger: parsed in a process that can do nothing else, and checked again when it comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from hardline.infra.errors import HardlineError, Misconfigured, Unavailable
from hardline.infra.parsers import frames
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.refusals import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from io import FileIO

    import pyarrow as pa

    from hardline.infra.parsers.spec import CsvSpec, Spec

# Without site (-S) no .pth file runs, so the two folders are named. The program's own face is not needed there, and an
# empty package stands in for it; nor is numpy, but for its own formats: its import would double the start.
_BOOT = (
    "import sys, types; sys.path += sys.argv[2:4]; sys.argv[4] == 'numpy' or sys.modules.update(numpy=None); "
    "top = sys.modules['hardline'] = types.ModuleType('hardline'); top.__path__ = [sys.argv[1]]; "
    "from hardline.infra.parsers.child import main; main()"
)
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # the others reserve more address space than they use
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # it would start with the import, and keep its privileges
    "OPENBLAS_NUM_THREADS": "1",  # numpy's; each thread would reserve address space
}
_PIPE_BYTES = 1 << 20
_EXPANSION = 16  # Arrow bytes for a byte of CSV text, at most: an empty cell and its delimiter make 8 and a bit
_CRASHES = (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT, -signal.SIGILL, -signal.SIGFPE)


def parse(files: Iterable[tuple[str, Iterable[bytes]]], spec: Spec) -> Iterator[pa.RecordBatch]:
    """The rows of a source's files, file by file, in batches of about `spec.batch_bytes`.

    One process takes all of them. Nothing is coerced: a value is spelled or stored as its type is, or the source is
    refused; docs/formats/source.md says how for each format. CSV is RFC 4180 in UTF-8, with a header of exactly the
    specification's columns in any order. Spellings of NaN and infinity are numbers here where the format has them, and
    a missing value is null even in a column that is not nullable: how many such rows may be is for validation to say.
    Rows before a refused one have been handed out by then: the caller drops them.

    Args:
        files: For each its name and its bytes, in chunks of any size; read once, in order, on a thread of its own. What
            they raise is raised here.
        spec: The format, the columns and the limits.

    Yields:
        Batches of `spec`'s columns in its order.

    Raises:
        ParseRefused: With code, place and the position of the file; never with a value.
        Misconfigured: The parser cannot be started.
    """
    process = _Process(spec)
    try:
        process.feed(files)
        yield from process.batches()
    finally:
        process.end()


def header(files: Iterable[tuple[str, Iterable[bytes]]], spec: CsvSpec) -> list[str]:
    """The names in the header of a CSV source's first file, as they stand there; raises like `parse`."""
    names = parse(files, replace(spec, columns=(("name", "text", True),), names_only=True))
    with closing(names):  # type: ignore[type-var]
        found: list[str] = next(names).column(0).to_pylist()
    return found


class _Process:
    """One parser's process, from its start to its certain end."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._fed: list[int] = []  # bytes of each file that was handed over whole
        self._began = False
        self._done = 0  # files that the process is done with
        self._failure: BaseException | None = None
        self._late = False
        self._feeder: threading.Thread | None = None
        try:
            self._child = subprocess.Popen(
                _command(spec),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # a traceback could quote a cell
                bufsize=0,
                cwd="/",
                env=_ENVIRONMENT,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(f"parser: no process: {error.strerror}", help="free memory and processes") from None
        self._stdin, self._stdout = cast("FileIO", self._child.stdin), cast("FileIO", self._child.stdout)
        _widen(self._stdin, self._stdout)

    def feed(self, files: Iterable[tuple[str, Iterable[bytes]]]) -> None:
        """Begin to hand the files over."""
        self._feeder = threading.Thread(target=self._hand_over, args=(files,), name="parser-feeder", daemon=True)
        self._feeder.start()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Every batch, checked; ends only where the process says that it read all of every file."""
        from hardline.infra.parsers import columns

        schema, rows, total = columns.schema(self._spec), 0, 0
        while True:
            frame = self._frame()
            if frame is None:
                self._complete(total)
                return
            kind, body = frame
            if kind == frames.BATCH:
                batch = _batch(body, schema)
                rows += batch.num_rows
                yield batch
            elif kind == frames.DONE:
                self._check_done(body, rows)
                rows, total = 0, total + rows
            else:
                raise self._placed(refusal(self._spec, body))

    def end(self) -> None:
        """Kill it if it lives, and leave nothing of it."""
        self._child.kill()
        self._child.wait()
        if self._feeder is not None:
            self._feeder.join(timeout=5)  # one that waits for a slow source ends with its next chunk
        if self._feeder is None or not self._feeder.is_alive():
            self._stdin.close()
        self._stdout.close()

    def _hand_over(self, files: Iterable[tuple[str, Iterable[bytes]]]) -> None:
        with suppress(BrokenPipeError):  # the process has ended, and has said why
            try:
                self._write(json.dumps(self._spec.to_json()).encode() + b"\n")
                for name, chunks in files:
                    self._write_frame(frames.NAME, name.encode("utf-8", "replace")[:4096])
                    size = 0
                    for chunk in chunks:
                        if chunk:
                            self._write_frame(frames.CHUNK, chunk)
                            self._began = True
                            size += len(chunk)
                    self._fed.append(size)  # before the process can answer
                    self._write_frame(frames.END, b"")
            except BrokenPipeError:
                raise
            except BaseException as error:
                self._failure = error
                self._child.kill()  # it must never take a source that broke off for one that ended
            finally:
                self._stdin.close()

    def _write_frame(self, kind: bytes, data: bytes) -> None:
        for start in range(0, len(data) or 1, frames.MAX_CHUNK):
            piece = data[start : start + frames.MAX_CHUNK] if len(data) > frames.MAX_CHUNK else data
            self._write(frames.FEED.pack(kind, len(piece)))
            self._write(piece)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._stdin.write(view) :]

    def _frame(self) -> tuple[bytes, bytearray] | None:
        """The next frame; None: the process ended between two files."""
        spec = self._spec
        limit = _EXPANSION * spec.record_bytes + len(spec.columns) * 4096 + 2 * spec.row_bytes + _PIPE_BYTES
        watch = threading.Timer(spec.timeout_s, self._expire)
        watch.start()
        try:
            head = frames.read_exactly(self._read, frames.HEADER.size)
            kind, size = frames.HEADER.unpack(head) if head else (b"", 0)
            body = frames.read_exactly(self._read, size) if head and size <= limit else None
        finally:
            watch.cancel()
        if self._failure is not None:
            raise self._failure
        if head is None and self._done and self._done == len(self._fed) and self._child.wait() == 0:
            return None
        if body is None or kind not in (frames.BATCH, frames.DONE, frames.REFUSED):
            raise self._placed(self._stopped())
        return kind, body

    def _read(self, view: memoryview) -> int | None:
        return self._stdout.readinto(view)

    def _expire(self) -> None:
        self._late = True
        self._child.kill()

    def _placed(self, error: HardlineError) -> HardlineError:
        if isinstance(error, ParseRefused):
            error.file = self._done
        return error

    def _stopped(self) -> HardlineError:
        """Why there is no frame."""
        spec = self._spec
        self._child.kill()
        status = self._child.wait()
        if self._late:
            reason = f"{spec.timeout_s} s for one batch"
        elif status in (-signal.SIGXCPU, -signal.SIGKILL):
            reason = f"{spec.cpu_s} s of CPU time, or the machine's memory"
        elif not self._began:
            return Misconfigured(
                "parser: its process cannot start", help="check that pyarrow is installed for this Python"
            )
        elif status in _CRASHES and spec.format != "csv":
            reason = f"it fell over the file, or needed more than {spec.address_bytes >> 20} MiB of memory"
        else:
            reason = f"{spec.address_bytes >> 20} MiB of memory"
        return ParseRefused(
            "limits",
            message=f"a source that can be parsed within the limits expected, its parser was stopped: {reason}",
            help="look for very long cells or records, or split the source",
        )

    def _check_done(self, body: bytearray, rows: int) -> None:
        """The process says that it read all of a file that was handed over whole."""
        if self._done < len(self._fed):
            fed = self._fed[self._done]
            try:
                whole = json.loads(bytes(body)) == {"bytes": fed, "rows": rows}
            except ValueError:
                whole = False
            if whole:
                self._done += 1
                return
        raise self._placed(ParseRefused("limits", message="all bytes of the source parsed expected, got fewer"))

    def _complete(self, rows: int) -> None:
        if self._feeder is not None:
            self._feeder.join()
        if self._failure is not None:
            raise self._failure
        if self._done != len(self._fed) or not rows:
            raise ParseRefused("limits", message=f"all {len(self._fed)} files of the source parsed expected, got fewer")


def _batch(body: bytearray, schema: pa.Schema) -> pa.RecordBatch:
    """One batch of exactly that schema whose offsets and text are valid: the process met hostile bytes."""
    import pyarrow as pa
    from pyarrow import ipc

    try:
        with ipc.open_stream(pa.py_buffer(body)) as reader:
            batch = reader.read_next_batch()
        batch.validate(full=True)
        gaps = sum(
            column.null_count or column.values.null_count
            for column in batch.columns
            if pa.types.is_fixed_size_list(column.type)
        )
    except (pa.ArrowException, OSError, StopIteration, ValueError, MemoryError):
        batch, gaps = None, 0
    if batch is None or gaps or not batch.schema.equals(schema, check_metadata=True):
        raise ParseRefused("limits", message="the parser's process said something that it never says")
    return batch


def _command(spec: Spec) -> list[str]:
    import pyarrow as pa

    if not sys.executable:
        raise Misconfigured("parser: a Python interpreter expected, got none", help="run Hardline with python")
    own = Path(__file__).parents[2]  # the folder that `hardline.infra` lies in
    libraries = [str(Path(pa.__file__).parents[1])]
    needs_numpy = spec.format in ("npz", "npy")
    if needs_numpy:
        import numpy as np

        libraries.append(str(Path(np.__file__).parents[1]))
    extra = libraries[-1]
    return [
        sys.executable, "-I", "-S", "-B", "-c", _BOOT, str(own), libraries[0], extra, "numpy" if needs_numpy else "",
    ]  # fmt: skip


def _widen(*pipes: Any) -> None:
    """Larger pipes: fewer switches between the processes. Linux only, and not needed."""
    import fcntl

    with suppress(OSError, AttributeError):
        for pipe in pipes:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
