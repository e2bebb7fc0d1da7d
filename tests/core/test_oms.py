"""Signature bundles: exactly what our writer makes, and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import PurePosixPath

import pytest
from format_samples import ed, ml_dsa, p256, public
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import canonical, envelope, keys, oms
from hardline.tasks.core.errors import Malformed, SignatureInvalid

SIGNER = p256(1)
KEY = public(SIGNER)
FILES = {
    "manifest.json": "aa" * 32,
    "train/b.arrow": "bb" * 32,
    "train-2/a.arrow": "cc" * 32,
    "train/a.arrow": "dd" * 32,
}
DATA = oms.sign_bundle("diagnosis", FILES, SIGNER)
BUNDLE = json.loads(DATA)
STATEMENT = json.loads(base64.b64decode(BUNDLE["dsseEnvelope"]["payload"]))


def test_the_files_come_back():
    assert oms.verify_bundle(DATA, KEY) == FILES


def test_the_statement_is_as_the_format_says():
    names = [item["name"] for item in STATEMENT["predicate"]["resources"]]
    assert names == ["manifest.json", "train/a.arrow", "train/b.arrow", "train-2/a.arrow"]  # part by part, not as text
    whole = hashlib.sha256(b"".join(bytes.fromhex(FILES[name]) for name in names)).hexdigest()
    assert STATEMENT["subject"] == [{"name": "diagnosis", "digest": {"sha256": whole}}]
    assert STATEMENT["predicate"]["serialization"] == {
        "method": "files",
        "hash_type": "sha256",
        "allow_symlinks": False,
        "ignore_paths": [],
    }
    assert BUNDLE["verificationMaterial"]["publicKey"]["hint"] == hashlib.sha256(KEY.pem.encode()).hexdigest()


PATHS = st.lists(st.from_regex(r"[a-z0-9_][a-z0-9._-]{0,6}", fullmatch=True), min_size=1, max_size=4).map("/".join)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(PATHS, st.binary(min_size=32, max_size=32).map(bytes.hex), min_size=1, max_size=8))
def test_any_plain_files_come_back_in_path_order(files):
    data = oms.sign_bundle("any", files, SIGNER)
    assert list(oms.verify_bundle(data, KEY).items()) == sorted(
        files.items(), key=lambda item: PurePosixPath(item[0]).parts
    )


BAD_PATHS = [
    "", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/../b", "./a", ".git/config", "a/.hidden", "a\\b", "a b",
    "a\n",
    "a\0", "\u00e4", "-rf", "a" * 501,
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_could_mean_another_is_neither_signed_nor_read(path):
    with pytest.raises(ValueError, match="no reader"):
        oms.sign_bundle("name", {path: "aa" * 32}, SIGNER)
    with pytest.raises(Malformed):
        oms.verify_bundle(forge(statement_of({path: "aa" * 32})), KEY)


@pytest.mark.parametrize("digest", ["", "aa", "AA" * 32, "zz" * 32])
def test_a_digest_in_another_form_is_not_signed(digest):
    with pytest.raises(ValueError, match=r"reader|hexadecimal"):
        oms.sign_bundle("name", {"a": digest}, SIGNER)


def test_no_files_and_other_keys_are_not_signed():
    with pytest.raises(ValueError, match="no reader"):
        oms.sign_bundle("name", {}, SIGNER)
    for signer in (ed(1), ml_dsa(1)):
        with pytest.raises(ValueError, match="P-256"):
            oms.sign_bundle("name", FILES, signer)


def statement_of(files):
    ordered = list(files.items())
    whole = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, digest in ordered)).hexdigest()
    resources = [{"name": path, "algorithm": "sha256", "digest": digest} for path, digest in ordered]
    return {
        **STATEMENT,
        "subject": [{"name": "n", "digest": {"sha256": whole}}],
        "predicate": {**STATEMENT["predicate"], "resources": resources},
    }


def forge(statement, signer=SIGNER, **changes):
    """A bundle over any statement, truly signed: only what it says is wrong."""
    payload = statement if isinstance(statement, bytes) else canonical.encode(statement)
    type_ = BUNDLE["dsseEnvelope"]["payloadType"]
    signature = keys.sign(signer, envelope.pae(type_, payload))
    wrapped = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": type_,
        "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
    }
    return canonical.encode({**BUNDLE, "dsseEnvelope": {**wrapped, **changes}})


def with_predicate(**changes):
    return {**STATEMENT, "predicate": {**STATEMENT["predicate"], **changes}}


RESOURCES = STATEMENT["predicate"]["resources"]
SERIALIZATION = STATEMENT["predicate"]["serialization"]
STATEMENTS = {
    "no files": statement_of({}),
    "another order": statement_of(dict(sorted(FILES.items(), reverse=True))),
    "a file twice": with_predicate(resources=[*RESOURCES, RESOURCES[-1]]),
    "a root digest of other files": {**STATEMENT, "subject": statement_of({"a": "aa" * 32})["subject"]},
    "a file renamed, root digest kept": with_predicate(resources=[{**RESOURCES[0], "name": "z"}, *RESOURCES[1:]]),
    "two subjects": {**STATEMENT, "subject": STATEMENT["subject"] * 2},
    "no subject": {**STATEMENT, "subject": []},
    "ignored paths": with_predicate(serialization={**SERIALIZATION, "ignore_paths": ["x"]}),
    "symlinks allowed": with_predicate(serialization={**SERIALIZATION, "allow_symlinks": True}),
    "another algorithm": with_predicate(resources=[{**RESOURCES[0], "algorithm": "blake3"}, *RESOURCES[1:]]),
    "an extra predicate field": with_predicate(extra=1),
    "an extra field": {**STATEMENT, "extra": 1},
    "another predicate": {**STATEMENT, "predicateType": "https://model_signing/Digests/v0.1"},
    "another statement type": {**STATEMENT, "_type": "https://in-toto.io/Statement/v0.1"},
    "resources as object": with_predicate(resources={}),
    "a name that is a list": with_predicate(resources=[{**RESOURCES[0], "name": ["a"]}]),
    "no object": [STATEMENT],
    "a number": 7,
    "not canonical": json.dumps(STATEMENT).encode(),
    "no JSON": b"statement",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
def test_a_defective_statement_is_refused_though_signed(statement):
    with pytest.raises(Malformed):
        oms.verify_bundle(forge(statement), KEY)


def test_the_forger_of_these_tests_makes_good_bundles_too():
    assert oms.verify_bundle(forge(STATEMENT), KEY) == FILES


ENVELOPE = BUNDLE["dsseEnvelope"]
BUNDLES = {
    "another media type": {**BUNDLE, "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1"},
    "two signatures": {**BUNDLE, "dsseEnvelope": {**ENVELOPE, "signatures": ENVELOPE["signatures"] * 2}},
    "no signature": {**BUNDLE, "dsseEnvelope": {**ENVELOPE, "signatures": []}},
    "a key id": {**BUNDLE, "dsseEnvelope": {**ENVELOPE, "signatures": [{**ENVELOPE["signatures"][0], "keyid": "a"}]}},
    "another payload type": {**BUNDLE, "dsseEnvelope": {**ENVELOPE, "payloadType": "text/plain"}},
    "a field more": {**BUNDLE, "extra": 1},
    "no envelope": {name: item for name, item in BUNDLE.items() if name != "dsseEnvelope"},
    "no object": [BUNDLE],
}


@pytest.mark.parametrize("value", BUNDLES.values(), ids=BUNDLES)
def test_a_defective_bundle_is_refused(value):
    with pytest.raises(Malformed):
        oms.verify_bundle(canonical.encode(value), KEY)


def test_another_key_and_other_material_are_refused():
    material = {"publicKey": {"hint": KEY.keyid}, "tlogEntries": []}
    with pytest.raises(SignatureInvalid):
        oms.verify_bundle(canonical.encode({**BUNDLE, "verificationMaterial": material}), KEY)
    with pytest.raises(SignatureInvalid):
        oms.verify_bundle(DATA, public(p256(2)))
    with pytest.raises(SignatureInvalid):
        oms.verify_bundle(forge(STATEMENT, signer=p256(2)), KEY)  # with the hint of the right key
    other = ed(1)
    hint = {"publicKey": {"hint": hashlib.sha256(public(other).pem.encode()).hexdigest()}, "tlogEntries": []}
    forged = canonical.encode({**json.loads(forge(STATEMENT, signer=other)), "verificationMaterial": hint})
    with pytest.raises(SignatureInvalid):
        oms.verify_bundle(forged, public(other))  # truly signed, by a key that other verifiers do not take


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_every_flipped_byte_is_refused(at, flip):
    damaged = bytearray(DATA)
    damaged[at] ^= flip
    with pytest.raises((Malformed, SignatureInvalid)):
        oms.verify_bundle(bytes(damaged), KEY)
