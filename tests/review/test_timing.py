"""How long each question takes over a long log: entries written straight into the tables, as nobody could append so many in a test."""

import os
import random
import time
import uuid
from datetime import timedelta

import pytest

from referral_hub import audit
from referral_hub.audit import entry as entries
from referral_hub.db import transact
from referral_hub.review import answers, questions
from referral_hub.review.questions.shape import Given
from tests.review.conftest import START

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
SIZE = int(os.environ.get("HUB_REVIEW_ENTRIES", "200000"))
DAYS = 365
MIX = (
    ("section.read", 34), ("case.read", 18), ("referral.list", 14), ("case.list", 10), ("field.reveal", 4), ("section.safe_contact_read", 4), ("session.sign_in", 4),
    ("referral.preview_read", 2), ("referral.send", 2), ("referral.accept", 2), ("referral.complete", 1), ("case.search", 2), ("document.print", 1),
    ("directory.find", 1), ("member.role_change", 0.05), ("audit.read", 0.5), ("consent.withdraw", 0.1), ("break_glass.open", 0.05),
)  # fmt: skip


def generated(size, story):
    """Entries of a year: 40 agencies, 400 members, survivors and referrals in proportion, 2 % refused; one in 500 explained by nothing."""
    chance = random.Random(7)  # noqa: S311 - a fixed log, nothing secret
    people = [(uuid.UUID(int=chance.getrandbits(128)), uuid.UUID(int=i % 40 + 1000)) for i in range(400)]
    people[0], people[1] = (story.sari.id, story.raised.id), (story.budi.id, story.legal.id)
    survivors = [uuid.UUID(int=chance.getrandbits(128)) for _ in range(size // 50)] + [story.subject]
    referrals = [uuid.UUID(int=chance.getrandbits(128)) for _ in range(size // 40)] + [story.referral]
    actions, weights = zip(*MIX, strict=True)
    step = timedelta(days=DAYS) / size
    for idx in range(size):
        action = chance.choices(actions, weights)[0]
        member, agency = people[int(abs(chance.gauss(0, 120))) % len(people)]
        place = int(idx / size * len(survivors) * 0.9 + chance.random() * len(survivors) * 0.1)
        at_referral = action.startswith(("referral", "section", "field", "document")) and action != "referral.list"
        said = audit.Entry(
            occurred_at=START - timedelta(days=DAYS) + step * idx, action=action, actor_kind="member", actor_id=member, roles=("case_lead",), agency_id=agency,
            session_digest=f"{hash((member, idx // 2000)) & (2**128 - 1):032x}", auth_method="passphrase_totp", auth_strength="full", object_kind="section",
            object_id=referrals[place % len(referrals)], referral_id=referrals[place % len(referrals)] if at_referral else None,
            sections=("identity", "needs") if at_referral else (), subjects=() if action in {"session.sign_in", "case.search", "directory.find"} else (survivors[place % len(survivors)],),
            subject_flags=("minor",) if place % 11 == 0 else (), page=action.endswith(".list"), count=1 if action.endswith(".list") else None,
            hits=3 if action == "case.search" else None, purpose="case_coordination", basis="" if idx % 500 == 0 else ("recipient" if agency.int % 2 else "assigned"),
            rule_ids=("own-file-opened",), policy_digest="cd" * 32, outcome="deny" if idx % 50 == 1 else "allow", reason="not_found" if idx % 50 == 1 else "",
            recipient_agency=story.legal.id if action == "referral.send" else None, manifest_digest=b"\x01" * 32 if action == "referral.send" else None,
            request_id=f"{idx:032x}",
        )  # fmt: skip
        place_in_log = entries.Place(idx=idx, event_id=uuid.UUID(int=chance.getrandbits(128)), salt=chance.randbytes(16), software="0.1.0", origin="o", actor_seq=1, actor_prev=max(idx - 1, 0))
        yield idx, entries.payload(said, place_in_log), said


COLUMNS = ("idx", "leaf_hash", "payload", *entries.PROJECTED)


@pytest.fixture
def long_log(story, owner_engine):
    raw = owner_engine.raw_connection()
    driver = raw.driver_connection
    driver.execute("SET statement_timeout = 0")
    with driver.cursor() as cursor, cursor.copy(f"COPY audit_entry ({', '.join(COLUMNS)}) FROM STDIN") as copy:
        for idx, payload, said in generated(SIZE, story):
            columns = entries.projection(said)
            copy.write_row([idx, b"\x00" * 32, payload, *(columns[name] for name in entries.PROJECTED)])
    driver.execute("UPDATE audit_head SET size = %s", (SIZE,))
    driver.commit()
    driver.autocommit = True
    driver.execute("VACUUM ANALYZE audit_entry")
    driver.autocommit = False
    raw.close()
    return story


def test_every_question_answers_in_a_second(long_log):
    """The usual period of the page: the last thirty days; where no period is needed, the whole log."""
    took = {}
    given = Given(
        referral=long_log.referral, subject=long_log.subject, member=long_log.sari.id, moment=START - timedelta(days=10), since=START - timedelta(days=30),
        until=START,
    )  # fmt: skip
    slow = {}
    for question in questions.every():
        for _ in range(2):
            started = time.perf_counter()
            transact(long_log.session, lambda s, q=question: q.read(questions_asking(s, given)))
            took[question.number] = time.perf_counter() - started
    for number, seconds in sorted(took.items(), key=lambda item: -item[1]):
        print(f"question {number}: {seconds * 1000:.0f} ms")
        if seconds > 1:
            slow[number] = seconds
    assert slow == {}


def questions_asking(session, given):
    from referral_hub.review.questions.shape import Asking

    return Asking(session, given, START, answers.MOST)
