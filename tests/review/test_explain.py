"""What explains an entry, decided from the entry alone; and the codes that the rules of the desk are made of."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from referral_hub import audit, protocol
from referral_hub.access import Verb, policies
from referral_hub.protocol import deadlines
from referral_hub.review.rules import kinds, watch
from referral_hub.review.rules.explain import BY_RULE, Basis, explain, group_of
from referral_hub.review.rules.watch import Around

MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)  # 10.00 in Jakarta


def entry(action, **facts):
    known = {"occurred_at": MONDAY, "actor_kind": "member", "actor_id": uuid.UUID(int=1), "session_digest": "aa"}
    return audit.Entry(action=action, **(known | facts))


@pytest.mark.parametrize(
    ("said", "basis"),
    [
        (entry("section.read", basis="assigned"), Basis.ASSIGNED),
        (entry("section.read", basis="recipient"), Basis.RECIPIENT),
        (entry("case.read", basis="supervisor"), Basis.SUPERVISOR),
        (entry("case.read", basis="break_glass"), Basis.BREAK_GLASS),
        (entry("break_glass.review"), Basis.BREAK_GLASS),
        (entry("case.list", page=True), Basis.OWN_SCOPE),
        (entry("case.list"), Basis.NONE),
        (entry("case.search", hits=3), Basis.OWN_SCOPE),
        (entry("session.sign_in"), Basis.OWN_ACCOUNT),
        (entry("account.settings"), Basis.OWN_ACCOUNT),
        (entry("account.reset"), Basis.ADMINISTRATION),
        (entry("member.suspend"), Basis.ADMINISTRATION),
        (entry("directory.find", hits=2), Basis.ADMINISTRATION),
        (entry("audit.read"), Basis.OVERSIGHT),
        (entry("finding.open"), Basis.OVERSIGHT),
        (entry("subject.statement"), Basis.OVERSIGHT),
        (entry("referral.overdue", actor_kind="clock", actor_id=None), Basis.SYSTEM),
        (entry("section.read", actor_kind="operator", actor_id=None, basis="assigned"), Basis.NONE),
        (entry("section.read"), Basis.NONE),
        (entry("section.read", basis="none"), Basis.NONE),
        (entry("consent.withdraw", basis="none"), Basis.NONE),
        (entry("consent.best_interest", basis="none", rule_ids=("supervisor-acts",)), Basis.SUPERVISOR),
        (entry("document.print", rule_ids=("statement-printed",)), Basis.OVERSIGHT),
        (entry("document.print"), Basis.NONE),
        (entry("section.read", outcome="deny", reason="not_found"), Basis.REFUSED),
        (entry("a code that the list has not"), Basis.NONE),
    ],
    ids=lambda value: value if isinstance(value, str) else value.action if isinstance(value, audit.Entry) else "",
)
def test_what_explains_an_entry(said, basis):
    assert explain(said) is basis


def test_every_code_of_the_desk_is_agreed():
    agreed = protocol.current().codelist("audit_events")
    lists = {name: value for name, value in vars(kinds).items() if name.isupper() and isinstance(value, tuple) and not name.startswith("PLACE")}
    assert len(lists) > 10
    for name, codes in lists.items():
        assert [code for code in codes if code not in agreed] == [], name


def test_every_opening_of_the_policy_is_one_here():
    _, schema = policies.texts()
    opening = {verb for verb in Verb if f'"{verb}"' in schema and any(f'"{verb}"' in line and "opening" in line.partition(" in [")[2].partition("]")[0].split(", ") for line in schema.splitlines())}
    assert opening
    assert opening <= set(kinds.OPENINGS)


def test_rules_that_explain_are_rules_of_the_policy():
    assert set(BY_RULE) <= {rule.id for rule in policies.current().rules if not rule.forbids}


def test_places_are_fields_of_the_form():
    for name in kinds.PLACE_FIELDS:
        protocol.current().field(name)
    assert set(kinds.PLACE_SECTIONS) <= set(protocol.current().sections)


def test_groups_come_from_the_agreed_list():
    assert group_of("section.read") == "referrals"
    assert group_of("none.such") == ""


OFFICE = deadlines.Calendar(dict.fromkeys(range(5), ("08:00", "16:00")), "Asia/Jakarta")
JAYAPURA = deadlines.Calendar(dict.fromkeys(range(5), ("08:00", "16:00")), "Asia/Jayapura")


@pytest.mark.parametrize(
    ("at", "around", "met"),
    [
        (MONDAY, Around(calendar=OFFICE), False),
        (MONDAY + timedelta(hours=7), Around(calendar=OFFICE), True),
        (MONDAY + timedelta(hours=5, minutes=30), Around(calendar=OFFICE), False),
        (MONDAY + timedelta(hours=5, minutes=30), Around(calendar=JAYAPURA), True),  # 17.30 there
        (MONDAY - timedelta(days=1), Around(calendar=OFFICE), True),
        (MONDAY + timedelta(hours=7), Around(calendar=OFFICE, on_duty=True), False),
        (MONDAY + timedelta(hours=7), Around(calendar=OFFICE, urgent=True), False),
        (MONDAY + timedelta(hours=7), Around(calendar=OFFICE, just_before=True), False),
        (MONDAY + timedelta(hours=7), Around(), False),
    ],
)
def test_outside_hours_is_told_in_the_members_own_zone(at, around, met):
    assert watch.outside_hours(entry("section.read", occurred_at=at), around) is met


@pytest.mark.parametrize(
    ("by", "days", "basis", "met"),
    [
        ("referral.complete", 29, "recipient", False),
        ("referral.complete", 31, "recipient", True),
        ("referral.decline", 0.1, "recipient", True),
        ("referral.complete", 90, "assigned", False),
        ("case.close", 29, "assigned", False),
        ("case.close", 31, "assigned", True),
    ],
)
def test_a_completed_referral_may_be_read_for_thirty_days(by, days, basis, met):
    around = Around(ended_at=MONDAY - timedelta(days=days), ended_by=by)
    assert watch.after_end(entry("section.read", basis=basis), around) is met


@pytest.mark.parametrize(("before", "met"), [((), False), (("aa",), False), (("bb",), False), (("bb", "aa"), True), (("aa", "bb"), False)])
def test_two_places_need_the_way_back(before, met):
    assert watch.two_places(entry("section.read"), Around(sessions=before)) is met
