"""The settings of this process: the only reader of the environment."""

from __future__ import annotations

import os
import re
import resource
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from hardline.infra.errors import Misconfigured

DEFAULT_CHECKPOINT_DAYS = 90
_DAYS = re.compile("[0-9]{1,5}")  # other digits than ASCII's are digits to str.isdigit and none to int


@dataclass(frozen=True)
class Settings:
    """What the environment says, parsed once."""

    home: Path | None  # None: neither HARDLINE_HOME nor HOME is set
    config_home: Path | None  # where a generated passphrase lies, outside every home; None likewise
    passphrase_file: Path | None
    credentials_directory: Path | None  # of systemd
    prefect_api_url: str | None
    max_checkpoint_age: timedelta | None  # None: any age
    ca_file: Path | None = None  # the authorities that sources on the web are checked against; None: the system's
    allow_http_loopback: bool = False  # for tests: http:// to this machine as a source
    download_bytes: int = 64 << 30  # of one source on the web
    download_seconds: int = 6 * 3600

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """Read them.

        Raises:
            Misconfigured: One cannot be used.
        """
        user = Path(environ["HOME"]) if environ.get("HOME") else None
        config = _path(environ, "XDG_CONFIG_HOME") or (user and user / ".config")
        return cls(
            home=_path(environ, "HARDLINE_HOME") or (user and user / ".hardline"),
            config_home=config and config / "hardline",
            passphrase_file=_path(environ, "HARDLINE_PASSPHRASE_FILE"),
            credentials_directory=_path(environ, "CREDENTIALS_DIRECTORY"),
            prefect_api_url=environ.get("PREFECT_API_URL") or None,
            max_checkpoint_age=_age(environ.get("HARDLINE_MAX_CHECKPOINT_DAYS")),
            ca_file=_path(environ, "HARDLINE_CA_FILE"),
            allow_http_loopback=environ.get("HARDLINE_ALLOW_HTTP_LOOPBACK") == "1",
            download_bytes=_count(environ, "HARDLINE_MAX_DOWNLOAD_GIB", 64) << 30,
            download_seconds=_count(environ, "HARDLINE_MAX_DOWNLOAD_MINUTES", 360) * 60,
        )


def protect_process(environ: MutableMapping[str, str] = os.environ) -> None:
    """What every process of ours begins with: private files, no core dumps, no spill files of polars, no telemetry."""
    os.umask(0o077)
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    environ["POLARS_OOC_DISK_BUDGET_MB"] = "0"  # measured: polars spills plaintext under memory pressure otherwise
    environ["DO_NOT_TRACK"] = "1"
    environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    environ["GX_ANALYTICS_ENABLED"] = "false"


@contextmanager
def private_temporary(folder: Path, environ: MutableMapping[str, str] = os.environ) -> Iterator[None]:
    """Send temporary files of this process and its children, of any library, to a folder that only we can read.

    What an earlier process left in it is removed, and what this one left when the block ends.

    Args:
        folder: Made if it is missing; 0700 while the block lasts.
        environ: The environment that children inherit.

    Raises:
        Misconfigured: It is a link, or somebody else's.
    """
    if not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise Misconfigured(f"{folder}: a folder of our own expected for temporary files", help=f"remove {folder}")
    folder.chmod(0o700)
    before = environ.get("TMPDIR")
    environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # the standard library reads the environment again
    try:
        yield
    finally:
        if before is None:
            environ.pop("TMPDIR", None)
        else:
            environ["TMPDIR"] = before
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)


def _path(environ: Mapping[str, str], name: str) -> Path | None:
    value = environ.get(name)
    if not value:
        return None
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise Misconfigured(f"{name}: a path expected, got one that begins with ~ and no user's name") from None


def _age(value: str | None) -> timedelta | None:
    if not value:
        return timedelta(days=DEFAULT_CHECKPOINT_DAYS)
    if not _DAYS.fullmatch(value):
        raise Misconfigured(f"HARDLINE_MAX_CHECKPOINT_DAYS: 0 (any age) to 99999 days expected, got {value[:20]!r}")
    return timedelta(days=int(value)) if int(value) else None


def _count(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdigit() or not 0 < int(value) < 1 << 20:
        raise Misconfigured(f"{name}: a whole number above 0 expected, got {value[:20]!r}")
    return int(value)
