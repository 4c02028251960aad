"""Seeded patterns raise exactly their hits, a quiet week raises none, and the cursor neither doubles nor leaves a gap."""

import os
import signal
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from referral_hub.review import scanning
from referral_hub.review.rules import watch
from tests.review.conftest import NOW, START

NIGHT = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)  # 01.30 on Tuesday
CONSENT = uuid.UUID(int=7)


def quiet(story):
    """A referral as it should go: sent, received, accepted, read by who answers for it, ended."""
    story.sends(at=0)
    story.event("open_preview", story.budi, at=5)
    story.reads(story.budi, at=6, action="referral.preview_read", object_kind="referral", sections=())
    story.event("accept", story.budi, at=10)
    story.reads(story.budi, at=12)
    story.reads(story.sari, at=30)
    story.add("case.list", by=story.sari, at=31, page=True, count=1)
    story.add("session.sign_in", by=story.budi, at=40, subject=None, object_kind="session")
    story.event("complete", story.budi, at=60)


def test_a_quiet_week_raises_nothing(story):
    quiet(story)
    assert story.scan(now=NOW + timedelta(days=7)) == []


def no_basis(story):
    return story.reads(story.budi, at=20, basis="")


def break_glass(story):
    return story.add("break_glass.open", by=story.sari, at=20, object_kind="grant", object_id=uuid.uuid4(), purpose="break_glass", basis="break_glass")


def at_night(story):
    first = story.reads(story.budi, at=NIGHT)
    story.reads(story.budi, at=NIGHT + timedelta(minutes=20))  # the same evening, told once
    return first


def many_survivors(story):
    others = [story.add("case.read", by=story.sari, at=100 + i, subject=uuid.uuid4(), basis="assigned", object_kind="case", object_id=uuid.uuid4()) for i in range(21)]
    return others[watch.PEERS_AT_LEAST - 2]  # with the one she read before, it crosses the line; none after it does


def curious_colleague(story):
    return story.reads(story.tono, at=20)  # neither handles it nor ever read anything of this sender


def after_refusal(story):
    story.event("decline", story.budi, at=50)
    return story.reads(story.budi, at=60)


def closed_file(story):
    """Whoever closed the file and is still assigned to it: she reads on for thirty days, and a copy in it no longer than that."""
    file = {"object_kind": "case", "object_id": story.subject, "basis": "assigned", "purpose": "case_coordination"}
    story.add("case.close", by=story.sari, at=50, **file)
    story.add("case.read", by=story.sari, at=START + timedelta(days=28), sections=("identity",), **file)
    late = [story.add("case.read", by=story.sari, at=START + timedelta(days=35, minutes=m), sections=("identity",), **file) for m in (0, 90)]
    copied = story.add("case.read", by=story.sari, at=START + timedelta(days=35, minutes=180), sections=("needs",), referral_id=story.referral, **file)
    return [*late, copied]


def after_leaving(story):
    story.add("member.disable", by=story.officer, at=50, subject=None, object_kind="member", object_id=story.budi.id)
    return story.reads(story.budi, at=60)


def trawl(story):
    return [story.add("case.search", by=story.sari, at=50 + i / 10, subject=None, object_kind="case", hits=3) for i in range(10)][-1]


def export_burst(story):
    return [story.add("document.print", by=story.sari, at=50 + i, object_kind="referral", object_id=story.referral, basis="assigned") for i in range(10)][-1]


def two_places(story):
    elsewhere = story.budi.as_(session_digest="f" * 32)
    story.reads(elsewhere, at=51)
    story.reads(story.budi, at=52)
    story.reads(elsewhere, at=53)
    return story.added[-1]


def denied_then_in(story):
    for i in range(5):
        story.reads(story.budi, at=50 + i, outcome="deny", reason="section_not_granted")
    found = story.reads(story.budi, at=56)
    story.reads(story.budi, at=57)
    return found


def right_then_access(story):
    story.add("member.role_change", by=story.officer, at=50, subject=None, object_kind="member", object_id=story.budi.id)
    found = story.reads(story.budi, at=60)
    story.reads(story.budi, at=61)
    return found


def many_viewers(story):
    people = [story.network.member(story.raised, "social_worker") for _ in range(4)]
    indexes = [story.reads(person.as_(session_digest=""), at=50 + i) for i, person in enumerate(people)]
    return indexes[2:]  # with Sari and Budi the third is the fifth; so is everyone new after


def where_she_is(story):
    return story.reads(story.budi, at=50, action="field.reveal", object_kind="field", sections=("identity",), fields=("identity.address_now",))


def wrong_purpose(story):
    return story.reads(story.budi, at=50, purpose="health_care")


def after_withdrawal(story):
    story.add("consent.withdraw", by=story.sari, at=50, object_kind="consent", object_id=CONSENT, consent_id=CONSENT, basis="assigned")
    return story.reads(story.budi, at=51, consent_id=CONSENT)


def long_asleep(story):
    return story.add("session.sign_in", by=story.budi, at=START + timedelta(days=63), subject=None, object_kind="session")


def operator_reads(story):
    return story.add("section.read", by=None, at=50, actor_kind="operator", object_kind="section", object_id=story.referral, referral_id=story.referral)


def never_received(story):
    other = story.another()
    return other.event("send", other.sari, at=50, recipient_agency=other.legal.id, manifest_digest=b"\x02" * 32)


def clock_jumped(story):
    return story.add("clockwork.jump", by=None, at=50, subject=None, object_kind="system")


def witness_late(story):
    return story.add("checkpoint.witness_late", by=None, at=50, subject=None, object_kind="checkpoint", outcome="error", reason="late")


PATTERNS = {
    no_basis: ["R1"], break_glass: ["R2"], at_night: ["R3"], many_survivors: ["R4"], curious_colleague: ["R5"], after_refusal: ["R9"], closed_file: ["R9"], after_leaving: ["R10"],
    trawl: ["R11"], export_burst: ["R12"], two_places: ["R13"], denied_then_in: ["R14"], right_then_access: ["R15"], many_viewers: ["R16"],
    where_she_is: ["R17"], wrong_purpose: ["R18"], after_withdrawal: ["R19"], long_asleep: ["R20"], operator_reads: ["R1", "R21"], never_received: ["R22"],
    clock_jumped: ["R23"], witness_late: ["R24"],
}  # fmt: skip


def test_every_rule_has_a_pattern():
    assert {code for codes in PATTERNS.values() for code in codes} == set(watch.CODES)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.__name__)
def test_a_pattern_raises_exactly_its_hits(story, pattern):
    story.sends(at=0)
    story.event("open_preview", story.budi, at=5)
    story.event("accept", story.budi, at=10)
    story.reads(story.budi, at=12)
    story.reads(story.sari, at=13)
    found = pattern(story)
    indexes = found if isinstance(found, list) else [found]
    assert story.scan(now=NOW + timedelta(days=70)) == [(rule, idx) for idx in indexes for rule in PATTERNS[pattern]]


def test_explained_at_night(story):
    """Who is on duty, an agency that never sleeps, and a referral that cannot wait explain the hour."""
    story.sends(at=0)
    story.event("accept", story.budi, at=10)
    story.session.execute(text("UPDATE referral SET urgency = 'emergency'"))
    story.session.commit()
    story.reads(story.budi, at=NIGHT)
    assert story.scan() == []


def test_peers_excuse_a_busy_day(story):
    """Where others open as many survivors on their days, nobody stands out."""
    for person, day in ((story.budi, 0), (story.tono, 1)):
        for i in range(30):
            story.add("case.read", by=person, at=day * 24 * 60 + i, subject=uuid.uuid4(), basis="assigned", object_kind="case", object_id=uuid.uuid4())
    assert [hit for hit in story.scan(now=NOW + timedelta(days=5)) if hit[0] == "R4"] == [("R4", 19)]


def test_a_review_in_time_and_a_receipt_in_time_keep_the_rules_quiet(story):
    grant = uuid.uuid4()
    story.add("break_glass.open", by=story.sari, at=0, object_kind="grant", object_id=grant, basis="break_glass")
    story.add("break_glass.review", by=story.sari, at=5, object_kind="grant", object_id=grant, subject=None)
    story.sends(at=10)
    story.event("open_preview", story.budi, at=20)
    assert story.scan(now=NOW + timedelta(days=3)) == [("R2", 0)]  # a review of one's own use is none


def test_rules_that_wait_look_once_an_entry_is_a_day_old(story):
    index = never_received(story)
    assert story.scan(now=START + timedelta(hours=20)) == []
    assert story.scan(now=START + timedelta(hours=30)) == [("R22", index)]
    assert story.scan(now=START + timedelta(hours=60)) == [("R22", index)]


def test_a_second_run_finds_nothing_again(story, worker):
    found = [no_basis(story), at_night(story)]
    for _ in range(3):
        scanning.scan(worker, now=NOW)
    assert story.hits() == [("R1", found[0]), ("R3", found[1])]


def test_a_batch_that_fails_leaves_nothing(story, worker, monkeypatch):
    for i in range(6):
        story.reads(story.budi, at=i, basis="")
    monkeypatch.setattr(scanning, "BATCH", 2)
    met = []

    def stumble(entry, around):
        met.append(entry)
        if len(met) == 4:
            raise RuntimeError
        return True

    monkeypatch.setattr(watch, "RULES", (watch.Rule("R1", watch.needs_explanation, stumble),))
    with pytest.raises(RuntimeError):
        scan_small(worker)
    assert story.hits() == [("R1", 0), ("R1", 1)]
    scan_small(worker)
    assert story.hits() == [("R1", i) for i in range(6)]


def scan_small(session):
    from referral_hub.db import transact

    while transact(session, lambda s: scanning.scan_batch(s, pace=watch.AT_ONCE, now=NOW, limit=2)).entries:
        pass


KILLED = """
import sys, time
from datetime import datetime, UTC
from sqlalchemy.orm import Session
from referral_hub.db.engine import make_engine
from referral_hub.db import transact
from referral_hub.review import scanning
with Session(make_engine(sys.argv[1])) as session:
    count = 0
    def slow(s):
        done = scanning.scan_batch(s, pace="at_once", now=datetime(2026, 11, 24, 3, tzinfo=UTC), limit=5)
        s.flush()
        print("batch", flush=True)
        time.sleep(0.1)
        return done
    while transact(session, slow).entries:
        pass
"""


def test_killed_in_the_middle_nothing_is_doubled_and_nothing_missed(story, worker_url):
    for i in range(40):
        story.reads(story.budi, at=i, basis="")
    for _ in range(2):
        with subprocess.Popen([sys.executable, "-c", KILLED, worker_url], stdout=subprocess.PIPE, text=True) as process:
            for _ in range(2):
                assert process.stdout.readline() == "batch\n"
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    so_far = [idx for rule, idx in story.hits() if rule == "R1"]
    assert so_far == list(range(len(so_far)))
    assert len(so_far) % 5 == 0
    assert 5 <= len(so_far) < 40
    assert [hit for hit in story.scan() if hit[0] == "R1"] == [("R1", i) for i in range(40)]


def test_an_entry_that_is_none_does_not_stop_the_rules(story, owner_engine):
    story.reads(story.budi, at=0, basis="")
    broken = story.reads(story.budi, at=1, basis="")
    after = story.reads(story.budi, at=2, basis="")
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET payload = 'spoilt' WHERE idx = :idx"), {"idx": broken})
    assert [idx for rule, idx in story.scan() if rule == "R1"] == [0, after]


def test_a_hole_in_the_log_does_not_stop_the_rules(story, owner_engine):
    for i in range(3):
        story.reads(story.budi, at=i, basis="")
    with owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entry WHERE idx = 1"))
    assert [idx for rule, idx in story.scan() if rule == "R1"] == [0, 2]
