"""Making a home: keys for every role, layouts, the trust document, the log's first record. Every part at most once."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

from hardline.infra.keys import passphrase
from hardline.tasks.core import canonical, layouts, paths
from hardline.tasks.core.errors import Misconfigured, NotFound, UsageError
from hardline.tasks.core.keys import PublicKey
from hardline.tasks.core.ledger import Ledger
from hardline.tasks.core.trust import (
    RECIPIENTS,
    ROLES,
    LayoutEntry,
    Member,
    TrustDocument,
    sign_trust,
)
from hardline.tasks.core.wrapping import RecipientKey, generate_recipient

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hardline.infra.runtime import Runtime
    from hardline.infra.settings import Settings

SECRETS = ("source", "split", "sample")  # keys of source commitments, of splits, of GX's sample on large data
VALID = timedelta(days=365)
_OURS = frozenset(
    ["keys", "trust", "store", "lock", "log.db", "log.db-wal", "log.db-shm", "logs", "home.tmp", "prefect", "tmp"]
)
_ANOTHER = "choose another --home"


def begun(root: Path, file: str) -> bool:
    """Whether a home was made there; raises `Misconfigured` when nobody can tell."""
    try:
        (root / file).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise Misconfigured(f"{root}: {error.strerror}", help=_ANOTHER) from None
    return True


def refuse_stranger(root: Path) -> None:
    """Refuse a folder that holds something else than a home that was begun; make it if there is none.

    Raises:
        UsageError: It is none, or holds something else.
        Misconfigured: It cannot be made or read.
    """
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        strangers = {path.name for path in root.iterdir()} - _OURS
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{root}: a folder expected, got a file", help=_ANOTHER) from None
    except OSError as error:
        raise Misconfigured(f"{root}: {error.strerror}", help=_ANOTHER) from None
    if strangers:
        raise UsageError(
            f"{root}: an empty folder, or none, expected, and it holds {sorted(strangers)[0]!r}", help=_ANOTHER
        )


def choose_passphrase(settings: Settings, root: Path) -> None:
    """Where nobody names a passphrase and nobody can be asked, make a random one outside the home."""
    named = settings.passphrase_file is not None or settings.credentials_directory is not None
    asked = sys.stdin is not None and sys.stdin.isatty()
    if not named and not asked and not (root / "keys" / "home.json").exists():
        passphrase.generate(passphrase.generated_file(settings, root))


def make_keys(runtime: Runtime, roles: tuple[str, ...] = ROLES) -> None:
    """A signing key for each role, a recipient key for those that read, and the home's secrets; what is there stays."""
    vault = runtime.vault
    for role in roles:
        vault.create_signer(role, "ed25519" if role == "keeper" else "ecdsa-p256")  # type: ignore[attr-defined]
        if role in RECIPIENTS:
            vault.create_recipient(role, generate_recipient())  # type: ignore[attr-defined]
    for name in SECRETS:
        vault.create_secret(name)  # type: ignore[attr-defined]


def make_trust(runtime: Runtime, principals: Mapping[str, str]) -> None:
    """The layouts and the trust document, signed by this home's owner key; what is there stays.

    Args:
        runtime: A home with `make_keys` done.
        principals: Role to the principal who holds it.
    """
    try:
        runtime.trust.get(paths.SEEN_TRUST)
        return
    except NotFound:
        pass
    vault, now = runtime.vault, runtime.clock.now()
    owner = vault.signer("owner")
    keys = {role: PublicKey.of(vault.signer(role)) for role in ROLES}
    functionaries = {step: [keys[role]] for step, role in layouts.ROLE_OF.items()}
    made = {kind: layouts.make_layout(kind, functionaries, now + VALID, [owner]) for kind in layouts.KINDS}
    for data in made.values():
        runtime.trust.replace(paths.layout(canonical.digest(data)), data)
    members = tuple(
        Member(
            principals[role],
            role,
            keys[role],
            RecipientKey.from_bytes(vault.recipient(role)).public() if role in RECIPIENTS else None,
            0,
        )
        for role in ROLES
    )
    document = TrustDocument(
        version=1,
        expires=now.replace(microsecond=0) + VALID,
        owners=(keys["owner"],),
        threshold=1,
        log_name=f"hardline-log-{keys['keeper'].keyid[:16]}",
        log_key=keys["keeper"],
        members=members,
        layouts=tuple(LayoutEntry(kind, canonical.digest(data), 0) for kind, data in made.items()),
    )
    data = sign_trust(document, [owner])
    runtime.trust.replace(paths.TRUST, data)
    runtime.trust.replace(paths.SEEN_TRUST, data)


def open_log(runtime: Runtime) -> None:
    """The log's first record: the trust document, by its owner."""
    ledger = Ledger(runtime)
    view = ledger.view()
    if not len(view):
        body = {"version": view.trust.version, "digest": view.trust.digest}
        ledger.append("owner", "trust", lambda head: head.get(0) if len(head) else body)


def stamp(runtime: Runtime, file: str, format_: int) -> None:
    """The last step: from now on it is a home."""
    path = runtime.root / file
    if not path.exists():
        temporary = path.with_suffix(".tmp")
        temporary.write_bytes(json.dumps({"format": format_}).encode() + b"\n")
        temporary.chmod(0o600)
        temporary.rename(path)
