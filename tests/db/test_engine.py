"""What a connection keeps, and what it does when the server is gone."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.db.engine import make_engine

ASKED = text("SELECT count(*) FROM agency WHERE code = :code")


def prepared(session):
    return session.scalar(text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT count(*) FROM agency WHERE code%'"))


@pytest.fixture
def fresh(db_url, clean_database):
    """A session on a connection that has prepared nothing yet."""
    engine = make_engine(db_url, pool_size=1)
    with Session(engine) as opened:
        yield opened
    engine.dispose()


def test_a_rollback_forgets_no_prepared_statement(fresh):
    """A page that only reads ends by a rollback; the statements of the next page are not parsed and planned anew."""
    for _ in range(5):
        fresh.scalar(ASKED, {"code": "uptd"})
    before = prepared(fresh)
    fresh.rollback()
    assert before == 1
    assert prepared(fresh) == 1
    assert fresh.scalar(ASKED, {"code": "uptd"}) == 0


def test_a_rollback_undoes(session):
    session.execute(text("CREATE TEMPORARY TABLE written (x int)"))
    session.rollback()
    assert session.scalar(text("SELECT to_regclass('written')")) is None


def test_a_server_that_has_gone_is_an_outage(session, engine):
    def cut(s):
        pid = s.scalar(text("SELECT pg_backend_pid()"))
        with engine.connect() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        s.scalar(ASKED, {"code": "uptd"})

    with pytest.raises(errors.Unavailable) as refused:
        transact(session, cut)
    assert refused.value.code == "log_unavailable"
    assert session.scalar(ASKED, {"code": "uptd"}) == 0


def test_a_rollback_without_a_server_tells_so(session, engine):
    pid = session.scalar(text("SELECT pg_backend_pid()"))
    with engine.connect() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with pytest.raises(OperationalError):
        session.rollback()
    session.invalidate()
    assert session.scalar(ASKED, {"code": "uptd"}) == 0
