"""Real PostgreSQL for the tests: one embedded server, one migrated template, one database per worker."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from xdist.scheduler import LoadScopeScheduling

from referral_hub.db.engine import make_engine
from referral_hub.db.server import OWNER, WEB, WORKER, create_database, drop_database, ensure_roles, migrate, start_embedded, url_for

ROOT = Path(__file__).resolve().parents[1]

# A busy machine is no finding: properties are judged by what holds, not by how long it took. The examples are the same in each run, so that
# a red run is about the change at hand; HUB_EXPLORE=1 (make explore) looks at others, more of them.
settings.register_profile("hub", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None)
settings.register_profile("explore", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("explore" if os.environ.get("HUB_EXPLORE") else "hub")
KEPT = ("alembic_version", "audit_head")
LARGE = 1_000_000  # bytes of one table


@pytest.fixture(scope="session")
def admin_url():
    """A superuser URL of the test server: HUB_TEST_DATABASE_URL, or the embedded server."""
    given = os.environ.get("HUB_TEST_DATABASE_URL")
    if given:
        yield given
        return
    folder = Path(os.environ.get("HUB_TEST_PG", Path(tempfile.gettempdir()) / "referral-hub-test-pg" / "data"))
    server, url = start_embedded(folder, keep_running=True)
    assert server is not None
    _forget_the_disk(url)
    yield url


def _forget_the_disk(url):
    """Let the throwaway server never wait for a disk, nor tidy up at a moment of its own: what the tests leave there is for nobody."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit", "autovacuum"):
            connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@pytest.fixture(scope="session")
def database(admin_url):
    """The name of a migrated database of this worker's own, dropped at the end."""
    ensure_roles(admin_url)
    name = f"hub_test_{uuid.uuid4().hex[:12]}"
    create_database(admin_url, name)
    migrate(url_for(admin_url, role=OWNER, database=name))
    yield name
    drop_database(admin_url, name)


@pytest.fixture(scope="session")
def db_url(admin_url, database):
    """URL of this worker's database as the web role."""
    return url_for(admin_url, role=WEB, database=database)


@pytest.fixture(scope="session")
def owner_url(admin_url, database):
    """URL of this worker's database as the owner role."""
    return url_for(admin_url, role=OWNER, database=database)


@pytest.fixture(scope="session")
def worker_url(admin_url, database):
    """URL of this worker's database as the worker role."""
    return url_for(admin_url, role=WORKER, database=database)


@pytest.fixture(scope="session")
def engine(db_url):
    made = make_engine(db_url)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def owner_engine(owner_url):
    made = make_engine(owner_url, pool_size=1)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def superuser_engine(admin_url, database):
    made = make_engine(url_for(admin_url, role=None, database=database), pool_size=1)
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def emptied(superuser_engine):
    """`emptied()`: the tables that hold rows hold none afterwards, and the log starts again at size 0.

    Truncating all of them takes 80 to 280 ms, deleting the rows of a test 3 ms; what has grown large is truncated all the same.
    """
    with superuser_engine.begin() as connection:
        names = [f'"{name}"' for name in connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")) if name not in KEPT]
    filled = text(" UNION ALL ".join(f"SELECT '{name}', pg_relation_size('{name}') WHERE EXISTS (SELECT FROM {name})" for name in names))

    def empty():
        with superuser_engine.begin() as connection:
            sizes = dict(map(tuple, connection.execute(filled)))
            if max(sizes.values(), default=0) > LARGE:
                connection.execute(text(f"TRUNCATE {', '.join(names)} RESTART IDENTITY CASCADE"))
            else:  # rows of the log and of consents are protected, but not from a superuser who asks for it
                deletions = "; ".join(f"DELETE FROM {name}" for name in sizes)
                connection.exec_driver_sql(f"SET LOCAL session_replication_role = replica; {deletions}")
            connection.execute(text("UPDATE audit_head SET size = 0, frontier = ''"))

    return empty


@pytest.fixture
def clean_database(emptied):
    """Empty every table after the test."""
    yield
    emptied()


@pytest.fixture
def session(engine, clean_database):
    """A session as the program uses it: web role, values kept after commit."""
    with Session(engine, expire_on_commit=False) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def asked(monkeypatch):
    """Every statement that goes to the database during the test, whichever way it goes. Empty it before what you watch."""
    seen = []

    def noting(name, plain):
        def noted(self, query, *args, **kwargs):
            seen.append(str(query))
            return plain(self, query, *args, **kwargs)

        monkeypatch.setattr(psycopg.Cursor, name, noted)

    for name in ("execute", "executemany", "stream", "copy"):
        noting(name, getattr(psycopg.Cursor, name))
    return seen


TOGETHER = (  # each shares one costly beginning: a running demonstration, a seeded network, everything the policies allow
    "tests/browser/", "tests/journeys/", "tests/access/test_decision_table.py",
)  # fmt: skip


class Together(LoadScopeScheduling):
    """Give the tests of each such place to one process, the largest first, and every other test to whoever is free."""

    def _split_scope(self, nodeid):
        return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid)


def pytest_xdist_make_scheduler(config, log):
    return Together(config, log)


def pytest_sessionfinish(session, exitstatus):
    """With HUB_NO_SKIP=1 a skipped test is a failed run: nothing may hide behind a missing part."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("HUB_NO_SKIP") == "1" and reporter and reporter.stats.get("skipped") and exitstatus == 0:
        reporter.write_line("a test was skipped, and HUB_NO_SKIP allows none", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
