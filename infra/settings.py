"""The settings of this process: the only reader of the environment."""

from __future__ import annotations

import os
import re
import resource
import stat
import tempfile
from collections.abc import Mapping, MutableMapping
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


def private_temporary(folder: Path, environ: MutableMapping[str, str] = os.environ) -> None:
    """Send temporary files of this process and its children, of any library, to a folder that only we can read.

    Args:
        folder: Made if it is missing; 0700 afterwards.
        environ: The environment that children inherit.

    Raises:
        Misconfigured: It is a link, or somebody else's.
    """
    if not folder.is_symlink():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise Misconfigured(f"{folder}: a folder of our own expected for temporary files", help=f"remove {folder}")
    folder.chmod(0o700)
    environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # the standard library reads the environment again


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
