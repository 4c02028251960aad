"""What the auditor's desk needs besides: data-subject requests with their clock."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0017_review_more"
down_revision = "0016_disclosure"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "subject_request",
        sa.Column("id", UUID(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("subject", UUID(), nullable=False),
        sa.Column("agency_id", UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("recorded_by", UUID(), nullable=False),
        sa.Column("recorded_at", MOMENT, nullable=False),
        sa.Column("ended_by", UUID()),
        sa.Column("ended_at", MOMENT),
        sa.Column("reason", sa.Text()),
        sa.Column("statement_id", UUID()),
        sa.CheckConstraint("kind IN ('access', 'correct')", name="ck_subject_request_kind"),
        sa.CheckConstraint("state IN ('open', 'answered', 'refused')", name="ck_subject_request_state"),
        sa.CheckConstraint("(state = 'open') = (ended_at IS NULL)", name="ck_subject_request_ended"),
        sa.CheckConstraint("(state = 'refused') = (reason IS NOT NULL)", name="ck_subject_request_reason"),
        sa.PrimaryKeyConstraint("id", name="pk_subject_request"),
        sa.UniqueConstraint("number", name="uq_subject_request_number"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_subject_request_agency_id_agency"),
        sa.ForeignKeyConstraint(["recorded_by"], ["member.id"], name="fk_subject_request_recorded_by_member"),
        sa.ForeignKeyConstraint(["ended_by"], ["member.id"], name="fk_subject_request_ended_by_member"),
        sa.ForeignKeyConstraint(["statement_id"], ["disclosure_statement.id"], name="fk_subject_request_statement_id_disclosure_statement"),
    )
    op.create_index("ix_subject_request_subject", "subject_request", ["subject"])
    op.create_index("ix_subject_request_open", "subject_request", ["due_at"], postgresql_where=sa.text("state = 'open'"))
    op.execute("GRANT SELECT, INSERT, UPDATE ON subject_request TO hub_web")


def downgrade() -> None:
    op.drop_table("subject_request")
