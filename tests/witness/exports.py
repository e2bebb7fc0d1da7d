"""An exported folder with real keys, written by the core's own functions, for the witnesses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from custody_fixtures import Chain, make_chain, new_signer

from hardline.tasks.core import canonical, oms
from hardline.tasks.core.keys import PublicKey

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from securesystemslib.signer import Signer

PAYLOADS = {
    "dataset": {
        "train/features/0000.arrow": bytes(range(256)) * 40,
        "test/label/0000.arrow": b"\x00",
        "empty.bin": b"",
    },
    "model": {"weights.safetensors": bytes(range(256)) * 10, "report/evaluation.json": b"{}"},
}


def write_export(folder: Path, kind: str, functionaries: Mapping[str, Sequence[Signer]] | None = None) -> Chain:
    """Write a folder as `hardline export` does, and return the chain with the keys behind it."""
    document, step, signer = {
        "dataset": ("manifest.json", "sign", "publisher"),
        "model": ("model.json", "release", "releaser"),
    }[kind]
    files = PAYLOADS[kind]
    listed = {path: canonical.digest(data) for path, data in files.items()}
    files = {**files, document: canonical.encode({"entries": listed})}
    functionaries = {step: [new_signer()], **(functionaries or {})}
    bundle = oms.sign_bundle(
        "payload", {path: canonical.digest(data) for path, data in files.items()}, functionaries[step][0]
    )
    digests = {document: canonical.digest(files[document])}
    if kind == "dataset":
        digests["payload.sigstore.json"] = canonical.digest(bundle)
    expires = datetime.now(UTC) + timedelta(days=365)  # in-toto-verify reads the clock
    chain = make_chain(kind, functionaries=functionaries, digests=digests, expires=expires)
    write(folder / "payload", files)
    write(folder, {"payload.sigstore.json": bundle})
    write_chain(folder, chain)
    write(folder / "keys", {f"{signer}.pub": PublicKey.of(functionaries[step][0]).pem.encode()})
    return chain


def write_chain(folder: Path, chain: Chain) -> None:
    """The layout, the links and the owner's key; links that lay there before are gone."""
    for old in (folder / "in-toto").glob("*.link"):
        old.unlink()
    write(folder / "in-toto", {"root.layout": chain.layout, **chain.links})
    write(folder / "keys", {"owner.pub": PublicKey.of(chain.owners[0]).pem.encode()})


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Files below a folder."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
