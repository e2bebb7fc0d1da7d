"""Keys in memory: the same port without a disk, for tests and for short-lived roles."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NoReturn, TypeVar

from hardline.infra.errors import AccessDenied

if TYPE_CHECKING:
    from securesystemslib.signer import Signer

_T = TypeVar("_T")
KINDS = ("ecdsa-p256", "ed25519", "ml-dsa-65")


def generate_private(kind: str) -> object:
    """A fresh private key of `cryptography`; raises `ValueError` for a kind that is none."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa

    if kind == "ecdsa-p256":
        return ec.generate_private_key(ec.SECP256R1())
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "ml-dsa-65":
        return mldsa.MLDSA65PrivateKey.generate()
    raise ValueError(f"a kind of {', '.join(KINDS)} expected, got {kind!r}")


class MemoryVault:
    """A `KeyVault` that ends with its process."""

    def __init__(self) -> None:
        self._signers: dict[str, Signer] = {}
        self._recipients: dict[str, bytes] = {}
        self._secrets: dict[str, bytes] = {}

    def create_signer(self, role: str, kind: str = "ecdsa-p256") -> Signer:
        """Make the role's signing key, if there is none yet."""
        from securesystemslib.signer import CryptoSigner

        if role not in self._signers:
            self._signers[role] = CryptoSigner(generate_private(kind))  # type: ignore[arg-type]
        return self._signers[role]

    def create_recipient(self, role: str, data: bytes) -> bytes:
        """Keep the role's private recipient key, unless there is one; returns the one that is kept."""
        return self._recipients.setdefault(role, data)

    def create_secret(self, name: str) -> None:
        """Draw a secret, unless there is one."""
        self._secrets.setdefault(name, secrets.token_bytes(32))

    def signer(self, role: str) -> Signer:
        """See `KeyVault`."""
        return _held(self._signers, role, "signing key")

    def recipient(self, role: str) -> bytes:
        """See `KeyVault`."""
        return _held(self._recipients, role, "recipient key")

    def secret(self, name: str) -> bytes:
        """See `KeyVault`."""
        return _held(self._secrets, name, "secret")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is never pickled: it holds private keys")

    def roles(self) -> frozenset[str]:
        """The roles whose signing key is here."""
        return frozenset(self._signers)

    def held(self) -> frozenset[str]:
        """What is here, as `ROLE.signing`, `ROLE.recipient` and `NAME.secret`."""
        kinds = (("signing", [*self._signers]), ("recipient", [*self._recipients]), ("secret", [*self._secrets]))
        return frozenset(f"{name}.{kind}" for kind, names in kinds for name in names)

    def without(self, *roles: str) -> MemoryVault:
        """The same keys, some roles' aside: what a process of fewer roles holds."""
        limited = MemoryVault()
        limited._signers = {role: key for role, key in self._signers.items() if role not in roles}
        limited._recipients = {role: key for role, key in self._recipients.items() if role not in roles}
        limited._secrets = dict(self._secrets)
        return limited


def _held(keys: dict[str, _T], name: str, what: str) -> _T:
    try:
        return keys[name]
    except KeyError:
        raise AccessDenied(f"{what} {name}: this process does not hold it") from None
