"""What a process works with: one adapter behind each port. The only chooser of adapters."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hardline.infra.errors import Corrupt, Misconfigured, UsageError
from hardline.infra.plain_file import read_file
from hardline.infra.settings import Settings

if TYPE_CHECKING:
    from hardline.infra.ports import Clock, Emitter, KeyVault, LogStore, ObjectStore, Progress

HOME_FORMAT = 1
HOME_FILE = "home.json"
_HOME_FILE_BYTES = 1 << 16


class Silent:
    """Progress that nobody watches."""

    def say(self, text: str) -> None:
        """See `Progress`."""

    def advance(self, step: str, done: int, total: int | None) -> None:
        """See `Progress`."""


@dataclass(frozen=True)
class Runtime:
    """The adapters of one home, chosen once. `trust` is the public trust folder, which the store cannot reach."""

    root: Path
    settings: Settings
    store: ObjectStore
    log: LogStore
    vault: KeyVault
    trust: ObjectStore
    clock: Clock
    emitter: Emitter
    progress: Progress


def assemble(
    root: Path, settings: Settings, *, passphrase: Callable[[], bytes] | None = None, progress: Progress | None = None
) -> Runtime:
    """Put the adapters of a home together; nothing is read yet.

    Args:
        root: The home's folder.
        settings: Of this process.
        passphrase: Where the passphrase of the keys comes from; None: as the settings say.
        progress: Who watches; None: nobody.
    """
    from hardline.infra.clock import SystemClock
    from hardline.infra.emitters.file import FileEmitter
    from hardline.infra.keys import passphrase as passphrases
    from hardline.infra.keys.file_vault import FileVault
    from hardline.infra.logstore.sql import SqlLog
    from hardline.infra.storage.filesystem import FilesystemStore

    return Runtime(
        root=root,
        settings=settings,
        store=FilesystemStore(root / "store"),
        log=SqlLog(f"sqlite:///{root / 'log.db'}"),
        vault=FileVault(root / "keys", passphrase or (lambda: passphrases.resolve(settings, root))),
        trust=FilesystemStore(root / "trust"),
        clock=SystemClock(),
        emitter=FileEmitter(root / "logs"),
        progress=progress or Silent(),
    )


def open_runtime(home: Path | str | None = None, *, progress: Progress | None = None) -> Runtime:
    """The runtime of a home that `hardline init` made.

    Args:
        home: Its folder; None: as the environment says (HARDLINE_HOME, else ~/.hardline).
        progress: Who watches; None: nobody.

    Raises:
        UsageError: There is no home, or one of a newer format.
        Corrupt: The home's own file is damaged.
        Misconfigured: It cannot be read.
    """
    settings = Settings.from_environment(os.environ)
    root = root_of(home, settings)
    check_format(root)
    return assemble(root, settings, progress=progress)


def root_of(home: Path | str | None, settings: Settings) -> Path:
    """The folder of a home, absolute: the one given, or else the environment's; raises `UsageError` when it is none."""
    chosen = settings.home if home is None else home
    if chosen is None:
        raise UsageError("a home expected, and neither HARDLINE_HOME nor HOME is set", help="say --home DIR")
    try:
        if not str(chosen) or "\0" in str(chosen):
            raise UsageError("--home: a folder expected, got nothing that names one")
        return Path(chosen).expanduser().absolute()
    except RuntimeError:
        raise UsageError(f"--home {str(chosen)[:80]}: a folder expected, got ~ and no user's name") from None


def check_format(root: Path) -> None:
    """Refuse a folder that is no home of a format that this program knows; raises like `open_runtime`."""
    path = root / HOME_FILE
    try:
        stated = json.loads(read_file(path, _HOME_FILE_BYTES))
        format_ = stated["format"]
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(f"{root}: a home expected, got none", help="hardline init") from None
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}", help="check who owns that folder") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        format_ = None
    if type(format_) is not int or format_ < 1:  # neither true nor 1.0
        raise Corrupt(f"{path}: the format of a home expected, got something else", help="restore a backup")
    if format_ > HOME_FORMAT:
        raise UsageError(
            f"{root}: a home of format {HOME_FORMAT} at most expected, got {str(format_)[:20]}",
            help="upgrade the program: it is older",
        )


_current: ContextVar[Runtime | None] = ContextVar("runtime", default=None)


@contextmanager
def use(runtime: Runtime) -> Iterator[Runtime]:
    """Make it the runtime of everything that this context calls."""
    token = _current.set(runtime)
    try:
        yield runtime
    finally:
        _current.reset(token)


def in_use() -> Runtime | None:
    """The runtime that `use` set, if any."""
    return _current.get()


def current() -> Runtime:
    """The runtime in use, or that of the environment's home; raises like `open_runtime`."""
    return _current.get() or open_runtime()


def watched(runtime: Runtime, progress: Progress | None) -> Runtime:
    """The same runtime with somebody watching."""
    return runtime if progress is None else replace(runtime, progress=progress)
