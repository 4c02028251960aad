"""Merkle tree hashing and proofs: RFC 6962 section 2.1, verification as in RFC 9162 sections 2.1.3.2 and 2.1.4.2.

Pure and small. A *node* is the root of a complete subtree, named by its height and its number at that height: node (0, i) is
leaf hash i, node (h, i) spans the leaves i * 2**h up to (i + 1) * 2**h. The *frontier* of a tree is the list of the roots of
the complete subtrees that its size decomposes into, largest first; it is all that is needed to append.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Nodes = Callable[[int, int], bytes]

HASH_BYTES = 32
EMPTY_ROOT = sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and the data (RFC 6962, 2.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01 and both children (RFC 6962, 2.1)."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over `leaves` (leaf hashes); of no leaves it is the hash of nothing (RFC 6962, 2.1)."""
    level = list(leaves)
    while len(level) > 1:
        alone = level[-1:] if len(level) & 1 else []
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)] + alone
    return level[0] if level else EMPTY_ROOT


def append(frontier: list[bytes], size: int, leaf: bytes) -> list[tuple[int, bytes]]:
    """Add leaf hash `leaf` to a tree of `size` leaves, changing `frontier`; return the new nodes as (height, hash), lowest first."""
    made = []
    height = 0
    while size & 1:
        leaf = node_hash(frontier.pop(), leaf)
        height += 1
        made.append((height, leaf))
        size >>= 1
    frontier.append(leaf)
    return made


def frontier_root(frontier: Sequence[bytes]) -> bytes:
    """Return the root of the tree with this frontier."""
    if not frontier:
        return EMPTY_ROOT
    result = frontier[-1]
    for left in reversed(frontier[:-1]):
        result = node_hash(left, result)
    return result


def root_at(size: int, nodes: Nodes) -> bytes:
    """Return the root of the tree of the first `size` leaves out of stored nodes."""
    return _range_root(0, size, nodes)


def inclusion_proof(index: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the audit path of leaf `index` in the tree of `size` leaves, nearest sibling first (RFC 6962, 2.1.1).

    `nodes(height, number)` returns a node's hash; it is asked about complete subtrees only, O(log size) times.
    """
    if not 0 <= index < size:
        raise errors.BadProof(index=index, size=size)
    path = []
    low, high = 0, size
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return [_range_root(a, b, nodes) for a, b in reversed(path)]


def consistency_proof(old_size: int, new_size: int, nodes: Nodes) -> list[bytes]:
    """Return the proof that the tree of `new_size` leaves continues that of `old_size` (RFC 6962, 2.1.2); `nodes` as above."""
    if not 0 < old_size <= new_size:
        raise errors.BadProof(old_size=old_size, new_size=new_size)
    path = []
    low, high = 0, new_size
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    if low:
        path.append((low, high))
    return [_range_root(a, b, nodes) for a, b in reversed(path)]


def verify_inclusion(*, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Check that leaf hash `leaf` stands at `index` in the tree of `size` leaves with this `root` (RFC 9162, 2.1.3.2).

    Raises:
        errors.BadProof: it does not, or the proof has the wrong form.
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        raise errors.BadProof(index=index, size=size)
    number, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise errors.BadProof(index=index, size=size)
        if number & 1 or number == last:
            result = node_hash(sibling, result)
            number, last = _climb(number, last)
        else:
            result = node_hash(result, sibling)
        number, last = number >> 1, last >> 1
    if last or result != root:
        raise errors.BadProof(index=index, size=size)


def verify_consistency(*, old_size: int, new_size: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that the tree with `new_root` begins with the whole tree with `old_root` (RFC 9162, 2.1.4.2).

    An `old_size` of 0 proves nothing and is refused; a first contact is for the caller to recognise.

    Raises:
        errors.BadProof: it does not, or the proof has the wrong form.
    """
    wrong = errors.BadProof(old_size=old_size, new_size=new_size)
    if not 0 < old_size <= new_size:
        raise wrong
    if old_size == new_size:
        if proof or old_root != new_root:
            raise wrong
        return
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    number, last = old_size - 1, new_size - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    if not proof or not _are_hashes(old_root, *proof) or _fold(path, number, last) != (old_root, new_root):
        raise wrong


def _fold(path: Sequence[bytes], number: int, last: int) -> tuple[bytes, bytes] | None:
    """Return the two roots that a consistency path leads to, or None where it is too long or too short."""
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if number & 1 or number == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            number, last = _climb(number, last)
        else:
            new = node_hash(new, sibling)
        number, last = number >> 1, last >> 1
    return None if last else (old, new)


def _climb(number: int, last: int) -> tuple[int, int]:
    """Skip the levels where a right-edge node has no sibling."""
    while number and not number & 1:
        number, last = number >> 1, last >> 1
    return number, last


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)


def _split(width: int) -> int:
    """Return the largest power of two smaller than `width`."""
    return 1 << ((width - 1).bit_length() - 1)


def _pieces(low: int, high: int) -> list[tuple[int, int]]:
    """Return the complete subtrees that [low, high) consists of; `low` is a multiple of each of their widths."""
    pieces = []
    while low < high:
        height = (high - low).bit_length() - 1
        pieces.append((height, low >> height))
        low += 1 << height
    return pieces


def _range_root(low: int, high: int, nodes: Nodes) -> bytes:
    return frontier_root([nodes(height, number) for height, number in _pieces(low, high)])
