"""Cases."""

revision = "0006_cases"
down_revision = "0005_accounts"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
