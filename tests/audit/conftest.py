import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import audit
from referral_hub.audit import signer as signing
from referral_hub.audit.append import name_log
from referral_hub.audit.note import Signer
from referral_hub.db import transact

NOW = datetime(2026, 11, 2, 1, 30, 0, 123456, tzinfo=UTC)
SARI, BUDI = uuid.UUID(int=1), uuid.UUID(int=2)
RAISED, LEGAL = uuid.UUID(int=11), uuid.UUID(int=12)
SURVIVOR, OTHER = uuid.UUID(int=21), uuid.UUID(int=22)
REFERRAL = uuid.UUID(int=31)
ORIGIN = "hub.rujukan.test/log"


def entry(**facts):
    """An opening by Sari; `facts` replace any field."""
    known = {
        "occurred_at": NOW,
        "action": "section.read",
        "actor_kind": "member",
        "actor_id": SARI,
        "roles": ("case_worker",),
        "agency_id": RAISED,
        "session_digest": "ab" * 16,
        "auth_method": "passphrase",
        "auth_strength": "full",
        "object_kind": "section",
        "object_id": REFERRAL,
        "referral_id": REFERRAL,
        "sections": ("identity", "needs"),
        "subjects": (SURVIVOR,),
        "purpose": "service_delivery",
        "basis": "assigned",
        "rule_ids": ("open-own",),
        "policy_digest": "cd" * 32,
        "request_id": "r-1",
    }
    return audit.Entry(**(known | facts))


def add(session, *entries):
    """Append entries in one transaction and return their tickets."""
    return transact(session, lambda s: [audit.record(s, e) for e in entries])


def fill(session, count, start=0):
    """Append `count` entries, 64 a transaction."""
    for first in range(start, start + count, 64):
        moments = range(first, min(first + 64, start + count))
        add(session, *(entry(occurred_at=NOW + timedelta(seconds=i), actor_id=(SARI, BUDI)[i % 2]) for i in moments))


@pytest.fixture
def log(session):
    """A session on an empty log that has its name."""
    transact(session, lambda s: name_log(s, origin=ORIGIN))
    yield session
    session.rollback()
    transact(session, lambda s: s.execute(text("UPDATE audit_head SET origin = '', size = 0, frontier = ''")))


@pytest.fixture
def owner(owner_engine):
    """Change the tables behind the program's back, with the owner's rights."""

    def change(statement, **values):
        with owner_engine.begin() as connection:
            return connection.execute(text(statement), values)

    return change


@pytest.fixture(scope="session")
def worker_engine(worker_url):
    from referral_hub.db.engine import make_engine

    made = make_engine(worker_url, pool_size=1)
    yield made
    made.dispose()


@pytest.fixture
def worker(worker_engine):
    """A session with the worker's rights."""
    with Session(worker_engine, expire_on_commit=False) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def checkpoint_signer(tmp_path):
    return signing.CheckpointSigner(key=Signer(name=ORIGIN, seed=bytes(range(32))), last_file=tmp_path / "last-checkpoint")
