"""sign: one signature over everything that the payload folder holds, in a form that other people's tools verify."""

from __future__ import annotations

from hardline.tasks.core import canonical, manifest, oms, paths, refusal
from hardline.tasks.core.act import Act
from hardline.tasks.core.errors import DigestMismatch
from hardline.tasks.core.manifest import Manifest
from hardline.tasks.core.references import SealedDataset, SignedDataset


def sign(act: Act, sealed: SealedDataset) -> SignedDataset:
    """Digest every file of the payload again, and sign the bundle over them.

    Args:
        act: As publisher.
        sealed: What encrypt made.

    Raises:
        DigestMismatch: The payload is not what the sealer recorded.
    """
    view = act.ledger.view()
    name, version = sealed.name, sealed.version
    done = view.last("sign", name=name, version=version)
    if done is not None:
        return SignedDataset(name=name, version=version, manifest=done["manifest"], bundle=done["bundle"])
    record = view.last("encrypt", name=name, version=version, manifest=sealed.manifest)
    if record is None:
        raise DigestMismatch(f"{name}: a recorded manifest expected, got none")
    with refusal.ended_if_changed(act, name, version):
        return _sign(act, sealed)


def _sign(act: Act, sealed: SealedDataset) -> SignedDataset:
    name, version = sealed.name, sealed.version
    folder = paths.dataset(name, version)
    document = Manifest.decode(act.recorded(f"{folder}/{paths.PAYLOAD}/{manifest.FILE}", sealed.manifest))
    files = document.files()
    for done_, (path, digest) in enumerate(files.items(), start=1):
        act.recorded(f"{folder}/{paths.PAYLOAD}/{path}", digest)
        act.advance(done_, len(files))
    signer = act.runtime.vault.signer(act.role)
    bundle = oms.sign_bundle(name, {**files, manifest.FILE: sealed.manifest}, signer)
    digest = canonical.digest(bundle)
    act.finish(
        folder,
        "sign",
        {"name": name, "version": version, "manifest": sealed.manifest, "bundle": digest},
        materials={manifest.FILE: sealed.manifest},
        products={paths.BUNDLE: bundle},
    )
    act.say(f"signed {len(files) + 1} files")
    return SignedDataset(name=name, version=version, manifest=sealed.manifest, bundle=digest)
