"""Eight processes on one log: no entry lost, doubled or out of place, and every counter exact."""

import multiprocessing
import uuid
from collections import Counter

import pytest
from sqlalchemy.orm import Session

from referral_hub.audit import fsck, queries
from referral_hub.db.engine import make_engine
from tests.audit.conftest import LEGAL, RAISED, add, entry

PROCESSES, EACH = 8, 40


def run(url, number, start, results):
    """Append `EACH` entries as the member `number`, all from one start; every fifth transaction holds three of them."""
    engine = make_engine(url, pool_size=1)
    places = []
    with Session(engine, expire_on_commit=False) as session:
        session.connection()
        start.wait(60)
        while len(places) < EACH:
            many = 3 if len(places) % 5 == 0 else 1
            subject = uuid.UUID(int=100 + len(places) % 4)
            said = entry(actor_id=uuid.UUID(int=number), agency_id=(RAISED, LEGAL)[number % 2], subjects=(subject,))
            places += [(t.index, t.leaf_hash) for t in add(session, *[said] * min(many, EACH - len(places)))]
    engine.dispose()
    results.put((number, places))


@pytest.mark.slow
def test_eight_processes_append_at_once(log, db_url):
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(PROCESSES), spawn.Queue()
    crowd = [spawn.Process(target=run, args=(db_url, number, start, results)) for number in range(1, PROCESSES + 1)]
    for process in crowd:
        process.start()
    promised = dict(results.get(timeout=60) for _ in crowd)
    for process in crowd:
        process.join(timeout=30)
        assert process.exitcode == 0
    logged = {row.idx: row for first in range(EACH * PROCESSES, 0, -50) for row in queries.latest(log, after=first, limit=50)}
    assert sorted(logged) == list(range(PROCESSES * EACH))
    for number, places in promised.items():
        assert len(places) == EACH
        mine = [logged[idx] for idx, _ in places]
        assert [row.leaf_hash for row in mine] == [leaf for _, leaf in places]
        assert {row.entry.actor_id for row in mine} == {uuid.UUID(int=number)}
        assert [row.place.actor_seq for row in mine] == list(range(1, EACH + 1))
    assert Counter(row.entry.agency_id for row in logged.values()) == {RAISED: 160, LEGAL: 160}
    log.rollback()
    assert fsck.check(log, vkeys=()) == []
