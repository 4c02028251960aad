"""The rules over new entries, by cursor: each entry once for each pace, and restart-safe.

A batch is one transaction: the cursor's row is locked, the entries are read, hits are written, the cursor moves. Who is killed
in the middle leaves nothing behind, and the next run begins where the last whole batch ended.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from referral_hub.db import transact
from referral_hub.review.around import Known, around
from referral_hub.review.elsewhere import following
from referral_hub.review.records import CursorRow, HitRow
from referral_hub.review.rules import watch

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.audit.queries import Logged
    from referral_hub.review.rules.watch import Rule

BATCH = 250
MOST_BATCHES = 40


@dataclass(frozen=True)
class Scanned:
    """What a run did: how many entries it read, how many hits it found."""

    entries: int
    hits: int


def scan(session: Session, *, now: datetime, batches: int = MOST_BATCHES) -> Scanned:
    """Run every rule over the entries that are new for its pace, at most `batches` batches of a pace; own transactions, one a batch.

    Who runs at the same time waits for the batch and continues behind it.
    """
    entries, hits = 0, 0
    for pace in watch.PACES:
        for _ in range(batches):
            done = transact(session, lambda s, pace=pace: scan_batch(s, pace=pace, now=now))  # type: ignore[misc]
            entries, hits = entries + done.entries, hits + done.hits
            if done.entries < BATCH:
                break
    return Scanned(entries, hits)


def scan_batch(session: Session, *, pace: str, now: datetime, limit: int = BATCH) -> Scanned:
    """Run the rules of one pace over its next entries, inside the caller's transaction."""
    cursor = _cursor(session, pace, now)
    batch = following(session, first=cursor.next_idx, before=now - watch.PACES[pace], most=limit)
    known, rules = Known(), watch.of_pace(pace)
    found = [hit for read in batch if read.logged for hit in _hits(session, read.logged, rules, known, now)]
    if found:
        session.execute(insert(HitRow), found)
    if batch:
        cursor.next_idx, cursor.moved_at = batch[-1].idx + 1, now
    return Scanned(len(batch), len(found))


def _cursor(session: Session, pace: str, now: datetime) -> CursorRow:
    """Return the cursor of a pace, locked; its first run makes it."""
    session.execute(insert(CursorRow).values(pace=pace, next_idx=0, moved_at=now).on_conflict_do_nothing())
    query = select(CursorRow).where(CursorRow.pace == pace).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def _hits(session: Session, logged: Logged, rules: tuple[Rule, ...], known: Known, now: datetime) -> list[dict[str, object]]:
    said = logged.entry
    concerned = watch.concerned(said, rules)
    if not concerned:
        return []
    facts = around(session, logged, frozenset().union(*(rule.needs for rule in concerned)), known)
    return [
        {"rule": rule.code, "idx": logged.idx, "agency_id": said.agency_id, "actor_id": said.actor_id, "occurred_at": said.occurred_at, "found_at": now}
        for rule in concerned
        if rule.meets(said, facts)
    ]
