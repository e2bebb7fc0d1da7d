"""The Merkle tree against the definitions of the RFCs, written down once more without any cleverness."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hardline.tasks.core import merkle
from hardline.tasks.core.errors import DigestMismatch

LEAVES = [merkle.leaf(b"record %d" % i) for i in range(70)]


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(leaves):
    """RFC 6962 section 2.1, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m, leaves):
    """RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    return [*path(m, leaves[:k]), mth(leaves[k:])] if m < k else [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m, leaves, whole=True):
    """RFC 6962 section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*proof(m - k, leaves[k:], False), mth(leaves[:k])]


def tree_of(leaves):
    tree = merkle.Tree()
    for item in leaves:
        tree.append(item)
    return tree


TREE = tree_of(LEAVES)
ROOTS = [mth(LEAVES[:n]) for n in range(len(LEAVES) + 1)]


def test_every_root_of_every_size():
    growing = merkle.Tree()
    assert growing.root() == ROOTS[0] == merkle.EMPTY_ROOT
    for size, item in enumerate(LEAVES, 1):
        growing.append(item)
        assert growing.size == size
        assert growing.root() == ROOTS[size] == TREE.root(size)


def test_every_inclusion_proof_of_every_size():
    for size in range(1, 41):
        for index in range(size):
            found = TREE.inclusion(index, size)
            assert found == path(index, LEAVES[:size])
            merkle.verify_inclusion(LEAVES[index], index, size, found, ROOTS[size])


def test_every_consistency_proof_of_every_size():
    for new in range(1, 41):
        for old in range(1, new + 1):
            found = TREE.consistency(old, new)
            assert found == proof(old, LEAVES[:new])
            merkle.verify_consistency(old, ROOTS[old], new, ROOTS[new], found)


def refuse_inclusion(*arguments):
    with pytest.raises(DigestMismatch):
        merkle.verify_inclusion(*arguments)


@settings(max_examples=150)
@given(st.integers(1, 70), st.data())
def test_an_inclusion_proof_speaks_for_one_leaf_at_one_place_in_one_tree(size, data):
    index = data.draw(st.integers(0, size - 1))
    good, root, item = TREE.inclusion(index, size), ROOTS[size], LEAVES[index]
    refuse_inclusion(merkle.leaf(b"other"), index, size, good, root)
    refuse_inclusion(item, index, size, good, ROOTS[size - 1])
    refuse_inclusion(item, index, size, [*good, root], root)
    refuse_inclusion(item, index, size, [*good, b""], root)
    refuse_inclusion(item, index, size, [node + b"\0" for node in good] or [b""], root)
    refuse_inclusion(item, size, size, good, root)
    refuse_inclusion(item, -1, size, good, root)
    refuse_inclusion(item, index, 0, good, root)
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        refuse_inclusion(item, other, size, good, root)
    if good:
        refuse_inclusion(item, index, size, good[:-1], root)
        refuse_inclusion(item, index, size, good[1:], root)
        at = data.draw(st.integers(0, len(good) - 1))
        refuse_inclusion(item, index, size, [*good[:at], bytes(32), *good[at + 1 :]], root)
    if len(good) > 1:
        refuse_inclusion(item, index, size, good[::-1], root)


def test_a_short_path_is_refused_though_it_leads_to_the_root_of_a_smaller_tree():
    merkle.verify_inclusion(LEAVES[0], 0, 4, TREE.inclusion(0, 4), ROOTS[4])
    refuse_inclusion(LEAVES[0], 0, 8, TREE.inclusion(0, 4), ROOTS[4])


def test_hashes_are_not_cut_elsewhere():
    """What is hashed is a plain concatenation: a byte moved from one hash to the next would give the same root."""
    cut = [LEAVES[0][31:] + LEAVES[1], *TREE.inclusion(0, 4)[1:]]
    with pytest.raises(DigestMismatch, match="32 bytes"):
        merkle.verify_inclusion(LEAVES[0][:31], 0, 4, cut, ROOTS[4])
    for hashes in ([b""], [bytes(33)]):
        with pytest.raises(DigestMismatch, match="32 bytes"):
            merkle.verify_consistency(3, ROOTS[3], 4, ROOTS[4], hashes)


def refuse_consistency(*arguments):
    with pytest.raises(DigestMismatch):
        merkle.verify_consistency(*arguments)


@settings(max_examples=150)
@given(st.integers(2, 70), st.data())
def test_a_consistency_proof_speaks_for_two_trees(new, data):
    old = data.draw(st.integers(1, new - 1))
    good = TREE.consistency(old, new)
    refuse_consistency(old, bytes(32), new, ROOTS[new], good)
    refuse_consistency(old, ROOTS[old], new, bytes(32), good)
    refuse_consistency(old, ROOTS[old], new, ROOTS[old], good)
    refuse_consistency(old, ROOTS[old], new, ROOTS[new], [])
    refuse_consistency(old, ROOTS[old], new, ROOTS[new], good[:-1])
    refuse_consistency(old, ROOTS[old], new, ROOTS[new], [*good, bytes(32)])
    refuse_consistency(old, ROOTS[old], new, ROOTS[new], [*good[:-1], good[-1] + b"\0"])
    refuse_consistency(new, ROOTS[new], old, ROOTS[old], good)
    refuse_consistency(0, ROOTS[0], new, ROOTS[new], good)
    at = data.draw(st.integers(0, len(good) - 1))
    refuse_consistency(old, ROOTS[old], new, ROOTS[new], [*good[:at], bytes(32), *good[at + 1 :]])


@settings(max_examples=80)
@given(st.integers(2, 40), st.data())
def test_a_log_that_rewrote_a_record_has_no_proof(new, data):
    old = data.draw(st.integers(1, new - 1))
    changed = data.draw(st.integers(0, old - 1))
    forged = tree_of([*LEAVES[:changed], merkle.leaf(b"forged"), *LEAVES[changed + 1 : new]])
    refuse_consistency(old, ROOTS[old], new, forged.root(), forged.consistency(old, new))


def test_equal_sizes_need_equal_roots_and_no_proof():
    merkle.verify_consistency(5, ROOTS[5], 5, ROOTS[5], [])
    refuse_consistency(5, ROOTS[5], 5, ROOTS[6], [])
    refuse_consistency(5, ROOTS[5], 5, ROOTS[5], [bytes(32)])


def test_a_leaf_is_never_a_node():
    assert merkle.leaf(LEAVES[0] + LEAVES[1]) != merkle.node(LEAVES[0], LEAVES[1])


@pytest.mark.parametrize("size", [-1, 71])
def test_a_tree_that_is_not_there_is_a_bug(size):
    for ask in (TREE.root, lambda size: TREE.inclusion(0, size), lambda size: TREE.consistency(1, size)):
        with pytest.raises(ValueError, match="size"):
            ask(size)


def test_leaves_and_old_trees_that_are_not_there_are_bugs():
    for call in (
        lambda: TREE.inclusion(3, 3),
        lambda: TREE.inclusion(-1, 3),
        lambda: TREE.consistency(0, 3),
        lambda: TREE.consistency(4, 3),
        lambda: merkle.Tree().append(b"record"),
    ):
        with pytest.raises(ValueError, match=r"leaf|size"):
            call()


def test_a_hundred_thousand_leaves_hash_each_node_once(monkeypatch):
    calls = [0]
    inner = merkle.node

    def counted(left, right):
        calls[0] += 1
        return inner(left, right)

    monkeypatch.setattr(merkle, "node", counted)
    tree = tree_of(hashlib.sha256(i.to_bytes(4, "big")).digest() for i in range(100_000))
    assert calls[0] < 100_000
    for ask in (tree.root, lambda: tree.root(99_999), lambda: tree.inclusion(77_777, 99_999),
                lambda: tree.consistency(65_537, 99_999)):  # fmt: skip
        calls[0] = 0
        ask()
        assert calls[0] <= 34  # twice the depth
