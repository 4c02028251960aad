"""The append: all entries of a transaction, as its last step, under the log's lock.

Two statements: `audit_lock` takes the lock and reads head and counters; one statement with several parts writes the entries,
the head and the counters. A tile that fills adds a statement for itself. Plain psycopg on the session's own connection, as
one ORM round trip per table would double the time under the lock. After this step a transaction takes no other lock.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy.exc import OperationalError

import referral_hub
from referral_hub import errors, protocol
from referral_hub.audit import merkle, tiles
from referral_hub.audit.entry import PROJECTED, BadEntry, Entry, Place, check, counted, payload, projection
from referral_hub.audit.whence import month_of, sealed_detail
from referral_hub.db import after_commit, before_commit, uuid7

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

_WAITING = "referral_hub.audit.waiting"
_SETTLED = "referral_hub.audit.settled"
_MOST_SETTLED = 100
_LOCK = "SELECT origin, size, frontier, seqs, lasts FROM audit_lock(%s, %s)"
_LEAF_TILE = """
INSERT INTO audit_tile (level, n, hashes, root)
SELECT 0, %(n)s, string_agg(leaf_hash, ''::bytea ORDER BY idx), %(root)s
FROM audit_entry WHERE idx >= %(n)s * 256 AND idx < %(n)s * 256 + 256 HAVING count(*) = 256
"""
_UPPER_TILE = """
INSERT INTO audit_tile (level, n, hashes, root)
SELECT %(level)s, %(n)s, string_agg(root, ''::bytea ORDER BY n), %(root)s
FROM audit_tile WHERE level = %(level)s - 1 AND n >= %(n)s * 256 AND n < %(n)s * 256 + 256 HAVING count(*) = 256
"""


class Ticket:
    """The promise of an entry; it turns durable when the transaction has committed, and only then tells its place."""

    __slots__ = ("_index", "_leaf_hash", "action", "durable", "occurred_at")

    def __init__(self, action: str, occurred_at: datetime) -> None:
        self.action = action
        self.occurred_at = occurred_at
        self.durable = False
        self._index = -1
        self._leaf_hash = b""

    def __repr__(self) -> str:
        """Name the act and, once it is known, the index."""
        return f"<Ticket {self.action} {self._index if self.durable else 'waiting'}>"

    def require_durable(self) -> None:
        """Raise errors.NotDurable unless the entry is durable."""
        if not self.durable:
            raise errors.NotDurable

    @property
    def index(self) -> int:
        """The entry's index in the log; raises errors.NotDurable before the commit."""
        self.require_durable()
        return self._index

    @property
    def leaf_hash(self) -> bytes:
        """The entry's 32-byte leaf hash; raises errors.NotDurable before the commit."""
        self.require_durable()
        return self._leaf_hash


@dataclass(frozen=True)
class _Waiting:
    entry: Entry
    detail: bytes | None
    ticket: Ticket


@dataclass(frozen=True)
class _Row:
    """An entry with its place, ready to be written."""

    idx: int
    leaf_hash: bytes
    payload: bytes
    waiting: _Waiting


def record(session: Session, entry: Entry) -> Ticket:
    """Let `entry` wait on the session; it is appended as the last step before the commit of `db.transact`.

    Entries of one transaction stand in the order of recording; where the access came from goes along sealed (`whence`). When the
    transaction rolls back nothing was written and the ticket never turns durable.

    Raises:
        entry.BadEntry: the entry says more than codes and ids, or its action is none of the agreed events.
        errors.Unavailable: out of `transact`, when the lock or the database is not to be had within two seconds.
    """
    check(entry)
    if entry.action not in protocol.current().codelist("audit_events"):
        raise BadEntry(field="action")
    ticket = Ticket(entry.action, entry.occurred_at)
    transaction = session.get_transaction() or session.begin()
    owner, waiting = session.info.get(_WAITING, (None, []))
    if owner is not transaction:
        waiting = []
        session.info[_WAITING] = (transaction, waiting)
    waiting.append(_Waiting(entry, sealed_detail(session, entry.occurred_at), ticket))
    before_commit(session, _append_all)
    return ticket


def name_log(session: Session, *, origin: str) -> None:
    """Give the still empty log its origin (its name in every entry and checkpoint); the same name again changes nothing.

    Raises:
        errors.BadSettings: the log has entries under another name.
    """
    driver: Any = session.connection().connection.driver_connection
    row = driver.execute("SELECT origin, size FROM audit_head WHERE id = 1 FOR UPDATE").fetchone()
    if row[0] != origin and row[1] > 0:
        raise errors.BadSettings(name="log_origin")
    driver.execute("UPDATE audit_head SET origin = %s WHERE id = 1", (origin,))


def _append_all(session: Session) -> None:
    """Append whatever waits on the transaction; of several registrations the first does the work."""
    _, waiting = session.info.pop(_WAITING, (None, []))
    if not waiting:
        return
    driver: Any = session.connection().connection.driver_connection
    try:
        with driver.cursor(binary=True) as cursor:
            rows = _append(cursor, waiting)
    except psycopg.OperationalError as failure:
        raise OperationalError("append to the log", None, failure) from failure
    except psycopg.IntegrityError as failure:  # the index is taken: head and entries do not fit each other
        raise errors.Unavailable("log_unavailable") from failure
    settled = session.info.setdefault(_SETTLED, deque(maxlen=_MOST_SETTLED))
    after_commit(session, functools.partial(_settle, rows, settled))


def settled(session: Session) -> tuple[Ticket, ...]:
    """Return the tickets that turned durable on this session, oldest first; of many the newest hundred."""
    return tuple(session.info.get(_SETTLED, ()))


def _settle(rows: list[_Row], settled: deque[Ticket]) -> None:
    for row in rows:
        ticket = row.waiting.ticket
        ticket._index, ticket._leaf_hash, ticket.durable = row.idx, row.leaf_hash, True  # noqa: SLF001 - the ticket is of this module
        settled.append(ticket)


def _append(cursor: psycopg.Cursor[Any], waiting: list[_Waiting]) -> list[_Row]:
    needed = list(dict.fromkeys(pair for w in waiting for pair in counted(w.entry).items()))
    cursor.execute(_LOCK, ([kind for kind, _ in needed], [key for _, key in needed]))
    head = cursor.fetchone()
    if head is None:
        raise errors.Unavailable("log_unavailable")
    origin, size, joined, seqs, lasts = head
    counters = {pair: (seq or 0, last) for pair, seq, last in zip(needed, seqs, lasts, strict=True)}
    frontier = tiles.split(joined)
    rows, filled = [], []
    for idx, item in enumerate(waiting, start=size):
        written = payload(item.entry, _place(origin, idx, item.entry, counters))
        leaf = merkle.leaf_hash(written)
        filled += tiles.filled(idx + 1, merkle.append(frontier, idx, leaf))
        rows.append(_Row(idx, leaf, written, item))
    _write(cursor, size, b"".join(frontier), rows, counters)
    for level, n, root in filled:
        cursor.execute(_UPPER_TILE if level else _LEAF_TILE, {"level": level, "n": n, "root": root})
        _require_rows((cursor.rowcount,), (1,))
    return rows


def _place(origin: str, idx: int, entry: Entry, counters: dict[tuple[str, str], tuple[int, int | None]]) -> Place:
    """Return the entry's place and move its counters on."""
    marks: dict[str, Any] = {}
    for pair in counted(entry).items():
        seq, last = counters[pair]
        marks |= {f"{pair[0]}_seq": seq + 1, f"{pair[0]}_prev": last}
        counters[pair] = (seq + 1, idx)
    return Place(origin=origin, idx=idx, event_id=uuid7(entry.occurred_at), salt=os.urandom(16), software=referral_hub.__version__, **marks)


def _write(
    cursor: psycopg.Cursor[Any], size: int, frontier: bytes, rows: list[_Row], counters: dict[tuple[str, str], tuple[int, int | None]]
) -> None:
    details = [(row.idx, month_of(row.waiting.entry.occurred_at), row.waiting.detail) for row in rows if row.waiting.detail is not None]
    parameters: list[Any] = [size + len(rows), frontier, size]
    for row in rows:
        columns = projection(row.waiting.entry)
        parameters += [row.idx, row.leaf_hash, row.payload, *(columns[name] for name in PROJECTED)]
    parameters += [[kind for kind, _ in counters], [key for _, key in counters]]
    parameters += [[seq for seq, _ in counters.values()], [last for _, last in counters.values()]]
    for detail in details:
        parameters += detail
    cursor.execute(_statement(len(rows), len(details)), parameters)
    _require_rows(cursor.fetchone(), (1, len(rows), len(counters)))


@functools.cache
def _statement(entries: int, details: int) -> str:
    """Return the one statement that writes so many entries and details, the head and the counters."""
    columns = ("idx", "leaf_hash", "payload", *PROJECTED)
    row = f"({', '.join(['%s'] * len(columns))})"
    detail = ", ".join(["(%s, %s, %s)"] * details)
    return f"""
        WITH head AS (UPDATE audit_head SET size = %s, frontier = %s WHERE id = 1 AND size = %s RETURNING 1),
        entries AS (INSERT INTO audit_entry ({", ".join(columns)}) VALUES {", ".join([row] * entries)} RETURNING 1),
        counters AS (
            INSERT INTO audit_counter (kind, key, seq, last_idx)
            SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[])
            ON CONFLICT (kind, key) DO UPDATE SET seq = excluded.seq, last_idx = excluded.last_idx RETURNING 1
        ){f", details AS (INSERT INTO audit_detail (idx, month, ciphertext) VALUES {detail})" if details else ""}
        SELECT (SELECT count(*) FROM head), (SELECT count(*) FROM entries), (SELECT count(*) FROM counters)
    """  # noqa: S608 - names and placeholders of this module only


def _require_rows(found: tuple[int, ...] | None, expected: tuple[int, ...]) -> None:
    if found != expected:
        raise errors.Unavailable("log_unavailable", found=found, expected=expected)
