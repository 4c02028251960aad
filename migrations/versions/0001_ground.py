"""Ground."""

from alembic import op

revision = "0001_ground"
down_revision = None


def upgrade() -> None:
    op.execute("GRANT USAGE ON SCHEMA public TO hub_web, hub_worker")


def downgrade() -> None:
    op.execute("REVOKE USAGE ON SCHEMA public FROM hub_web, hub_worker")
