"""Every vector of a document goes through its reader: the good one round-trips, each bad one is refused as `Malformed`."""

from __future__ import annotations

import make_document_vectors as maker
import pytest
from format_samples import load
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import canonical
from hardline.tasks.core.errors import Malformed

CASES = [(kind, case) for kind in maker.SAMPLES for case in load(f"documents/{kind}.json")["cases"]]


@pytest.mark.parametrize(("kind", "case"), CASES, ids=[f"{kind}: {case['name']}" for kind, case in CASES])
def test_a_vector_does_what_it_is_labelled_with(kind, case):
    data = case["document"].encode()
    if case["expect"] == "success":
        read = maker.DECODERS[kind](data)
        assert read == maker.SAMPLES[kind][1]()
        assert read.encode() == data and canonical.digest(data) == load(f"documents/{kind}.json")["digest"]
        return
    with pytest.raises(Malformed):
        maker.DECODERS[kind](data)


@pytest.mark.parametrize("kind", maker.SAMPLES)
def test_the_vectors_are_what_their_maker_makes(kind):
    assert load(f"documents/{kind}.json") == maker.document(kind)


@pytest.mark.parametrize("kind", maker.SAMPLES)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_bytes_from_outside_raise_malformed_and_nothing_else(kind, data):
    """A good document with some bytes replaced: either it is refused, or it says the same when it is written again."""
    good = bytearray(maker.SAMPLES[kind][1]().encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from(BITS) | st.binary(max_size=3))
        good = good or bytearray(b"x")
    try:
        read = maker.DECODERS[kind](bytes(good))
    except Malformed:
        return
    assert read.encode() == bytes(good)


BITS = [b"null", b"[]", b"{}", b"1e9", b"-1", b'"', b"true", b"\\u0000", b"[[[[", b"9" * 400, b"\xff"]
