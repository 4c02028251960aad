"""The whole application over a real database, with cheap key derivation and a held clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from referral_hub import web
from referral_hub.app import create_app
from referral_hub.audit import queries as log_queries
from referral_hub.gate.cookies import CookiePolicy
from referral_hub.gate.house import db
from referral_hub.settings import load
from referral_hub.vault import hub as hub_module
from referral_hub.vault.hub import create_key_folder
from tests.gate import trial as trial_routes
from tests.gate.network import Network
from tests.vault.cheap import CHEAP

START = datetime(2026, 11, 23, 19, 14, tzinfo=UTC)


class HeldClock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.moment = START

    def now(self):
        return self.moment

    def move(self, **span):
        self.moment += timedelta(**span)


@pytest.fixture
def clock():
    return HeldClock()


@pytest.fixture
def hub_keys(session, tmp_path):
    create_key_folder(tmp_path / "keys")
    made = hub_module.bootstrap(session, folder=tmp_path / "keys", profile="test", now=START, tombstone_file=tmp_path / "tombstones")
    session.commit()
    return made


@pytest.fixture
def settings(db_url, tmp_path):
    return load(
        "test", environ={}, database_url=db_url, key_folder=tmp_path / "keys", session_folder=tmp_path / "session", tombstone_file=tmp_path / "tombstones",
        public_url="http://hub.test", metrics_token="counted",
    )  # fmt: skip


@pytest.fixture
def make_app():
    """Return `create_app`, and give back the connections of what it made."""
    made = []

    def make(*args, **kwargs):
        made.append(create_app(*args, **kwargs))
        made[-1].config["TESTING"] = True
        return made[-1]

    yield make
    for one in made:
        with one.app_context():
            db.engine.dispose()


@pytest.fixture
def app(make_app, settings, hub_keys, clock):
    return make_app(settings, clock=clock, cookies=CookiePolicy(secure=False, prefix=""), kdf=CHEAP, hub_keys=hub_keys)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def network(app, session, clock):
    return Network(app, session, clock)


@pytest.fixture
def trial(monkeypatch):
    """Put the failing routes into the application that the test builds (name it before `app`)."""
    monkeypatch.setattr(web, "BLUEPRINTS", (*web.BLUEPRINTS, trial_routes.bp))


@pytest.fixture
def entries(session):
    """Return the newest entries of the log, newest first."""

    def newest(count=50):
        session.rollback()
        return [logged.entry for logged in log_queries.latest(session, limit=count)]

    return newest
