"""Wraps, against a second implementation in both directions."""

from __future__ import annotations

import base64
import copy
import pickle

import hpke_by_hand as by_hand
import pytest
from cryptography.exceptions import InvalidTag
from format_samples import recipient
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import wrapping
from hardline.tasks.core.errors import Malformed, SealBroken
from hardline.tasks.core.wrapping import RecipientKey, RecipientPublic

PRIVATE, DATA_KEY, INFO = recipient(7), bytes(range(32)), b"what it is bound to"
SERIALISED = bytes([7]) * 96
WRAPPED = PRIVATE.public().wrap(DATA_KEY, INFO)


@settings(max_examples=20, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200))
def test_both_implementations_unwrap_what_the_other_wrapped(data_key, info):
    public = PRIVATE.public()
    assert by_hand.unwrap(SERIALISED, public.wrap(data_key, info), info) == data_key
    assert PRIVATE.unwrap(by_hand.wrap(public.data, data_key, info), info) == data_key


def test_the_size_of_a_wrap_is_known():
    assert len(WRAPPED) == wrapping.wrapped_size(32) == 1168


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(WRAPPED) - 1), st.integers(1, 255))
def test_every_flipped_byte_is_refused(at, flip):
    damaged = bytearray(WRAPPED)
    damaged[at] ^= flip
    # X25519 masks the highest bit of a point (RFC 7748 section 5), but the combiner takes the bytes as sent.
    with pytest.raises(SealBroken) as caught:
        PRIVATE.unwrap(bytes(damaged), INFO)
    assert str(caught.value) == "wrap: it does not open"


@pytest.mark.parametrize(
    "damaged",
    [b"", WRAPPED[:10], WRAPPED[:1120], WRAPPED[:-1], WRAPPED + b"\0", WRAPPED[:1088] + bytes(32) + WRAPPED[1120:]],
    ids=["empty", "head", "no-tag", "short", "long", "low-order"],
)
def test_another_length_or_a_point_of_low_order_is_refused(damaged):
    with pytest.raises(SealBroken):
        PRIVATE.unwrap(damaged, INFO)


def test_another_info_or_recipient_is_refused():
    for private, info in ((PRIVATE, b""), (PRIVATE, INFO + b"x"), (recipient(8), INFO)):
        with pytest.raises(SealBroken):
            private.unwrap(WRAPPED, info)
    with pytest.raises(InvalidTag):
        by_hand.unwrap(SERIALISED, WRAPPED, b"")


def test_text_gives_the_key_back():
    public = PRIVATE.public()
    again = RecipientPublic.from_text(public.to_text())
    assert again == public
    assert again.keyid == public.keyid
    assert len(public.keyid) == 64


def text(data):
    return base64.b64encode(data).decode()


GOOD = PRIVATE.public().data
DEFECTS = {
    "too short": text(GOOD[:-1]),
    "too long": text(GOOD + b"\0"),
    "empty": "",
    "coefficients beyond the modulus": text(b"\xff" * 1184 + GOOD[1184:]),
    "a zero point": text(GOOD[:1184] + bytes(32)),
    "a point of low order": text(GOOD[:1184] + b"\1" + bytes(31)),
    "base64 with a newline": text(GOOD) + "\n",
    "URL-safe base64": base64.urlsafe_b64encode(GOOD).decode(),
    "no text": GOOD,
}


@pytest.mark.parametrize("value", DEFECTS.values(), ids=DEFECTS)
def test_a_defective_public_key_is_refused_when_read(value):
    with pytest.raises(Malformed):
        RecipientPublic.from_text(value)


@pytest.mark.parametrize("size", [0, 32, 95, 97])
def test_a_private_key_of_another_length_is_refused(size):
    with pytest.raises(Malformed):
        RecipientKey.from_bytes(bytes(size))


def test_a_generated_key_works_and_none_is_made_twice():
    made = [wrapping.generate_recipient() for _ in range(5)]
    assert len(set(made)) == 5
    private = RecipientKey.from_bytes(made[0])
    assert private.unwrap(private.public().wrap(DATA_KEY, b""), b"") == DATA_KEY


def test_a_private_key_shows_nothing_and_is_never_copied_out():
    assert repr(PRIVATE) == f"<RecipientKey {PRIVATE.public().keyid[:8]}>"
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="never pickled"):
            take(PRIVATE)
