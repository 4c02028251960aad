"""Jobs: the queue of procrastinate, in the same database; only the worker uses it."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0009_jobs"
down_revision = "0008_referrals"


def _script(statements: str) -> None:
    op.get_bind().connection.driver_connection.execute(statements)


def upgrade() -> None:
    _script(SchemaManager.get_schema())
    _script(
        """
        GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, procrastinate_periodic_defers, procrastinate_workers TO hub_worker;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO hub_worker;
        """
    )


def downgrade() -> None:
    _script(
        """
        DO $$
        DECLARE thing record;
        BEGIN
            FOR thing IN SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE n.nspname = 'public' AND c.relkind = 'r' AND c.relname LIKE 'procrastinate%' LOOP
                EXECUTE format('DROP TABLE %I CASCADE', thing.relname);
            END LOOP;
            FOR thing IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                         WHERE n.nspname = 'public' AND p.proname LIKE 'procrastinate%' LOOP
                EXECUTE 'DROP FUNCTION ' || thing.name || ' CASCADE';
            END LOOP;
            FOR thing IN SELECT t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                         WHERE n.nspname = 'public' AND t.typtype IN ('e', 'c') AND t.typname LIKE 'procrastinate%' LOOP
                EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', thing.typname);
            END LOOP;
        END $$;
        """
    )
