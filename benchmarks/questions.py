"""How long each saved question of the auditors takes over a year of a long log: the usual period of its page, the last thirty days."""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks import long_log, report
from benchmarks.long_log import END, Log, some
from referral_hub.db import transact
from referral_hub.db.server import OWNER, create_database, migrate
from referral_hub.review import answers, questions
from referral_hub.review.questions.shape import Asking, Given

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from benchmarks.place import Place
    from benchmarks.report import Row

DATABASE = "questions"
RUNS = 3
GOAL = 1.0


def measure(place: Place, *, size: int) -> list[Row]:
    """Make a log of `size` entries and ask everything, `RUNS` times each; return a row for each question, slowest first, and one for all."""
    create_database(place.admin_url, DATABASE)
    migrate(place.url(DATABASE, role=OWNER))
    log = Log(size)
    with contextmanager(place.session)(DATABASE, role=None) as session:
        long_log.people(session, log)
        log.extend(session, until=size)
        long_log.papers(session, log)
        log.settle(session)
    with contextmanager(place.session)(DATABASE) as session:
        took = ask_all(session, log)
    slow = sorted(took.items(), key=lambda item: -item[1][0])
    return [report.value(f"questions: {number}, {rows} rows of {size:,} entries", seconds * 1000, "ms", goal="< 1000", reached=seconds < GOAL) for number, (seconds, rows) in slow]



def ask_all(session: Session, log: Log) -> dict[int, tuple[float, int]]:
    """Ask every question; return the best of the runs in seconds and the number of rows, by number."""
    busy, survivor = some("member", 1), some("alias", log.survivors // 2)
    given = Given(
        referral=some("referral", log.referrals // 2), subject=survivor, member=busy, moment=END - timedelta(days=DAYS // 2), since=END - timedelta(days=DAYS), until=END,
        size=log.size // 2, root=None,
    )  # fmt: skip
    found: dict[int, tuple[float, int]] = {}
    for question in questions.every():
        times, rows = [], 0
        for _ in range(RUNS):
            started = time.perf_counter()
            rows = len(transact(session, lambda s, q=question: q.read(Asking(s, given, END, answers.MOST + 1))))
            times.append(time.perf_counter() - started)
        found[question.number] = (min(times), rows)
    return found


DAYS = 30
