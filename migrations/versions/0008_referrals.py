"""Referrals."""

revision = "0008_referrals"
down_revision = "0007_consent"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
