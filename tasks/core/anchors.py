"""What a caller names to verify, and what trust in an exported folder rests on: never on the folder itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hardline.infra.plain_file import read_file
from hardline.infra.storage.filesystem import FilesystemStore
from hardline.tasks.core import envelope, paths
from hardline.tasks.core.errors import Malformed, NotFound, TrustRefused, UsageError, VerificationError
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.trust_document import TrustDocument

if TYPE_CHECKING:
    from hardline.infra.ports import ObjectStore
    from hardline.infra.storage.folder import ReadOnlyFolder

_PEM_BYTES = 1 << 14
_ELSEWHERE = "--owner-key FILE, the owner's public key got elsewhere, or --trust DIR"


def folder_asked(what: str | os.PathLike[str], **anchors: object) -> Path | None:
    """The exported folder that somebody asks to verify; None: it is a reference of the home.

    What could be a reference is one, whatever lies in the working directory: otherwise a folder `diagnosis@1` that
    somebody left there would be verified in place of the dataset. A folder is a path with a `/` in it, `.` or `..`, or
    is told apart by an anchor.

    Args:
        what: As given.
        anchors: `trust` and `owner_key`, None where not given.

    Raises:
        UsageError: There is no such folder; or an anchor comes with a reference, or with another anchor.
    """
    given = [f"--{name.replace('_', '-')}" for name, value in anchors.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"verify: {' or '.join(given)} expected, got both")
    written = os.fspath(what)
    if not written or "\0" in written:
        raise UsageError("verify: a reference or a folder expected, got nothing", help="hardline list shows them")
    folder = Path(written)
    plain = isinstance(what, str) and os.sep not in what and what not in (".", "..")
    if plain and given and not _is_folder(folder):
        raise UsageError(f"{given[0]}: for a FOLDER only, got {written[:80]!r}", help="for a reference, leave it out")
    if plain and not given:
        return None
    if not _is_folder(folder):
        got = "something else" if os.path.lexists(folder) else "nothing"
        raise UsageError(f"{written[:200]}: an exported folder expected, got {got}", help="hardline export makes one")
    return folder


def owner_key(path: Path) -> PublicKey:
    """The public key in a file; raises `UsageError` when there is none."""
    try:
        return PublicKey.from_pem(read_file(path, _PEM_BYTES).decode("ascii"), subject=str(path))
    except OSError as error:
        raise UsageError(f"{path}: a public key in PEM form expected: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: a public key in PEM form expected") from None
    except Malformed as error:
        raise UsageError(error.message, help="--owner-key FILE") from None


def trust_folder(path: Path) -> ObjectStore:
    """A trust folder that was got elsewhere; raises `UsageError` when it is none."""
    if not _is_folder(path) or not (path / paths.TRUST).is_file():
        raise UsageError(
            f"{path}: a folder with {paths.TRUST} expected, got none", help="the folder `trust` of the owner's home"
        )
    return FilesystemStore(path)


def mention_folder(error: NotFound | UsageError, written: str) -> None:
    """Where a reference was not found and a folder of its name lies there, let the help say how a folder is written."""
    if _is_folder(written):
        error.help = f"for the folder write ./{written}"


@contextmanager
def without_home() -> Iterator[None]:
    """Let a refusal for want of a home say what helps somebody who has a folder and no home."""
    try:
        yield
    except UsageError as error:
        raise UsageError(error.message, help=f"without a home: {_ELSEWHERE}") from None


def say_another_owner(error: VerificationError, folder: ReadOnlyFolder, trust: ObjectStore) -> None:
    """Raise a refusal of step 2 in plainer words when the folder's log is not the one of this home's owner."""
    if error.step != 2:
        return
    try:
        origin = folder.read(f"{paths.PROOF}/checkpoint").partition(b"\n")[0]
    except NotFound:
        return
    document = TrustDocument.decode(envelope.parse(trust.get(paths.TRUST), subject="trust document").payload)
    if origin != document.log_name.encode():
        refused = TrustRefused(
            "folder: one of this home's owner expected, got one that another owner signed", help=_ELSEWHERE
        )
        refused.step = error.step
        raise refused from None


def _is_folder(path: str | os.PathLike[str]) -> bool:
    return os.path.isdir(path)  # noqa: PTH112  Path.is_dir raises for a name that is too long
