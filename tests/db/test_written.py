"""Rows of several tables in one statement are the rows that were given, in the transaction of the session, or none of them."""

import uuid
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.db.fixed import Fixed
from referral_hub.db.written import Written
from referral_hub.directory.records import AgencyRow
from referral_hub.vault.records import GrantRow, ReleaseRow

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
GRANTS, RELEASES = GrantRow.__table__, ReleaseRow.__table__
BOTH = Written(GRANTS, RELEASES)


def grant(**facts):
    known = {"object_kind": "case", "object_id": uuid.uuid4(), "agency_id": uuid.uuid4(), "epoch": 1, "kind": "own", "revision": 0, "standing": "live"}
    return {"id": uuid.uuid4(), "until": None, "key_wrap": b"\x00wrap"} | known | facts


def release(of):
    return {"grant_id": of["id"], "locked": b"\xff" * 60}


def test_rows_of_both_tables_stand_as_they_were_given(session):
    rows = [grant(), grant(until=NOW, epoch=70_000, kind="full")]
    BOTH.insert(session, rows, [release(row) for row in rows])
    found = session.execute(select(*GRANTS.c)).mappings().all()
    assert sorted(map(dict, found), key=str) == sorted(rows, key=str)
    assert {row.grant_id: row.locked for row in session.execute(select(*RELEASES.c))} == {row["id"]: b"\xff" * 60 for row in rows}


def test_no_rows_are_no_rows(session):
    BOTH.insert(session, [], [])
    assert session.execute(select(GRANTS.c.id)).all() == []


def test_a_row_that_breaks_a_rule_leaves_none(session):
    good, unknown = grant(), grant()
    with pytest.raises(IntegrityError) as refused:
        transact(session, lambda s: BOTH.insert(s, [good], [release(good), release(unknown)]))
    assert str(unknown["id"]) not in str(refused.value.statement)
    assert session.execute(select(GRANTS.c.id)).all() == []


def test_a_lock_that_is_not_had_is_an_outage(session, engine):
    with engine.connect() as other:
        other.execute(text("LOCK TABLE release IN ACCESS EXCLUSIVE MODE"))
        session.execute(text("SET lock_timeout = '50ms'"))
        with pytest.raises(errors.Unavailable):
            transact(session, lambda s: BOTH.insert(s, [], []))
        other.rollback()


def test_a_column_of_arrays_is_not_for_it():
    with pytest.raises(ValueError, match="array"):
        Written(AgencyRow.__table__)


def test_a_change_tells_how_many_rows_it_found(session):
    once = Fixed(insert(RELEASES).values(grant_id=bindparam("grant_id"), locked=b"x"))
    moved = Fixed(update(GRANTS).where(GRANTS.c.standing == bindparam("old")).values(standing=bindparam("new")))
    row = grant()
    BOTH.insert(session, [row, grant()], [])
    assert once.run(session, grant_id=row["id"]) == 1
    assert moved.run(session, old="live", new="revoked") == 2
    assert moved.run(session, old="live", new="revoked") == 0
    with pytest.raises(IntegrityError):
        once.run(session, grant_id=row["id"])
    session.rollback()
