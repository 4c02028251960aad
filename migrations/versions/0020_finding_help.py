"""What finding a recipient and drafts need."""

revision = "0020_finding_help"
down_revision = "0019_more_than_usual"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
