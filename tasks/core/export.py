"""Exporting a version: its folder with proof and public keys, for verifiers that have no home of ours."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from hardline.infra.storage.folder import ReadOnlyFolder
from hardline.tasks.core import canonical, oms, opening, paths, proof
from hardline.tasks.core.errors import SignatureInvalid, Unavailable, UsageError, VerificationError
from hardline.tasks.core.offline import verify_folder
from hardline.tasks.core.references import Wanted
from hardline.tasks.core.results import Exported
from hardline.tasks.core.verification import Steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hardline.infra.runtime import Runtime
    from hardline.tasks.core.keys import PublicKey
    from hardline.tasks.core.logview import LogView
    from hardline.tasks.core.verification import Verified

_README = """{reference}: a {kind} published with Hardline.

payload/               what the signature bundle speaks for{sealed}
payload.sigstore.json  the signature bundle (OpenSSF Model Signing)
in-toto/               the custody chain: a layout signed by the owner, one link for each step
log/                   the record of the publication, its inclusion, and the checkpoint it is included under
evidence/              the contract, the suite, the verdict and what else the links name
keys/                  public keys in PEM form, for the tools below. They are no trust anchor: compare the owner's
                       fingerprint with one that you got elsewhere.

owner key   {owner}
identity    sha256:{digest}
log index   {index}, as of a checkpoint over {size} records

With Hardline, and the owner's key got elsewhere:
    hardline verify . --owner-key OWNER.pub
With in-toto:
    in-toto-verify --layout in-toto/root.layout --verification-keys keys/owner.pub --link-dir in-toto
With OpenSSF Model Signing:
    model_signing verify key payload --signature payload.sigstore.json --public_key keys/{signer}.pub --no-ignore-git-paths
"""


def export(runtime: Runtime, wanted: Wanted, target: Path) -> Exported:
    """Verify a version, and write everything that outside verifiers need.

    Args:
        runtime: The home.
        wanted: The reference.
        target: The folder to make; an empty one may be there.

    Raises:
        UsageError: The folder is there and holds something.
        VerificationError: The version is not what it must be; nothing is written.
        Unavailable: The folder cannot be written; nothing of it stays.
    """
    try:
        taken = target.is_symlink() or (target.exists() and (not target.is_dir() or any(target.iterdir())))
    except OSError as error:
        raise UsageError(f"{target}: a folder that can be made expected: {error.strerror}") from None
    if taken:
        raise UsageError(f"{target}: a folder that does not exist, or an empty one, expected")
    proven, folder, view = opening.verified(runtime, wanted)
    subject = proven.subject
    files = {
        path: folder.read(path)
        for path in folder.paths()
        if not path.startswith((f"{paths.KEYRING}/", f"{paths.PROOF}/"))
    }
    files |= proof.files(view, subject.record.index)
    current = view.trust.layout_at(subject.kind, len(view))
    if canonical.digest(files[paths.LAYOUT]) != current:
        files[paths.LAYOUT] = runtime.trust.get(paths.layout(current))
    signer = "publisher" if subject.kind == "dataset" else "releaser"
    files["keys/owner.pub"] = view.trust.owners[0].pem.encode()
    files[f"keys/{signer}.pub"] = _bundle_key(files[paths.BUNDLE], view, signer, subject.record.index).pem.encode()
    files["trust/trust.json"] = runtime.trust.get(paths.TRUST)
    files["README"] = _readme(proven, signer, len(view)).encode()
    _place(runtime, target, files, view)
    total = sum(len(data) for data in files.values())
    return Exported(str(target), proven.reference, subject.digest, len(files), total)


def _place(runtime: Runtime, target: Path, files: Mapping[str, bytes], view: LogView) -> None:
    """Write beside the target, verify what was written, and only then give it its name: there is no half export."""
    partial = target.absolute().parent / f".{target.name[:200]}.{secrets.token_hex(6)}"
    try:
        for path, data in files.items():
            _write(partial / path, data)
        verify_folder(ReadOnlyFolder(partial), Steps(), runtime.clock.now(), None, owners=view.trust.owners, view=view)
        partial.chmod(0o755)
        partial.rename(target)  # an empty folder of that name is replaced
    except OSError as error:
        raise Unavailable(f"{target}: {error.strerror}", help="choose a folder that can be written") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _bundle_key(bundle: bytes, view: LogView, role: str, index: int) -> PublicKey:
    """The key that made the bundle: the only one that foreign tools accept it under."""
    for key in view.trust.holders_until(role, index):
        try:
            oms.verify_bundle(bundle, key)
        except VerificationError:
            continue
        return key
    raise SignatureInvalid("bundle: a signer in its role expected, got none")


def _readme(proven: Verified, signer: str, size: int) -> str:
    subject = proven.subject
    public = proven.contract.visibility == "public" and subject.kind == "model"
    return _README.format(
        reference=proven.reference,
        kind=subject.kind,
        sealed="" if public else "; the files in it are sealed",
        owner=subject.trust.owners[0].fingerprint,
        digest=subject.digest,
        index=subject.record.index,
        size=size,
        signer=signer,
    )


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
