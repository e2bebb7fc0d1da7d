"""Sealed objects, against a second implementation in both directions, and against every kind of damage."""

from __future__ import annotations

from typing import ClassVar

import cobblestone_by_hand as by_hand
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import sealing
from hardline.tasks.core.errors import SealBroken

KEY = bytes(range(32))
CONTEXT = sealing.context(bytes(16), "shard", "train/features/0000.arrow")
C = sealing.CHUNK
SIZES = [0, 1, 15, 16, C - 1, C, C + 1, 2 * C - 1, 2 * C, 2 * C + 1, 5 * C + 77]


def plain_of(size):
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_both_implementations_open_what_the_other_sealed(size):
    plain = plain_of(size)
    sealed = sealing.seal(plain, KEY, CONTEXT)
    assert type(sealed) is bytes
    assert len(sealed) == sealing.sealed_size(size)
    assert by_hand.open_sealed(sealed, KEY, CONTEXT) == plain
    assert by_hand.seal(plain, KEY, CONTEXT, sealed[:24]) == sealed
    assert sealing.open_sealed(by_hand.seal(plain, KEY, CONTEXT, bytes(24)), KEY, CONTEXT) == plain


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 3 * C), max_size=5), st.binary(min_size=32, max_size=32), st.binary(max_size=40))
def test_a_stream_of_any_pieces_opens_to_their_sum(sizes, key, context):
    pieces = [plain_of(size) for size in sizes]
    sealed = b"".join(sealing.seal_stream(iter(pieces), key, context))
    assert len(sealed) == sealing.sealed_size(sum(sizes))
    assert sealing.open_sealed(sealed, key, context) == b"".join(pieces)
    assert by_hand.open_sealed(sealed, key, context) == b"".join(pieces)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_buffer_is_taken(kind):
    sealed = sealing.seal(kind(b"plain"), KEY, CONTEXT)
    assert sealing.open_sealed(kind(sealed), KEY, CONTEXT) == b"plain"


def test_no_two_seals_are_alike():
    assert len({sealing.seal(b"same", KEY, CONTEXT)[:24] for _ in range(50)}) == 50


SEALED = sealing.seal(plain_of(2 * C + 100), KEY, CONTEXT)
STEP = C + 16


@pytest.mark.parametrize(
    "damaged",
    {
        "empty": b"",
        "salt alone": SEALED[:24],
        "header alone": SEALED[:56],
        "a byte short": SEALED[:-1],
        "cut in the last tag": SEALED[: 56 + 2 * STEP + 7],
        "cut at a chunk": SEALED[: 56 + 2 * STEP],
        "cut to full chunks and a short one": SEALED[: 56 + STEP + 100],
        "a byte more": SEALED + b"\0",
        "a chunk more": SEALED + SEALED[56 : 56 + STEP],
        "chunks swapped": SEALED[:56]
        + SEALED[56 + STEP : 56 + 2 * STEP]
        + SEALED[56 : 56 + STEP]
        + SEALED[56 + 2 * STEP :],
        "first chunk dropped": SEALED[:56] + SEALED[56 + STEP :],
        "another salt": bytes(24) + SEALED[24:],
        "another commitment": SEALED[:24] + bytes(32) + SEALED[56:],
    }.items(),
    ids=lambda item: item[0],
)
def test_damage_is_refused_without_a_reason(damaged):
    with pytest.raises(SealBroken) as caught:
        sealing.open_sealed(damaged[1], KEY, CONTEXT)
    assert str(caught.value) == "sealed object: it does not open"
    assert caught.value.__cause__ is None
    with pytest.raises(by_hand.Refused):
        by_hand.open_sealed(damaged[1], KEY, CONTEXT)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(SEALED) - 1), st.integers(1, 255))
def test_every_flipped_byte_is_refused(at, flip):
    damaged = bytearray(SEALED)
    damaged[at] ^= flip
    with pytest.raises(SealBroken):
        sealing.open_sealed(damaged, KEY, CONTEXT)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(SEALED) - 1))
def test_every_truncation_is_refused(size):
    with pytest.raises(SealBroken):
        sealing.open_sealed(SEALED[:size], KEY, CONTEXT)


def test_another_key_or_context_is_refused():
    for key, context in ((bytes(32), CONTEXT), (KEY, CONTEXT + b"x"), (KEY, b"")):
        with pytest.raises(SealBroken):
            sealing.open_sealed(SEALED, key, context)


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_length_is_a_bug(size):
    with pytest.raises(ValueError, match="32"):
        sealing.seal(b"", bytes(size), CONTEXT)
    with pytest.raises(ValueError, match="32"):
        sealing.open_sealed(SEALED, bytes(size), CONTEXT)


class Watched:
    """The library's decryptor, remembering the buffer that it wrote into."""

    seen: ClassVar[list[bytearray]] = []
    fail: ClassVar[type[BaseException] | None] = None

    def __init__(self, key, context):
        self._inner = Cobblestone256Decryptor(key, context)

    def update_into(self, data, buffer):
        self.seen.append(buffer)
        return self._inner.update_into(data, buffer)

    def finalize(self):
        if self.fail is not None:
            raise self.fail
        return self._inner.finalize()


@pytest.mark.parametrize("interrupt", [None, KeyboardInterrupt])
def test_nothing_opened_stays_behind_when_a_later_chunk_fails(monkeypatch, interrupt):
    """The library leaves the chunks before the broken one in the buffer: seen here, then wiped."""
    damaged = SEALED if interrupt else SEALED[:-1] + bytes([SEALED[-1] ^ 1])
    inner, left = Cobblestone256Decryptor(KEY, CONTEXT), bytearray(3 * C)
    inner.update_into(damaged, left)
    assert left[:C] == plain_of(C)
    monkeypatch.setattr(sealing, "Cobblestone256Decryptor", Watched)
    monkeypatch.setattr(Watched, "seen", [])
    monkeypatch.setattr(Watched, "fail", interrupt)
    with pytest.raises(interrupt or SealBroken):
        sealing.open_sealed(damaged, KEY, CONTEXT)
    (buffer,) = Watched.seen
    assert len(buffer) == 2 * C + 100
    assert not any(buffer)


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=6), max_size=4), st.lists(st.binary(max_size=6), max_size=4))
def test_no_two_lists_have_one_encoding(one, other):
    assert (sealing.length_prefixed(*one) == sealing.length_prefixed(*other)) == (one == other)


def test_a_context_does_not_slide_between_its_parts():
    assert sealing.context(b"v", "ds1", "2/shard") != sealing.context(b"v", "ds12", "/shard")
    assert sealing.context(b"V", "k", "p") == (
        b"\0\0\0\0\0\0\0\x10hardline/seal/v1\0\0\0\0\0\0\0\1V\0\0\0\0\0\0\0\1k\0\0\0\0\0\0\0\1p"
    )


def test_new_keys_are_long_enough_and_differ():
    assert {len(sealing.new_key()) for _ in range(10)} == {32}
    assert len({sealing.new_key() for _ in range(100)}) == 100
