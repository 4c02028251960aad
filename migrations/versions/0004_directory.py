"""Directory."""

revision = "0004_directory"
down_revision = "0003_vault"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
