"""Alembic environment: the connection is handed in, or the owner's URL comes from the configuration."""

from alembic import context
from sqlalchemy import create_engine

config = context.config
target_metadata = config.attributes.get("target_metadata")


def include(obj, name, type_, reflected, compare_to):
    """Leave the job queue's own tables out of comparisons."""
    return not (type_ == "table" and name.startswith("procrastinate_"))


def run(connection):
    context.configure(connection=connection, target_metadata=target_metadata, include_object=include, compare_type=True)
    with context.begin_transaction():
        context.run_migrations()


connection = config.attributes.get("connection")
if connection is not None:
    run(connection)
else:
    engine = create_engine(config.get_main_option("sqlalchemy.url"))
    with engine.begin() as opened:
        run(opened)
