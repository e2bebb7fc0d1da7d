"""OpenSSF Model Signing bundles: one signature over every file of a folder, which `model_signing` verifies.

Written from digests that are known already, and read back only in the form that is written here: a Sigstore bundle v0.3
around a DSSE envelope around an in-toto Statement v1 with the predicate model_signing/signature v1.0.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from hardline.tasks.core import canonical
from hardline.tasks.core.envelope import decode_base64, pae
from hardline.tasks.core.errors import Malformed, SignatureInvalid
from hardline.tasks.core.keys import P256, PublicKey
from hardline.tasks.core.keys import sign as sign_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from securesystemslib.signer import Signer

_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_PAYLOAD_TYPE = "application/vnd.in-toto+json"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PREDICATE = "https://model_signing/signature/v1.0"
_SERIALIZATION = {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []}
_PATH = re.compile(r"(?=.{1,500}$)[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


def sign_bundle(name: str, files: Mapping[str, str], signer: Signer) -> bytes:
    """Sign a folder.

    Args:
        name: The folder's name, which is not authenticated by other tools.
        files: Relative POSIX path to SHA-256 digest, for every file; empty is refused.
        signer: With a P-256 key: the only curve that all verifiers take.

    Raises:
        ValueError: A bundle that no reader would accept, or another key: a bug of the caller.
    """
    key, statement = PublicKey.of(signer), _statement(name, files)
    if key.scheme != P256:
        raise ValueError(f"a bundle needs a P-256 key, got {key.scheme}")
    try:
        _files(statement)
    except Malformed as error:
        raise ValueError(f"a bundle that no reader would accept: {error}") from error
    payload = canonical.encode(statement)
    signature = sign_bytes(signer, pae(_PAYLOAD_TYPE, payload))
    return canonical.encode(
        {
            "mediaType": _BUNDLE,
            "verificationMaterial": {"publicKey": {"hint": _hint(key)}, "tlogEntries": []},
            "dsseEnvelope": {
                "payload": base64.b64encode(payload).decode(),
                "payloadType": _PAYLOAD_TYPE,
                "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
            },
        }
    )


def verify_bundle(data: bytes, key: PublicKey) -> Mapping[str, str]:
    """The files that a bundle speaks for, path to digest, when the key signed it.

    Raises:
        Malformed: It is no bundle as `sign_bundle` writes it.
        SignatureInvalid: The key did not sign it.
    """
    subject = "bundle"
    value = canonical.decode(data, subject=subject)
    canonical.fields(value, {"mediaType", "verificationMaterial", "dsseEnvelope"}, subject=subject)
    if value["mediaType"] != _BUNDLE:
        raise Malformed(f"{subject}: media type {_BUNDLE} expected")
    if key.scheme != P256 or value["verificationMaterial"] != {"publicKey": {"hint": _hint(key)}, "tlogEntries": []}:
        raise SignatureInvalid(f"{subject}: a signature by key {key.keyid[:8]} expected, got one by another")
    wrapped = value["dsseEnvelope"]
    canonical.fields(wrapped, {"payload", "payloadType", "signatures"}, subject=subject)
    signatures = wrapped["signatures"]
    if wrapped["payloadType"] != _PAYLOAD_TYPE or not isinstance(signatures, list) or len(signatures) != 1:
        raise Malformed(f"{subject}: one signature over {_PAYLOAD_TYPE} expected")
    canonical.fields(signatures[0], {"sig", "keyid"}, subject=subject)
    if signatures[0]["keyid"] != "":
        raise Malformed(f"{subject}: an empty key id expected")
    payload = decode_base64(wrapped["payload"], subject=f"{subject}: payload")
    key.verify(decode_base64(signatures[0]["sig"], subject=f"{subject}: sig"), pae(_PAYLOAD_TYPE, payload))
    return _files(canonical.decode(payload, subject=f"{subject}: statement"))


def _statement(name: str, files: Mapping[str, str]) -> dict[str, Any]:
    ordered = sorted(files.items(), key=lambda item: PurePosixPath(item[0]).parts)
    whole = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, digest in ordered)).hexdigest()
    resources = [{"name": path, "algorithm": "sha256", "digest": digest} for path, digest in ordered]
    return {
        "_type": _STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": whole}}],
        "predicateType": _PREDICATE,
        "predicate": {"serialization": _SERIALIZATION, "resources": resources},
    }


def _files(statement: Any) -> dict[str, str]:
    subject = "bundle: statement"
    try:
        name = statement["subject"][0]["name"]
        resources = statement["predicate"]["resources"]
        files = {item["name"]: canonical.parse_digest(item["digest"], subject=subject) for item in resources}
        if not all(_PATH.fullmatch(path) for path in files) or not isinstance(name, str):
            raise Malformed(f"{subject}: plain relative paths expected")
        same = canonical.encode(_statement(name, files)) == canonical.encode(statement)
    except (KeyError, IndexError, TypeError, ValueError):
        raise Malformed(f"{subject}: the predicate {_PREDICATE} expected, got something else") from None
    if not files or not same:
        raise Malformed(f"{subject}: at least one file, in order and each once, expected")
    return files


def _hint(key: PublicKey) -> str:
    return hashlib.sha256(key.pem.encode()).hexdigest()
