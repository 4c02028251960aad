"""Vault."""

revision = "0003_vault"
down_revision = "0002_audit"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
