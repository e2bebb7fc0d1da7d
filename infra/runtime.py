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

from hardline.infra.errors import Corrupt, UsageError
from hardline.infra.settings import Settings

if TYPE_CHECKING:
    from hardline.infra.ports import Clock, Emitter, KeyVault, LogStore, ObjectStore, Progress

HOME_FORMAT = 1
HOME_FILE = "home.json"


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
    """
    settings = Settings.from_environment(os.environ)
    root = Path(home or settings.home).expanduser().absolute()
    check_format(root)
    return assemble(root, settings, progress=progress)


def check_format(root: Path) -> None:
    """Refuse a folder that is no home of a format that this program knows; raises like `open_runtime`."""
    try:
        stated = json.loads((root / HOME_FILE).read_bytes())
        format_ = stated["format"]
    except FileNotFoundError:
        raise UsageError(f"{root}: a home expected, got none", help="hardline init") from None
    except (ValueError, KeyError, TypeError, OSError):
        raise Corrupt(f"{root / HOME_FILE}: the format of a home expected, got something else") from None
    if format_ != HOME_FORMAT:
        raise UsageError(
            f"{root}: a home of format {HOME_FORMAT} expected, got {str(format_)[:20]}",
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
