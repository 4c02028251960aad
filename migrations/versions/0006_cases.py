"""Cases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_cases"
down_revision = "0005_accounts"


def upgrade() -> None:
    op.create_table(
        "case_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_activity", sa.Date(), nullable=False),
        sa.Column("minor", sa.Boolean(), nullable=False),
        sa.Column("protected", sa.Boolean(), nullable=False),
        sa.Column("second_person_needed", sa.Boolean(), nullable=False),
        sa.Column("retention_until", sa.Date(), nullable=False),
        sa.Column("companion_id", sa.Uuid(), nullable=True),
        sa.Column("derived_from", sa.Uuid(), nullable=True),
        sa.Column("derived_sections", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_file"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_case_file_agency_id_agency"),
        sa.ForeignKeyConstraint(["companion_id"], ["member.id"], name="fk_case_file_companion_id_member"),
    )
    op.create_index("ix_case_file_agency_id_last_activity_id", "case_file", ["agency_id", "last_activity", "id"])
    op.create_index("ix_case_file_retention_until", "case_file", ["retention_until"])
    op.create_table(
        "case_member",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "member_id", name="pk_case_member"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_case_member_case_id_case_file"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_case_member_member_id_member"),
    )
    op.create_index("ix_case_member_member_id", "case_member", ["member_id"])
    op.create_table(
        "alias",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("agency_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alias"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_alias_case_id_case_file"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_alias_agency_id_agency"),
        sa.UniqueConstraint("case_id", "agency_id", name="uq_alias_case_id_agency_id"),
        sa.UniqueConstraint("code", name="uq_alias_code"),
    )
    op.create_table(
        "conflict",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "token", name="pk_conflict"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_conflict_case_id_case_file"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON case_file TO hub_web")
    op.execute("GRANT SELECT, INSERT, DELETE ON case_member, conflict TO hub_web")
    op.execute("GRANT SELECT, INSERT ON alias TO hub_web")
    op.execute("GRANT SELECT (id, agency_id, closed_at, last_activity, retention_until) ON case_file TO hub_worker")


def downgrade() -> None:
    op.drop_table("conflict")
    op.drop_table("alias")
    op.drop_table("case_member")
    op.drop_table("case_file")
