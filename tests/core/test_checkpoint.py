"""Checkpoints: one text, one signature that counts, and room for witnesses."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from format_samples import ed, p256, public
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import checkpoint, keys, merkle
from hardline.tasks.core.checkpoint import Checkpoint
from hardline.tasks.core.errors import Malformed, SignatureInvalid

ORIGIN, NAME = "hardline-log-test", "hardline-log-test"
KEEPER, WITNESS = ed(1), ed(2)
KEY = public(KEEPER)
HEAD = Checkpoint(ORIGIN, 3, bytes(range(32)), 1_800_000_000)
NOTE = checkpoint.sign(HEAD, NAME, KEEPER)
TEXT = HEAD.body()
SIGNATURE = NOTE.decode().split("\n\n")[1]


def verify(data, *, name=NAME, key=KEY, origin=ORIGIN):
    return checkpoint.verify(data, name, key, origin=origin)


def test_the_bytes_are_those_of_the_specification():
    root = base64.b64encode(bytes(range(32))).decode()
    assert HEAD.body() == f"{ORIGIN}\n3\n{root}\ntime 1800000000\n".encode()
    assert NOTE.startswith(HEAD.body() + b"\n" + "\u2014 ".encode() + NAME.encode() + b" ")
    assert NOTE.endswith(b"\n")
    blob = base64.b64decode(SIGNATURE.split(" ")[2])
    public(KEEPER).verify(blob[4:], HEAD.body())
    assert blob[:4] == checkpoint.key_id(NAME, public(KEEPER))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**53), st.binary(min_size=32, max_size=32), st.integers(0, 10**11))
def test_what_was_signed_comes_back(size, root, time):
    head = Checkpoint(ORIGIN, size, root, time)
    if size >= 10**16:
        with pytest.raises(ValueError, match="no reader"):
            checkpoint.sign(head, NAME, KEEPER)
    else:
        assert verify(checkpoint.sign(head, NAME, KEEPER)) == head


def test_the_empty_log_has_a_checkpoint():
    head = Checkpoint(ORIGIN, 0, merkle.EMPTY_ROOT, 0)
    assert verify(checkpoint.sign(head, NAME, KEEPER)) == head


def line(name, signer, body=TEXT):
    blob = checkpoint.key_id(name, public(signer)) + keys.sign(signer, body)
    return f"\u2014 {name} {base64.b64encode(blob).decode()}\n".encode()


def test_signatures_of_others_are_passed_over():
    start = HEAD.body() + b"\n"
    longer = "\u2014 witness.example/pq ".encode() + base64.b64encode(bytes(2424)) + b"\n"
    own, witness = line(NAME, KEEPER), line("witness.example/w1", WITNESS)
    for lines in (witness + own, own + witness, longer + own, line(NAME, WITNESS) + own):
        assert verify(start + lines) == HEAD


def test_a_witness_alone_is_not_the_log():
    for lines in (line("witness.example/w1", WITNESS), line(NAME, WITNESS), line("other", KEEPER)):
        with pytest.raises(SignatureInvalid):
            verify(HEAD.body() + b"\n" + lines)


def test_a_broken_signature_of_the_logs_key_refuses_the_note_even_beside_a_good_one():
    blob = checkpoint.key_id(NAME, public(KEEPER)) + bytes(64)
    broken = f"\u2014 {NAME} {base64.b64encode(blob).decode()}\n".encode()
    for lines in (broken, broken + line(NAME, KEEPER), line(NAME, KEEPER) + broken):
        with pytest.raises(SignatureInvalid):
            verify(HEAD.body() + b"\n" + lines)


def signed(body):
    """A body as given, truly signed by the keeper: only its form is wrong."""
    return body.encode() + b"\n" + line(NAME, KEEPER, body.encode())


ROOT = base64.b64encode(bytes(range(32))).decode()
DEFECTS = {
    "another origin": f"other\n3\n{ROOT}\ntime 1\n",
    "no time": f"{ORIGIN}\n3\n{ROOT}\n",
    "two times": f"{ORIGIN}\n3\n{ROOT}\ntime 1\ntime 1\n",
    "an unknown extension": f"{ORIGIN}\n3\n{ROOT}\ntime 1\nnote\n",
    "a time with a sign": f"{ORIGIN}\n3\n{ROOT}\ntime +1\n",
    "a time with a zero before": f"{ORIGIN}\n3\n{ROOT}\ntime 01\n",
    "a time in other digits": f"{ORIGIN}\n3\n{ROOT}\ntime \u0661\n",
    "a size with a zero before": f"{ORIGIN}\n03\n{ROOT}\ntime 1\n",
    "a size with a sign": f"{ORIGIN}\n-3\n{ROOT}\ntime 1\n",
    "a size with a space": f"{ORIGIN}\n3 \n{ROOT}\ntime 1\n",
    "a size in other digits": f"{ORIGIN}\n\u0663\n{ROOT}\ntime 1\n",
    "a short root": f"{ORIGIN}\n3\n{ROOT[:40]}\ntime 1\n",
    "a root without padding": f"{ORIGIN}\n3\n{ROOT[:-1]}\ntime 1\n",
    "an empty line inside": f"{ORIGIN}\n\n3\n{ROOT}\ntime 1\n",
    "carriage returns": f"{ORIGIN}\r\n3\r\n{ROOT}\r\ntime 1\r\n",
    "no last newline": f"{ORIGIN}\n3\n{ROOT}\ntime 1",
}


@pytest.mark.parametrize("body", DEFECTS.values(), ids=DEFECTS)
def test_a_defective_body_is_refused_though_signed(body):
    with pytest.raises(Malformed):
        verify(signed(body))


NOTES = {
    "empty": b"",
    "the body alone": HEAD.body(),
    "no signature line": HEAD.body() + b"\n",
    "no last newline": NOTE[:-1],
    "a newline more": NOTE + b"\n",
    "text after the signatures": NOTE + b"note\n",
    "a hyphen for the dash": NOTE.replace("\u2014".encode(), b"-"),
    "two spaces": NOTE.replace(f" {NAME} ".encode(), f" {NAME}  ".encode()),
    "base64 without padding": NOTE[:-2] + b"\n",
    "not UTF-8": NOTE.replace(b"time", b"t\xffme"),
    "huge": NOTE + line("witness", WITNESS) * 1000,
    "a line far too long": HEAD.body() + b"\n\xe2\x80\x94 n " + b"A" * 9000 + b"\n",
}


@pytest.mark.parametrize("data", NOTES.values(), ids=NOTES)
def test_a_defective_note_is_refused(data):
    with pytest.raises(Malformed):
        verify(data)


def test_another_key_or_name_is_refused():
    for other in ({"key": public(WITNESS)}, {"name": "other"}):
        with pytest.raises(SignatureInvalid):
            verify(NOTE, **other)
    with pytest.raises(Malformed):
        verify(NOTE, origin="other")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(NOTE) - 1), st.integers(1, 255))
def test_every_flipped_byte_is_refused(at, flip):
    damaged = bytearray(NOTE)
    damaged[at] ^= flip
    with pytest.raises((Malformed, SignatureInvalid)):
        verify(bytes(damaged))


@pytest.mark.parametrize(
    ("head", "name", "signer"),
    [
        (HEAD, "a name", KEEPER),
        (HEAD, "a+b", KEEPER),
        (HEAD, "", KEEPER),
        (HEAD, NAME, p256(1)),
        (Checkpoint("two\nlines", 3, HEAD.root, 1), NAME, KEEPER),
        (Checkpoint("", 3, HEAD.root, 1), NAME, KEEPER),
        (Checkpoint(ORIGIN, -1, HEAD.root, 1), NAME, KEEPER),
        (Checkpoint(ORIGIN, 3, b"short", 1), NAME, KEEPER),
        (Checkpoint(ORIGIN, 3, HEAD.root, -1), NAME, KEEPER),
    ],
)
def test_no_note_is_made_that_none_would_read(head, name, signer):
    with pytest.raises(ValueError, match=r"note|reader"):
        checkpoint.sign(head, name, signer)


def test_the_published_note_key_of_go():
    """golang.org/x/mod/sumdb/note, the example of the package's documentation."""
    name, hexadecimal, text = "PeterNeumann", "c74f20a3", "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = keys.PublicKey.of_crypto(Ed25519PublicKey.from_public_bytes(base64.b64decode(text)[1:]))
    assert checkpoint.verifier_key(name, key) == f"{name}+{hexadecimal}+{text}"
    body = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
    blob = base64.b64decode(
        "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
    )
    assert blob[:4] == checkpoint.key_id(name, key)
    key.verify(blob[4:], body)
