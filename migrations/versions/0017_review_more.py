"""What the auditor's desk needs besides."""

revision = "0017_review_more"
down_revision = "0016_disclosure"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
