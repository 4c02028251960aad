"""What a disclosure without consent needs."""

revision = "0016_disclosure"
down_revision = "0015_case_end"


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    """Nothing yet."""
