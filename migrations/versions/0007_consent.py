"""Consent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_consent"
down_revision = "0006_cases"


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("scope_agency", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sections", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("use_limits", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("onward_allowed", sa.Boolean(), nullable=False),
        sa.Column("contact_allowed", sa.Boolean(), nullable=False),
        sa.Column("stats_allowed", sa.Boolean(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("form_version", sa.Text(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("copy_given", sa.Text(), nullable=True),
        sa.Column("signers", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
        sa.ForeignKeyConstraint(["case_id"], ["case_file.id"], name="fk_consent_case_id_case_file"),
        sa.ForeignKeyConstraint(["scope_agency"], ["agency.id"], name="fk_consent_scope_agency_agency"),
        sa.CheckConstraint("(form = 'refusal') = (cardinality(sections) = 0)", name="ck_consent_refusal_lists_nothing"),
        sa.CheckConstraint("(form = 'refusal') = (valid_until IS NULL)", name="ck_consent_consent_ends"),
    )
    op.create_index("ix_consent_case_id_scope_agency", "consent", ["case_id", "scope_agency"])
    op.create_index("ix_consent_valid_until", "consent", ["valid_until"])
    op.execute("GRANT SELECT, INSERT, UPDATE (withdrawn_at) ON consent TO hub_web")
    op.execute("GRANT SELECT (id, case_id, scope_agency, valid_until, withdrawn_at) ON consent TO hub_worker")


def downgrade() -> None:
    op.drop_table("consent")
