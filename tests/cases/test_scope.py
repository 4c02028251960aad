"""Law 4: what the lists show equals what the policy allows, row by row. And: pages, aliases, what the worker may see."""

import itertools
import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import aliases, listing, queries, scope
from referral_hub.cases.records import CaseRow
from referral_hub.db import transact

from .conftest import NOW, refusal

ROLES = ["case_lead", "social_worker", "companion", "intake", "outreach", "agency_admin", "agency_head", "data_protection_officer"]


def test_what_a_list_shows_equals_what_the_policy_allows(desk, network, uptd, sari, session):
    lbh = network.agency("LBH", "legal")
    people = [
        sari,
        *(network.member(uptd, role) for role in ROLES),
        network.member(uptd, "companion", "intake"),
        network.member(lbh, "lawyer"),
    ]
    opened = [desk(sari).open_case() for _ in range(4)] + [desk(people[-1]).open_case()]
    for case, person in itertools.product(opened[:2], people[1:-1]):
        version = queries.case(session, hub=network.hub, actor=sari.actor, case_id=case.id).version
        desk(sari).assign(case_id=case.id, member=person, version=version)
    for case in opened[1:3]:
        for person in people[2:4]:
            desk(sari).conflict_add(case_id=case.id, member_id=person.id)
    for person in people:
        column = scope.visible_to(person.actor, hub=network.hub, case_id=CaseRow.id)
        in_sql = set(session.scalars(select(CaseRow.id).where(column)))
        found = {case.id for case in opened if self_found(session, network, person, case)}
        by_policy = {case.id for case in opened if case.id in found and allowed(session, network, person, case)}
        lists_cases = access.decide(person.actor, Verb.CASE_LIST, access.outside_cases("list", same_agency=True)).allowed
        assert (in_sql if lists_cases else set()) == by_policy, person.actor.roles


def self_found(session, network, person, case):
    try:
        scope.find(session, hub=network.hub, actor=person.actor, case_id=case.id)
    except errors.NotFound:
        return False
    return True


def allowed(session, network, person, case):
    target = scope.find(session, hub=network.hub, actor=person.actor, case_id=case.id).target
    return access.decide(person.actor, Verb.CASE_LIST, target).allowed


def test_a_supervisor_sees_that_a_case_exists_and_opens_nothing_of_it(desk, network, uptd, sari):
    budi = network.member(uptd, "social_worker")
    opened = desk(budi).open_case()
    desk(budi).save(opened.id, "profile", {"age_band": "25_44", "sex": "P"})
    assert [line.id for line in desk(sari).ask(queries.list_cases).lines] == [opened.id]
    assert refusal(lambda: desk(sari).read(opened.id, "profile")) == "not_found"
    assert desk(sari).assign(case_id=opened.id, member=sari, version=2)
    assert desk(sari).read(opened.id, "profile")["profile"].fields()["age_band"] == "25_44"


# --- lists ---------------------------------------------------------------------------------------------------------------


def test_pages_follow_one_another_without_gap_or_repetition(desk, sari, entries):
    opened = [desk(sari).open_case() for _ in range(7)]
    seen, after = [], None
    for size in (3, 3, 1):
        page = desk(sari).ask(queries.list_cases, after=after, limit=3)
        assert len(page.lines) == size
        seen += page.lines
        after = page.next
    assert after is None
    assert [line.id for line in seen] == sorted((case.id for case in opened), reverse=True)
    lists = [e for e in entries() if e.action == "case.list"]
    assert [e.count for e in lists] == [3, 3, 1]
    assert set(itertools.chain.from_iterable(e.subjects for e in lists)) == {case.subject for case in opened}
    assert all(e.page for e in lists)


def test_an_empty_page_leaves_an_entry_too(desk, sari, entries):
    page = desk(sari).ask(queries.list_cases)
    assert (page.lines, page.next) == ((), None)
    assert page.ticket.durable
    assert (entries()[-1].action, entries()[-1].count) == ("case.list", 0)


@pytest.mark.parametrize("after", ["", "x", "2026-13-01.0", "2026-11-02.zz", "."])
def test_a_token_of_nobody_begins_at_the_top(desk, sari, after):
    opened = desk(sari).open_case()
    assert [line.id for line in desk(sari).ask(queries.list_cases, after=after).lines] == [opened.id]


def test_a_list_by_stage(desk, sari):
    first, second = desk(sari).open_case(), desk(sari).open_case()
    desk(sari).set_stage(case_id=second.id, stage="assessment", version=1)
    assert [line.id for line in desk(sari).ask(queries.list_cases, stage="assessment").lines] == [second.id]
    assert [line.id for line in desk(sari).ask(queries.list_cases, stage=first.stage).lines] == [first.id]


def opened_ones(desk, sari, count):
    """So many files, the first worked on last, in two stages; in the order in which they were opened."""
    files = [desk(sari, NOW + timedelta(days=day)).open_case() for day in range(count)]
    stages = [item.code for item in protocol.current().codelist("case_stages")]
    moved = []
    for number, one in enumerate(files):
        stage = stages[(count - number) % 2]
        later = desk(sari, NOW + timedelta(days=2 * count - number))
        moved.append(one if stage == one.stage else later.set_stage(case_id=one.id, stage=stage, version=one.version))
    return moved


@pytest.mark.parametrize("sort", ["activity", "newest", "stage", "…"])
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_each_order_goes_page_after_page_and_shows_every_file_once(desk, sari, sort, limit):
    files = opened_ones(desk, sari, 7)
    stages = [item.code for item in protocol.current().codelist("case_stages")]
    by_activity = sorted(files, key=lambda one: (one.last_activity, one.id), reverse=True)
    expected = {"newest": sorted(files, key=lambda one: one.id, reverse=True), "stage": sorted(by_activity, key=lambda one: stages.index(one.stage))}
    found, after = [], None
    while True:
        page = desk(sari, NOW + timedelta(days=99)).ask(queries.list_cases, sort=sort, after=after, limit=limit)
        assert page.count == "7"
        found += page.lines
        after = page.next
        if after is None:
            break
    assert [line.id for line in found] == [one.id for one in expected.get(sort, by_activity)]


@pytest.mark.parametrize("after", ["9.2026-11-02." + "0" * 32, "-1.2026-11-02." + "0" * 32, "0.2026-11-02", "0..", "…"])
def test_a_token_of_another_list_begins_at_the_top(desk, sari, after):
    files = opened_ones(desk, sari, 2)
    assert len(desk(sari, NOW + timedelta(days=99)).ask(queries.list_cases, sort="stage", after=after).lines) == len(files)


def test_a_count_stops_at_a_hundred_and_asks_for_the_stage_alone(desk, sari, monkeypatch):
    monkeypatch.setattr(listing, "COUNTED", 3)
    opened_ones(desk, sari, 5)
    assert desk(sari, NOW + timedelta(days=99)).ask(queries.list_cases).count == "2+"
    assert desk(sari, NOW + timedelta(days=99)).ask(queries.list_cases, stage="termination").count == "0"


def test_a_case_page_shows_what_is_filled_and_is_recorded(desk, sari, entries):
    opened = desk(sari).open_case()
    desk(sari).save(opened.id, "profile", {"age_band": "25_44", "sex": "P"})
    detail = desk(sari).ask(queries.detail, case_id=opened.id)
    assert detail.case.alias == opened.alias
    assert {code: (s.revision, s.author) for code, s in detail.sections.items()} == {"profile": (1, sari.id)}
    assert (entries()[-1].action, entries()[-1].subjects, entries()[-1].count) == ("case.list", (opened.subject,), 1)


# --- aliases -------------------------------------------------------------------------------------------------------------


def test_each_agency_knows_her_by_another_alias(desk, network, sari, session):
    lbh = network.agency("LBH", "legal")
    opened = desk(sari).open_case()
    theirs = transact(session, lambda s: queries.alias_for(s, case_id=opened.id, agency_id=lbh.id))
    assert theirs.id != opened.subject
    assert theirs.code != opened.alias
    assert transact(session, lambda s: queries.alias_for(s, case_id=opened.id, agency_id=lbh.id)) == theirs
    assert queries.aliases(session, case_ids=[opened.id, uuid.uuid4()], agency_id=lbh.id) == {opened.id: theirs}


def test_a_code_is_found_as_people_type_it_and_by_its_own_agency_only(desk, network, uptd, sari, session):
    lbh = network.agency("LBH", "legal")
    opened = desk(sari).open_case()
    for typed in (opened.alias, opened.alias.lower(), opened.alias.replace("-", ""), opened.alias[3:], f" {opened.alias} "):
        assert queries.case_of_alias(session, agency_id=uptd.id, code=typed) == opened.id
    with pytest.raises(errors.NotFound):
        queries.case_of_alias(session, agency_id=lbh.id, code=opened.alias)
    with pytest.raises(errors.NotFound):
        queries.case_of_alias(session, agency_id=uptd.id, code="SM-0000-0000" if opened.alias != "SM-0000-0000" else "SM-1111-1111")


def test_a_code_that_is_taken_is_drawn_again(desk, network, sari, session):
    lbh = network.agency("LBH", "legal")
    opened = desk(sari).open_case()
    taken, free = opened.alias.removeprefix("SM-"), "7777-7777"
    draws = iter([taken, taken, free])
    made = transact(session, lambda s: aliases.alias_for(s, case_id=opened.id, agency_id=lbh.id, draw=lambda: next(draws)))
    assert made.code == "SM-7777-7777"
    other = desk(sari).open_case()
    with pytest.raises(errors.Unavailable):
        transact(session, lambda s: aliases.alias_for(s, case_id=other.id, agency_id=lbh.id, draw=lambda: taken))


def test_two_at_once_make_one_alias(desk, network, sari, engine):
    lbh = network.agency("LBH", "legal")
    opened = desk(sari).open_case()
    made, gate = [], threading.Barrier(2)

    def make():
        with Session(engine) as own:
            gate.wait()
            made.append(transact(own, lambda s: queries.alias_for(s, case_id=opened.id, agency_id=lbh.id)))

    threads = [threading.Thread(target=make) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made[0] == made[1]


# --- the worker ----------------------------------------------------------------------------------------------------------


def test_the_worker_sees_dates_and_nothing_else_of_a_case(desk, sari, worker_url):
    opened = desk(sari).open_case()
    engine = create_engine(worker_url)
    with engine.connect() as connection:
        query = "SELECT id, agency_id, closed_at, last_activity, retention_until FROM case_file"
        assert connection.execute(text(query)).one().id == opened.id
    for refused in (
        "SELECT minor FROM case_file", "SELECT companion_id FROM case_file", "SELECT * FROM case_file", "SELECT code FROM alias",
        "SELECT case_id FROM conflict", "SELECT case_id FROM case_member", "UPDATE case_file SET retention_until = now()", "DELETE FROM case_file",
    ):  # fmt: skip
        with engine.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
            connection.execute(text(refused))
    engine.dispose()
