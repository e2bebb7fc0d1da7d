"""The Merkle tree of RFC 6962 section 2, with SHA-256; proofs as in RFC 9162 sections 2.1.3 and 2.1.4.

All complete subtrees are kept, level by level, so appending costs O(1) and a root or a proof, at any size, O(log n).
"Hash" is the word of these RFCs for the value of a leaf or a node, and is kept here.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from hardline.tasks.core.errors import DigestMismatch

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_BYTES = 32

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf(data: bytes) -> bytes:
    """The hash of one entry: SHA-256 of 0x00 and the entry."""
    return hashlib.sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees: SHA-256 of 0x01, left, right."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """An append-only tree of leaf hashes."""

    def __init__(self) -> None:
        self._levels: list[list[bytes]] = [[]]  # [k][i]: the complete subtree of 2^k leaves that starts at i * 2^k

    @property
    def size(self) -> int:
        """The number of leaves."""
        return len(self._levels[0])

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf hash of 32 bytes; raises `ValueError` for another number of bytes."""
        if len(leaf_hash) != HASH_BYTES:
            raise ValueError(f"a leaf hash of {HASH_BYTES} bytes expected, got {len(leaf_hash)}")
        level = 0
        self._levels[0].append(leaf_hash)
        while len(self._levels[level]) % 2 == 0:
            pair = self._levels[level][-2:]
            if level + 1 == len(self._levels):
                self._levels.append([])
            self._levels[level + 1].append(node(pair[0], pair[1]))
            level += 1

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves; all of them when left out."""
        size = self._bounded(self.size if size is None else size, self.size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path of a leaf in the tree of the first `size` leaves (RFC 9162 section 2.1.3.1)."""
        self._bounded(size, self.size)
        if not 0 <= index < size:
            raise ValueError(f"leaf {index} is not in a tree of {size}")
        return self._path(index, 0, size)

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `old` leaves is a prefix of the tree of `new` (RFC 9162 section 2.1.4.1)."""
        self._bounded(new, self.size)
        if not 0 < old <= new:
            raise ValueError(f"a size from 1 to {new} expected, got {old}")
        return [] if old == new else self._subproof(old, 0, new, whole=True)

    def _bounded(self, size: int, limit: int) -> int:
        if not 0 <= size <= limit:
            raise ValueError(f"a size from 0 to {limit} expected, got {size}")
        return size

    def _hash(self, start: int, end: int) -> bytes:
        count = end - start
        level = count.bit_length() - 1
        if count == 1 << level and start % count == 0:
            return self._levels[level][start >> level]
        split = start + _split(count)
        return node(self._hash(start, split), self._hash(split, end))

    def _path(self, index: int, start: int, end: int) -> list[bytes]:
        if end - start == 1:
            return []
        split = start + _split(end - start)
        if index < split:
            return [*self._path(index, start, split), self._hash(split, end)]
        return [*self._path(index, split, end), self._hash(start, split)]

    def _subproof(self, old: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self._hash(start, end)]
        split = start + _split(end - start)
        if old <= split:
            return [*self._subproof(old, start, split, whole=whole), self._hash(split, end)]
        return [*self._subproof(old, split, end, whole=False), self._hash(start, split)]


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check an audit path (RFC 9162 section 2.1.3.2); raises `DigestMismatch`."""
    if not 0 <= index < size:
        raise DigestMismatch(f"inclusion: an index below {size} expected, got {index}")
    _refuse_odd("inclusion", leaf_hash, root, *proof)
    place, last, found = index, size - 1, leaf_hash
    for item in proof:
        if last == 0:
            raise DigestMismatch(f"inclusion: a shorter path expected, got {len(proof)} hashes")
        if place % 2 == 1 or place == last:
            found = node(item, found)
            while place % 2 == 0 and place != 0:
                place, last = place >> 1, last >> 1
        else:
            found = node(found, item)
        place, last = place >> 1, last >> 1
    if last != 0 or found != root:
        raise DigestMismatch("inclusion: the checkpoint's root expected, got another")


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a tree extends an older one (RFC 9162 section 2.1.4.2); raises `DigestMismatch`."""
    _refuse_odd("consistency", old_root, root, *proof)
    refused = DigestMismatch(f"consistency: a tree of {size} that extends the one of {old_size} expected, got another")
    if old_size == size:
        if proof or old_root != root:
            raise refused
        return
    if not 0 < old_size < size or not proof:
        raise refused
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    place, last = old_size - 1, size - 1
    while place % 2 == 1:
        place, last = place >> 1, last >> 1
    first = second = path[0]
    for item in path[1:]:
        if last == 0:
            raise refused
        if place % 2 == 1 or place == last:
            first, second = node(item, first), node(item, second)
            while place % 2 == 0 and place != 0:
                place, last = place >> 1, last >> 1
        else:
            second = node(second, item)
        place, last = place >> 1, last >> 1
    if last != 0 or first != old_root or second != root:
        raise refused


def _refuse_odd(subject: str, *hashes: bytes) -> None:
    if any(len(item) != HASH_BYTES for item in hashes):
        raise DigestMismatch(f"{subject}: hashes of {HASH_BYTES} bytes expected, got another length")


def _split(count: int) -> int:
    """The largest power of two below `count`."""
    return 1 << ((count - 1).bit_length() - 1)
