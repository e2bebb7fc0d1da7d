"""The log in a SQL database: SQLite (WAL, synchronous=FULL), append-only by trigger.

The schema is made by plain statements, and one row states its format; a later format comes with its own upgrade. The
triggers keep honest programs honest. Against somebody who writes the file itself, the checkpoint and the readers'
memory of it are the guard.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from hardline.infra.errors import Conflict, Corrupt, Misconfigured, Unavailable, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Engine

FORMAT = 1
MAX_RECORD = 1 << 14  # bytes; larger than any record that the core makes
MAX_NOTE = 1 << 16  # bytes; a checkpoint with room for witnesses
_AUTOMATIC = ("index", "sqlite_autoindex_uniques_1")  # SQLite's own, of the primary key
_WAIT_MS = 30_000  # for another writer; a head is held for milliseconds
_PREFIX = "sqlite:///"
_APPEND_ONLY = "BEGIN SELECT RAISE(ABORT, 'append only'); END"
_SCHEMA = (
    "CREATE TABLE format (number INTEGER NOT NULL)",
    "CREATE TABLE records (idx INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE uniques (name TEXT PRIMARY KEY, idx INTEGER NOT NULL)",
    "CREATE TABLE checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), note BLOB NOT NULL)",
    *(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} {_APPEND_ONLY}"
        for table in ("records", "uniques")
        for verb in ("UPDATE", "DELETE")
    ),
    # INSERT OR REPLACE deletes without asking the DELETE trigger, so a taken place is refused before.
    "CREATE TRIGGER records_in_order BEFORE INSERT ON records "
    "WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM records) " + _APPEND_ONLY,
    "CREATE TRIGGER uniques_once BEFORE INSERT ON uniques "
    "WHEN EXISTS (SELECT 1 FROM uniques WHERE name = NEW.name) BEGIN SELECT RAISE(ABORT, 'UNIQUE'); END",
    f"INSERT INTO format VALUES ({FORMAT})",
)


class SqlLog:
    """A `LogStore` behind a database URL."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet.

        Args:
            url: `sqlite:///` and a path; the first use makes the database, 0600.
        """
        if not url.startswith(_PREFIX) or url == _PREFIX:
            raise Misconfigured(f"log: {_PREFIX} and a path expected, got {url.split(':', 1)[0][:20]!r}")
        self._url = url
        self._path = Path(url.removeprefix(_PREFIX))

    def read(self, start: int = 0) -> tuple[list[bytes], bytes | None]:
        """See `LogStore`."""
        with self._connected("BEGIN") as connection:
            return _read(connection, start)

    @contextmanager
    def transaction(self) -> Iterator[_Transaction]:
        """See `LogStore`."""
        with self._connected("BEGIN IMMEDIATE") as connection:
            yield _Transaction(connection)

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        engine = create_engine(self._url, poolclass=NullPool, connect_args={"timeout": _WAIT_MS / 1000})

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _: Any) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            for pragma in (
                "journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_WAIT_MS}", "trusted_schema=OFF", "temp_store=MEMORY",
            ):  # fmt: skip
                connection.execute(f"PRAGMA {pragma}")

        self._make_file()
        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            tables = _tables(connection)
            connection.exec_driver_sql("ROLLBACK")
            if not tables:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                if not _tables(connection):  # nobody was faster
                    for statement in _SCHEMA:
                        connection.exec_driver_sql(statement)
                connection.exec_driver_sql("COMMIT")
            self._check_format(connection)
        return engine

    def _make_file(self) -> None:
        try:
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        except OSError as error:
            self._fail(error.strerror or "")

    def _check_format(self, connection: Connection) -> None:
        """Whoever writes the file could plant a trigger that drops records, or a view that never ends."""
        held = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master ORDER BY name").all()
        if ("table", "format", _SCHEMA[0]) not in held:
            raise Corrupt(f"log {self._path}: a table that states the format expected, got none")
        found = connection.exec_driver_sql("SELECT number FROM format LIMIT 2").scalars().all()
        if len(found) != 1 or not isinstance(found[0], int) or found[0] < 1:
            raise Corrupt(f"log {self._path}: one format expected, got {len(found)} rows or another value")
        if found[0] != FORMAT:
            raise UsageError(
                f"log {self._path}: format {FORMAT} expected, got {found[0]}", help="upgrade the program: it is older"
            )
        own = {sql for sql in _SCHEMA if sql.startswith("CREATE")}
        made = [sql for _, _, sql in held if sql is not None]
        automatic = [(type_, name) for type_, name, sql in held if sql is None]
        if len(made) != len(own) or set(made) != own or automatic != [_AUTOMATIC]:
            raise Corrupt(f"log {self._path}: the program's own tables and triggers expected, got others")

    @contextmanager
    def _connected(self, begin: str) -> Iterator[Connection]:
        from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

        try:
            with self._engine.connect() as connection:
                connection.exec_driver_sql(begin)
                try:
                    yield connection
                except BaseException:
                    connection.exec_driver_sql("ROLLBACK")
                    raise
                connection.exec_driver_sql("COMMIT")
        except IntegrityError as error:
            if "UNIQUE" in str(error.orig):
                raise Conflict("log: a key that is not taken expected") from None
            raise Corrupt(f"log {self._path}: {error.orig}") from None
        except OperationalError as error:
            self._fail(str(error.orig))
        except DatabaseError as error:
            raise Corrupt(f"log {self._path}: a database of the program's own expected, got: {error.orig}") from None

    def _fail(self, reason: str) -> NoReturn:
        if "no such table" in reason or "no such column" in reason:
            raise Corrupt(f"log {self._path}: {reason}") from None
        help_ = "free disk space, then run the same command again" if "full" in reason else (
            "see the disk of that folder, and who else uses the file"
        )  # fmt: skip
        raise Unavailable(f"log {self._path}: {reason}", help=help_) from None


class _Transaction:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, start: int = 0) -> tuple[list[bytes], bytes | None]:
        """See `LogTransaction`."""
        return _read(self._connection, start)

    def append(self, records: Sequence[bytes], checkpoint: bytes, unique: Sequence[str] = ()) -> None:
        """See `LogTransaction`."""
        last = self._connection.exec_driver_sql("SELECT max(idx) FROM records").scalar()
        index = 0 if last is None else int(last) + 1
        for offset, record in enumerate(records):
            self._connection.exec_driver_sql("INSERT INTO records VALUES (?, ?)", (index + offset, record))
        for name in unique:
            self._connection.exec_driver_sql("INSERT INTO uniques VALUES (?, ?)", (name, index))
        _save(self._connection, checkpoint)


def _tables(connection: Connection) -> int:
    return int(connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar() or 0)


def _read(connection: Connection, start: int) -> tuple[list[bytes], bytes | None]:
    """What is no record, or larger than one may be, comes as empty bytes, which no reader takes for one."""
    rows = connection.exec_driver_sql(
        "SELECT CASE WHEN typeof(body) = 'blob' AND length(body) <= ? THEN body ELSE x'' END "
        "FROM records WHERE idx >= ? ORDER BY idx",
        (MAX_RECORD, start),
    )
    records = [bytes(body) for (body,) in rows]
    note = connection.exec_driver_sql(
        "SELECT CASE WHEN typeof(note) = 'blob' AND length(note) <= ? THEN note END FROM checkpoint", (MAX_NOTE,)
    ).scalar()
    return records, None if note is None else bytes(note)


def _save(connection: Connection, checkpoint: bytes) -> None:
    connection.exec_driver_sql("INSERT OR REPLACE INTO checkpoint VALUES (1, ?)", (checkpoint,))
