"""Consent."""

revision = "0007_consent"
down_revision = "0006_cases"


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
