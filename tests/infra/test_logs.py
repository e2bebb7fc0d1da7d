"""The log store's contract, on every adapter; and what only the one in a database must do."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hardline.infra.errors import Conflict, Corrupt, Misconfigured, Unavailable, UsageError
from hardline.infra.logstore.memory import MemoryLog
from hardline.infra.logstore.sql import SqlLog
from hardline.infra.ports import LogStore


@pytest.fixture(params=["sqlite", "memory"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> LogStore:
    return _sqlite(tmp_path) if request.param == "sqlite" else MemoryLog()


def _sqlite(folder: Path) -> SqlLog:
    return SqlLog(f"sqlite:///{folder / 'log.db'}")


def _append(log: LogStore, *records: bytes, checkpoint: bytes = b"note", unique: tuple[str, ...] = ()) -> None:
    with log.transaction() as head:
        head.append(records, checkpoint, unique)


def test_a_new_log_is_empty(log: LogStore) -> None:
    assert log.read() == ([], None)
    with log.transaction() as head:
        assert head.read() == ([], None)


def test_records_stay_in_order_with_the_latest_checkpoint(log: LogStore) -> None:
    _append(log, b"0", b"1", checkpoint=b"note 1")
    _append(log, b"2", checkpoint=b"note 2")
    assert log.read() == ([b"0", b"1", b"2"], b"note 2")
    assert log.read(2) == ([b"2"], b"note 2")
    assert log.read(3) == ([], b"note 2")


def test_a_transaction_sees_what_it_has_added(log: LogStore) -> None:
    _append(log, b"0")
    with log.transaction() as head:
        head.append([b"1"], b"note 1")
        assert head.read() == ([b"0", b"1"], b"note 1")
        assert head.read(1) == ([b"1"], b"note 1")


def test_a_transaction_that_raises_adds_nothing(log: LogStore) -> None:
    _append(log, b"0")
    with pytest.raises(ZeroDivisionError), log.transaction() as head:
        head.append([b"1"], b"note 1", ["key"])
        raise ZeroDivisionError
    assert log.read() == ([b"0"], b"note")
    _append(log, b"1", unique=("key",))
    assert log.read()[0] == [b"0", b"1"]


def test_a_unique_key_is_claimed_once(log: LogStore) -> None:
    _append(log, b"0", unique=("a", "b"))
    for keys in (("b",), ("c", "a"), ("d", "d")):
        with pytest.raises(Conflict):
            _append(log, b"1", checkpoint=b"later", unique=keys)
    assert log.read() == ([b"0"], b"note")
    _append(log, b"1", unique=("c", "d"))


def test_a_checkpoint_is_replaced_alone(log: LogStore) -> None:
    _append(log, b"0")
    with log.transaction() as head:
        head.append([], b"fresh")
    assert log.read() == ([b"0"], b"fresh")


def test_the_head_is_held_by_one_at_a_time(log: LogStore) -> None:
    def append(number: int) -> None:
        with log.transaction() as head:
            size = len(head.read()[0])
            head.append([b"%d %d" % (size, number)], b"note %d" % (size + 1))

    log.read()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append, range(24)))
    records, checkpoint = log.read()
    assert [int(record.split()[0]) for record in records] == list(range(24))
    assert sorted(int(record.split()[1]) for record in records) == list(range(24))
    assert checkpoint == b"note 24"


def test_two_processes_append_to_one_log(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom hardline.infra.logstore.sql import SqlLog\nlog = SqlLog(sys.argv[1])\n"
        "for _ in range(8):\n    with log.transaction() as head:\n"
        "        size = len(head.read()[0])\n        head.append([b'%d' % size], b'%d' % (size + 1))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", program, f"sqlite:///{tmp_path / 'log.db'}"]
    writers = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert _sqlite(tmp_path).read() == ([b"%d" % number for number in range(16)], b"16")


def test_a_killed_writer_loses_only_what_it_had_not_committed(tmp_path: Path) -> None:
    program = (
        "import os, sys\nfrom hardline.infra.logstore.sql import SqlLog\nlog = SqlLog(sys.argv[1])\n"
        "with log.transaction() as head:\n    head.append([b'0'], b'note')\n"
        "with log.transaction() as head:\n    head.append([b'1'], b'later')\n    os.kill(os.getpid(), 9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run([sys.executable, "-c", program, f"sqlite:///{tmp_path / 'log.db'}"], env=environment, check=False)
    assert _sqlite(tmp_path).read() == ([b"0"], b"note")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET body = x'00'",
        "DELETE FROM records",
        "INSERT OR REPLACE INTO records VALUES (0, x'00')",
        "INSERT INTO records VALUES (7, x'00')",
        "INSERT INTO records VALUES (-1, x'00')",
        "UPDATE uniques SET idx = 9",
        "DELETE FROM uniques",
        "INSERT OR REPLACE INTO uniques VALUES ('key', 9)",
    ],
)
def test_the_database_refuses_all_but_appending(tmp_path: Path, statement: str) -> None:
    _append(_sqlite(tmp_path), b"0", unique=("key",))
    with sqlite3.connect(tmp_path / "log.db") as connection, pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)
    connection.close()
    assert _sqlite(tmp_path).read() == ([b"0"], b"note")


def test_the_file_is_ours_alone_and_durable(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        log = _sqlite(tmp_path)
        _append(log, b"0")
        with log.transaction() as head:
            pragma = head._connection.exec_driver_sql  # type: ignore[attr-defined]
            assert pragma("PRAGMA journal_mode").scalar() == "wal"
            assert pragma("PRAGMA synchronous").scalar() == 2
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == {"log.db": 0o600, "log.db-wal": 0o600, "log.db-shm": 0o600}


def test_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE format (number INTEGER NOT NULL)")
        connection.execute("INSERT INTO format VALUES (2)")
    connection.close()
    with pytest.raises(UsageError, match="format 1 expected, got 2"):
        _sqlite(tmp_path).read()
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("format",)]


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE other (x)"],
        ["CREATE TABLE format (number)"],
        ["CREATE TABLE format (number)", "INSERT INTO format VALUES ('one')"],
        ["CREATE TABLE format (number)", "INSERT INTO format VALUES (1)"],  # without the other tables
    ],
)
def test_another_programs_database_is_corrupt(tmp_path: Path, statements: list[str]) -> None:
    with sqlite3.connect(tmp_path / "log.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    with pytest.raises(Corrupt):
        _sqlite(tmp_path).read()


def test_what_is_no_database_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "log.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(Corrupt, match=r"log\.db"):
        _sqlite(tmp_path).read()


def test_a_row_of_another_type_is_an_empty_record_and_not_a_crash(tmp_path: Path) -> None:
    log = _sqlite(tmp_path)
    _append(log, b"0")
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.execute("DROP TRIGGER records_no_update")
        connection.execute("UPDATE records SET body = 'text'")
        connection.execute("UPDATE checkpoint SET note = 7")
    connection.close()
    assert log.read() == ([b""], None)


def test_a_folder_that_is_missing_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no/log"):
        SqlLog(f"sqlite:///{tmp_path / 'no' / 'log.db'}").read()


@pytest.mark.parametrize("url", ["", "sqlite:///", "sqlite://", "mysql://user:secret@host/log", "/log.db"])
def test_another_url_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        SqlLog(url)
    assert "secret" not in str(refused.value)


PLANTED = {
    "a trigger that drops records": "CREATE TRIGGER zr BEFORE INSERT ON records BEGIN SELECT RAISE(IGNORE); END",
    "a view in the place of the records": "DROP TRIGGER records_in_order; ALTER TABLE records RENAME TO r2; "
    "CREATE VIEW records AS WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c) SELECT x AS idx, x'00' AS body FROM c",
    "a trigger less": "DROP TRIGGER records_no_delete",
    "a trigger that does nothing": "DROP TRIGGER records_no_delete; CREATE TRIGGER records_no_delete BEFORE DELETE ON records BEGIN SELECT 1; END",
    "a table more": "CREATE TABLE more (x)",
    "an index more": "CREATE INDEX more ON records (body)",
    "a column more": "ALTER TABLE records ADD COLUMN more",
    "a view in the place of the format": "ALTER TABLE format RENAME TO f2; CREATE VIEW format AS SELECT number FROM f2",
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_a_database_with_another_schema_is_never_asked(tmp_path: Path, name: str) -> None:
    _append(_sqlite(tmp_path), b"0")
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.executescript(PLANTED[name])
    connection.close()
    with pytest.raises(Corrupt):
        _sqlite(tmp_path).read()
    with pytest.raises(Corrupt):
        _append(_sqlite(tmp_path), b"1")


@pytest.mark.parametrize("body", ["zeroblob(40000000)", "'text'", "12", "CAST(x'ff' AS TEXT)"])
def test_a_row_that_is_no_record_is_empty_and_costs_nothing(tmp_path: Path, body: str) -> None:
    _append(_sqlite(tmp_path), b"0")
    with sqlite3.connect(tmp_path / "log.db") as connection:
        connection.execute(f"INSERT INTO records VALUES (1, {body})")
        connection.execute(f"INSERT OR REPLACE INTO checkpoint VALUES (1, {body})")
    connection.close()
    assert _sqlite(tmp_path).read() == ([b"0", b""], None)
