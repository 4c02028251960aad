"""No question walks the whole log: each reads it through an index, whatever the log's size. How long that takes is a benchmark (`make bench`)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from benchmarks.long_log import Log, people
from referral_hub.review import elsewhere, questions
from referral_hub.review.questions import reads
from referral_hub.review.questions.shape import Asking, Given
from tests.review.conftest import START

SIZE = 20_000
# Small by themselves: read from one end to the other they are still a small part of the log.
PARTIAL = {"ix_audit_entry_flagged", "ix_audit_entry_machine", "ix_audit_entry_unexplained", "ix_audit_entry_sending"}


@pytest.fixture
def among_others(story, admin_url, database):
    """The story's people beside a year of other people's entries, with their agencies and referrals: where all is few, every plan costs the same."""
    superuser = create_engine(make_url(admin_url).set(drivername="postgresql+psycopg", database=database))
    with Session(superuser) as session:
        log = Log(whole=SIZE)
        people(session, log)
        log.extend(session, until=SIZE)
        log.settle(session)
    superuser.dispose()
    return story


def test_no_question_walks_the_whole_log(among_others, monkeypatch):
    story, plans = among_others, []

    def explained(session, query, given, *, scope=None):
        found = elsewhere.run(session, f"EXPLAIN (FORMAT JSON) {query}", given, scope=scope)
        plans.append((number, found[0][0] if isinstance(found[0][0], list) else json.loads(found[0][0])))
        return []

    monkeypatch.setattr(reads, "run", explained)
    story.session.execute(text("SET LOCAL enable_seqscan = off"))
    given = Given(
        referral=story.referral, subject=story.subject, member=story.sari.id, moment=START, since=START - timedelta(days=30), until=START,
    )  # fmt: skip
    for number in (q.number for q in questions.every()):
        for scope in (None, story.legal.id):
            questions.question(number).read(Asking(story.session, given, START, 501, scope))
    assert len({number for number, _plan in plans}) > 20
    walked = [(number, node["Node Type"], node.get("Index Name"), node.get("Filter")) for number, plan in plans for node in walk(plan[0]["Plan"]) if is_walk(node)]
    assert not walked, "\n".join(map(str, walked))


def is_walk(node):
    """Whether a node of a plan reads all of the log."""
    if node.get("Relation Name") != "audit_entry":
        return False
    return node["Node Type"] == "Seq Scan" or not ("Index Cond" in node or node.get("Index Name") in PARTIAL or node["Node Type"] == "Bitmap Heap Scan")


def test_what_walks_the_whole_log_is_seen(story, monkeypatch):
    story.session.execute(text("SET LOCAL enable_seqscan = off"))
    found = elsewhere.run(story.session, "EXPLAIN (FORMAT JSON) SELECT count(payload) FROM audit_entry WHERE basis = 'x'", {})
    assert [node["Node Type"] for node in walk(found[0][0][0]["Plan"]) if is_walk(node)] == ["Seq Scan"]


def walk(node):
    """Every node of a plan."""
    yield node
    for below in node.get("Plans", ()):
        yield from walk(below)
