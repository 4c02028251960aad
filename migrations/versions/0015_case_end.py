"""Sections copied from a referral, search tokens, statistical records; a file no longer names one referral as its source. Rights."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015_case_end"
down_revision = "0014_further_sections"

CASE = (["case_id"], ["case_file.id"])


def create_copies() -> None:
    op.create_table(
        "case_copy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("section", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_copy"),
        sa.ForeignKeyConstraint(*CASE, name="fk_case_copy_case_id_case_file"),
        sa.UniqueConstraint("case_id", "referral_id", "section", name="uq_case_copy_case_id_referral_id_section"),
    )
    op.create_index("ix_case_copy_referral_id", "case_copy", ["referral_id"])


def create_tokens() -> None:
    op.create_table(
        "case_index",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "token", name="pk_case_index"),
        sa.ForeignKeyConstraint(*CASE, name="fk_case_index_case_id_case_file"),
    )
    op.create_index("ix_case_index_token", "case_index", ["token"])


def create_records() -> None:
    op.create_table(
        "stat_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("locked", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_stat_record"),
    )


def check_consent(forms: str) -> None:
    """Say which forms of the ledger list nothing and have no end."""
    for name, condition in (("refusal_lists_nothing", "cardinality(sections) = 0"), ("consent_ends", "valid_until IS NULL")):
        op.drop_constraint(f"ck_consent_{name}", "consent", type_="check")
        op.create_check_constraint(f"ck_consent_{name}", "consent", f"(form IN ({forms})) = ({condition})")


def upgrade() -> None:
    create_copies()
    create_tokens()
    create_records()
    check_consent("'refusal', 'statistics'")
    op.drop_column("case_file", "derived_from")
    op.drop_column("case_file", "derived_sections")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON case_copy TO hub_web")
    op.execute("GRANT SELECT, INSERT, DELETE ON case_index, stat_record TO hub_web")
    op.execute("GRANT UPDATE (locked) ON stat_record TO hub_web")
    op.execute("GRANT SELECT, UPDATE (revision) ON case_copy TO hub_worker")  # the clock ends a referral; to hold its copies is to lock them


def downgrade() -> None:
    op.execute("DELETE FROM consent WHERE form = 'statistics'")
    check_consent("'refusal'")
    op.add_column("case_file", sa.Column("derived_sections", postgresql.ARRAY(sa.Text()), nullable=False, server_default="{}"))
    op.alter_column("case_file", "derived_sections", server_default=None)
    op.add_column("case_file", sa.Column("derived_from", sa.Uuid(), nullable=True))
    op.drop_table("stat_record")
    op.drop_table("case_index")
    op.drop_table("case_copy")
