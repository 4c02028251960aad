"""The whole application over a real database, with cheap key derivation and a held clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from referral_hub.app import create_app
from referral_hub.gate.cookies import CookiePolicy
from referral_hub.gate.house import db
from referral_hub.settings import load
from referral_hub.vault import hub as hub_module
from referral_hub.vault.hub import create_key_folder
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
def app(settings, hub_keys, clock):
    made = create_app(settings, clock=clock, cookies=CookiePolicy(secure=False, prefix=""), kdf=CHEAP, hub_keys=hub_keys)
    made.config["TESTING"] = True
    yield made
    with made.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def network(app, session, clock):
    return Network(app, session, clock)
