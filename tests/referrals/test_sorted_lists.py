"""Lists sorted by urgency and deadline, page by page; and no filter or order that walks the table for an agency of few rows."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event, text

from referral_hub.db import transact
from referral_hub.referrals import queries
from referral_hub.referrals.queries.lists import Filters
from tests.referrals.story import HOUR, MINUTE, NOW

CROWD, FEW = 5_000, 60  # rows of others; what a statement may look at for an agency of ten
URGENCIES = ("planned", "emergency", "normal", "urgent", "emergency", "planned")


@pytest.fixture
def sent(story):
    """Six referrals of all urgencies, the last one declined."""
    ids = []
    for number, urgency in enumerate(URGENCIES):
        story.clock = NOW + number * MINUTE
        story.sent(urgency=urgency)
        ids.append(story.id)
    story.at(story.santi, HOUR).on("decline", reason="duplicate")
    return ids


def paged(desk, verb, *, sort, limit):
    rows, after = [], None
    while True:
        page = desk.ask(verb, filters=Filters(sort=sort), after=after, limit=limit)
        assert page.count == "6"
        rows += page.lines
        after = page.next
        if after is None:
            return rows


@pytest.mark.parametrize("limit", [1, 2, 4, 6, 25])
@pytest.mark.parametrize("verb", ["incoming", "outgoing"])
def test_by_urgency_what_is_open_stands_first_and_nothing_is_skipped(story, sent, verb, limit):
    rows = paged(story.at(story.santi if verb == "incoming" else story.sari), verb, sort="urgency", limit=limit)
    assert [line.urgency for line in rows] == ["emergency", "emergency", "urgent", "normal", "planned", "planned"]
    assert [line.id for line in rows[:2]] == [sent[4], sent[1]], "of one urgency the newest first"
    assert rows[-1].state == "rejected"
    assert len({line.id for line in rows}) == 6


@pytest.mark.parametrize("limit", [1, 2, 5, 25])
def test_by_deadline_the_nearest_stands_first_and_what_has_ended_last(story, sent, limit):
    rows = paged(story.at(story.santi), "incoming", sort="deadline", limit=limit)
    running = [line.due for line in rows if line.due]
    assert running == sorted(running)
    assert [line.due is None for line in rows] == [False] * 5 + [True]
    assert len({line.id for line in rows}) == 6


@pytest.mark.parametrize("token", ["", "x", "9." + "0" * 32, "1." + "0" * 32, "0." + "0" * 32 + ".12", "0." + "z" * 32])
def test_a_token_that_fits_no_order_begins_at_the_top(story, sent, token):
    rows = story.at(story.santi).ask("incoming", filters=Filters(sort="newest"), after=token or None).lines
    assert [line.id for line in rows] == sent[::-1] or token == "0." + "0" * 32
    assert story.at(story.santi).ask("incoming", filters=Filters(sort="nonsense")).lines[0].id == sent[-1]


@pytest.fixture
def crowd(network, story, sent, owner_engine):
    """Five thousand referrals between two other agencies."""
    one, other = network.agency("ramai", "social_services"), network.agency("sibuk", "legal")
    copied = (
        "INSERT INTO referral SELECT x.* FROM referral r, generate_series(1, :crowd) n, LATERAL jsonb_populate_record(r, jsonb_build_object("
        "'id', gen_random_uuid(), 'number', 'RJ-' || n, 'from_agency', :one ::uuid, 'to_agency', :other ::uuid, "
        "'urgency', (ARRAY['emergency','urgent','normal','planned'])[n % 4 + 1])) x WHERE r.id = :id"
    )
    with owner_engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(copied), {"one": one.id, "other": other.id, "crowd": CROWD, "id": sent[0]})
        connection.execute(text("ANALYZE referral"))
    yield
    with owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM referral WHERE from_agency = :one"), {"one": one.id})


ASKED = [
    Filters(), Filters(sort="urgency"), Filters(sort="deadline"), Filters(state="requested"), Filters(urgency="emergency", sort="deadline"),
    Filters(state="draft", sort="urgency"), Filters(since=date(2026, 11, 1), until=date(2026, 11, 30), sort="deadline"), Filters(number="RJ-ABCD-EFGH"),
]  # fmt: skip


def looked_at(plan):
    """How many rows of referrals a plan has read, shown or not."""
    own = plan.get("Relation Name") == "referral" or plan.get("Index Name", "").startswith("ix_referral")
    rows = plan.get("Actual Loops", 1) * (plan.get("Actual Rows", 0) + plan.get("Rows Removed by Filter", 0)) if own else 0
    return rows + sum(looked_at(step) for step in plan.get("Plans", ()))


@pytest.mark.slow
@pytest.mark.usefixtures("crowd")
def test_no_order_and_no_filter_walks_the_table_for_an_agency_of_few_rows(story, session, engine):
    seen = []

    def listen(connection, cursor, statement, parameters, context, executemany):
        if "FROM referral" in statement and statement.lstrip().startswith("SELECT"):
            seen.append((statement, parameters))

    walked = {}
    for person, verb in ((story.santi, queries.incoming), (story.sari, queries.outgoing)):
        for filters in ASKED:
            for after in (None, "0." + "f" * 32):
                seen.clear()
                event.listen(session.bind, "before_cursor_execute", listen)
                transact(session, lambda s, v=verb, p=person, f=filters, a=after: v(s, actor=p.actor, keys=p.keys, now=datetime.now(UTC), filters=f, after=a))
                event.remove(session.bind, "before_cursor_execute", listen)
                assert seen
                session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
                for statement, parameters in seen:
                    (plan,) = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar()
                    walked[verb.__name__, filters.sort, filters.state, statement[-60:]] = looked_at(plan["Plan"])
                session.rollback()
    assert len(walked) >= 20
    assert {key: rows for key, rows in walked.items() if rows > FEW} == {}
