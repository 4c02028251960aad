"""Further sections rest on a consent of their own; a survivor may take single sections back."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

revision = "0014_further_sections"
down_revision = "0013_second_signer"


def upgrade() -> None:
    op.add_column("consent", sa.Column("taken_back", ARRAY(sa.Text), nullable=False, server_default="{}"))
    op.execute("GRANT UPDATE (taken_back) ON consent TO hub_web")
    op.create_table(
        "referral_basis",
        sa.Column("referral_id", UUID(as_uuid=True), nullable=False),
        sa.Column("consent_id", UUID(as_uuid=True), nullable=False),
        sa.Column("sections", ARRAY(sa.Text), nullable=False),
        sa.PrimaryKeyConstraint("referral_id", "consent_id", name="pk_referral_basis"),
        sa.ForeignKeyConstraint(["referral_id"], ["referral.id"], name="fk_referral_basis_referral_id_referral"),
        sa.ForeignKeyConstraint(["consent_id"], ["consent.id"], name="fk_referral_basis_consent_id_consent"),
    )
    op.create_index("ix_referral_basis_consent_id", "referral_basis", ["consent_id"])
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON referral_basis TO hub_web")
    op.execute("GRANT SELECT ON referral_basis TO hub_worker")


def downgrade() -> None:
    op.drop_table("referral_basis")
    op.execute("REVOKE UPDATE (taken_back) ON consent FROM hub_web")
    op.drop_column("consent", "taken_back")
