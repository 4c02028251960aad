"""What an entry of the access log costs as the log grows, what a proof costs, what eight writers lose to the log, and how long the whole check takes."""

from __future__ import annotations

import os
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from sqlalchemy import text

from benchmarks import eight, log_check, report
from benchmarks.long_log import Log
from benchmarks.slices import Ratio
from referral_hub import audit
from referral_hub.audit import merkle, proofs
from referral_hub.db import transact
from referral_hub.db.server import OWNER, create_database, migrate

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from benchmarks.place import Place
    from benchmarks.report import Row

NOW = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
SHORT = 1_000
PROOFS = 40
REHASHED = 100_000
PLAIN = ("CREATE TABLE plain (id bigint PRIMARY KEY, x text)", "GRANT SELECT, INSERT ON plain TO hub_web")


@dataclass(frozen=True)
class Point:
    """One size of the log: milliseconds of an act with its entry and of a proof, and both through the same in a log of 1,000."""

    size: int
    entry_ms: float
    growth: Ratio
    proof_ms: float
    proof_growth: Ratio
    rehash_ms: float | None


def measure(place: Place, *, sizes: tuple[int, ...], slices: int, acts: int, seconds: float) -> list[Row]:
    """Grow a log through `sizes` beside one that stays at 1,000, and measure both in alternating slices; then eight writers, then the check."""
    for name in ("short", "long"):
        create_database(place.admin_url, name)
        migrate(place.url(name, role=OWNER))
        with contextmanager(place.session)(name, role=None) as session:
            for statement in PLAIN:
                session.execute(text(statement))
            _grow(session, Log(max(sizes)), SHORT)
    points = [_point(place, size, max(sizes), slices, acts) for size in sizes]
    writers = eight.race(place, "short", slices=slices, seconds=seconds)
    rows = _points(points)
    audited = writers.audited
    rows.append(report.value("log: flushing a page to this disk", _flush(place), "ms"))
    rows.append(report.value("log: select, insert, commit: with / without its entry", audited.middle, "×", goal="≥ 0.5", reached=audited.middle >= 0.5, connections=8, ratio=audited))
    rows.append(report.value("log: the same, CPU without / with", writers.work.middle, "×", connections=8, ratio=writers.work))
    rows.append(report.value("log: entries a second", writers.rate, "/s", connections=8))
    size, took, cpu = log_check.of_database(place, "long")
    scale = 1_000_000 / size
    told = f"log: offline check of {size:,} entries" + ("" if size >= 1_000_000 else ", scaled to a million")
    rows.append(report.value(told, took * scale, "s", goal="< 10", reached=took * scale < 10))
    return [*rows, report.value(f"{told}: CPU of all its processes", cpu * scale, "s")]


def _flush(place: Place) -> float:
    """Return milliseconds of writing a page and flushing it, the median of a hundred."""
    times = []
    with (place.folder / "flushed").open("wb", buffering=0) as file:
        for _ in range(100):
            file.write(bytes(8192))
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return median(times)


def _points(points: list[Point]) -> list[Row]:
    rows: list[Row] = []
    for at in points:
        met = at.growth.middle <= 1.2 if at is points[-1] else None
        rows.append(report.value(f"log: entry in a log of {at.size:,}", at.entry_ms, "ms"))
        rows.append(report.value(f"log: entry at {at.size:,} / 1,000", at.growth.middle, "×", goal="≤ 1.2" if met is not None else "", reached=met, ratio=at.growth))
        rows.append(report.value(f"log: proof in a log of {at.size:,}", at.proof_ms, "ms"))
        rows.append(report.value(f"log: proof at {at.size:,} / 1,000", at.proof_growth.middle, "×", ratio=at.proof_growth))
        if at.rehash_ms is not None:
            ratio = at.rehash_ms / at.proof_ms
            rows.append(report.value(f"log: rehash / proof from tiles at {at.size:,}", ratio, "×", goal="≥ 50", reached=ratio >= 50))
    return rows


def _grow(session: Session, log: Log, size: int) -> None:
    log.resume(session)
    log.extend(session, until=size)
    log.settle(session)


def _point(place: Place, size: int, whole: int, slices: int, acts: int) -> Point:
    began = time.monotonic()
    with contextmanager(place.session)("long", role=None) as session:
        _grow(session, Log(whole), size)
    found = compare(place, "long", size, slices=slices, acts=acts, rehashed=size == min(REHASHED, whole))
    print(f"  log of {size:,}: {time.monotonic() - began:.0f} s", flush=True)
    return found


def compare(place: Place, long: str, size: int, *, slices: int, acts: int, rehashed: bool) -> Point:
    """Measure the log in the database `long` beside the short one, in alternating slices; the first pair warms."""
    times: dict[str, list[float]] = {"short": [], long: []}
    proofs_of: dict[str, list[float]] = {"short": [], long: []}
    with contextmanager(place.session)("short") as one, contextmanager(place.session)(long) as other:
        for number in range(slices + 1):
            for name, session in (("short", one), (long, other)):
                begin = time.time_ns()
                slice_ = median(act(session, begin + i, logged=True) for i in range(acts))
                proof = _proof(session)
                if number:
                    times[name].append(slice_)
                    proofs_of[name].append(proof)
        rehash = _rehash(other) if rehashed else None
    growth, proof_growth = Ratio.of(times[long], times["short"]), Ratio.of(proofs_of[long], proofs_of["short"])
    return Point(size, median(times[long]), growth, median(proofs_of[long]), proof_growth, rehash)


def entry(i: int) -> audit.Entry:
    """Return an opening: one of 50 members of 10 agencies reads one of 5,000 referrals of 2,000 survivors."""
    return audit.Entry(
        occurred_at=NOW, action="section.read", actor_kind="member", actor_id=uuid.UUID(int=i % 50 + 1), roles=("case_worker",), agency_id=uuid.UUID(int=i % 10 + 1),
        session_digest="ab" * 16, auth_method="passphrase", auth_strength="full", object_kind="section", object_id=uuid.UUID(int=i * 7 % 5000 + 1),
        referral_id=uuid.UUID(int=i * 7 % 5000 + 1), sections=("identity", "needs"), subjects=(uuid.UUID(int=i * 7 % 2000 + 1),), purpose="service_delivery",
        basis="assigned", rule_ids=("open-granted",), policy_digest="cd" * 32, request_id=str(uuid.UUID(int=i)),
    )  # fmt: skip


def act(session: Session, i: int, *, logged: bool) -> float:
    """Read a row, write a row, commit, with or without the entry; return milliseconds."""

    def work(s: Session) -> None:
        s.execute(text("SELECT x FROM plain WHERE id = :i"), {"i": i - 1})
        s.execute(text("INSERT INTO plain (id, x) VALUES (:i, 'something small')"), {"i": i})
        if logged:
            audit.record(s, entry(i))

    started = time.perf_counter()
    transact(session, work)
    return (time.perf_counter() - started) * 1000


def _proof(session: Session) -> float:
    """Return milliseconds of a proof out of stored tiles."""
    size = session.scalar(text("SELECT size FROM audit_head")) or 0
    times = []
    for index in range(0, size, max(1, size // PROOFS)):
        started = time.perf_counter()
        proofs.inclusion(session, index=index, size=size)
        times.append((time.perf_counter() - started) * 1000)
    session.rollback()
    return median(times)


def _rehash(session: Session) -> float:
    """Return milliseconds of reading and rehashing the whole tree."""
    started = time.perf_counter()
    merkle.root(session.scalars(text("SELECT leaf_hash FROM audit_entry ORDER BY idx")).all())
    took = (time.perf_counter() - started) * 1000
    session.rollback()
    return took
