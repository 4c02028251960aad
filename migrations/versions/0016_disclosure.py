"""What a disclosure without consent needs: the law it rests on, locked by the hub, and who looked at it again and when."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0016_disclosure"
down_revision = "0015_case_end"


def upgrade() -> None:
    op.add_column("consent", sa.Column("law", sa.LargeBinary, nullable=True))
    op.add_column("consent", sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("consent", sa.Column("reviewer", UUID(as_uuid=True), nullable=True))
    op.create_foreign_key("fk_consent_reviewer_member", "consent", "member", ["reviewer"], ["id"])
    op.execute("GRANT UPDATE (reviewed_at, reviewer) ON consent TO hub_web")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (reviewed_at, reviewer) ON consent FROM hub_web")
    op.drop_constraint("fk_consent_reviewer_member", "consent", type_="foreignkey")
    for column in ("reviewer", "reviewed_at", "law"):
        op.drop_column("consent", column)
