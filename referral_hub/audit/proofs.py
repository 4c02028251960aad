"""Proofs and roots out of what is stored: full tiles, the roots of tiles, and the leaf hashes of the right edge.

Each asks for O(log size) tiles, by plain psycopg like the append; nothing is rehashed but the few hundred nodes inside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

from sqlalchemy import select

from referral_hub import errors
from referral_hub.audit import merkle, tiles
from referral_hub.audit.records import AuditHead

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy.orm import Session


def inclusion(session: Session, *, index: int, size: int) -> list[bytes]:
    """Return the audit path of entry `index` in the tree of the first `size` entries.

    Raises:
        errors.BadProof: there is no such entry or size, or stored hashes are missing.
    """
    return merkle.inclusion_proof(index, size, _stored(session, size))


def inclusions(session: Session, *, indices: Iterable[int], size: int) -> Iterator[list[bytes]]:
    """Give the audit path of each of many entries; a tile that several need is read once. Errors as `inclusion`."""
    nodes = _stored(session, size)
    for index in indices:
        yield merkle.inclusion_proof(index, size, nodes)


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


def hashes(session: Session, *, level: int, n: int, width: int) -> list[bytes]:
    """Return the first `width` hashes of tile `n` at `level`, full or not (C2SP tlog-tiles).

    Raises:
        errors.BadProof: there are fewer.
    """
    found = available(session, level=level, n=n, width=width)
    if len(found) != width:
        raise errors.BadProof(level=level, tile=n)
    return found


def available(session: Session, *, level: int, n: int, width: int) -> list[bytes]:
    """Return the same as far as it is stored."""
    known = session.scalar(select(AuditHead.size)) or 0
    return _Stored(session, known).read(level, n)[:width]


def _stored(session: Session, size: int) -> _Stored:
    known = session.scalar(select(AuditHead.size)) or 0
    if not 0 <= size <= known:
        raise errors.BadProof(size=size, known=known)
    return _Stored(session, known)


class _Stored:
    """The nodes of the stored tree, as `merkle` asks for them; a tile, full or not, is read once."""

    def __init__(self, session: Session, size: int) -> None:
        self._session = session
        self._size = size
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def __call__(self, height: int, number: int) -> bytes:
        """Return the hash of a complete subtree."""
        level, n, first, count = tiles.locate(height, number)
        if (level, n) not in self._tiles:
            self._tiles[level, n] = self.read(level, n)
        hashes = self._tiles[level, n][first : first + count]
        if len(hashes) != count:
            raise errors.BadProof(level=level, tile=n)
        return merkle.root(hashes)

    def read(self, level: int, n: int) -> list[bytes]:
        """Return the hashes of a tile as far as they are stored without a gap."""
        first, last = n * tiles.WIDTH, (n + 1) * tiles.WIDTH
        if tiles.width_of(level, n, self._size) == tiles.WIDTH:
            stored = self._ask("SELECT n, hashes FROM audit_tile WHERE level = %s AND n = %s", level, n)
            return tiles.split(b"".join(hashes for _, hashes in stored))
        if level == 0:
            found = self._ask("SELECT idx, leaf_hash FROM audit_entry WHERE idx >= %s AND idx < %s ORDER BY idx", first, last)
        else:
            found = self._ask("SELECT n, root FROM audit_tile WHERE level = %s AND n >= %s AND n < %s ORDER BY n", level - 1, first, last)
        return [stored for place, (number, stored) in enumerate(found, start=first) if number == place]

    def _ask(self, statement: LiteralString, *values: int) -> list[tuple[int, bytes]]:
        driver: Any = self._session.connection().connection.driver_connection
        with driver.cursor(binary=True) as cursor:
            return list(cursor.execute(statement, values))
