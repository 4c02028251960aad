"""No question walks the whole log: each reads it through an index, whatever the log's size. How long that takes is a benchmark (`make bench`)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from referral_hub.review import elsewhere, questions
from referral_hub.review.questions import reads
from referral_hub.review.questions.shape import Asking, Given
from tests.review.conftest import START

# Small by themselves: read from one end to the other they are still a small part of the log.
PARTIAL = {"ix_audit_entry_flagged", "ix_audit_entry_machine", "ix_audit_entry_unexplained", "ix_audit_entry_sending"}


@pytest.mark.parametrize("number", [q.number for q in questions.every()])
def test_no_question_walks_the_whole_log(story, monkeypatch, number):
    plans = []

    def explained(session, query, given, *, scope=None):
        found = elsewhere.run(session, f"EXPLAIN (FORMAT JSON) {query}", given, scope=scope)
        plans.append(found[0][0] if isinstance(found[0][0], list) else json.loads(found[0][0]))
        return []

    monkeypatch.setattr(reads, "run", explained)
    story.session.execute(text("SET LOCAL enable_seqscan = off"))
    given = Given(
        referral=story.referral, subject=story.subject, member=story.sari.id, moment=START, since=START - timedelta(days=30), until=START,
    )  # fmt: skip
    for scope in (None, story.legal.id):
        questions.question(number).read(Asking(story.session, given, START, 501, scope))
    for node in (node for plan in plans for node in walk(plan[0]["Plan"])):
        if node.get("Relation Name") == "audit_entry":
            assert node["Node Type"] != "Seq Scan", node
            assert "Index Cond" in node or node.get("Index Name") in PARTIAL or node["Node Type"] == "Bitmap Heap Scan", node


def test_what_walks_the_whole_log_is_seen(story, monkeypatch):
    story.session.execute(text("SET LOCAL enable_seqscan = off"))
    found = elsewhere.run(story.session, "EXPLAIN (FORMAT JSON) SELECT count(payload) FROM audit_entry WHERE basis = 'x'", {})
    assert [node["Node Type"] for node in walk(found[0][0][0]["Plan"]) if "Relation Name" in node] == ["Seq Scan"]


def walk(node):
    """Every node of a plan."""
    yield node
    for below in node.get("Plans", ()):
        yield from walk(below)
