"""The whole log against the database: what was hashed, what stands beside it, the tree, the counters, the checkpoints.

One walk over the entries in order, streamed, in one snapshot. Each difference names the entry (or tile, counter, checkpoint)
and, by its code, what can no longer be relied on. The codes are labels for the front; no sentence is made here.
"""

from __future__ import annotations

import bisect
import itertools
from collections import deque
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from referral_hub import errors
from referral_hub.audit import checkpoint, entry, merkle, note, shard, tiles
from referral_hub.audit.records import AuditCheckpoint, AuditCounter, AuditEntry, AuditHead, AuditTile

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from sqlalchemy import Row
    from sqlalchemy.orm import Session

LIMIT = 1000
_BATCH = 2000
CONSEQUENCES = {
    "entry_missing": "access_unaccounted",  # an access that was logged is no longer shown
    "entry_beyond_head": "access_unproven",  # an entry that no head or checkpoint will ever cover
    "payload_changed": "content_unproven",  # what the entry says is not what was logged
    "payload_malformed": "content_unreadable",
    "place_changed": "order_unproven",  # the entry stands where another one stood
    "projection_changed": "search_misleads",  # lists and questions show other facts than the log holds
    "tile_missing": "proofs_unavailable",
    "tile_changed": "proofs_fail",
    "head_changed": "append_forks",  # the next entries would continue another tree
    "counter_broken": "extract_incomplete",  # an extract for one person would not show a gap
    "counter_changed": "extract_incomplete",
    "checkpoint_changed": "signature_unproven",
    "checkpoint_contradicted": "history_rewritten",  # the log is not the one that was signed
}


@dataclass(frozen=True)
class Difference:
    """One finding: its code, the entry's index where there is one, and which column, tile, counter or checkpoint."""

    code: str
    idx: int | None
    place: str = ""

    @property
    def consequence(self) -> str:
        """The code of what can no longer be relied on."""
        return CONSEQUENCES[self.code]


def check(session: Session, *, vkeys: Sequence[str], limit: int = LIMIT) -> list[Difference]:
    """Return the first `limit` differences of the whole log, in order of the walk; empty when all is well.

    `vkeys` are the log's verifier keys. The walk has a REPEATABLE READ transaction of its own.

    Raises:
        ValueError: the session is in a transaction already.
    """
    if session.in_transaction():
        msg = "the walk needs a transaction of its own"
        raise ValueError(msg)
    session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    try:
        with closing(_Walk(session, vkeys).differences()) as found:
            return list(itertools.islice(found, limit))
    finally:
        session.rollback()


class _Walk:
    """The state of a walk: the tree so far, the counters so far, and the checkpoints that are still ahead."""

    def __init__(self, session: Session, vkeys: Sequence[str]) -> None:
        self._session = session
        self._vkeys = tuple(vkeys)
        self._head = session.execute(select(AuditHead.origin, AuditHead.size, AuditHead.frontier)).one()
        self._shards = _Shards(session, self._head.origin)
        self._size = 0
        self._frontier: list[bytes] = []
        self._edges: dict[int, list[bytes]] = {}
        self._counters: dict[tuple[str, str], tuple[int, int]] = {}
        self._ahead: deque[Row[Any]] = deque(session.execute(_CHECKPOINTS))
        self._is_whole = True

    def differences(self) -> Generator[Difference]:
        with closing(self._session.execute(_ENTRIES, execution_options={"yield_per": _BATCH})) as rows:
            for row in rows:
                if row.idx > self._size:
                    yield from self._gap(row.idx)
                yield from self._entry(row)
                yield from self._grow(row.leaf_hash)
                yield from self._signed_so_far()
        yield from self._end()

    def _gap(self, until: int) -> Iterator[Difference]:
        """Name the missing entries; after a gap the tree cannot be rebuilt, and is not compared any more."""
        for idx in range(self._size, until):
            yield Difference("entry_missing", idx)
        self._is_whole = False
        self._size = until

    def _entry(self, row: Row[Any]) -> Iterator[Difference]:
        if row.idx >= self._head.size:
            yield Difference("entry_beyond_head", row.idx)
        if merkle.leaf_hash(row.payload) != row.leaf_hash:
            yield Difference("payload_changed", row.idx)
        try:
            said, place = entry.parse(row.payload)
        except entry.BadEntry:
            yield Difference("payload_malformed", row.idx)
            return
        if place.idx != row.idx or place.origin != self._shards.origin_at(row.idx):
            yield Difference("place_changed", row.idx, str(place.idx))
        for name, value in entry.projection(said).items():
            if getattr(row, name) != value:
                yield Difference("projection_changed", row.idx, name)
        yield from self._count(row.idx, said, place)

    def _count(self, idx: int, said: entry.Entry, place: entry.Place) -> Iterator[Difference]:
        keys = entry.counted(said)
        for kind in ("subject", "actor", "agency"):
            stated = (getattr(place, f"{kind}_seq"), getattr(place, f"{kind}_prev"))
            expected: tuple[int | None, int | None] = (None, None)
            if kind in keys:
                seq, last = self._counters.get((kind, keys[kind]), (0, None))
                expected = (seq + 1, last)
                self._counters[kind, keys[kind]] = (seq + 1, idx)
            if stated != expected:
                yield Difference("counter_broken", idx, kind)

    def _grow(self, leaf: bytes) -> Iterator[Difference]:
        made = merkle.append(self._frontier, self._size, leaf) if self._is_whole else []
        self._size += 1
        if not self._is_whole:
            return
        self._edges.setdefault(0, []).append(leaf)
        for level, n, root in tiles.filled(self._size, made):
            yield from self._tile(level, n, root, self._edges.pop(level))
            self._edges.setdefault(level + 1, []).append(root)

    def _tile(self, level: int, n: int, root: bytes, hashes: list[bytes]) -> Iterator[Difference]:
        stored = self._session.execute(
            select(AuditTile.hashes, AuditTile.root).where(AuditTile.level == level, AuditTile.n == n)
        ).one_or_none()
        place = tiles.path(level, n)
        span = 1 << (tiles.HEIGHT * level)
        first = n * tiles.WIDTH
        if stored is None:
            yield Difference("tile_missing", first * span, place)
            return
        for i, (is_hash, be_hash) in enumerate(zip(tiles.split(stored.hashes), hashes, strict=True)):
            if is_hash != be_hash:
                yield Difference("tile_changed", (first + i) * span, place)
        if stored.root != root:
            yield Difference("tile_changed", first * span, f"{place} root")

    def _signed_so_far(self) -> Iterator[Difference]:
        while self._ahead and self._ahead[0].size <= self._size:
            yield from self._checkpoint(self._ahead.popleft())

    def _checkpoint(self, row: Row[Any]) -> Iterator[Difference]:
        try:
            signed = checkpoint.parse(note.open_note(row.note, self._vkeys).text)
        except errors.BadNote:
            yield Difference("checkpoint_changed", None, str(row.id))
            return
        if not self._shards.has(signed.origin) or (signed.origin, signed.size, signed.root) != (row.origin, row.size, row.root):
            yield Difference("checkpoint_changed", None, str(row.id))
        elif self._shards.is_given_up(row.origin, row.size):
            return  # the entry that begins the next log names what was lost
        if self._is_whole and signed.size == self._size and signed.root != merkle.frontier_root(self._frontier):
            yield Difference("checkpoint_contradicted", self._size - 1, str(row.id))

    def _end(self) -> Iterator[Difference]:
        """Compare what is stated about the whole: size, frontier, counters, and checkpoints of a longer log."""
        if self._size < self._head.size:
            yield from self._gap(self._head.size)
        elif self._is_whole and (self._size, b"".join(self._frontier)) != (self._head.size, self._head.frontier):
            yield Difference("head_changed", None)
        for row in self._ahead:
            yield from self._checkpoint(row)
            if row.size > self._size and not self._shards.is_given_up(row.origin, row.size):
                yield Difference("checkpoint_contradicted", self._size, str(row.id))
        yield from self._stored_counters()

    def _stored_counters(self) -> Iterator[Difference]:
        stored = {(row.kind, row.key): (row.seq, row.last_idx) for row in self._session.execute(_COUNTERS)}
        for kind, key in sorted(stored.keys() | self._counters.keys()):
            if stored.get((kind, key)) != self._counters.get((kind, key)):
                yield Difference("counter_changed", None, f"{kind} {key}")


class _Shards:
    """The names that the log has had: which holds at an index, and what of a former one was given up (see `new_shard`)."""

    def __init__(self, session: Session, present: str) -> None:
        rows = session.execute(_NEW_SHARDS).all()
        begun = [(row.idx, shard.read(entry.parse(row.payload)[0])) for row in rows if _is_readable(row.payload)]
        self._starts = [0, *(idx for idx, _ in begun)]
        self._names = [*(one.former for _, one in begun), present]
        self._kept = {one.former: one.lost_from for _, one in begun}

    def origin_at(self, idx: int) -> str:
        return self._names[bisect.bisect_right(self._starts, idx) - 1]

    def has(self, origin: str) -> bool:
        return origin in self._names

    def is_given_up(self, origin: str, size: int) -> bool:
        return size > self._kept.get(origin, size)


def _is_readable(payload: bytes) -> bool:
    try:
        shard.read(entry.parse(payload)[0])
    except entry.BadEntry:
        return False  # named where the walk comes to it
    return True


_CHECKPOINTS: Any = select(
    AuditCheckpoint.id, AuditCheckpoint.origin, AuditCheckpoint.size, AuditCheckpoint.root, AuditCheckpoint.note
).order_by(AuditCheckpoint.size)
_NEW_SHARDS = select(AuditEntry.idx, AuditEntry.payload).where(AuditEntry.action == shard.ACTION).order_by(AuditEntry.idx)
_ENTRIES: Any = select(*AuditEntry.__table__.columns).order_by(AuditEntry.idx)
_COUNTERS = select(AuditCounter.kind, AuditCounter.key, AuditCounter.seq, AuditCounter.last_idx)
