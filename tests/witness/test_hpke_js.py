"""hpke-js opens a wrap of ours, and we open one of its: KEM 0x647a means the same to both."""

from __future__ import annotations

import hashlib
import secrets

import pytest
from witnesses import Refused, hpke_js

from hardline.tasks.core.errors import SealBroken
from hardline.tasks.core.wrapping import KEM_ID, RecipientKey

pytestmark = pytest.mark.witness
INFO = b"\x00\x00\x00\x00\x00\x00\x00\x04info of a wrap"
DATA_KEY = bytes(range(32))


@pytest.fixture(scope="module")
def recipient():
    """One private key in both forms: the draft's seed, and what SHAKE-256 expands it to."""
    seed = secrets.token_bytes(32)
    return seed, RecipientKey.from_bytes(hashlib.shake_256(seed).digest(96))


def test_hpke_js_opens_a_wrap_of_ours(recipient):
    seed, private = recipient
    assert KEM_ID == 0x647A
    wrapped = private.public().wrap(DATA_KEY, INFO)
    assert hpke_js(do="unwrap", seed=seed, info=INFO, wrapped=wrapped) == DATA_KEY


def test_we_open_a_wrap_of_hpke_js(recipient):
    _, private = recipient
    wrapped = hpke_js(do="wrap", public=private.public().data, info=INFO, plaintext=DATA_KEY)
    assert private.unwrap(wrapped, INFO) == DATA_KEY
    with pytest.raises(SealBroken):
        private.unwrap(wrapped, INFO + b"x")


@pytest.mark.parametrize("broken", ["info", "ciphertext", "encapsulation", "seed"])
def test_hpke_js_refuses_a_wrap_of_ours_that_was_changed(broken, recipient):
    seed, private = recipient
    wrapped, info = bytearray(private.public().wrap(DATA_KEY, INFO)), INFO
    if broken == "info":
        info = INFO[:-1]
    elif broken == "seed":
        seed = secrets.token_bytes(32)
    else:
        wrapped[-1 if broken == "ciphertext" else 0] ^= 1
    with pytest.raises(Refused):
        hpke_js(do="unwrap", seed=seed, info=info, wrapped=bytes(wrapped))
