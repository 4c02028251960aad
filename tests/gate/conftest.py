"""The whole application over a real database, with cheap key derivation and a held clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from jinja2 import BytecodeCache

from referral_hub import web
from referral_hub.app import create_app
from referral_hub.audit import queries as log_queries
from referral_hub.db.server import url_for
from referral_hub.gate.cookies import CookiePolicy
from referral_hub.gate.house import db
from referral_hub.settings import load
from referral_hub.vault import hub as hub_module
from referral_hub.vault.hub import HubKeys, create_key_folder
from tests.gate import trial as trial_routes
from tests.gate.memory import Kept
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


KEPT = {}


@pytest.fixture
def kept(request, settings, tmp_path, admin_url, database):
    """What this test begins with, where an earlier one in this process built it for such settings."""
    wanted = "" if "afresh" in request.fixturenames else next((name for name in ("stage", "network") if name in request.fixturenames), "")
    alike = str(settings).replace(str(tmp_path), "")
    superuser = url_for(admin_url, role=None, database=database).replace("+psycopg", "")
    return SimpleNamespace(wanted=wanted, key=(wanted, alike), superuser=superuser, folder=tmp_path, found=KEPT.get((wanted, alike)))


@pytest.fixture
def hub_keys(session, tmp_path, kept, clock):
    if kept.found:
        kept.found.lay_down(kept.superuser, tmp_path, clock)
        return HubKeys.load(tmp_path / "keys", session, profile="test", tombstone_file=tmp_path / "tombstones")
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


class Remembered(BytecodeCache):
    """Templates are compiled once for all applications that the tests of this process build."""

    def __init__(self):
        self.known = {}

    def load_bytecode(self, bucket):
        if (bucket.key, bucket.checksum) in self.known:
            bucket.bytecode_from_string(self.known[bucket.key, bucket.checksum])

    def dump_bytecode(self, bucket):
        self.known[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


REMEMBERED = Remembered()


@pytest.fixture
def make_app():
    """Return `create_app`, and give back the connections of what it made."""
    made = []

    def make(*args, **kwargs):
        made.append(create_app(*args, **kwargs))
        made[-1].config["TESTING"] = True
        made[-1].jinja_env.bytecode_cache = REMEMBERED
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
def afresh():
    """For tests that do something before agencies are founded: those are founded for them alone."""


@pytest.fixture
def begin(app, session, clock, kept):
    """`begin(name, build)`: what `build()` makes, or made for an earlier test, where it is what this test begins with."""

    def begin(name, build):
        around = {"app": app, "session": session, "clock": clock}
        if name != kept.wanted:
            return build()
        if kept.found is None:
            kept.found = KEPT[kept.key] = Kept(kept.superuser, kept.folder, build(), **around)
        return kept.found.again(**around)

    return begin


@pytest.fixture
def network(request, app, session, clock, kept, begin):
    if kept.wanted == "stage":
        return request.getfixturevalue("stage").network
    return begin("network", lambda: Network(app, session, clock))


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
