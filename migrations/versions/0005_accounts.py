"""Accounts."""

revision = "0005_accounts"
down_revision = "0004_directory"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
