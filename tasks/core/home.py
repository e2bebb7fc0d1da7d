"""Making a home: keys for every role, layouts, the trust document, the log's first record. Every part at most once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from hardline.tasks.core import canonical, layouts, paths
from hardline.tasks.core.errors import NotFound
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

    from hardline.infra.runtime import Runtime

SECRETS = ("source", "split", "sample")  # keys of source commitments, of splits, of GX's sample on large data
VALID = timedelta(days=365)


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
