"""Review: the stored bytes of an entry as JSON for the saved questions; bytes that are none read as nothing, and `fsck` names them."""

from alembic import op

revision = "0012_review_reading"
down_revision = "0011_witnesses"

SAID = """
CREATE FUNCTION audit_said(payload bytea) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN convert_from(payload, 'UTF8')::jsonb;
EXCEPTION WHEN data_exception OR untranslatable_character OR character_not_in_repertoire THEN
  RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.execute(SAID)
    op.execute("REVOKE ALL ON FUNCTION audit_said(bytea) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION audit_said(bytea) TO hub_web, hub_worker")


def downgrade() -> None:
    op.execute("DROP FUNCTION audit_said(bytea)")
