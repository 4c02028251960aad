"""What a package beyond the matrix needs."""

revision = "0019_more_than_usual"
down_revision = "0018_lighter"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
