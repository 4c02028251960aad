"""The migrated schema equals the models, and every revision goes down and up again."""

import importlib
import pkgutil

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import referral_hub
from referral_hub.db import Base
from referral_hub.db.server import MIGRATIONS, OWNER, alembic_config, create_database, drop_database, url_for


def every_record_module():
    for room in pkgutil.iter_modules(referral_hub.__path__):
        if room.ispkg:
            package = importlib.import_module(f"referral_hub.{room.name}")
            for module in pkgutil.iter_modules(package.__path__):
                if module.name.startswith("records"):
                    yield importlib.import_module(f"referral_hub.{room.name}.{module.name}")


def test_the_models_equal_the_migrated_schema(owner_engine):
    assert list(every_record_module())
    with owner_engine.connect() as connection:
        options = {"compare_type": True, "include_object": lambda _object, name, kind, *_: not (kind == "table" and name.startswith("procrastinate_"))}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, Base.metadata)
    assert differences == []


def test_every_revision_goes_down_and_up(admin_url):
    name = "hub_test_updown"
    drop_database(admin_url, name)
    create_database(admin_url, name)
    engine = create_engine(url_for(admin_url, role=OWNER, database=name))
    with engine.begin() as connection:
        config = alembic_config(connection)
        revisions = [r.revision for r in ScriptDirectory.from_config(config).walk_revisions()]
        command.upgrade(config, "head")
        for _ in revisions:
            command.downgrade(config, "-1")
        command.upgrade(config, "head")
    engine.dispose()
    drop_database(admin_url, name)


def test_the_head_marker_names_the_only_head():
    heads = ScriptDirectory.from_config(alembic_config()).get_heads()
    assert heads == [(MIGRATIONS / "HEAD").read_text().strip()]


def test_migrations_import_nothing_from_the_program():
    for file in (MIGRATIONS / "versions").glob("*.py"):
        assert "referral_hub" not in file.read_text(), file.name
