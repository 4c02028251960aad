"""Referrals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

revision = "0008_referrals"
down_revision = "0007_consent"

OPEN = sa.text("state IN ('requested', 'received', 'accepted', 'on-hold', 'in-progress')")
ASKED = sa.text(
    "flags && ARRAY['basis_needed', 'forward_proposed', 'info_requested', 'interview_requested', 'sections_requested', 'transfer_requested']"
)
MOMENT = sa.DateTime(timezone=True)


def key(name, *, to=None, nullable=False):
    reference = [sa.ForeignKey(f"{to}.id", name=f"fk_referral_{name}_{to}")] if to else []
    return sa.Column(name, UUID(as_uuid=True), *reference, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "referral",
        sa.Column("id", UUID(as_uuid=True), nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("recipient_no", sa.Text),
        key("part_of", to="referral", nullable=True),
        key("case_id", to="case_file"),
        sa.Column("type", sa.Text, nullable=False),
        key("from_agency", to="agency"),
        key("from_member", to="member"),
        key("to_agency", to="agency"),
        key("to_unit", to="agency_unit", nullable=True),
        key("handler", to="member", nullable=True),
        key("companion", to="member", nullable=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("previous_state", sa.Text),
        sa.Column("business", sa.Text, nullable=False),
        sa.Column("flags", ARRAY(sa.Text), nullable=False),
        key("consent_id", to="consent", nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        *(sa.Column(name, MOMENT) for name in ("sent_at", "received_at", "accepted_at", "started_at", "ended_at")),
        *(sa.Column(name, MOMENT) for name in ("respond_by", "first_service_by", "update_by", "due_at", "paused_at")),
        sa.Column("paused_for", sa.Integer, nullable=False),
        sa.Column("review_on", sa.Date),
        sa.Column("has_appointment", sa.Boolean, nullable=False),
        sa.Column("decline_reason", sa.Text),
        key("redirect_agency", to="agency", nullable=True),
        sa.Column("event_reason", sa.Text),
        sa.Column("outcome", sa.Text),
        sa.Column("milestones", ARRAY(sa.Text), nullable=False),
        sa.Column("sending", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_referral"),
        sa.UniqueConstraint("number", name="uq_referral_number"),
        sa.UniqueConstraint("recipient_no", name="uq_referral_recipient_no"),
    )
    for column in ("part_of", "case_id", "consent_id"):
        op.create_index(f"ix_referral_{column}", "referral", [column])
    for side in ("to_agency", "from_agency"):
        op.create_index(f"ix_referral_{side}_id", "referral", [side, sa.text("id DESC")])
        op.create_index(f"ix_referral_{side}_asked", "referral", [side, "due_at"], postgresql_where=ASKED)
        op.create_index(f"ix_referral_{side}_due_at", "referral", [side, "due_at"], postgresql_where=OPEN)
        op.create_index(f"ix_referral_{side}_ended", "referral", [side, "state", "ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL"))
    op.create_index("ix_referral_draft", "referral", ["from_agency", sa.text("id DESC")], postgresql_where=sa.text("state = 'draft'"))
    op.create_table(
        "referral_event",
        sa.Column("referral_id", UUID(as_uuid=True), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("actor_kind", sa.Text, nullable=False),
        sa.Column("actor_id", UUID(as_uuid=True)),
        sa.Column("actor_code", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("inputs", JSONB, nullable=False),
        sa.PrimaryKeyConstraint("referral_id", "seq", name="pk_referral_event"),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name="fk_referral_event_referral_id_referral"),
        sa.ForeignKeyConstraint(["actor_id"], ["member.id"], name="fk_referral_event_actor_id_member"),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON referral TO hub_web, hub_worker")
    op.execute("GRANT SELECT, INSERT ON referral_event TO hub_web, hub_worker")


def downgrade() -> None:
    op.drop_table("referral_event")
    op.drop_table("referral")
