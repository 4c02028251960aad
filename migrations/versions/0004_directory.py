"""Directory."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_directory"
down_revision = "0003_vault"


def upgrade() -> None:
    op.create_table(
        "agency",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("region", sa.Text(), nullable=False),
        sa.Column("coverage", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("government", sa.Boolean(), nullable=False),
        sa.Column("on_call_24h", sa.Boolean(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("access", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.Column("tiers", postgresql.JSONB(), nullable=False),
        sa.Column("sectors", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("exit_url", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verified_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agency"),
        sa.UniqueConstraint("code", name="uq_agency_code"),
        sa.CheckConstraint("state IN ('founding', 'active', 'disabled')", name="ck_agency_state"),
        sa.CheckConstraint("disclosure IN ('default', 'shelter')", name="ck_agency_disclosure"),
    )
    op.create_table(
        "agency_service",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("capacity", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=True),
        sa.Column("capacity_as_of", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sex", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("age_min", sa.Integer(), nullable=False),
        sa.Column("age_max", sa.Integer(), nullable=True),
        sa.Column("bring", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agency_service"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_agency_service_agency_id_agency"),
        sa.UniqueConstraint("agency_id", "code", name="uq_agency_service_agency_id_code"),
    )
    op.create_index("ix_agency_service_code", "agency_service", ["code"])
    op.create_table(
        "agency_unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("on_duty", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agency_unit"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_agency_unit_agency_id_agency"),
        sa.UniqueConstraint("agency_id", "code", name="uq_agency_unit_agency_id_code"),
    )
    op.create_index("uq_agency_unit_on_duty", "agency_unit", ["agency_id"], unique=True, postgresql_where=sa.text("on_duty"))
    op.create_table(
        "duty_post",
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("post", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "post", "member_id", name="pk_duty_post"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_duty_post_agency_id_agency"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON agency, agency_unit TO hub_web")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON agency_service TO hub_web")
    op.execute("GRANT SELECT, INSERT, DELETE ON duty_post TO hub_web")
    op.execute("GRANT SELECT (id, code, name, kind, timezone, hours, government, on_call_24h, state) ON agency TO hub_worker")
    op.execute("GRANT SELECT (id, agency_id, code, hours, closed, capacity, capacity_as_of) ON agency_service TO hub_worker")
    op.execute("GRANT SELECT ON duty_post TO hub_worker")


def downgrade() -> None:
    op.drop_table("duty_post")
    op.drop_table("agency_unit")
    op.drop_table("agency_service")
    op.drop_table("agency")
