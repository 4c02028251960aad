"""What an entry of the access log costs: the same small act with and without its entry, in a short and in a long log.

    python benchmarks/log_append.py [--long 100000] [--slices 10] [--acts 100]

One process, an embedded PostgreSQL with fsync, alternating slices; prints medians in milliseconds and ratios with their range.
Then what a proof costs out of stored tiles against rehashing, and how long the whole check of the long log takes.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from referral_hub import audit
from referral_hub.audit import fsck, merkle, proofs
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.db.server import OWNER, WEB, create_database, ensure_roles, migrate, start_embedded, url_for

Medians = dict[tuple[str, bool], list[float]]
NOW = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)


def entry(i: int) -> audit.Entry:
    """An opening: one of 50 members of 10 agencies reads one of 5,000 referrals of 2,000 survivors."""
    return audit.Entry(
        occurred_at=NOW, action="section.read", actor_kind="member", actor_id=uuid.UUID(int=i % 50 + 1), roles=("case_worker",), agency_id=uuid.UUID(int=i % 10 + 1),
        session_digest="ab" * 16, auth_method="passphrase", auth_strength="full", object_kind="section", object_id=uuid.UUID(int=i * 7 % 5000 + 1),
        referral_id=uuid.UUID(int=i * 7 % 5000 + 1), sections=("identity", "needs"), subjects=(uuid.UUID(int=i * 7 % 2000 + 1),), purpose="service_delivery",
        basis="assigned", rule_ids=("open-granted",), policy_digest="cd" * 32, request_id=str(uuid.UUID(int=i)),
    )  # fmt: skip


def act(session: Session, i: int, *, logged: bool) -> float:
    """Read a row, write a row, commit; with or without the entry."""

    def work(s: Session) -> audit.Ticket | None:
        s.execute(text("SELECT x FROM plain WHERE id = :i"), {"i": i - 1})
        s.execute(text("INSERT INTO plain (id, x) VALUES (:i, 'something small')"), {"i": i})
        return audit.record(s, entry(i)) if logged else None

    started = time.perf_counter()
    transact(session, work)
    return (time.perf_counter() - started) * 1000


def make_log(admin: str, name: str, size: int) -> Engine:
    """Return an engine on a fresh database whose log has `size` entries."""
    create_database(admin, name)
    owner = url_for(admin, role=OWNER, database=name)
    migrate(owner)
    owning = make_engine(owner, pool_size=1)
    with owning.begin() as connection:
        connection.execute(text("CREATE TABLE plain (id bigint PRIMARY KEY, x text)"))
        connection.execute(text("GRANT SELECT, INSERT ON plain TO hub_web"))
    engine = make_engine(url_for(admin, role=WEB, database=name), pool_size=1)
    with Session(engine) as session:
        for first in range(0, size, 200):
            transact(session, lambda s, f=first: [audit.record(s, entry(i)) for i in range(f, min(f + 200, size))] and None)
    with owning.begin() as connection:
        connection.execute(text("ANALYZE"))
    owning.dispose()
    return engine


def race(engines: dict[str, Engine], slices: int, acts: int, *, flush: bool) -> Medians:
    """Return the medians of each slice by (log, logged); without `flush` a commit does not wait for the disk."""
    medians: Medians = {(name, logged): [] for name in engines for logged in (False, True)}
    counter = dict.fromkeys(engines, 10_000_000 + flush * 1_000_000)
    sessions = {name: Session(engine) for name, engine in engines.items()}
    for session in sessions.values():
        transact(session, lambda s: s.execute(text(f"SET synchronous_commit = {'on' if flush else 'off'}")))
    for number in range(slices + 1):
        for (name, logged), found in medians.items():
            times = []
            for _ in range(acts):
                counter[name] += 1
                times.append(act(sessions[name], counter[name], logged=logged))
            if number:  # the first slice warms
                found.append(statistics.median(times))
    for session in sessions.values():
        session.close()
    return medians


def report(medians: Medians) -> None:
    """Print medians, what the entry adds, and the ratios."""
    middle = {key: statistics.median(values) for key, values in medians.items()}
    for (name, logged), value in middle.items():
        low, high = min(medians[name, logged]), max(medians[name, logged])
        print(f"{name:6} {'with entry' if logged else 'plain':11} {value:6.2f} ms ({low:.2f}-{high:.2f})")
    for name in ("short", "long"):
        ratios = [plain / logged for plain, logged in zip(medians[name, False], medians[name, True], strict=True)]
        print(
            f"{name}: the entry adds {middle[name, True] - middle[name, False]:.2f} ms; audited / plain throughput {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        )
    growth = [b / a for a, b in zip(medians["short", True], medians["long", True], strict=True)]
    print(f"long / short with entry: {statistics.median(growth):.2f} ({min(growth):.2f}-{max(growth):.2f})")


def measure_proofs(engine: Engine) -> None:
    """Print what a proof costs out of tiles, against rehashing the whole tree, and the time of the whole check."""
    with Session(engine) as session:
        size = session.scalar(text("SELECT size FROM audit_head"))
        times = []
        for index in range(0, size, max(1, size // 200)):
            started = time.perf_counter()
            proofs.inclusion(session, index=index, size=size)
            times.append((time.perf_counter() - started) * 1000)
        session.rollback()
        started = time.perf_counter()
        leaves = session.scalars(text("SELECT leaf_hash FROM audit_entry ORDER BY idx")).all()
        read = time.perf_counter()
        merkle.root(leaves)
        hashed, proof = time.perf_counter(), statistics.median(times)
        session.rollback()
        whole, only = (hashed - started) * 1000, (hashed - read) * 1000
        print(
            f"proof at {size}: {proof:.2f} ms; reading and rehashing {whole:.0f} ms, 1/{whole / proof:.0f}; rehashing alone {only:.0f} ms, 1/{only / proof:.0f}"
        )
        started = time.perf_counter()
        found = fsck.check(session, vkeys=())
        print(f"whole check of {size}: {time.perf_counter() - started:.1f} s, {len(found)} differences")


def main() -> None:
    """Measure in a private folder that is removed at the end."""
    options = argparse.ArgumentParser()
    options.add_argument("--long", type=int, default=100_000)
    options.add_argument("--slices", type=int, default=10)
    options.add_argument("--acts", type=int, default=100)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, admin = start_embedded(Path(folder) / "pg" / "data")
        ensure_roles(admin)
        engines = {"short": make_log(admin, "short", 1_000), "long": make_log(admin, "long", given.long)}
        for flush in (True, False):
            print("commit waits for the disk" if flush else "commit does not wait for the disk")
            report(race(engines, given.slices, given.acts, flush=flush))
        measure_proofs(engines["long"])
        for engine in engines.values():
            engine.dispose()
        server.cleanup()


if __name__ == "__main__":
    main()
