"""What an entry of the access log costs in a short and in a long log, what a proof costs, and how long the whole check takes."""

from __future__ import annotations

import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import text

from benchmarks.slices import Ratio
from referral_hub import audit
from referral_hub.audit import fsck, merkle, proofs
from referral_hub.db import transact
from referral_hub.db.server import OWNER, create_database, migrate

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from benchmarks.place import Place

NOW = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
SHORT = 1_000
BATCH = 250
PROOFS = 200
Times = dict[tuple[str, bool], list[float]]


@dataclass(frozen=True)
class Costs:
    """What was measured; `long` is the size of the long log."""

    long: int
    plain_ms: float
    logged_ms: float
    growth: Ratio
    audited: Ratio
    proof_ms: float
    rehash_ms: float
    check_seconds: float


def measure(place: Place, *, long: int, slices: int, acts: int) -> Costs:
    """Make a log of 1,000 and one of `long` entries and measure both in alternating slices."""
    sizes = {"short": SHORT, "long": long}
    for name, size in sizes.items():
        create_database(place.admin_url, name)
        migrate(place.url(name, role=OWNER))
        with contextmanager(place.session)(name, role=OWNER) as session:
            session.execute(text("CREATE TABLE plain (id bigint PRIMARY KEY, x text)"))
            session.execute(text("GRANT SELECT, INSERT ON plain TO hub_web"))
            session.commit()
            for first in range(0, size, BATCH):
                _append(session, range(first, min(first + BATCH, size)))
            session.execute(text("ANALYZE"))
            session.commit()
    times = _race(place, slices, acts)
    with contextmanager(place.session)("long") as session:
        return _costs(session, times, long)


def _costs(session: Session, times: Times, long: int) -> Costs:
    proof, rehash = _proofs(session)
    seconds = _check(session)
    plain = [median(of) for of in _slices(times["short", False])]
    short, grown = ([median(of) for of in _slices(times[name, True])] for name in ("short", "long"))
    return Costs(long, median(plain), median(short), Ratio.of(grown, short), Ratio.of(plain, short), proof, rehash, seconds)


def _slices(times: list[float], count: int = 8) -> list[list[float]]:
    each = max(1, len(times) // count)
    return [times[start : start + each] for start in range(0, each * count, each) if times[start : start + each]]


def _append(session: Session, numbers: range) -> None:
    def work(s: Session) -> None:
        for number in numbers:
            audit.record(s, _entry(number))

    transact(session, work)


def _entry(i: int) -> audit.Entry:
    """Return an opening: one of 50 members of 10 agencies reads one of 5,000 referrals of 2,000 survivors."""
    return audit.Entry(
        occurred_at=NOW, action="section.read", actor_kind="member", actor_id=uuid.UUID(int=i % 50 + 1), roles=("case_worker",), agency_id=uuid.UUID(int=i % 10 + 1),
        session_digest="ab" * 16, auth_method="passphrase", auth_strength="full", object_kind="section", object_id=uuid.UUID(int=i * 7 % 5000 + 1),
        referral_id=uuid.UUID(int=i * 7 % 5000 + 1), sections=("identity", "needs"), subjects=(uuid.UUID(int=i * 7 % 2000 + 1),), purpose="service_delivery",
        basis="assigned", rule_ids=("open-granted",), policy_digest="cd" * 32, request_id=str(uuid.UUID(int=i)),
    )  # fmt: skip


def _race(place: Place, slices: int, acts: int) -> Times:
    """Return how long each act took, by log and by whether it left an entry; slices alternate, the first warms."""
    times: Times = {(name, logged): [] for name in ("short", "long") for logged in (False, True)}
    with contextmanager(place.session)("short") as short, contextmanager(place.session)("long") as long:
        sessions = {"short": short, "long": long}
        for number in range(slices + 1):
            for at, (name, logged) in enumerate(times):
                begin = 10_000_000 + (number * len(times) + at) * acts
                found = [_act(sessions[name], i, logged=logged) for i in range(begin, begin + acts)]
                if number:
                    times[name, logged] += found
    return times


def _act(session: Session, i: int, *, logged: bool) -> float:
    """Read a row, write a row, commit, with or without the entry; return milliseconds."""

    def work(s: Session) -> None:
        s.execute(text("SELECT x FROM plain WHERE id = :i"), {"i": i - 1})
        s.execute(text("INSERT INTO plain (id, x) VALUES (:i, 'something small')"), {"i": i})
        if logged:
            audit.record(s, _entry(i))

    started = time.perf_counter()
    transact(session, work)
    return (time.perf_counter() - started) * 1000


def _proofs(session: Session) -> tuple[float, float]:
    """Return milliseconds of a proof out of stored tiles, and of reading and rehashing the whole tree."""
    size = session.scalar(text("SELECT size FROM audit_head")) or 0
    times = []
    for index in range(0, size, max(1, size // PROOFS)):
        started = time.perf_counter()
        proofs.inclusion(session, index=index, size=size)
        times.append((time.perf_counter() - started) * 1000)
    started = time.perf_counter()
    merkle.root(session.scalars(text("SELECT leaf_hash FROM audit_entry ORDER BY idx")).all())
    rehash = (time.perf_counter() - started) * 1000
    session.rollback()
    return median(times), rehash


def _check(session: Session) -> float:
    started = time.perf_counter()
    differences = fsck.check(session, vkeys=())
    seconds = time.perf_counter() - started
    if differences:
        msg = f"the log of the measurement differs: {differences[0]}"
        raise RuntimeError(msg)
    return seconds
