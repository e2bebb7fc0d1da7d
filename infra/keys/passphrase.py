"""Where the passphrase of a home's keys comes from; never from Prefect, never from an argument."""

from __future__ import annotations

import base64
import getpass
import hashlib
import os
import secrets
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from hardline.infra.errors import AccessDenied, Unavailable
from hardline.infra.plain_file import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from hardline.infra.settings import Settings

CREDENTIAL = "hardline-passphrase"
_LONGEST = 1 << 16  # bytes of a passphrase
_WHERE = "see HARDLINE_PASSPHRASE_FILE"


def resolve(settings: Settings, home: Path) -> bytes:
    """The passphrase, from the first place that has one.

    In order: HARDLINE_PASSPHRASE_FILE; the systemd credential `hardline-passphrase`; the file that `init` made outside
    the home; a prompt, on a terminal.

    Raises:
        AccessDenied: None has, and the message lists them; or a file is readable by others.
    """
    if settings.passphrase_file is not None:
        return _read(settings.passphrase_file)
    if settings.credentials_directory is not None and (settings.credentials_directory / CREDENTIAL).exists():
        return _read(settings.credentials_directory / CREDENTIAL, ours=False)
    made = None if settings.config_home is None else generated_file(settings, home)
    if made is not None and made.exists():
        return _read(made)
    if sys.stdin is not None and sys.stdin.isatty():
        with suppress(EOFError):
            phrase = getpass.getpass("Passphrase of the Hardline home: ").encode()
            if phrase:
                return phrase
    raise AccessDenied(
        f"{home}: a passphrase expected, and none was found",
        help=f"set HARDLINE_PASSPHRASE_FILE to a file (0600), or the systemd credential {CREDENTIAL}, or "
        f"{f'restore {made}, or ' if made else ''}use a terminal",
    )


def generated_file(settings: Settings, home: Path) -> Path:
    """The file of a passphrase that `init` makes when nobody can be asked: outside the home, one for each home.

    Raises:
        AccessDenied: There is no place for it, since neither XDG_CONFIG_HOME nor HOME is set.
    """
    if settings.config_home is None:
        raise AccessDenied(
            f"{home}: a passphrase expected, and without HOME there is no place for one",
            help="set HARDLINE_PASSPHRASE_FILE to a file (0600)",
        )
    name = hashlib.sha256(os.fsencode(home.absolute())).hexdigest()[:16]
    return settings.config_home / f"passphrase-{name}"


def generate(path: Path) -> None:
    """Write 32 random bytes in base64, 0600; what is there already stays."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(secrets.token_bytes(32)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(temporary)  # whole or not at all: half a passphrase would lock its home for ever
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror}", help="see the disk of that folder") from None
    finally:
        temporary.unlink(missing_ok=True)


def source(settings: Settings, home: Path) -> str:
    """Where `resolve` would take it from, for people; never the passphrase."""
    if settings.passphrase_file is not None:
        return f"HARDLINE_PASSPHRASE_FILE ({settings.passphrase_file})"
    if settings.credentials_directory is not None and (settings.credentials_directory / CREDENTIAL).exists():
        return f"systemd credential {CREDENTIAL}"
    made = None if settings.config_home is None else generated_file(settings, home)
    if made is not None and made.exists():
        return f"generated, in {made}"
    return "a prompt on the terminal" if sys.stdin is not None and sys.stdin.isatty() else "none"


def _read(path: Path, *, ours: bool = True) -> bytes:
    def private(status: os.stat_result) -> None:
        if status.st_uid != os.geteuid():
            raise AccessDenied(f"passphrase file {path}: a file of our own expected, got somebody else's", help=_WHERE)
        if status.st_mode & 0o077:
            raise AccessDenied(
                f"passphrase file {path}: mode 0600 expected, got {stat.S_IMODE(status.st_mode):04o}",
                help=f"chmod 600 {path}",
            )

    try:
        data = read_file(path, _LONGEST, private if ours else None)
    except OSError as error:
        raise AccessDenied(f"passphrase file {path}: {error.strerror}", help=_WHERE) from None
    phrase = data.rstrip(b"\r\n")
    if not phrase:
        raise AccessDenied(f"passphrase file {path}: a passphrase expected, got nothing", help=_WHERE)
    return phrase
