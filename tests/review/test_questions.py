"""Each numbered question on seeded entries: exactly its answer."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.audit import proofs, queries
from referral_hub.db import transact
from referral_hub.review import answers, questions
from referral_hub.review.questions.shape import Given
from tests.review.conftest import NOW, START
from tests.review.test_scanning import NIGHT

SINCE, UNTIL = START - timedelta(days=30), START + timedelta(days=3)
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
CONSENT = uuid.UUID(int=7)
TYPES = {
    "entry": int, "number": int, "moment": datetime, "day": date, "member": uuid.UUID, "agency": uuid.UUID, "referral": uuid.UUID, "subject": uuid.UUID,
    "roles": list, "sections": list, "flags": list, "reasons": list,
}  # fmt: skip


def at(minutes):
    return START + timedelta(minutes=minutes)


@pytest.fixture
def ask(story):
    """Ask a question as a network auditor about the days of the story; returns the rows as dicts by column."""

    def asked(number, *, by=None, now=NOW, most=500, **given):
        q = questions.question(number)
        period = {"since": SINCE, "until": UNTIL} if "since" in q.needs else {}
        story.session.rollback()
        found = transact(
            story.session,
            lambda s: answers.ask(s, actor=(by or story.auditor).actor, now=now, number=number, given=Given(**(period | given)), most=most),
        )
        assert not found.cut
        for row in found.rows:
            for (name, kind), value in zip(found.columns, row, strict=True):
                assert value is None or isinstance(value, TYPES.get(kind, str)), (name, kind, value)
        return [dict(zip(q.columns, row, strict=True)) for row in found.rows]

    return asked


@pytest.fixture
def life(story):
    """0 sent, 1 preview, 2 accepted, 3 read by the recipient, 4 read at home, 5 refused, 6 completed."""
    story.sends(at=0)
    story.event("open_preview", story.budi, at=5)
    story.event("accept", story.budi, at=10)
    story.reads(story.budi, at=12, sections=("needs", "safe_contact"))
    story.reads(story.sari, at=30)
    story.reads(story.tono, at=40, outcome="deny", reason="not_found")
    story.event("complete", story.budi, at=60)
    return story


def only(rows, *names):
    """Reduce rows to some columns; one column gives plain values."""
    return [row[names[0]] if len(names) == 1 else tuple(row[name] for name in names) for row in rows]


def test_the_list_is_whole():
    assert {q.number for q in questions.every()} | questions.NOT_BUILT == set(range(1, 36))
    assert {q.group for q in questions.every()} == set(questions.GROUPS)
    assert all(set(q.parameters) <= set(Given().values()) for q in questions.every())


def test_1_who_opened_a_referral(life, ask):
    other = life.another()
    other.reads(other.budi, at=50)
    rows = ask(1, referral=life.referral)
    assert only(rows, "entry", "member", "action", "outcome") == [
        (3, life.budi.id, "section.read", "allow"), (4, life.sari.id, "section.read", "allow"), (5, life.tono.id, "section.read", "deny"),
    ]  # fmt: skip
    assert rows[0] == {
        "entry": 3, "time": at(12), "member": life.budi.id, "roles": ["lawyer"], "agency": life.legal.id, "action": "section.read",
        "sections": ["needs", "safe_contact"], "purpose": "legal_aid", "basis": "recipient", "outcome": "allow",
    }  # fmt: skip


def test_2_everything_about_a_survivor(life, ask):
    other = life.another()
    other.reads(other.budi, at=50)
    life.add("referral.list", by=life.sari, at=51, page=True, subject=life.subject, count=1)
    life.reads(life.budi, at=52, subject=None)  # the recipient knows her by an alias of its own: the referral leads there
    assert only(ask(2, subject=life.subject), "entry") == [0, 1, 2, 3, 4, 5, 6, 8, 9]
    assert only(ask(2, subject=life.subject, since=at(10), until=at(35)), "entry") == [2, 3, 4]
    assert ask(2, subject=uuid.uuid4()) == []


def test_3_everything_a_member_did(life, ask):
    assert only(ask(3, member=life.budi.id), "entry", "action") == [
        (1, "referral.open_preview"), (2, "referral.accept"), (3, "section.read"), (6, "referral.complete"),
    ]  # fmt: skip
    assert only(ask(3, member=life.budi.id, since=at(11), until=at(60)), "entry") == [3]


def test_4_outside_the_members_hours(life, ask):
    night = life.reads(life.budi, at=NIGHT)
    holiday = life.reads(life.budi, at=datetime(2026, 10, 31, 3, 0, tzinfo=UTC))  # a Saturday
    assert only(ask(4), "entry") == [night, holiday]
    life.session.execute(text("UPDATE member SET timezone = 'Asia/Jayapura' WHERE id = :id"), {"id": life.sari.id})
    life.session.commit()
    late = life.reads(life.sari, at=START + timedelta(hours=5))  # 14.00 in Bandung, 16.00 in Jayapura
    assert only(ask(4), "entry") == [night, late, holiday]
    assert only(ask(4, agency=life.raised.id), "entry") == [late]


def test_4_on_a_holiday(life, ask):
    christmas = life.reads(life.budi, at=datetime(2026, 12, 25, 3, 0, tzinfo=UTC))
    assert only(ask(4, since=START, until=START + timedelta(days=60)), "entry") == [christmas]


def test_5_what_nothing_explains(life, ask):
    bare = life.reads(life.budi, at=20, basis="")
    other = life.add("consent.withdraw", by=life.tono, at=21, basis="none", object_kind="consent", object_id=CONSENT)
    life.add("consent.best_interest", by=life.tono, at=21, basis="none", rule_ids=("supervisor-acts",), object_kind="consent", object_id=CONSENT)
    life.add("session.sign_in", by=life.budi, at=22, subject=None)
    life.add("case.list", by=life.sari, at=23, page=True)
    life.add("subject.request", by=life.officer, at=24)
    life.reads(life.budi, at=25, basis="", outcome="deny", reason="not_found")
    life.add("referral.overdue", by=None, at=26, object_kind="referral", object_id=life.referral, referral_id=life.referral)
    assert only(ask(5), "entry") == [other, bare]


def test_6_break_glass(life, ask):
    def use(minutes, *, by=life.sari):
        grant = uuid.uuid4()
        return grant, life.add("break_glass.open", by=by, at=minutes, object_kind="grant", object_id=grant, basis="break_glass", purpose="break_glass")

    def review(grant, minutes, *, by):
        return life.add("break_glass.review", by=by, at=minutes, subject=None, object_kind="grant", object_id=grant)

    grants = [use(minutes) for minutes in (-3000, 0, 1, 2)]
    young = use(24 * 60)
    by_other = review(grants[1][0], 60, by=life.budi)
    by_self = review(grants[2][0], 61, by=life.sari)
    too_late = review(grants[3][0], 25 * 60, by=life.budi)
    rows = ask(6, now=at(25 * 60))
    assert only(rows, "state", "entry", "then", "reviewer") == [
        ("waits", young[1], None, None), ("late", grants[3][1], too_late, life.budi.id), ("same_person", grants[2][1], by_self, life.sari.id),
        ("reviewed", grants[1][1], by_other, life.budi.id), ("overdue", grants[0][1], None, None),
    ]  # fmt: skip
    assert only(rows, "hours")[-1] == 75


def test_7_after_the_end(life, ask):
    after = life.reads(life.budi, at=60 + 3 * 24 * 60)
    other = life.another()
    other.reads(other.budi, at=61)
    assert only(ask(7, until=UNTIL + timedelta(days=9)), "entry", "ending", "ended", "days") == [(after, "referral.complete", at(60), 3)]


def test_8_before_acceptance(story, ask):
    story.sends(at=0)
    story.reads(story.budi, at=1, action="referral.preview_read", sections=())
    early = story.reads(story.budi, at=2)
    story.reads(story.sari, at=3)
    story.event("accept", story.budi, at=4)
    story.reads(story.budi, at=5)
    assert only(ask(8), "entry") == [early]


def test_9_after_leaving_or_another_role(life, ask):
    life.add("member.suspend", by=life.officer, at=70, subject=None, object_kind="member", object_id=life.budi.id)
    after = life.reads(life.budi, at=80)
    life.add("account.reset", by=life.officer, at=90, subject=None, object_kind="member", object_id=life.budi.id)
    life.reads(life.budi, at=100)
    change = life.add("member.role_change", by=life.officer, at=110, subject=None, object_kind="member", object_id=life.tono.id)
    changed = life.reads(life.tono, at=120)
    life.reads(life.tono, at=110 + 25 * 60)
    assert only(ask(9), "earlier", "ending", "entry") == [(change, "member.role_change", changed), (7, "member.suspend", after)]


def test_10_machines_and_administrators(life, ask):
    admin = life.network.member(life.legal, "agency_admin")
    operator = life.add("agency.create", by=None, at=70, subject=None, actor_kind="operator", object_kind="agency")
    acted = life.add("member.invite", by=admin, at=71, subject=None, object_kind="member")
    life.add("referral.overdue", by=None, at=72, object_kind="referral", object_id=life.referral, referral_id=life.referral)
    assert only(ask(10), "entry", "action") == [(acted, "member.invite"), (operator, "agency.create")]


def test_12_refused_by_the_conflict_list(life, ask):
    first = life.reads(life.tono, at=70, outcome="deny", reason="conflict_of_interest")
    life.reads(life.tono, at=71, outcome="deny", reason="conflict_of_interest")
    assert only(ask(12), "entry", "member", "tries", "then") == [(first, life.tono.id, 2, None)]
    before = life.reads(life.tono, at=72)
    assert only(ask(12), "entry", "then", "then_action") == [(first, before, "section.read")]


def test_13_minors_and_protected(life, ask):
    child = life.reads(life.budi, at=70, subject_flags=("minor", "protected"))
    assert only(ask(13), "entry", "flags", "subject") == [(child, ["minor", "protected"], life.subject)]


def test_14_exports(life, ask):
    first = life.add("document.print", by=life.sari, at=70, object_kind="referral", object_id=life.referral, referral_id=life.referral, basis="assigned")
    life.add("document.print", by=life.sari, at=71, object_kind="referral", object_id=life.referral, referral_id=life.referral, basis="assigned")
    bundle = life.add("audit.export", by=life.auditor, at=24 * 60, subject=None)
    assert only(ask(14), "day", "member", "action", "entries", "referrals", "first_entry") == [
        (TUESDAY, life.auditor.id, "audit.export", 1, 0, bundle), (MONDAY, life.sari.id, "document.print", 2, 1, first),
    ]  # fmt: skip


def test_15_searches(life, ask):
    def search(minutes, hits=1):
        return life.add("case.search", by=life.sari, at=minutes, subject=None, object_kind="case", hits=hits)

    alone = search(70)
    search(100)
    life.reads(life.sari, at=101)
    many = search(150, hits=40)
    life.reads(life.sari, at=151)
    run = [search(200 + i / 2) for i in range(10)]
    life.reads(life.sari, at=206)
    rows = ask(15)
    assert only(rows, "state", "entry", "searches") == [("run", run[-1], 10), ("many_hits", many, 1), ("nothing_opened", alone, 1)]


def test_16_many_survivors_against_peers(story, ask):
    for i in range(12):
        story.add("case.read", by=story.sari, at=i, subject=uuid.uuid4(), basis="assigned", object_kind="case")
    for i in range(11):
        story.add("case.read", by=story.budi, at=100 + i, subject=uuid.uuid4(), basis="assigned", object_kind="case")
    story.add("case.read", by=story.tono, at=200, basis="assigned", object_kind="case")
    assert ask(16) == [{"day": MONDAY, "member": story.sari.id, "agency": story.raised.id, "survivors": 12, "usual": 11, "entries": 12}]


def test_17_many_users_around_one(life, ask):
    for i in range(3):
        life.reads(life.network.member(life.raised, "social_worker"), at=70 + i)
    assert only(ask(17), "day", "subject", "users", "agencies", "entries") == [(MONDAY, life.subject, 5, 2, 5)]


def test_18_denied_and_then_not(life, ask):
    for i in range(3):
        last = life.reads(life.budi, at=70 + i, outcome="deny", reason="section_not_granted")
    allowed = life.reads(life.budi, at=80)
    assert only(ask(18), "last_entry", "member", "tries", "reasons", "then") == [
        (last, life.budi.id, 3, ["section_not_granted"], allowed), (5, life.tono.id, 1, ["not_found"], None),
    ]  # fmt: skip


def test_19_and_20_two_sessions_at_once(life, ask):
    elsewhere = life.budi.as_(session_digest="f" * 32)
    for i in range(6):
        life.reads(elsewhere if i % 2 else life.budi, at=70 + i)
    life.reads(elsewhere, at=120)
    life.reads(life.budi, at=140)
    own = life.budi.actor.session_digest
    rows = ask(19)
    assert only(rows, "entry", "session", "earlier", "other_session") == [
        (12, "f" * 32, 11, own), (11, own, 10, "f" * 32), (10, "f" * 32, 9, own), (9, own, 8, "f" * 32),
    ]  # fmt: skip
    assert only(ask(20), "day", "member", "sessions", "switches", "first") == [(MONDAY, life.budi.id, 2, 4, at(72))]


def test_21_rights_and_what_followed(life, ask):
    change = life.add("member.role_change", by=life.officer, at=70, subject=None, object_kind="member", object_id=life.budi.id)
    followed = life.reads(life.budi, at=90)
    load = life.add("protocol.load", by=None, at=95, subject=None, actor_kind="operator", object_kind="config")
    assert only(ask(21), "entry", "about", "then", "then_action") == [(load, None, None, None), (change, life.budi.id, followed, "section.read")]


def test_22_disclosures_that_do_not_meet(life, ask):
    other = life.another()
    lost = other.event("send", other.sari, at=70, recipient_agency=other.legal.id, manifest_digest=b"\x02" * 32)
    third = life.another()
    bare = third.reads(third.budi, at=80)
    assert only(ask(22), "state", "entry", "recipient", "referral") == [
        ("not_sent", bare, life.legal.id, third.referral), ("not_received", lost, life.legal.id, other.referral),
    ]  # fmt: skip


def test_23_purpose_and_role(life, ask):
    wrong = life.reads(life.budi, at=70, purpose="health_care")
    counts = life.reads(life.sari, at=71, purpose="statistics")
    life.reads(life.sari, at=72, purpose="health_care")  # at home the purpose is the recipient's
    assert only(ask(23), "entry", "purpose", "kind") == [(counts, "statistics", "social_services"), (wrong, "health_care", "legal")]


def test_24_without_consent(life, ask):
    bare = life.reads(life.budi, at=70)
    life.reads(life.budi, at=71, consent_id=CONSENT, legal_basis="consent")
    withdrawal = {"object_kind": "consent", "object_id": CONSENT, "consent_id": CONSENT, "basis": "assigned"}
    life.add("consent.withdraw", by=life.sari, at=80, **withdrawal)
    late = life.reads(life.budi, at=81, consent_id=CONSENT, legal_basis="consent")
    assert only(ask(24), "state", "entry", "since") == [("withdrawn", late, at(80)), ("no_basis", bare, None), ("no_basis", 3, None)]


def test_25_sections_that_the_purpose_did_not_need(life, ask):
    more = life.reads(life.budi, at=70, sections=("needs", "medical"))
    assert only(ask(25), "state", "entry", "sections") == [("not_needed", more, ["medical"])]


def test_25_more_than_usual_was_sent(life, ask):
    life.add("referral.send", by=life.sari, at=60, sections=("identity", "medical"))
    sent = life.add("referral.send", by=life.sari, at=61, sections=("identity", "medical"), fields=("identity.religion", "medical.injuries"))
    life.add("referral.send", by=life.sari, at=62, outcome="deny", reason="beyond_matrix", fields=("medical.injuries",))
    assert only(ask(25), "state", "entry", "sections") == [("beyond_usual", sent, ["identity.religion", "medical.injuries"])]


def test_26_where_she_is(life, ask):
    field = life.reads(life.budi, at=70, action="field.reveal", sections=("identity",), fields=("identity.address_now",))
    life.reads(life.budi, at=71, action="field.reveal", sections=("identity",), fields=("identity.nik",))
    assert only(ask(26), "entry", "kind", "sections") == [(field, "legal", ["identity", "identity.address_now"]), (3, "legal", ["needs", "safe_contact"])]


def test_27_the_hours_before(life, ask):
    assert only(ask(27, subject=life.subject, moment=at(45)), "hours_before", "entry") == [(1, 5), (1, 4), (1, 3), (1, 2), (1, 1), (1, 0)]
    assert only(ask(27, subject=life.subject, moment=at(45 + 72 * 60)), "entry") == [6]


def test_28_dormant_accounts(life, ask):
    day = timedelta(days=1)
    rows = ask(28, now=START + 30 * day)
    assert rows == []
    woke = life.add("session.sign_in", by=life.budi, at=START + 70 * day, subject=None, object_kind="session")
    life.session.execute(text("UPDATE member SET last_sign_in = :at WHERE id IN (:budi, :tono)"), {"at": START + 70 * day, "budi": life.budi.id, "tono": life.tono.id})
    life.session.execute(text("UPDATE member SET last_sign_in = :at WHERE id = :sari"), {"at": START, "sari": life.sari.id})
    life.session.commit()
    rows = ask(28, now=START + 71 * day, since=START, until=START + 80 * day, agency=life.legal.id)
    assert only(rows, "state", "entry", "member", "days") == [("woke", woke, life.budi.id, 70), ("never_used", None, life.officer.id, 71)]
    assert only(ask(28, now=START + 71 * day, agency=life.raised.id), "state", "member", "last") == [("dormant", life.sari.id, START)]


@pytest.fixture
def signed(life, owner_engine):
    """Checkpoints as rows: of size 3 at minute 15 with a quorum, of size 5 at minute 50 without, by one listed witness."""

    def put(statement, **values):
        with owner_engine.begin() as connection:
            connection.execute(text(statement), values)

    checkpoint = "INSERT INTO audit_checkpoint (id, origin, size, root, note, signed_at) VALUES (:id, 'o', :size, :root, 'n', :at)"
    first, second = uuid.uuid4(), uuid.uuid4()
    put(checkpoint, id=first, size=3, root=b"\x01" * 32, at=at(15))
    put(checkpoint, id=second, size=5, root=b"\x02" * 32, at=at(50))
    put("INSERT INTO audit_witness (key, name, listed, since, failure) VALUES ('k', 'lbh.witness.test', true, :at, '')", at=at(0))
    put(
        "INSERT INTO audit_cosignature (checkpoint_id, witness, line, cosigned_at, received_at) VALUES (:id, 'k', 'l', :at, :received)",
        id=first, at=at(16), received=at(17),
    )  # fmt: skip
    put("INSERT INTO audit_quorum (checkpoint_id, reached_at) VALUES (:id, :at)", id=first, at=at(17))
    return life


def test_29_what_is_witnessed(signed, ask):
    assert only(ask(29), "state", "entries", "first_entry", "last_entry") == [("witnessed", 3, 0, 2), ("signed", 2, 3, 4), ("recorded", 2, 5, 6)]


def test_30_does_the_log_continue_what_was_seen(signed, ask):
    session = signed.session
    root = proofs.root_at(session, size=4)
    session.rollback()
    assert only(ask(30), "state", "size", "witness", "minutes") == [("not_compared", 7, None, None), ("cosigned", 3, "lbh.witness.test", 2)]
    assert ask(30, size=4, root=root.hex())[0]["state"] == "continues"
    assert ask(30, size=5, root=root.hex())[0]["state"] == "differs"
    assert ask(30, size=99, root=root.hex())[0]["state"] == "shorter"
    with pytest.raises(errors.InputInvalid) as refused:
        ask(30, size=4, root="none")
    assert refused.value.fields == {"root": ("malformed",)}


def test_31_gaps_and_jumps(signed, ask):
    jump = signed.add("clockwork.jump", by=None, at=70, subject=None, object_kind="system")
    back = signed.reads(signed.budi, at=30)
    rows = ask(31, now=at(100))
    assert only(rows, "state", "entry", "minutes", "action") == [
        ("not_witnessed", None, 50, None), ("event", jump, None, "clockwork.jump"), ("no_checkpoint", None, 35, None), ("backwards", back, 40, "section.read"),
    ]  # fmt: skip


def test_32_receipts(life, ask):
    good = life.add("audit.reconcile", by=life.officer, at=70, subject=None, object_kind="log", count=12)
    bad = life.add("audit.reconcile", by=life.officer, at=71, subject=None, object_kind="log", count=13, outcome="error", reason="bad_proof")
    assert only(ask(32), "entry", "outcome", "reason", "compared") == [(bad, "error", "bad_proof", 13), (good, "allow", "", 12)]


def test_33_the_auditors_own_reading(life, ask):
    ask(5, by=life.officer)
    ask(1, referral=life.referral)
    rows = ask(33, since=START, until=NOW + timedelta(minutes=1))
    assert only(rows, "member", "action", "sections", "rows") == [(life.auditor.id, "audit.ask", ["question.1"], 3), (life.officer.id, "audit.ask", ["question.5"], 0)]


def test_34_keys(life, ask):
    admitted = life.add("key.admit", by=life.budi, at=70, subject=None, object_kind="member", object_id=life.tono.id)
    assert only(ask(34), "entry", "member", "about") == [(admitted, life.budi.id, life.tono.id)]


def test_35_findings(life, ask):
    values = {"agency": life.legal.id, "by": life.auditor.id, "other": life.second_auditor.id, "now": START}
    insert = (
        "INSERT INTO finding (id, number, rule, agency_id, state, opened_by, opened_at, answer_by, explained_at, confirmed_at, closed_by, closed_at, version) "
        "VALUES (:id, :number, 'R3', :agency, :state, :by, :now, :now, :explained, NULL, :closer, :closed, 1)"
    )
    closed = START + timedelta(hours=5)
    for number, state, extra in (("a", "open", {}), ("b", "closed", {"explained": closed, "closer": values["other"], "closed": closed})):
        row = {"id": uuid.uuid4(), "number": number, "state": state, "explained": None, "closer": None, "closed": None} | extra
        life.session.execute(text(insert), values | row)
    life.session.commit()
    assert ask(35) == [
        {"agency": life.legal.id, "rule": "R3", "opened": 2, "waiting": 1, "explained": 1, "confirmed": 0, "closed": 1, "hours": 5}
    ]  # fmt: skip


@pytest.mark.parametrize("number", [q.number for q in questions.every()])
def test_an_officer_sees_the_own_agency_and_disclosures_to_it(life, ask, number):
    """Whatever is asked, no entry of another agency comes back that is not a disclosure to the own."""
    stranger = life.network.member(life.network.agency("pkm", "health"), "doctor")
    theirs = [
        life.add("section.read", by=stranger, at=70, basis="", object_kind="section", object_id=life.referral, referral_id=life.referral, sections=("identity",)),
        life.add("document.print", by=stranger, at=71, object_kind="referral", object_id=life.referral, referral_id=life.referral),
        life.add("case.search", by=stranger, at=72, subject=None, object_kind="case", hits=99),
        life.add("section.read", by=stranger, at=73, outcome="deny", reason="conflict_of_interest", object_id=life.referral, referral_id=life.referral),
        life.add("key.admit", by=stranger, at=74, subject=None, object_kind="member", object_id=stranger.id),
    ]
    given = {"referral": life.referral, "subject": life.subject, "member": stranger.id, "moment": at(80)}
    rows = ask(number, by=life.officer, **{name: given[name] for name in questions.question(number).needs if name in given})
    shown = {value for row in rows for name, value in row.items() if name in {"entry", "then", "first_entry", "last_entry"}}
    assert not shown & set(theirs) or number == 29
    assert stranger.id not in {row.get("member") for row in rows}


def test_each_ask_is_an_entry(life, ask):
    ask(1, referral=life.referral)
    said = life.entries()[0]
    assert (said.action, said.actor_id, said.fields, said.object_id, said.count) == ("audit.ask", life.auditor.id, ("question.1",), life.referral, 3)


def test_who_may_not_ask_is_refused(life, ask):
    with pytest.raises(errors.NotAllowed):
        ask(5, by=life.sari)
    with pytest.raises(errors.NotFound):
        ask(11)


def test_what_is_missing_is_named(life):
    def asking(**given):
        return transact(life.session, lambda s: answers.ask(s, actor=life.auditor.actor, now=NOW, number=1, given=Given(**given)))

    with pytest.raises(errors.InputInvalid) as refused:
        asking()
    assert refused.value.fields == {"referral": ("required",)}
    with pytest.raises(errors.InputInvalid) as refused:
        asking(referral=life.referral, since=NOW, until=START)
    assert refused.value.fields == {"until": ("out_of_range",)}


def test_more_rows_than_shown_are_told(life):
    given = Given(referral=life.referral)
    found = transact(life.session, lambda s: answers.ask(s, actor=life.auditor.actor, now=NOW, number=1, given=given, most=2))
    assert (len(found.rows), found.more) == (2, True)


def test_what_takes_too_long_is_cut_off_and_recorded(life, monkeypatch):
    from referral_hub.review.questions import registry

    slow = replace(questions.question(1), read=lambda asking: asking.session.execute(text("SELECT pg_sleep(3)")).all())
    monkeypatch.setattr(registry, "_BY_NUMBER", {1: slow})
    found = transact(life.session, lambda s: answers.ask(s, actor=life.auditor.actor, now=NOW, number=1, given=Given(referral=life.referral), seconds=1))
    assert (found.rows, found.cut, found.more) == ((), True, False)
    said = queries.peek(life.session, found.ticket.index).entry
    assert (said.outcome, said.reason) == ("error", "too_long")


def test_a_spoilt_entry_spoils_no_question(life, ask, owner_engine):
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET payload = 'spoilt' WHERE idx = 3"))
    rows = ask(1, referral=life.referral)
    assert only(rows, "entry", "sections") == [(3, []), (4, ["needs"]), (5, ["needs"])]


def test_a_long_period_is_answered_in_parts(life):
    """What reads every entry of its period answers a long one by 31 days, the newest first; each part is asked, and recorded, by itself."""
    given = Given(since=START - timedelta(days=70), until=START + timedelta(days=1))

    def part(number, question=16, period=given):
        life.session.rollback()
        return transact(life.session, lambda s: answers.ask(s, actor=life.auditor.actor, now=NOW, number=question, given=period, part=number)).part

    parts = [part(number) for number in (1, 2, 3)]
    assert [(one.number, one.of) for one in parts] == [(1, 3), (2, 3), (3, 3)]
    assert (parts[0].until, parts[-1].since) == (given.until, given.since)
    assert [one.since for one in parts[:2]] == [one.until for one in parts[1:]]
    assert all(one.until - one.since <= answers.PART for one in parts)
    assert (part(0).number, part(99).number) == (1, 3)
    assert life.entries()[0].fields == ("question.16",)
    assert part(1, question=5) is None  # a few rows, whatever the period
    assert part(1, period=Given(since=given.until - answers.PART, until=given.until)) is None
