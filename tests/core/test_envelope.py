"""DSSE: what is signed, what is read back, and whose signatures count."""

from __future__ import annotations

import base64
import json

import pytest
from format_samples import ed, ml_dsa, p256, public
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import canonical, envelope
from hardline.tasks.core.envelope import Envelope
from hardline.tasks.core.errors import Malformed, SignatureInvalid

TYPE = "application/vnd.test+json"
ONE, TWO, THREE = p256(1), ed(2), ml_dsa(3)
KEYS = [public(ONE), public(TWO), public(THREE)]


def verify(wrapped, keys=KEYS, threshold=1, type_=TYPE):
    return envelope.verify(wrapped, type_, keys, threshold, subject="thing")


def test_lengths_count_bytes_not_characters():
    assert envelope.pae("t\u00e9", "\u20ac".encode()) == b"DSSEv1 3 t\xc3\xa9 3 \xe2\x82\xac"
    assert envelope.pae("", b"") == b"DSSEv1 0  0 "


@settings(max_examples=200)
@given(st.text(max_size=8), st.binary(max_size=8), st.text(max_size=8), st.binary(max_size=8))
def test_two_contents_never_have_one_encoding(type_a, payload_a, type_b, payload_b):
    same = envelope.pae(type_a, payload_a) == envelope.pae(type_b, payload_b)
    assert same == ((type_a, payload_a) == (type_b, payload_b))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_what_was_signed_comes_back(payload):
    wrapped = envelope.parse(envelope.sign(payload, TYPE, [ONE, TWO]).to_bytes(), subject="thing")
    assert verify(wrapped, threshold=2) == payload


def test_threshold_counts_keys_not_signatures():
    twice = envelope.sign(b"x", TYPE, [ONE, ONE])
    assert verify(twice) == b"x"
    with pytest.raises(SignatureInvalid, match="got 1"):
        verify(twice, threshold=2)
    with pytest.raises(SignatureInvalid, match="got 1"):
        verify(twice, keys=[KEYS[0], KEYS[0], KEYS[1]], threshold=2)


def test_classical_and_post_quantum_keys_sign_together():
    assert verify(envelope.sign(b"x", TYPE, [ONE, THREE]), threshold=2) == b"x"


@pytest.mark.parametrize("keyid", ["", "0" * 64, public(TWO).keyid])
def test_the_key_id_decides_nothing(keyid):
    ((_, signature),) = envelope.sign(b"x", TYPE, [ONE]).signatures
    assert verify(Envelope(b"x", TYPE, ((keyid, signature),)), keys=KEYS[:1]) == b"x"
    with pytest.raises(SignatureInvalid):
        verify(Envelope(b"x", TYPE, ((public(TWO).keyid, signature),)), keys=[KEYS[1]])


def test_a_bad_signature_beside_a_good_one_takes_nothing_away():
    good = envelope.sign(b"x", TYPE, [ONE])
    assert verify(Envelope(b"x", TYPE, ((KEYS[0].keyid, b"bad"), *good.signatures))) == b"x"


@pytest.mark.parametrize(("keys", "threshold"), [([], 1), (KEYS, 0), (KEYS, -1), (KEYS, 4), ([KEYS[1]], 1)])
def test_nobody_or_no_threshold_or_a_stranger_is_refused(keys, threshold):
    with pytest.raises(SignatureInvalid):
        verify(envelope.sign(b"x", TYPE, [ONE, THREE]), keys, threshold)


def test_another_type_is_refused_though_signed():
    with pytest.raises(Malformed):
        verify(envelope.sign(b"x", TYPE, [ONE]), type_=TYPE + "x")


def test_the_type_is_signed():
    good = envelope.sign(b"x", TYPE, [ONE])
    with pytest.raises(SignatureInvalid):
        verify(Envelope(b"x", "other", good.signatures), type_="other")


@pytest.mark.parametrize("signers", [[], [ONE] * 17])
def test_no_envelope_is_made_that_none_would_read(signers):
    with pytest.raises(ValueError, match="signers"):
        envelope.sign(b"x", TYPE, signers)


GOOD = json.loads(envelope.sign(b"payload", TYPE, [ONE]).to_bytes())
SIG = GOOD["signatures"][0]
DEFECTS = {
    "no signature": {**GOOD, "signatures": []},
    "seventeen signatures": {**GOOD, "signatures": [SIG] * 17},
    "signatures as object": {**GOOD, "signatures": {"0": SIG}},
    "a signature without key id": {**GOOD, "signatures": [{"sig": SIG["sig"]}]},
    "a signature with a field more": {**GOOD, "signatures": [{**SIG, "cert": ""}]},
    "a key id that is no text": {**GOOD, "signatures": [{**SIG, "keyid": 1}]},
    "a long key id": {**GOOD, "signatures": [{**SIG, "keyid": "0" * 201}]},
    "URL-safe base64": {**GOOD, "payload": base64.urlsafe_b64encode(b"\xff\xef").decode()},
    "base64 without padding": {**GOOD, "payload": "YQ"},
    "base64 with a newline": {**GOOD, "payload": "YWE=\n"},
    "base64 with loose bits": {**GOOD, "payload": "YR=="},
    "base64 that is not ASCII": {**GOOD, "payload": "\u00e9"},
    "payload as number": {**GOOD, "payload": 1},
    "an empty type": {**GOOD, "payloadType": ""},
    "a long type": {**GOOD, "payloadType": "t" * 201},
    "a field more": {**GOOD, "extra": 1},
    "a field missing": {"payload": "", "payloadType": TYPE},
    "no object": [GOOD],
}


@pytest.mark.parametrize("value", DEFECTS.values(), ids=DEFECTS)
def test_a_defective_envelope_is_refused(value):
    with pytest.raises(Malformed):
        envelope.parse(canonical.encode(value), subject="thing")


@pytest.mark.parametrize(
    "data",
    [json.dumps(GOOD).encode(), canonical.encode(GOOD) + b"\n", b"\xef\xbb\xbf" + canonical.encode(GOOD), b"", b"{"],
)
def test_another_encoding_of_it_is_refused(data):
    with pytest.raises(Malformed):
        envelope.parse(data, subject="thing")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(canonical.encode(GOOD)) - 1), st.integers(1, 255))
def test_every_flipped_byte_is_refused_or_is_only_the_hint(at, flip):
    data = bytearray(canonical.encode(GOOD))
    data[at] ^= flip
    try:
        payload = verify(envelope.parse(bytes(data), subject="thing"))
    except (Malformed, SignatureInvalid):
        return
    changed = json.loads(bytes(data))
    assert payload == b"payload"
    assert changed["signatures"][0].pop("keyid") != SIG["keyid"]
    assert changed == {**GOOD, "signatures": [{"sig": SIG["sig"]}]}


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_random_bytes_raise_malformed_and_nothing_else(data):
    with pytest.raises(Malformed):
        envelope.parse(data, subject="thing")
