"""Lists: what stands in them equals what the policy allows row by row; page after page; one entry a page."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.cases import actions as cases
from referral_hub.db import transact
from referral_hub.referrals import queries, scope
from referral_hub.referrals.queries import lines as listing
from referral_hub.referrals.queries.lists import Filters
from referral_hub.referrals.records import ReferralRow
from tests.referrals.story import DAY, HOUR, MINUTE, NOW


@pytest.fixture
def town(network, story):
    """Referrals in many states between three agencies, with people of many roles, one of them on a conflict list."""
    lkbh = network.agency("lkbh", "legal")
    network.offer(lkbh, "legal_consult")
    people = {
        "sari": story.sari,
        "santi": story.santi,
        "lead": network.member(story.uptd, "case_lead"),
        "intake": network.member(story.uptd, "intake"),
        "companion": network.member(story.uptd, "companion"),
        "unassigned": network.member(story.uptd, "social_worker"),
        "admin": network.member(story.uptd, "agency_admin"),
        "paralegal": network.member(story.lbh, "paralegal"),
        "shunned": network.member(story.lbh, "lawyer"),
        "dpo": network.member(story.lbh, "data_protection_officer"),
        "other": network.member(lkbh, "lawyer"),
        "auditor": network.member(network.agency("jejaring", "network"), "network_auditor"),
    }
    stages = ("draft", "sent", "opened", "accepted", "completed")
    for number, stage in enumerate(stages):
        story.clock = NOW + number * MINUTE
        getattr(story, stage)()
    story.at(people["lead"]).do(cases.conflict_add, case_id=story.row().case_id, member_id=people["shunned"].id)
    story.at(people["lead"]).do(cases.conflict_add, case_id=story.row().case_id, member_id=people["unassigned"].id)
    story.draft()
    story.at(story.sari).on("discard")
    story.draft(to=lkbh)
    story.agree()
    story.send(recipient_code="lkbh")
    story.clock = NOW
    return people


def ids_in_sql(session, person, hub):
    condition = scope.visible_to(person.actor, hub=hub)
    found = set(session.scalars(select(ReferralRow.id).where(condition)))
    session.rollback()
    return found


def ids_by_policy(session, person, hub):
    """Ask the policy about every row there is, whether or not its agency has anything to do with the actor."""
    allowed = set()
    for referral_id in session.scalars(select(ReferralRow.id)).all():
        try:
            found = scope.find(session, actor=person.actor, hub=hub, referral_id=referral_id)
        except errors.NotFound:
            continue
        if access.decide(person.actor, Verb.REFERRAL_LIST, found.target(person.actor, now=NOW)).allowed:
            allowed.add(referral_id)
    session.rollback()
    return allowed


def test_what_lists_show_is_what_the_policy_allows_row_by_row(session, network, town):
    seen = {}
    for name, person in town.items():
        in_sql, by_policy = ids_in_sql(session, person, network.hub), ids_by_policy(session, person, network.hub)
        assert in_sql == by_policy, name
        seen[name] = len(in_sql)
    assert seen == {
        "sari": 7, "lead": 7, "unassigned": 0, "intake": 0, "companion": 0, "admin": 0,
        "santi": 4, "paralegal": 4, "shunned": 3, "dpo": 0, "other": 1, "auditor": 0,
    }  # fmt: skip


def test_every_list_is_within_the_scope(session, network, town):
    for person in town.values():
        scoped = ids_in_sql(session, person, network.hub)
        listed = set()
        for verb in (queries.incoming, queries.outgoing, queries.work_list):
            try:
                page = transact(session, lambda s, v=verb, p=person: v(s, actor=p.actor, keys=p.keys, now=NOW))
            except errors.NotAllowed:
                assert scoped == set()
                continue
            lines = page.lines if verb is not queries.work_list else (*page.needs_you, *page.waiting)
            listed |= {line.id for line in lines}
        assert listed == scoped


def test_pages_follow_each_other_without_gap_or_repetition(story):
    for number in range(5):
        story.clock = NOW + number * MINUTE
        story.sent()
    desk, pages, after = story.at(story.santi), [], None
    while True:
        page = desk.ask("incoming", limit=2, after=after)
        pages.append([line.id for line in page.lines])
        assert page.count == "5"
        after = page.next
        if after is None:
            break
    assert [len(p) for p in pages] == [2, 2, 1]
    flat = [i for p in pages for i in p]
    assert flat == sorted(flat, reverse=True)
    assert len(set(flat)) == 5


def test_a_page_is_one_entry_with_the_aliases_of_the_own_agency(story, town):
    for person, verb in ((story.santi, "incoming"), (story.sari, "outgoing")):
        size = len(story.entries())
        page = story.at(person).ask(verb)
        entries = story.entries()[size:]
        assert [e.action for e in entries] == ["referral.list"]
        assert set(entries[0].subjects) == {line.subject for line in page.lines}
        assert (entries[0].count, entries[0].page) == (len(page.lines), True)
        assert page.ticket.durable
    assert {line.alias for line in story.at(story.santi).ask("incoming").lines}.isdisjoint(
        line.alias for line in story.at(story.sari).ask("outgoing").lines
    )


def test_a_line_holds_clear_metadata_and_no_more(story):
    story.opened()
    (line,) = story.at(story.santi, HOUR).ask("incoming").lines
    assert (line.side, line.state, line.service, line.urgency) == ("recipient", "received", "legal_consult", "normal")
    assert (line.other_agency, line.handler, line.awaited, line.late) == (story.uptd.id, story.santi.id, "accept", False)
    assert line.due == story.row().respond_by
    assert line.alias.startswith("SM-")
    assert not hasattr(line, "case_id")


def test_lateness_is_shown_when_rendered(story):
    story.sent()
    assert not story.at(story.santi, DAY).ask("incoming").lines[0].late
    assert story.at(story.santi, 10 * DAY).ask("incoming").lines[0].late


@pytest.mark.parametrize(
    ("filters", "number"),
    [
        (Filters(), 5),
        (Filters(state="completed"), 1),
        (Filters(urgency="urgent"), 1),
        (Filters(state="draft", urgency="urgent"), 0),
        (Filters(agency=uuid.UUID(int=3)), 0),
        (Filters(handler=uuid.UUID(int=3)), 0),
        (Filters(number="RJ-0000-0000"), 0),
        (Filters(since=NOW.date()), 5),
        (Filters(since=(NOW + DAY).date()), 0),
        (Filters(until=NOW.date()), 5),
        (Filters(until=(NOW - DAY).date()), 0),
    ],
)
def test_filters(story, filters, number):
    for stage in ("draft", "sent", "opened", "completed"):
        getattr(story, stage)()
    story.sent(urgency="urgent")
    page = story.at(story.sari).ask("outgoing", filters=filters)
    assert (len(page.lines), page.count) == (number, str(number))


def test_a_list_is_found_by_either_number_however_it_is_typed(story):
    story.opened()
    row = story.row()
    for typed in (row.number, row.number.lower().replace("-", " "), row.recipient_no, row.number.replace("-", "")):
        assert [line.id for line in story.at(story.santi).ask("incoming", filters=Filters(number=typed)).lines] == [row.id]
    assert queries.id_of(story.session, number=row.number.lower()) == row.id
    with pytest.raises(errors.NotFound):
        queries.id_of(story.session, number="RJ-0000-0000")
    story.session.rollback()


def test_filters_by_agency_and_handler(story):
    story.opened()
    desk = story.at(story.santi)
    assert len(desk.ask("incoming", filters=Filters(agency=story.uptd.id, handler=story.santi.id)).lines) == 1


def test_a_token_that_is_none_of_ours_begins_at_the_top(story):
    story.sent()
    for after in ("", "zz", "1.2", "0" * 31):
        assert len(story.at(story.santi).ask("incoming", after=after).lines) == 1


def test_a_page_has_at_most_fifty_lines_and_at_least_one(story):
    story.sent()
    story.sent()
    assert len(story.at(story.santi).ask("incoming", limit=0).lines) == 1
    assert len(story.at(story.santi).ask("incoming", limit=10_000).lines) == 2


COPIES = (
    "INSERT INTO referral SELECT gen_random_uuid(), number || n, NULL, part_of, case_id, type, from_agency, from_member, to_agency, to_unit,"
    " handler, companion, service, urgency, state, previous_state, business, flags, consent_id, created_at, sent_at, received_at,"
    " accepted_at, started_at, ended_at, respond_by, first_service_by, update_by, due_at, paused_at, paused_for, review_on,"
    " has_appointment, decline_reason, redirect_agency, event_reason, outcome, milestones, sending, version"
    " FROM referral, generate_series(1, :copies) n WHERE length(number) = 12"
)


@pytest.mark.parametrize(("copies", "count"), [(97, "98"), (98, "99"), (99, "99+"), (150, "99+")])
def test_counts_are_exact_below_a_hundred(story, session, owner_engine, copies, count):
    story.sent()
    transact(session, lambda s: s.execute(text(COPIES), {"copies": copies}))
    assert queries.counts(session, actor=story.santi.actor, keys=story.santi.keys) == {"in": count, "out": "0"}
    session.rollback()
    work, page = story.at(story.santi).ask("work_list"), story.at(story.santi).ask("incoming")
    assert (len(work.needs_you), work.needs_count) == (20, count)
    assert (len(page.lines), page.count) == (25, count)
    with owner_engine.begin() as connection:  # the copies have no history
        connection.execute(text("DELETE FROM referral WHERE length(number) > 12"))


def test_list_statements_are_planned_for_the_agency_at_hand(story, session):
    story.sent()

    def inside(s):
        queries.incoming(s, actor=story.santi.actor, keys=story.santi.keys, now=NOW)
        return s.scalar(text("SHOW plan_cache_mode"))

    assert transact(session, inside) == "force_custom_plan"
    assert session.scalar(text("SHOW plan_cache_mode")) == "auto"
    session.rollback()


def above(plan, table, path=()):
    """The kinds of steps above the one that reads a table."""
    if plan.get("Relation Name") == table:
        return path
    return next((found for step in plan.get("Plans", ()) if (found := above(step, table, (*path, plan["Node Type"])))), None)


def test_a_list_never_begins_at_the_aliases(story, session):
    """For an agency of few rows PostgreSQL would read the aliases of the whole hub first: it looks up one for each row that is shown."""
    query = listing.select_lines(story.santi.actor).compile(dialect=session.bind.dialect, compile_kwargs={"literal_binds": True})
    (plan,) = session.scalar(text(f"EXPLAIN (FORMAT JSON) {query}"))
    session.rollback()
    steps = [step for step in above(plan["Plan"], "alias") if step != "Memoize"]  # which looks up the same one but once
    assert steps[-2:] == ["Nested Loop", "Limit"]


# --- work list -------------------------------------------------------------------------------------------------------------


def test_what_needs_whom(story):
    story.draft()
    sender, recipient = story.at(story.sari).ask("work_list"), story.at(story.santi).ask("work_list")
    assert ([line.awaited for line in sender.needs_you], sender.waiting, recipient.needs_you) == (["send"], (), ())
    story.agree()
    story.send()
    sender, recipient = story.at(story.sari).ask("work_list"), story.at(story.santi).ask("work_list")
    assert (sender.needs_you, [line.awaited for line in sender.waiting]) == ((), ["accept"])
    assert [line.awaited for line in recipient.needs_you] == ["accept"]
    story.at(story.santi, HOUR).on("decline", reason="duplicate")
    sender, recipient = story.at(story.sari, DAY).ask("work_list"), story.at(story.santi, DAY).ask("work_list")
    assert [line.awaited for line in sender.needs_you] == ["choose_other"]
    assert (recipient.needs_you, recipient.waiting) == ((), ())
    assert story.at(story.sari, 8 * DAY).ask("work_list").needs_you == ()


def test_what_a_colleague_handles_is_not_my_task(network, story):
    andi = network.member(story.lbh, "lawyer")
    story.accepted()
    assert story.at(story.santi).ask("work_list").needs_you
    assert story.at(andi).ask("work_list").needs_you == ()
    assert story.at(andi).ask("incoming").lines


def test_the_recipient_is_told_that_consent_was_taken_back(story):
    story.accepted()
    story.at(story.sari, DAY).withdraw_consent(consent_id=story.row().consent_id)
    (line,) = story.at(story.santi, 2 * DAY).ask("work_list").needs_you
    assert (line.state, line.awaited, line.due) == ("cancelled", "confirm_purge", None)
    assert story.at(story.sari, 2 * DAY).ask("work_list").needs_you == ()


def test_late_and_near_deadlines_come_first(story):
    for number, urgency in enumerate(("planned", "emergency", "normal", "urgent")):
        story.clock = NOW + number * MINUTE
        story.sent(urgency=urgency)
    story.clock = NOW
    cards = story.at(story.santi, DAY).ask("work_list").needs_you
    assert [line.urgency for line in cards] == ["emergency", "urgent", "normal", "planned"]
    assert [line.late for line in cards] == [True, False, False, False]


def test_a_work_list_is_one_entry(story):
    story.sent()
    size = len(story.entries())
    work = story.at(story.sari).ask("work_list")
    (entry,) = story.entries()[size:]
    assert (entry.action, entry.count, entry.subjects) == ("referral.list", 1, (work.waiting[0].subject,))


def test_heads_see_counts_without_cards(network, story):
    head = network.member(story.lbh, "agency_head")
    story.completed()
    story.sent()
    size = len(story.entries())
    work = story.at(head, 3 * DAY).ask("work_list")
    assert (work.counts_only, work.needs_you, work.waiting) == (True, (), ())
    assert (work.needs_count, work.waiting_count, work.completed_this_week) == ("1", "0", "1")
    assert [e.action for e in story.entries()[size:]] == ["stats.view"]


def test_administrators_have_no_work_list(network, story):
    admin = network.member(story.lbh, "agency_admin")
    with pytest.raises(errors.NotAllowed):
        story.at(admin).ask("work_list")


def test_completed_this_week(story):
    story.completed()
    for person in (story.sari, story.santi):
        assert story.at(person, 3 * DAY).ask("work_list").completed_this_week == "1"
        assert story.at(person, 2 * DAY + timedelta(days=8)).ask("work_list").completed_this_week == "0"


def test_a_deletion_is_told_even_when_it_falls_due_late_in_the_window(story):
    story.completed()
    story.at(story.sari, 15 * DAY).withdraw_consent(consent_id=story.row().consent_id)
    (line,) = story.at(story.santi, 16 * DAY).ask("work_list").needs_you
    assert (line.state, line.awaited) == ("completed", "confirm_purge")
    assert story.at(story.santi, 23 * DAY).ask("work_list").needs_you == ()
