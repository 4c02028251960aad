"""Indexes and column changes that measurements asked for."""

revision = "0018_lighter"
down_revision = "0017_review_more"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
