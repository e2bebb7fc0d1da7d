"""A home's keys and trust folder in one file, and back: docs/formats/backup.md.

Key files go in as they lie, encrypted under the home's passphrase, which is not in the file. The manifest carries a MAC
under a key of the home, so that nobody without the passphrase makes a file that restores another trust document.
"""

from __future__ import annotations

import hmac
import io
import re
import shutil
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hardline.infra import runtime as runtimes
from hardline.infra.keys import passphrase
from hardline.infra.storage.folder import ReadOnlyFolder
from hardline.tasks.core import canonical, envelope, home, paths, private_file
from hardline.tasks.core import checkpoint as checkpoints
from hardline.tasks.core import trust as trusts
from hardline.tasks.core.errors import (
    Malformed,
    NotFound,
    SignatureInvalid,
    TrustRefused,
    Unavailable,
    UsageError,
)
from hardline.tasks.core.results import BackedUp, Restored
from hardline.tasks.core.working import TEMPORARY

if TYPE_CHECKING:
    from hardline.infra.runtime import Runtime
    from hardline.infra.settings import Settings

FORMAT: Final = "hardline/backup/v1"
MANIFEST: Final = "manifest.json"
MAX_FILE: Final = 8 << 20  # bytes of one member; a trust document of thousands of members is one
MAX_BYTES: Final = 64 << 20  # of a backup
_KEYS = re.compile(r"keys/(?:home\.json|[a-z][a-z0-9-]{0,31}\.(?:signing|recipient|secret)\.key)")
_TRUST = re.compile(r"trust/(?:trust\.json|layouts/[0-9a-f]{64}\.json|seen/(?:trust\.json|checkpoint))")
_NEEDED = {"keys/home.json", "keys/split.secret.key", "trust/trust.json", "trust/seen/trust.json"}


def backup(runtime: Runtime, target: Path) -> BackedUp:
    """Write the keys and the trust folder to a new file (0600).

    Raises:
        AccessDenied: Not the passphrase of these keys.
        UsageError: The file is there, or one of the folders holds something that no backup knows.
    """
    private_file.refuse_taken(target, runtime.root)
    files: dict[str, bytes] = {}
    for folder in ("keys", "trust"):
        found = ReadOnlyFolder(runtime.root / folder)
        for path, size in found.paths().items():
            if not path.rsplit("/", 1)[-1].startswith(".tmp-"):  # of a writer that died
                files[_known(f"{folder}/{path}", size)] = found.read(path)
    data = _encode(files, runtime)
    with private_file.created(target) as file:
        file.write(data)
    return BackedUp(str(target), len(files), len(data), canonical.digest(data))


def restore(source: Path, root: Path, settings: Settings) -> Restored:
    """Put keys and trust folder back into a home that has no keys.

    Nothing that is there is overwritten, but a trust document or a checkpoint last seen that is older than the file's.

    Args:
        source: The file.
        root: The home's folder; made if it is missing.
        settings: Where the passphrase comes from.

    Raises:
        VerificationError: The file is no backup, or nobody with the passphrase made it; nothing is restored.
        AccessDenied: Not the passphrase of these keys; nothing is restored.
        UsageError: The home has keys.
    """
    if (root / "keys").is_symlink() or ((root / "keys").exists() and any((root / "keys").iterdir())):
        raise UsageError(f"{root / 'keys'}: no keys expected; what is there is never overwritten")
    if (root / runtimes.HOME_FILE).exists():
        runtimes.check_format(root)
    else:
        home.refuse_stranger(root)
    files, manifest, mac = _decode(_read(source))
    staged = root / TEMPORARY  # which the next work on the home empties, should this end here
    try:
        shutil.rmtree(staged, ignore_errors=True)
        for path, data in files.items():
            _write(staged / path, data)
        opened = runtimes.assemble(staged, settings, passphrase=lambda: passphrase.resolve(settings, root))
        if not hmac.compare_digest(_mac(opened, manifest), mac):
            raise SignatureInvalid(f"{source}: a backup by somebody with its passphrase expected, got another")
        there = runtimes.assemble(root, settings)
        kept = [path for path in sorted(files) if path.startswith("trust/") and not _place(there, path, files)]
        (root / "keys").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (staged / "keys").rename(root / "keys")  # over nothing or an empty folder; over anything else it fails
    except OSError as error:
        raise Unavailable(f"{root}: {error.strerror}", help="see the disk of that folder") from None
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    home.stamp(there, runtimes.HOME_FILE, runtimes.HOME_FORMAT)
    return Restored(str(root), len(files) - len(kept), tuple(kept))


def _place(there: Runtime, path: str, files: Mapping[str, bytes]) -> bool:
    """Write one file of the trust folder unless the home has it as new or newer; returns whether it was written."""
    name, data = path.removeprefix("trust/"), files[path]
    try:
        old = there.trust.get(name)
    except NotFound:
        there.trust.replace(name, data)
        return True
    if old == data or not _newer(name, data, old, files):
        return False
    there.trust.replace(name, data)
    return True


def _newer(name: str, data: bytes, old: bytes, files: Mapping[str, bytes]) -> bool:
    """Whether a file of the backup follows the home's. What does not parse, or is a fork, is left as it is: refused."""
    if name == paths.SEEN_CHECKPOINT:
        known = _document(files["trust/trust.json"])
        one, other = (
            checkpoints.verify(item, known.log_name, known.log_key, origin=known.log_name) for item in (data, old)
        )
        if one.size == other.size and one.root != other.root:
            raise TrustRefused("trust/seen/checkpoint: the log that the home saw expected, got another")
        return (one.size, one.time) > (other.size, other.time)
    if name in (paths.TRUST, paths.SEEN_TRUST):
        one_, other_ = _document(data), _document(old)
        if one_.log_name != other_.log_name:
            raise TrustRefused(f"trust/{name}: the home's own log expected, got {one_.log_name}")
        return one_.version > other_.version
    raise TrustRefused(f"trust/{name}: the same bytes in the home and in the backup expected, got others")


def _document(data: bytes) -> trusts.TrustDocument:
    return trusts.TrustDocument.decode(envelope.parse(data, subject="trust document").payload)


def _known(path: str, size: int) -> str:
    if not (_KEYS.fullmatch(path) or _TRUST.fullmatch(path)) or not 0 <= size <= MAX_FILE:
        raise UsageError(
            f"{path[:120]!r}: nothing but keys and trust documents expected beside them", help="move it elsewhere"
        )
    return path


def _mac(runtime: Runtime, manifest: bytes) -> bytes:
    """HMAC-SHA-256 under a key that is derived from the home's split key.

    That key otherwise keys BLAKE2b alone, whose results stay inside: no commitment is a MAC of anything else.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    key = HKDFExpand(SHA256(), 32, FORMAT.encode()).derive(runtime.vault.secret("split"))
    return hmac.digest(key, manifest, "sha256")


def _encode(files: Mapping[str, bytes], runtime: Runtime) -> bytes:
    listed = {path: {"size": len(data), "sha256": canonical.digest(data)} for path, data in files.items()}
    manifest = canonical.encode({"files": listed})
    signed = canonical.encode({"format": FORMAT, "files": listed, "mac": _mac(runtime, manifest).hex()})
    return _archive({MANIFEST: signed, **files})


def _archive(members: Mapping[str, bytes]) -> bytes:
    """A tar of plain files with the manifest first: the same members have the same bytes."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in [MANIFEST, *sorted(members.keys() - {MANIFEST})]:
            info = tarfile.TarInfo(path)
            info.size, info.mode = len(members[path]), 0o600
            archive.addfile(info, io.BytesIO(members[path]))
    return sink.getvalue()


def _read(source: Path) -> bytes:
    try:
        with source.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{source}: a backup expected: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise Malformed(f"backup: at most {MAX_BYTES >> 20} MiB expected, got more")
    return data


def _decode(data: bytes) -> tuple[Mapping[str, bytes], bytes, bytes]:
    """The files, what was MACed, and the MAC.

    The one encoding is made again and compared, so links, devices, other modes and names, a member twice, and anything
    before, between or behind the members are all refused.

    Raises:
        Malformed: It is no backup.
    """
    members: dict[str, bytes] = {}
    with (
        suppress(tarfile.TarError, ValueError, OSError, EOFError, AttributeError),
        tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive,
    ):
        for member in archive:
            file = archive.extractfile(member) if member.isreg() and member.size <= MAX_FILE else None
            members[member.name] = b"" if file is None else file.read()
    try:
        whole = MANIFEST in members and _archive(members) == data
    except (tarfile.TarError, ValueError):  # a name that no tar of ours can hold
        whole = False
    if not whole:
        raise Malformed("backup: a file of `hardline keys backup` expected, got something else")
    value = canonical.decode(members.pop(MANIFEST), subject="backup: manifest")
    canonical.fields(value, {"format", "files", "mac"}, subject="backup: manifest")
    listed = {path: {"size": len(item), "sha256": canonical.digest(item)} for path, item in members.items()}
    if value["format"] != FORMAT or value["files"] != listed:
        raise Malformed(f"backup: format {FORMAT} and the digests of its files expected, got others")
    for path in members:
        if not (_KEYS.fullmatch(path) or _TRUST.fullmatch(path)):
            raise Malformed(f"backup: keys and trust documents expected, got {path[:120]!r}")
    if not members.keys() >= _NEEDED:
        raise Malformed(f"backup: {min(_NEEDED - members.keys())} expected, got nothing")
    mac = bytes.fromhex(canonical.parse_digest(value["mac"], subject="backup: mac"))
    return members, canonical.encode({"files": listed}), mac


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with private_file.created(path) as file:
        file.write(data)
