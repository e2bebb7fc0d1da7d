"""Keyrings: who gets which data key, and what a keyring that is not right says."""

from __future__ import annotations

import json
import pickle

import hpke_by_hand as by_hand
import pytest
from format_samples import p256, public, recipient
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import canonical, keyring, sealing
from hardline.tasks.core.errors import AccessDenied, Malformed, SealBroken, Shredded, SignatureInvalid
from hardline.tasks.core.keyring import DataKey, Keyring, Wrap

SUBJECT, VERSION = "ab" * 32, bytes(range(16))
TRAINER, ASSESSOR, STRANGER = recipient(1), recipient(2), recipient(3)
TRAIN, TEST = DataKey(bytes([4]) * 32), DataKey(bytes([5]) * 32)
GRANTS = [
    (TRAIN, "trainer", TRAINER.public()),
    (TRAIN, "assessor", ASSESSOR.public()),
    (TEST, "assessor", ASSESSOR.public()),
]
RING = keyring.make(SUBJECT, VERSION, 0, GRANTS)
SIGNER, OTHER = p256(1), p256(2)


def test_each_recipient_opens_exactly_what_is_wrapped_for_it():
    assert RING.open("trainer", TRAINER) == {TRAIN.key_id: TRAIN}
    assert RING.open("assessor", ASSESSOR) == {TRAIN.key_id: TRAIN, TEST.key_id: TEST}
    assert RING.open("assessor", ASSESSOR, [TEST.key_id]) == {TEST.key_id: TEST}
    assert keyring.by_key(RING) == {TRAIN.key_id: ("assessor", "trainer"), TEST.key_id: ("assessor",)}


def test_a_wrap_opens_by_hand_from_the_page_of_the_format():
    wrap = next(wrap for wrap in RING.wraps if wrap.recipient == TRAINER.public().keyid)
    info = b"".join(
        len(part).to_bytes(8, "big") + part
        for part in (b"hardline/wrap/v1", VERSION, wrap.key_id.encode(), b"trainer", wrap.recipient.encode())
    )
    assert by_hand.unwrap(bytes([1]) * 96, wrap.ciphertext, info) == TRAIN.secret


@pytest.mark.parametrize(
    ("role", "private", "key_ids"),
    [
        ("trainer", TRAINER, [TEST.key_id]),
        ("trainer", TRAINER, [TRAIN.key_id, TEST.key_id]),
        ("trainer", TRAINER, ["00" * 16]),
        ("trainer", TRAINER, []),
        ("trainer", STRANGER, None),
        ("assessor", TRAINER, None),
        ("", TRAINER, None),
    ],
)
def test_without_a_wrap_access_is_denied(role, private, key_ids):
    with pytest.raises(AccessDenied) as caught:
        RING.open(role, private, key_ids)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    "ring",
    {
        "another version": Keyring(SUBJECT, bytes(16), 0, RING.wraps),
        "another role": Keyring(
            SUBJECT, VERSION, 0, tuple(Wrap(w.key_id, "reader", w.recipient, w.ciphertext) for w in RING.wraps)
        ),
        "another key id": Keyring(
            SUBJECT, VERSION, 0, tuple(Wrap("00" * 16, "reader", w.recipient, w.ciphertext) for w in RING.wraps[:1])
        ),
        "damaged": Keyring(
            SUBJECT, VERSION, 0, tuple(Wrap(w.key_id, "reader", w.recipient, bytes(1168)) for w in RING.wraps)
        ),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_wrap_is_bound_to_all_that_its_keyring_says(ring):
    private = {TRAINER.public().keyid: TRAINER, ASSESSOR.public().keyid: ASSESSOR}[ring[1].wraps[0].recipient]
    with pytest.raises(SealBroken):
        ring[1].open(ring[1].wraps[0].role, private)


def test_an_unwrapped_key_must_reproduce_its_key_id():
    """A custodian who wraps one key under another's id is caught, though the wrap itself opens."""
    public_key = TRAINER.public()
    info = keyring.wrap_info(VERSION, TRAIN.key_id, "trainer", public_key.keyid)
    forged = Wrap(TRAIN.key_id, "trainer", public_key.keyid, public_key.wrap(TEST.secret, info))
    assert TRAINER.unwrap(forged.ciphertext, info) == TEST.secret
    with pytest.raises(SealBroken):
        Keyring(SUBJECT, VERSION, 0, (forged,)).open("trainer", TRAINER)


def test_a_wrapped_key_of_another_length_is_refused():
    public_key = TRAINER.public()
    info = keyring.wrap_info(VERSION, TRAIN.key_id, "trainer", public_key.keyid)
    forged = Wrap(TRAIN.key_id, "trainer", public_key.keyid, public_key.wrap(b"short", info))
    with pytest.raises(SealBroken):
        Keyring(SUBJECT, VERSION, 0, (forged,)).open("trainer", TRAINER)


def test_the_same_grant_twice_is_one_wrap():
    ring = keyring.make(SUBJECT, VERSION, 3, GRANTS + GRANTS)
    assert [wrap.key_id for wrap in ring.wraps] == [wrap.key_id for wrap in RING.wraps]
    assert ring.generation == 3


def test_one_recipient_key_for_two_roles_is_refused():
    with pytest.raises(AccessDenied, match="trainer and steward"):
        keyring.make(SUBJECT, VERSION, 0, [*GRANTS, (TRAIN, "steward", TRAINER.public())])


def test_a_keyring_for_nobody_is_refused():
    with pytest.raises(AccessDenied):
        keyring.make(SUBJECT, VERSION, 0, [])


@pytest.mark.parametrize(
    ("subject", "version", "generation"), [("ab", VERSION, 0), (SUBJECT, b"short", 0), (SUBJECT, VERSION, -1)]
)
def test_no_keyring_is_made_that_none_would_read(subject, version, generation):
    with pytest.raises(ValueError, match="no reader"):
        keyring.make(subject, version, generation, GRANTS)
    with pytest.raises(ValueError, match="no reader"):
        keyring.tombstone(subject, version, generation)


def test_a_tombstone_opens_for_nobody_and_says_why():
    stone = Keyring.decode(keyring.tombstone(SUBJECT, VERSION, 4).encode())
    assert stone.shredded
    assert (stone.subject, stone.version_id, stone.generation) == (SUBJECT, VERSION, 4)
    with pytest.raises(Shredded):
        stone.open("trainer", TRAINER)


def test_a_signed_keyring_is_read_back_under_its_signers_key_only():
    signed = RING.sign(SIGNER)
    assert keyring.read(signed, [public(OTHER), public(SIGNER)]) == RING
    for keys in ([public(OTHER)], []):
        with pytest.raises(SignatureInvalid):
            keyring.read(signed, keys)
    with pytest.raises(Malformed):
        keyring.read(RING.encode(), [public(SIGNER)])


VALUE = json.loads(RING.encode())
WRAP = VALUE["wraps"][0]
DEFECTS = {
    "another format": {**VALUE, "format": "hardline/keyring/v2"},
    "a subject that is no digest": {**VALUE, "subject": "AB" * 32},
    "a short version": {**VALUE, "version": "00"},
    "a version in capitals": {**VALUE, "version": "AB" * 16},
    "a negative generation": {**VALUE, "generation": -1},
    "a generation as text": {**VALUE, "generation": "0"},
    "a generation as boolean": {**VALUE, "generation": True},
    "no wraps, not shredded": {**VALUE, "wraps": []},
    "wraps, but shredded": {**VALUE, "shredded": True},
    "shredded as number": {**VALUE, "shredded": 0},
    "wraps as object": {**VALUE, "wraps": {}},
    "a wrap twice": {**VALUE, "wraps": [WRAP, WRAP]},
    "a recipient twice for a key": {**VALUE, "wraps": [WRAP, {**WRAP, "role": "other"}]},
    "too many wraps": {**VALUE, "wraps": [{**WRAP, "key_id": f"{i:032x}"} for i in range(4097)]},
    "a key id of another length": {**VALUE, "wraps": [{**WRAP, "key_id": "00"}]},
    "a key id as number": {**VALUE, "wraps": [{**WRAP, "key_id": 1}]},
    "an empty role": {**VALUE, "wraps": [{**WRAP, "role": ""}]},
    "a recipient that is no digest": {**VALUE, "wraps": [{**WRAP, "recipient": "trainer"}]},
    "an empty ciphertext": {**VALUE, "wraps": [{**WRAP, "ciphertext": ""}]},
    "a short ciphertext": {**VALUE, "wraps": [{**WRAP, "ciphertext": WRAP["ciphertext"][:-4]}]},
    "a field more in a wrap": {**VALUE, "wraps": [{**WRAP, "key": ""}]},
    "a field more": {**VALUE, "note": ""},
    "a field missing": {name: item for name, item in VALUE.items() if name != "subject"},
    "no object": [VALUE],
}


@pytest.mark.parametrize("value", DEFECTS.values(), ids=DEFECTS)
def test_a_defective_keyring_is_refused(value):
    with pytest.raises(Malformed):
        Keyring.decode(canonical.encode(value))


def test_encoding_gives_the_keyring_back():
    assert Keyring.decode(RING.encode()) == RING


@settings(max_examples=50)
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_key_id_names_one_key_and_shows_nothing_of_it(one, other):
    a, b = DataKey(one), DataKey(other)
    assert (a.key_id == b.key_id) == (one == other)
    assert a.key_id not in one.hex()
    assert one.hex() not in repr(a)
    assert repr(one) not in repr(a)


def test_a_data_key_is_fresh_and_never_pickled():
    assert len({DataKey.generate().key_id for _ in range(50)}) == 50
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(TRAIN)


def test_a_key_seals_under_the_key_id_that_names_it():
    sealed = sealing.seal(b"rows", TRAIN.secret, b"")
    (key,) = RING.open("trainer", TRAINER).values()
    assert sealing.open_sealed(sealed, key.secret, b"") == b"rows"
