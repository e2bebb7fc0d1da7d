"""Private keys at rest: one home key from the passphrase by Argon2id, then AES-256-GCM for each file.

Argon2id is RFC 9106's second recommended option (t = 3, 64 MiB, p = 4); it runs once a process, when the first key is
asked for. Each file's key is HKDF of the home key with the file's name, and the name is the AAD, so files cannot be
swapped.
"""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from hardline.infra.errors import AccessDenied, Corrupt, Misconfigured, Unavailable
from hardline.infra.keys.memory_vault import generate_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from securesystemslib.signer import Signer

FORMAT = 1
HEADER = "home.json"
_ITERATIONS, _LANES, _MEMORY_KIB = 3, 4, 64 * 1024
_KDF = {"name": "argon2id", "iterations": _ITERATIONS, "lanes": _LANES, "memory_cost": _MEMORY_KIB}
_FIELDS = {"salt": 16, "nonce": 12, "verifier": 16}  # bytes; the verifier is the tag over nothing
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")  # of a role or a secret; so no name leaves the folder
_VERIFIER = b"hardline/home-key/v1"


class FileVault:
    """A `KeyVault` in a folder of encrypted files."""

    def __init__(self, folder: Path, passphrase: Callable[[], bytes], roles: frozenset[str] | None = None) -> None:
        """Args:
        folder: The home's `keys`.
        passphrase: Asked once, when the first key is needed.
        roles: The only roles of this process; None: every one whose file is here.
        """
        self._folder = folder
        self._passphrase = passphrase
        self._roles = roles
        self._signers: dict[str, Signer] = {}

    def unlock(self) -> None:
        """Try the passphrase, when there are keys; raises `AccessDenied` when there is none or it is another."""
        if any(self._folder.glob("*.key")):
            _ = self._home_key

    def create_signer(self, role: str, kind: str = "ecdsa-p256") -> Signer:
        """Make the role's signing key, if there is none yet."""
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        if not self._path(f"{role}.signing").exists():
            key = generate_private(kind)
            data = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
            self._write(f"{role}.signing", data)
        return self.signer(role)

    def create_recipient(self, role: str, data: bytes) -> bytes:
        """Keep the role's private recipient key, unless there is one; returns the one that is kept."""
        if not self._path(f"{role}.recipient").exists():
            self._write(f"{role}.recipient", data)
        return self.recipient(role)

    def create_secret(self, name: str) -> None:
        """Draw a secret, unless there is one."""
        if not self._path(f"{name}.secret").exists():
            self._write(f"{name}.secret", secrets.token_bytes(32))

    def signer(self, role: str) -> Signer:
        """See `KeyVault`."""
        from cryptography.hazmat.primitives.serialization import load_der_private_key
        from securesystemslib.signer import CryptoSigner

        if role not in self._signers:
            self._signers[role] = CryptoSigner(load_der_private_key(self._read(role, "signing"), None))
        return self._signers[role]

    def recipient(self, role: str) -> bytes:
        """See `KeyVault`."""
        return self._read(role, "recipient")

    def secret(self, name: str) -> bytes:
        """See `KeyVault`."""
        return self._read(name, "secret")

    def roles(self) -> frozenset[str]:
        """The roles whose signing key this process may use."""
        found = frozenset(path.name.split(".", 1)[0] for path in self._folder.glob("*.signing.key"))
        return found if self._roles is None else found & self._roles

    def held(self) -> frozenset[str]:
        """What files are here, as `ROLE.signing`, `ROLE.recipient` and `NAME.secret`; none is opened."""
        return frozenset(path.name.removesuffix(".key") for path in self._folder.glob("*.key"))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is never pickled: it holds private keys")

    @cached_property
    def _home_key(self) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        path = self._folder / HEADER
        if not path.exists():
            return self._make_header(path)
        header = self._header(path)
        key = _argon2id(self._passphrase(), header["salt"])
        try:
            AESGCM(_derive(key, HEADER)).decrypt(header["nonce"], header["verifier"], _VERIFIER)
        except InvalidTag:
            raise AccessDenied(
                f"{self._folder}: the passphrase that these keys were made with expected, got another",
                help="see HARDLINE_PASSPHRASE_FILE",
            ) from None
        return key

    def _header(self, path: Path) -> dict[str, bytes]:
        try:
            value = json.loads(path.read_bytes())
            if value["format"] != FORMAT or value["kdf"] != _KDF:
                raise Misconfigured(
                    f"{path}: keys of format {FORMAT} expected", help="upgrade the program: it is older"
                )
            fields = {name: base64.b64decode(value[name], validate=True) for name in _FIELDS}
            if {name: len(data) for name, data in fields.items()} == _FIELDS:
                return fields
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}", help="check who owns that folder") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise Corrupt(f"{path}: the header of a home's keys expected, got something else", help="restore a backup")

    def _make_header(self, path: Path) -> bytes:
        """The first use of a home: draw the salt, and keep what tells a wrong passphrase from a right one."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if any(self._folder.glob("*.key")):
            raise Corrupt(f"{path}: the header of the keys beside it expected, got nothing", help="restore a backup")
        salt, nonce = secrets.token_bytes(_FIELDS["salt"]), secrets.token_bytes(_FIELDS["nonce"])
        key = _argon2id(self._passphrase(), salt)
        verifier = AESGCM(_derive(key, HEADER)).encrypt(nonce, b"", _VERIFIER)
        fields = {"salt": salt, "nonce": nonce, "verifier": verifier}
        text = {name: base64.b64encode(data).decode() for name, data in fields.items()}
        header = {"format": FORMAT, "kdf": _KDF, **text}
        self._store(path, json.dumps(header, indent=1).encode() + b"\n")
        return key

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name.split(".", 1)[0]):
            raise AccessDenied(f"key of {name[:40]!r}: the name of a role expected", help="hardline keys list")
        return self._folder / f"{name}.key"

    def _write(self, name: str, data: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = secrets.token_bytes(12)
        sealed = nonce + AESGCM(_derive(self._home_key, name)).encrypt(nonce, data, name.encode())
        self._store(self._path(name), sealed)

    def _store(self, path: Path, data: bytes) -> None:
        temporary = path.with_name(f".tmp-{os.getpid()}-{secrets.token_hex(6)}")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            path.hardlink_to(temporary)  # a key that is there is never replaced
            folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except FileExistsError:
            raise Unavailable(f"{path}: another process made it at the same time", help="run it again") from None
        except OSError as error:
            raise Unavailable(f"{path}: {error.strerror}", help="see the disk of that folder") from None
        finally:
            temporary.unlink(missing_ok=True)

    def _read(self, owner: str, kind: str) -> bytes:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        name = f"{owner}.{kind}"
        if self._roles is not None and kind != "secret" and owner not in self._roles:
            raise AccessDenied(f"{kind} key of {owner}: this process does not hold the role")
        try:
            sealed = self._path(name).read_bytes()
        except FileNotFoundError:
            raise AccessDenied(
                f"{kind} key of {owner}: this home does not hold it", help="hardline keys list shows who holds what"
            ) from None
        except OSError as error:
            raise Unavailable(f"{self._path(name)}: {error.strerror}") from None
        try:
            return AESGCM(_derive(self._home_key, name)).decrypt(sealed[:12], sealed[12:], name.encode())
        except (InvalidTag, ValueError):
            raise Corrupt(f"{self._path(name)}: a key file of this home expected, got something else") from None


def _argon2id(passphrase: bytes, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    return Argon2id(salt=salt, length=32, iterations=_ITERATIONS, lanes=_LANES, memory_cost=_MEMORY_KIB).derive(
        passphrase
    )


def _derive(home_key: bytes, name: str) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    return HKDFExpand(SHA256(), 32, b"hardline/key-file/v1/" + name.encode()).derive(home_key)
