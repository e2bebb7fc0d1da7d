"""The parser's process: what it can still do, how it ends, and what its parent makes of its lies."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from csv_reading import SPEC, chunked, parse_csv, rows_of
from pyarrow import ipc

import hardline
from hardline.infra.errors import Misconfigured, Unavailable
from hardline.infra.parsers import frames
from hardline.infra.parsers import process as parser
from hardline.infra.parsers.errors import ParseRefused
from hardline.infra.parsers.process import parse
from hardline.infra.parsers.spec import Spec, Tensor

TEXT = b"id,x,t\n" + b"".join(b'%d,%d.5,"a, ""%d"""\n' % (n, n, n) for n in range(2000))
SCHEMA = pa.schema([("id", pa.int64()), ("x", pa.float64()), ("t", pa.string())])


def _children() -> set[int]:
    text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    return {int(pid) for pid in text.split()}


@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
def test_the_process_reads_what_is_read_here(size: int) -> None:
    text = TEXT if size > 1 else TEXT[: TEXT.index(b"\n", 400) + 1]
    batches = list(parse_csv(chunked(text, size), replace(SPEC, batch_bytes=4000)))
    assert [row for batch in batches for row in batch.to_pylist()] == rows_of(text)
    assert all(batch.schema == SCHEMA for batch in batches)
    assert len(batches) == -(-len(text) // 4000)


def test_it_starts_in_less_than_half_a_second() -> None:
    start = os.times()
    list(parse_csv([b"id,x,t\n1,2,a\n"], SPEC))
    end = os.times()  # of CPU time: the machine may be busy
    assert end.children_user + end.children_system - start.children_user - start.children_system < 0.5


def test_it_gives_up_all_that_it_does_not_need() -> None:
    before = _children()
    batches = parse_csv(itertools.chain([TEXT], iter(lambda: b"1,2,a\n" * 1000, b"")), replace(SPEC, batch_bytes=4000))
    next(batches)
    (pid,) = _children() - before
    limits = Path(f"/proc/{pid}/limits").read_text()
    for thread in Path(f"/proc/{pid}/task").iterdir():  # privileges are a thread's own, and Arrow has started some
        status = dict(line.split(":\t", 1) for line in (thread / "status").read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1"
        assert {int(status[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")} == {0}
    for name, value in {
        "file size": 0,
        "core file size": 0,
        "open files": 3,
        "processes": 0,
        "cpu time": SPEC.cpu_s,
    }.items():
        line = next(line for line in limits.splitlines() if line.startswith(f"Max {name}"))
        assert line.removeprefix(f"Max {name}").split()[:2] == [str(value)] * 2
    assert f"{SPEC.memory_bytes}" in limits
    if os.geteuid() == 0:  # else nobody may look into a process that cannot be dumped
        opened = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
        assert {place.split(":")[0] for place in opened} == {"pipe", "/dev/null"}  # one pipe is Arrow's own
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert b"HOME" not in Path(f"/proc/{pid}/environ").read_bytes()
        if subprocess.run(["unshare", "--user", "--net", "true"], capture_output=True, check=False).returncode == 0:
            assert os.readlink(f"/proc/{pid}/ns/net") != os.readlink("/proc/self/ns/net")
    batches.close()  # type: ignore[attr-defined]
    assert _children() == before


@pytest.mark.parametrize(
    "attempt",
    [
        "open('/etc/hostname')",
        "open('/tmp/written', 'w')",
        "os.pipe()",
        "socket.socket()",
        "os.fork() or os._exit(0)",
        "bytearray(2 << 30)",
    ],
)
def test_what_was_given_up_is_gone(attempt: str) -> None:
    program = (
        "import os, socket, sys\nsys.path.insert(0, sys.argv[1])\nfrom hardline.infra.parsers.confinement import drop_privileges, limit\n"
        "drop_privileges(); limit(memory_bytes=1 << 30, cpu_s=10)\n"
        f"try:\n    {attempt}\nexcept (OSError, MemoryError):\n    os._exit(7)\nos._exit(0)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(Path(hardline.__file__).parents[1])], check=False)
    root_may_fork = attempt.startswith("os.fork") and os.geteuid() == 0
    assert ended.returncode == (0 if root_may_fork else 7)


def test_a_reader_who_stops_leaves_no_process() -> None:
    before = _children()
    batches = parse_csv(chunked(TEXT * 50, 1000), replace(SPEC, batch_bytes=1000))
    next(batches)
    assert _children() > before
    batches.close()  # type: ignore[attr-defined]
    assert _children() == before


def test_a_source_that_breaks_off_is_never_taken_for_one_that_ended() -> None:
    def broken() -> Iterator[bytes]:
        yield TEXT
        raise Unavailable("the disk is gone")

    before = _children()
    with pytest.raises(Unavailable, match="the disk is gone"):
        list(parse_csv(broken(), replace(SPEC, batch_bytes=4000)))
    assert _children() == before


def test_a_refusal_survives_pickling() -> None:
    with pytest.raises(ParseRefused) as refused:
        list(parse_csv([b"id,x,t\n1,2,a\none,2,a\n"], SPEC))
    error = pickle.loads(pickle.dumps(refused.value))
    assert (error.code, error.line, error.column, str(error)) == ("value", 3, "id", str(refused.value))


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"memory_bytes": 400 << 20, "batch_bytes": 64 << 20}, "400 MiB of memory"),
        ({"cpu_s": 1, "batch_bytes": 1 << 20}, "1 s of CPU time"),
    ],
)
def test_a_process_that_hits_a_limit_is_told(limits: dict[str, int], says: str) -> None:
    rows = itertools.repeat(b"1234567890123,0.1234567890123,text\n" * 20_000)
    with pytest.raises(ParseRefused, match=says) as refused:
        for _ in parse_csv(itertools.chain([b"id,x,t\n"], rows), replace(SPEC, **limits)):
            pass
    assert refused.value.code == "limits"


def test_a_process_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    _played(monkeypatch, "sys.stdin.buffer.read(); import time; time.sleep(60)")
    with pytest.raises(ParseRefused, match="1 s for one batch"):
        list(parse_csv([TEXT], replace(SPEC, timeout_s=1)))


def test_memory_is_bounded_by_the_batch_and_not_by_the_source() -> None:
    before = _children()
    rows = (b"1234567890123,0.1234567890123,text\n" * 3000 for _ in range(400))  # 42 MB
    batches = parse_csv(itertools.chain([b"id,x,t\n"], rows), replace(SPEC, batch_bytes=1 << 20))
    peak = count = 0
    for batch in batches:
        count += batch.num_rows
        (pid,) = _children() - before
        line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
        peak = max(peak, int(line.split()[1]) // 1024)
    assert count == 1_200_000
    assert peak < 120, "MiB, 55 of them Python and Arrow"


def test_it_runs_from_an_installed_package_alone(tmp_path: Path) -> None:
    """As a wheel lays it out: no working tree, no links, and a project of the user's with folders of the same names."""
    site, project = tmp_path / "site", tmp_path / "project"
    shutil.copytree(
        Path(hardline.__file__).parent / "infra",
        site / "hardline" / "infra",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    (site / "hardline" / "__init__.py").write_text("import sys\nassert 'prefect' not in sys.modules\n")
    for name in ("infra", "tasks", "flows", "csv", "json", "pyarrow"):
        (project / name).mkdir(parents=True)
        (project / name / "__init__.py").write_text("raise ImportError('not yours')\n")
    program = (
        "import sys; sys.path[0] = sys.argv[1]; sys.path.append(''); from hardline.infra.parsers.process import parse; "
        "from hardline.infra.parsers.spec import CsvSpec\n"
        "spec = CsvSpec(columns=[('a', 'integer', True)])\n"
        "print([b.to_pylist() for b in parse([('a.csv', [b'a\\n1\\n'])], spec)])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(site)],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "[[{'a': 1}]]\n", ended.stderr


def test_a_python_without_arrow_is_the_operators(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    command = parser._command(SPEC)
    monkeypatch.setattr(parser, "_command", lambda _: [*command[:-3], str(tmp_path), str(tmp_path), ""])
    with pytest.raises(Misconfigured, match="cannot start"):
        list(parse_csv([], SPEC))


def _played(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Put another program in the process's place: one that hostile bytes have taken over."""
    monkeypatch.setattr(parser, "_command", lambda _: [sys.executable, "-I", "-c", f"import sys, os\n{program}"])


def _frame(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    return frames.HEADER.pack(kind, len(body) if size is None else size) + body


def _batch(schema: pa.Schema, columns: list[Any]) -> bytes:
    sink = pa.BufferOutputStream()
    with ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    return bytes(sink.getvalue())


def _no_utf8() -> pa.Array:
    """A text column whose bytes are no UTF-8, which only full validation sees."""
    return pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\3\0\0\0"), pa.py_buffer(b"\xff\xfe\xfd"))


def _far_offset() -> bytes:
    """A text column whose end points far outside of its bytes."""
    data = _batch(SCHEMA, [*GOOD[:2], pa.array(["a" * 0x1234])])
    end = (0x1234).to_bytes(4, "little")
    at = data.index(b"\0" * 4 + end + b"\0" * 4) + 4
    return data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :]


GOOD = [pa.array([1]), pa.array([1.0]), pa.array(["a"])]
SAID = {"bytes": len(TEXT), "rows": 1}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"B",
        _frame(b"B", b"", 1 << 60),
        _frame(b"B", b"half", 100),
        _frame(b"X", b""),
        _frame(b"B", b"not arrow"),
        _frame(b"B", _batch(SCHEMA, GOOD)[:-300]),
        _frame(b"B", _batch(pa.schema([("id", pa.string())]), [pa.array(["1"])])),
        _frame(b"B", _batch(SCHEMA.with_metadata({"a": "b"}), GOOD)),
        _frame(b"B", _batch(SCHEMA, [*GOOD[:2], _no_utf8()])),
        _frame(b"B", _far_offset()),
        _frame(b"B", _batch(SCHEMA, GOOD)),  # and then nothing
        _frame(b"D", json.dumps(SAID).encode()),
        _frame(b"B", _batch(SCHEMA, GOOD)) + _frame(b"D", json.dumps({**SAID, "bytes": 5}).encode()),
        _frame(b"B", _batch(SCHEMA, GOOD)) + _frame(b"D", json.dumps({**SAID, "rows": 2}).encode()),
        _frame(b"B", _batch(SCHEMA, GOOD)) + _frame(b"D", b"\xff"),
        *(
            _frame(b"R", body)
            for body in (
                b"",
                b"[]",
                b"\xff",
                b"[" * 100_000,
                b'{"code": "value", "line": 1, "column": 99}',
                b'{"code": "value", "line": "canary", "column": 0}',
                b'{"code": "canary", "line": 1, "column": 0}',
                b'{"code": "header", "line": 1, "column": -1, "header": true, "missing": [], "twice": [7], "unknown": []}',
            )
        ),
    ],
)
def test_a_process_that_lies_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: bytes) -> None:
    (tmp_path / "said").write_bytes(said)
    path = str(tmp_path / "said")
    _played(monkeypatch, f"sys.stdin.buffer.read(); os.write(1, open({path!r}, 'rb').read())")
    with pytest.raises(ParseRefused) as refused:
        list(parse_csv([TEXT], SPEC))
    assert refused.value.code == "limits"
    assert "canary" not in str(refused.value)


def test_a_process_that_says_a_tensor_with_a_gap_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = Spec(columns=(("i", "tensor", False),), format="npz", tensor=Tensor("uint8", (2,)))
    schema = pa.schema([("i", pa.list_(pa.uint8(), 2))])
    for value, believed in (([1, 2], True), ([1, None], False), (None, False)):
        done = json.dumps({"bytes": len(TEXT), "rows": 1}).encode()
        said = _frame(b"B", _batch(schema, [pa.array([value], schema.field(0).type)])) + _frame(b"D", done)
        (tmp_path / "said").write_bytes(said)
        _played(monkeypatch, f"sys.stdin.buffer.read(); os.write(1, open({str(tmp_path / 'said')!r}, 'rb').read())")
        if believed:
            assert len(list(parse([("a", [TEXT])], spec))) == 1
        else:
            with pytest.raises(ParseRefused, match="never says"):
                list(parse([("a", [TEXT])], spec))


def test_the_played_process_would_be_believed_if_it_said_the_truth(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "said").write_bytes(_frame(b"B", _batch(SCHEMA, GOOD)) + _frame(b"D", json.dumps(SAID).encode()))
    path = str(tmp_path / "said")
    _played(monkeypatch, f"sys.stdin.buffer.read(); os.write(1, open({path!r}, 'rb').read())")
    assert [batch.to_pylist() for batch in parse_csv([TEXT], SPEC)] == [[{"id": 1, "x": 1.0, "t": "a"}]]
