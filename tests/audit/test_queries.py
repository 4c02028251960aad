"""Reading the log: filters, pages, the scope of a data-protection officer, the last sending."""

import uuid
from datetime import timedelta

import pytest

from referral_hub.audit import queries
from referral_hub.audit.queries import Filter
from tests.audit.conftest import BUDI, LEGAL, NOW, OTHER, RAISED, REFERRAL, SARI, SURVIVOR, add, entry

ANOTHER = uuid.UUID(int=32)


def indexes(rows):
    return [row.idx for row in rows]


@pytest.fixture
def story(log):
    """0 sending, 1 opening by legal aid, 2 refusal, 3 list page, 4 another referral, 5 the clock."""
    add(
        log,
        entry(action="referral.send", object_kind="referral", recipient_agency=LEGAL, manifest_digest=b"\x01" * 32),
        entry(actor_id=BUDI, agency_id=LEGAL, subjects=(OTHER,), basis="recipient", occurred_at=NOW + timedelta(hours=1)),
        entry(
            actor_id=BUDI, agency_id=LEGAL, subjects=(), outcome="deny", reason="section_not_granted", occurred_at=NOW + timedelta(hours=2)
        ),
        entry(
            action="referral.list",
            object_kind="referral",
            object_id=None,
            referral_id=None,
            page=True,
            subjects=(SURVIVOR, OTHER),
            count=2,
            occurred_at=NOW + timedelta(hours=3),
        ),
        entry(object_id=ANOTHER, referral_id=ANOTHER, agency_id=LEGAL, subjects=(), occurred_at=NOW + timedelta(hours=4)),
        entry(
            actor_kind="clock", actor_id=None, agency_id=None, subjects=(), action="referral.overdue", occurred_at=NOW + timedelta(hours=5)
        ),
    )
    return log


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(), [5, 4, 3, 2, 1, 0]),
        (Filter(actor_id=BUDI), [2, 1]),
        (Filter(agency_id=LEGAL), [4, 2, 1]),
        (Filter(subject=SURVIVOR), [3, 0]),
        (Filter(subject=OTHER), [3, 1]),
        (Filter(subject=OTHER, actor_id=SARI), [3]),
        (Filter(object_id=ANOTHER), [4]),
        (Filter(referral_id=REFERRAL), [5, 2, 1, 0]),
        (Filter(action="referral.send"), [0]),
        (Filter(outcome="deny"), [2]),
        (Filter(reason="section_not_granted"), [2]),
        (Filter(since=NOW + timedelta(hours=1), until=NOW + timedelta(hours=3)), [2, 1]),
        (Filter(subject=uuid.UUID(int=99)), []),
    ],
    ids=str,
)
def test_filters(story, wanted, found):
    assert indexes(queries.latest(story, filters=wanted)) == found


def test_pages_follow_each_other(story):
    first = queries.latest(story, limit=2)
    second = queries.latest(story, after=first[-1].idx, limit=2)
    assert (indexes(first), indexes(second)) == ([5, 4], [3, 2])
    assert queries.latest(story, after=0) == ()


def test_an_officer_sees_the_own_agency_and_disclosures_to_it(story):
    assert indexes(queries.latest(story, scope=LEGAL)) == [4, 2, 1, 0]
    assert indexes(queries.latest(story, scope=LEGAL, limit=2, after=4)) == [2, 1]
    assert indexes(queries.latest(story, scope=RAISED, filters=Filter(subject=SURVIVOR))) == [3, 0]
    assert indexes(queries.of_referral(story, referral_id=REFERRAL, scope=LEGAL)) == [2, 1, 0]


def test_the_last_sending_is_the_newest_allowed_one(story):
    assert queries.last_sending(story, referral_id=REFERRAL) == queries.Sending(manifest_digest=b"\x01" * 32, idx=0)
    add(
        story,
        entry(action="referral.revise", recipient_agency=LEGAL, manifest_digest=b"\x02" * 32),
        entry(action="referral.revise", recipient_agency=LEGAL, manifest_digest=b"\x03" * 32, outcome="deny", reason="wrong_state"),
        entry(manifest_digest=b"\x04" * 32),
    )
    assert queries.last_sending(story, referral_id=REFERRAL) == queries.Sending(manifest_digest=b"\x02" * 32, idx=6)
    assert queries.last_sending(story, referral_id=ANOTHER) is None


def test_one_entry_and_counts(story):
    assert queries.peek(story, 2).entry.reason == "section_not_granted"
    assert queries.peek(story, 6) is None
    assert queries.size(story) == 6
    assert queries.refused_of_referral(story, referral_id=REFERRAL) == 1
    assert queries.latest_checkpoint(story) is None
