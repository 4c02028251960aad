"""Proofs and roots out of what is stored: full tiles, the roots of tiles, and the leaf hashes of the right edge.

Each asks for O(log size) tiles; nothing is rehashed but the few hundred nodes inside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from referral_hub import errors
from referral_hub.audit import merkle, tiles
from referral_hub.audit.records import AuditEntry, AuditHead, AuditTile

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


def inclusion(session: Session, *, index: int, size: int) -> list[bytes]:
    """Return the audit path of entry `index` in the tree of the first `size` entries.

    Raises:
        errors.BadProof: there is no such entry or size, or stored hashes are missing.
    """
    return merkle.inclusion_proof(index, size, _stored(session, size))


def consistency(session: Session, *, old_size: int, new_size: int) -> list[bytes]:
    """Return the proof that the first `new_size` entries continue the first `old_size`.

    Raises:
        errors.BadProof: there are no such sizes, or stored hashes are missing.
    """
    return merkle.consistency_proof(old_size, new_size, _stored(session, new_size))


def root_at(session: Session, *, size: int) -> bytes:
    """Return the root of the first `size` entries, out of stored hashes and not out of the head.

    Raises:
        errors.BadProof: the log is shorter, or stored hashes are missing.
    """
    return merkle.root_at(size, _stored(session, size))


def _stored(session: Session, size: int) -> _Stored:
    known = session.scalar(select(AuditHead.size)) or 0
    if not 0 <= size <= known:
        raise errors.BadProof(size=size, known=known)
    return _Stored(session, known)


class _Stored:
    """The nodes of the stored tree, as `merkle` asks for them; a tile is read once."""

    def __init__(self, session: Session, size: int) -> None:
        self._session = session
        self._size = size
        self._full: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, height: int, number: int) -> bytes:
        """Return the hash of a complete subtree."""
        level, n, first, count = tiles.locate(height, number)
        if tiles.width_of(level, n, self._size) == tiles.WIDTH:
            hashes = self._tile(level, n)[first : first + count]
        else:
            hashes = self._edge(level, n * tiles.WIDTH + first, count)
        if len(hashes) != count:
            raise errors.BadProof(level=level, tile=n)
        return merkle.root(hashes)

    def _tile(self, level: int, n: int) -> list[bytes]:
        if (level, n) not in self._full:
            found = self._session.scalar(select(AuditTile.hashes).where(AuditTile.level == level, AuditTile.n == n))
            self._full[level, n] = tiles.split(found or b"")
        return self._full[level, n]

    def _edge(self, level: int, first: int, count: int) -> list[bytes]:
        """Return hashes of a tile that is not full yet: leaf hashes, or the roots of full tiles below."""
        if level == 0:
            wanted = select(AuditEntry.leaf_hash).where(AuditEntry.idx >= first, AuditEntry.idx < first + count).order_by(AuditEntry.idx)
        else:
            within = (AuditTile.level == level - 1, AuditTile.n >= first, AuditTile.n < first + count)
            wanted = select(AuditTile.root).where(*within).order_by(AuditTile.n)
        return list(self._session.scalars(wanted))
