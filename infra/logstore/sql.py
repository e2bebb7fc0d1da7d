"""The log in a SQL database: SQLite (WAL, synchronous=FULL), append-only by trigger.

The triggers keep honest programs honest. Against somebody who writes the file itself, the checkpoint and the readers'
memory of it are the guard.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from hardline.infra.errors import Conflict, Corrupt, Misconfigured, Unavailable

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

FORMAT = 1
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS format (number INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS records (idx INTEGER PRIMARY KEY, body BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS uniques (name TEXT PRIMARY KEY, idx INTEGER NOT NULL)",
    "CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), note BLOB NOT NULL)",
    *(
        f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'append only'); END"
        for table in ("records", "uniques")
        for verb in ("UPDATE", "DELETE")
    ),
)


class SqlLog:
    """A `LogStore` behind a database URL."""

    def __init__(self, url: str) -> None:
        """Args: url: `sqlite:///` and a path; the database is made by the first use."""
        if not url.startswith("sqlite:///"):
            raise Misconfigured(f"log: a sqlite:/// URL expected, got {url.split(':', 1)[0]!r}")
        self._url = url

    def read(self, start: int = 0) -> tuple[list[bytes], bytes | None]:
        """See `LogStore`."""
        with self._connected("BEGIN") as connection:
            return _read(connection, start)

    @contextmanager
    def transaction(self) -> Iterator[_Transaction]:
        """See `LogStore`."""
        with self._connected("BEGIN IMMEDIATE") as connection:
            yield _Transaction(connection)

    def save_checkpoint(self, checkpoint: bytes) -> None:
        """See `LogStore`."""
        with self._connected("BEGIN IMMEDIATE") as connection:
            _save(connection, checkpoint)

    @cached_property
    def _engine(self) -> Engine:
        from sqlalchemy import create_engine, event
        from sqlalchemy.pool import NullPool

        engine = create_engine(self._url, poolclass=NullPool, connect_args={"timeout": 30})

        @event.listens_for(engine, "connect")
        def _prepare(connection: Any, _: Any) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "trusted_schema=OFF"):
                connection.execute(f"PRAGMA {pragma}")

        with engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                connection.exec_driver_sql(statement)
            found = connection.exec_driver_sql("SELECT number FROM format").scalars().all()
            if not found:
                connection.exec_driver_sql("INSERT INTO format VALUES (?)", (FORMAT,))
            connection.exec_driver_sql("COMMIT")
        if found not in ([], [FORMAT]):
            raise Misconfigured(f"log: format {FORMAT} expected, got another", help="upgrade the program: it is older")
        return engine

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
            raise Corrupt(f"log: {error.orig}") from None
        except OperationalError as error:
            self._fail(str(error.orig))
        except DatabaseError as error:
            raise Corrupt(f"log: a database of the program's own expected, got: {error.orig}") from None

    def _fail(self, reason: str) -> NoReturn:
        path = self._url.removeprefix("sqlite:///")
        if "no such table" in reason or "no such column" in reason:
            raise Corrupt(f"log {path}: {reason}") from None
        raise Unavailable(f"log {path}: {reason}", help="see the disk of that folder, and who else uses the file") from None


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


def _read(connection: Connection, start: int) -> tuple[list[bytes], bytes | None]:
    rows = connection.exec_driver_sql("SELECT body FROM records WHERE idx >= ? ORDER BY idx", (start,))
    records = [bytes(body) if isinstance(body, bytes) else b"" for (body,) in rows]  # a hostile row is no record
    note = connection.exec_driver_sql("SELECT note FROM checkpoint").scalar()
    return records, note if isinstance(note, bytes) else None


def _save(connection: Connection, checkpoint: bytes) -> None:
    connection.exec_driver_sql("INSERT OR REPLACE INTO checkpoint VALUES (1, ?)", (checkpoint,))
