"""Public keys: one form, one scheme, and key ids that in-toto shares."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from format_samples import ed, ml_dsa, p256, public
from hypothesis import given, settings
from hypothesis import strategies as st
from securesystemslib.signer import CryptoSigner

from hardline.tasks.core import keys
from hardline.tasks.core.errors import Malformed, SignatureInvalid
from hardline.tasks.core.keys import PublicKey

SIGNERS = {"p256": p256(1), "ed25519": ed(1), "ml-dsa-65": ml_dsa(1)}


def pem_of(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize("signer", SIGNERS.values(), ids=SIGNERS)
class TestEveryScheme:
    def test_a_signature_holds_and_an_altered_one_does_not(self, signer):
        key, signature = public(signer), keys.sign(signer, b"data")
        key.verify(signature, b"data")
        for wrong in (signature[:-1], signature + b"\0", bytes([signature[0] ^ 1]) + signature[1:], b""):
            with pytest.raises(SignatureInvalid):
                key.verify(wrong, b"data")
        with pytest.raises(SignatureInvalid):
            key.verify(signature, b"Data")

    def test_another_key_of_the_scheme_does_not_verify(self, signer):
        other = {"p256": p256, "ed25519": ed, "ml-dsa-65": ml_dsa}
        make = next(make for name, make in other.items() if SIGNERS[name] is signer)
        with pytest.raises(SignatureInvalid):
            public(make(2)).verify(keys.sign(signer, b"data"), b"data")

    def test_the_key_id_is_the_signers_own(self, signer):
        assert public(signer).keyid == signer.public_key.keyid == signer.sign(b"").keyid

    def test_json_gives_the_key_back(self, signer):
        key = public(signer)
        again = PublicKey.from_json(key.to_json(), subject="key")
        assert again == key
        assert again.keyid == key.keyid

    def test_the_fingerprint_is_that_of_the_der_form(self, signer):
        key = public(signer)
        der = load_pem_public_key(key.pem.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        assert key.fingerprint == "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


FOREIGN = {
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "rsa": rsa.generate_private_key(65537, 2048),
    "ed448": ed448.Ed448PrivateKey.generate(),
    "x25519": x25519.X25519PrivateKey.generate(),
}


@pytest.mark.parametrize("key", FOREIGN.values(), ids=FOREIGN)
def test_a_key_of_another_type_is_refused(key):
    with pytest.raises(Malformed):
        PublicKey.from_pem(pem_of(key), subject="key")
    for scheme in keys.SCHEMES:
        with pytest.raises(Malformed):
            PublicKey.from_json({"scheme": scheme, "pem": pem_of(key)}, subject="key")


def test_a_signer_of_another_scheme_is_refused():
    with pytest.raises(ValueError, match="scheme"):
        PublicKey.of(CryptoSigner(FOREIGN["p384"]))


GOOD = public(SIGNERS["p256"]).to_json()
DEFECTS = {
    "another scheme of ours": {**GOOD, "scheme": keys.ED25519},
    "an unknown scheme": {**GOOD, "scheme": "none"},
    "no scheme": {"pem": GOOD["pem"]},
    "a null scheme": {**GOOD, "scheme": None},
    "a field too many": {**GOOD, "keyid": "00"},
    "pem as bytes": {**GOOD, "pem": GOOD["pem"].encode()},
    "text before the pem": {**GOOD, "pem": "key:\n" + GOOD["pem"]},
    "other line ends": {**GOOD, "pem": GOOD["pem"].replace("\n", "\r\n")},
    "no last newline": {**GOOD, "pem": GOOD["pem"].rstrip("\n")},
    "a second key": {**GOOD, "pem": GOOD["pem"] + public(p256(2)).pem},
    "a point off the curve": {**GOOD, "pem": GOOD["pem"].replace(GOOD["pem"].split("\n")[2][:8], "AAAAAAAA")},
    "an empty pem": {**GOOD, "pem": ""},
    "no ASCII": {**GOOD, "pem": "\udcff" + GOOD["pem"]},
    "a huge pem": {**GOOD, "pem": GOOD["pem"] * 200},
    "no object": [GOOD],
}


@pytest.mark.parametrize("value", DEFECTS.values(), ids=DEFECTS)
def test_anything_but_the_canonical_form_is_refused(value):
    with pytest.raises(Malformed):
        PublicKey.from_json(value, subject="key")


def test_the_raw_form_is_for_ed25519_only():
    assert len(public(SIGNERS["ed25519"]).raw()) == 32
    with pytest.raises(ValueError, match="ed25519"):
        public(SIGNERS["p256"]).raw()


def test_only_ml_dsa_counts_as_post_quantum():
    assert [public(signer).post_quantum for signer in SIGNERS.values()] == [False, False, True]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100))
def test_random_bytes_are_no_signature_and_raise_nothing_else(signature):
    for signer in SIGNERS.values():
        with pytest.raises(SignatureInvalid):
            public(signer).verify(signature, b"data")
