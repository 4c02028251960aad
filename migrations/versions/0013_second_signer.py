"""A second person signs what a colleague recorded: the web role may add a signer to a consent, and only add one."""

from alembic import op

revision = "0013_second_signer"
down_revision = "0012_review_reading"

ADDS_ONE = """
CREATE FUNCTION consent_signer_is_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.signers <> OLD.signers AND (NEW.signers[1:cardinality(OLD.signers)] <> OLD.signers
            OR cardinality(NEW.signers) <> 2 OR NEW.signers[1] = NEW.signers[2]) THEN
        RAISE EXCEPTION 'a consent gets one more signer, another person, and loses none';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    op.execute(ADDS_ONE)
    op.execute("CREATE TRIGGER consent_signer_is_added BEFORE UPDATE ON consent FOR EACH ROW EXECUTE FUNCTION consent_signer_is_added()")
    op.execute("GRANT UPDATE (signers) ON consent TO hub_web")


def downgrade() -> None:
    op.execute("REVOKE UPDATE (signers) ON consent FROM hub_web")
    op.execute("DROP TRIGGER consent_signer_is_added ON consent")
    op.execute("DROP FUNCTION consent_signer_is_added()")
