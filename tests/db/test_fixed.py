"""A select that is compiled once answers like the session's own, in the same transaction."""

from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy import bindparam, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import Text

from referral_hub import errors
from referral_hub.accounts.records import MemberRow
from referral_hub.db import transact
from referral_hub.db.fixed import Fixed
from referral_hub.directory.records import AgencyRow
from tests.factories import Network

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
AGENCY, MEMBER = AgencyRow.__table__, MemberRow.__table__
OF_CODE = Fixed(
    select(AGENCY.c.id, AGENCY.c.code, AGENCY.c.coverage, AGENCY.c.tiers, AGENCY.c.created_at, MEMBER.c.code, literal("always").label("said"))
    .join_from(AGENCY, MEMBER, MEMBER.c.agency_id == AGENCY.c.id)
    .where(AGENCY.c.code == func.any(bindparam("codes", type_=ARRAY(Text))))
)


@pytest.fixture
def uptd(session, tmp_path):
    network = Network(session, tmp_path, now=NOW)
    house = network.agency("uptd", "social_services")
    network.member(house, "social_worker")
    house.network = network
    return house


def test_values_come_as_the_program_knows_them(uptd, session):
    row = OF_CODE.one_or_none(session, codes=["uptd", "nobody"])
    assert row == (uptd.id, "uptd", ["32.73"], {}, NOW, "PS-01", "always")
    assert (row.id, row.created_at, row.said) == (uptd.id, NOW, "always")
    assert row.created_at.utcoffset().total_seconds() == 0


def test_nothing_found_is_none_and_several_are_a_fault(uptd, session):
    uptd.network.member(uptd, "case_lead")
    assert OF_CODE.one_or_none(session, codes=[]) is None
    with pytest.raises(ValueError, match="several"):
        OF_CODE.one_or_none(session, codes=["uptd"])


def test_it_reads_inside_the_transaction_of_its_session(uptd, session):
    session.execute(update(AGENCY).values(code="changed"))
    assert OF_CODE.all(session, codes=["changed"])
    session.rollback()
    assert not OF_CODE.all(session, codes=["changed"])
    session.get(AgencyRow, uptd.id).code = "waiting"
    assert OF_CODE.all(session, codes=["waiting"])


def test_a_value_that_is_missing_is_no_null(uptd, session):
    with pytest.raises(DBAPIError) as refused:
        OF_CODE.all(session)
    assert isinstance(refused.value.orig, psycopg.ProgrammingError)
    assert "uptd" not in str(refused.value)


def test_a_lock_that_is_not_had_is_an_outage(uptd, session, engine):
    locking = Fixed(select(AGENCY.c.id).where(AGENCY.c.code == bindparam("code")).with_for_update())
    with engine.connect() as other:
        other.execute(select(AGENCY.c.id).with_for_update())
        session.execute(text("SET lock_timeout = '50ms'"))
        with pytest.raises(errors.Unavailable):
            transact(session, lambda s: locking.all(s, code="uptd"))
        other.rollback()
    assert transact(session, lambda s: locking.all(s, code="uptd")) == [(uptd.id,)]
