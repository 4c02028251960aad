"""Jobs."""

revision = "0009_jobs"
down_revision = "0008_referrals"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
