"""What is typed into a question: what names nothing, or no moment at all, is said by field."""

from zoneinfo import ZoneInfo

import pytest

from referral_hub import errors
from referral_hub.review.naming import Namer


@pytest.mark.parametrize("name", ["since", "until", "moment"])
@pytest.mark.parametrize("typed", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31T23:59-12:00"])
def test_a_day_beyond_every_calendar_is_malformed_and_no_fault(session, name, typed):
    with pytest.raises(errors.InputInvalid) as refused:
        Namer(session, agency_id=None, zone=ZoneInfo("Asia/Jakarta")).given({name: typed})
    assert refused.value.fields == {name: ("malformed",)}
