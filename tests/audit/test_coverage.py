"""What the pages tell about an entry: recorded, signed, witnessed; and since when something waits for a quorum."""

from datetime import timedelta

from referral_hub.audit import coverage
from tests.audit.test_witnesses import clock, hub, standing  # noqa: F401 - fixtures


def read(log):
    found = coverage.read(log)
    log.rollback()
    return found


def test_from_recorded_to_witnessed(log, hub, standing, clock):  # noqa: F811
    standing.witness("dinas", clock=clock)
    policy = standing.policy("quorum dinas")
    hub.grow(3)
    found = read(log)
    assert (found.size, found.is_watched, found.of(0)) == (3, False, "recorded")
    hub.sign()
    assert (read(log).of(2), read(log).of(3)) == ("signed", "recorded")
    hub.collect(policy)
    found = read(log)
    assert (found.is_watched, found.witnessed, found.of(2), found.of(3), found.waits_since) == (True, 3, "witnessed", "recorded", None)
    hub.grow(2)
    clock.move(timedelta(minutes=1))
    hub.sign()
    found = read(log)
    assert [found.of(idx) for idx in (2, 3, 4, 5)] == ["witnessed", "signed", "signed", "recorded"]


def test_late_is_late_after_a_quarter_of_an_hour_and_only_with_witnesses(log, hub, standing, clock):  # noqa: F811
    hub.grow(3)
    hub.sign()
    assert read(log).late_by(clock.move(timedelta(hours=1))) is None
    standing.witness("dinas", clock=clock)
    hub.collect(standing.policy("quorum dinas"))
    hub.grow(1)  # its moment is that of the fourth second
    waits = read(log).waits_since
    assert read(log).late_by(waits + timedelta(minutes=14, seconds=59)) is None
    assert read(log).late_by(waits + timedelta(minutes=16)) == timedelta(minutes=16)
