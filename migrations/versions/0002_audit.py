"""Audit."""

revision = "0002_audit"
down_revision = "0001_ground"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
