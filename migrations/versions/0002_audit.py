"""Audit: the access log, its tree, counters, checkpoints and detail; the lock function; rights."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, UUID

revision = "0002_audit"
down_revision = "0001_ground"

TABLES = ("audit_entry", "audit_head", "audit_tile", "audit_counter", "audit_checkpoint", "audit_cosignature", "audit_detail_key", "audit_detail")

# Takes the log's lock and only then reads the head and the counters asked for: inside a VOLATILE function each statement has a
# snapshot of its own, so that what is read is what the holder of the lock before us committed. Waits two seconds at most.
# Sequential scans are off so that a plan made while a table was tiny does not stay when it has grown; one plan for all calls, because
# planning anew for each takes longer than asking (0.16 ms under the lock instead of 0.06).
LOCK = """
CREATE FUNCTION audit_lock(kinds text[], keys text[])
RETURNS TABLE (origin text, size bigint, frontier bytea, seqs bigint[], lasts bigint[])
LANGUAGE plpgsql VOLATILE
SET lock_timeout = '2s'
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(727302);
  RETURN QUERY
    SELECT h.origin, h.size, h.frontier,
           ARRAY(SELECT (SELECT c.seq FROM audit_counter c WHERE c.kind = w.kind AND c.key = w.key)
                 FROM unnest(kinds, keys) WITH ORDINALITY AS w(kind, key, place) ORDER BY w.place),
           ARRAY(SELECT (SELECT c.last_idx FROM audit_counter c WHERE c.kind = w.kind AND c.key = w.key)
                 FROM unnest(kinds, keys) WITH ORDINALITY AS w(kind, key, place) ORDER BY w.place)
    FROM audit_head h WHERE h.id = 1;
END
$$
"""


def create_entry() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", UUID()),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("agency_id", UUID()),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=False),
        sa.Column("object_id", UUID()),
        sa.Column("referral_id", UUID()),
        sa.Column("subjects", ARRAY(UUID()), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("recipient_agency", UUID()),
        sa.Column("manifest_digest", sa.LargeBinary()),
        sa.CheckConstraint("idx >= 0", name="ck_audit_entry_idx"),
        sa.CheckConstraint("octet_length(leaf_hash) = 32", name="ck_audit_entry_leaf_hash"),
        sa.CheckConstraint("outcome IN ('allow', 'deny', 'error')", name="ck_audit_entry_outcome"),
        sa.PrimaryKeyConstraint("idx", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_occurred_at", "audit_entry", ["occurred_at"])
    op.create_index("ix_audit_entry_action", "audit_entry", ["action", "idx"])
    op.create_index("ix_audit_entry_subjects", "audit_entry", ["subjects"], postgresql_using="gin", postgresql_with={"fastupdate": "off"})
    for name, column in (("actor", "actor_id"), ("agency", "agency_id"), ("object", "object_id"), ("referral", "referral_id"), ("recipient", "recipient_agency")):
        op.create_index(f"ix_audit_entry_{name}", "audit_entry", [column, "idx"], postgresql_where=sa.text(f"{column} IS NOT NULL"))
    op.create_index("ix_audit_entry_refused", "audit_entry", ["outcome", "idx"], postgresql_where=sa.text("outcome <> 'allow'"))
    op.create_index("ix_audit_entry_reason", "audit_entry", ["reason", "idx"], postgresql_where=sa.text("reason <> ''"))
    sending = sa.text("manifest_digest IS NOT NULL AND recipient_agency IS NOT NULL AND outcome = 'allow'")
    op.create_index("ix_audit_entry_sending", "audit_entry", ["referral_id", "idx"], postgresql_where=sending)


def create_tree() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one_row"),
        sa.CheckConstraint("size >= 0", name="ck_audit_head_size"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.execute("INSERT INTO audit_head (id, origin, size, frontier) VALUES (1, '', 0, '')")
    op.create_table(
        "audit_tile",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("octet_length(hashes) = 8192", name="ck_audit_tile_hashes"),
        sa.CheckConstraint("octet_length(root) = 32", name="ck_audit_tile_root"),
        sa.PrimaryKeyConstraint("level", "n", name="pk_audit_tile"),
    )
    op.create_table(
        "audit_counter",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("last_idx", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('subject', 'actor', 'agency')", name="ck_audit_counter_kind"),
        sa.PrimaryKeyConstraint("kind", "key", name="pk_audit_counter"),
    )
    op.execute("ALTER TABLE audit_counter SET (fillfactor = 70)")


def create_checkpoints_and_detail() -> None:
    op.create_table(
        "audit_checkpoint",
        sa.Column("id", UUID(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_checkpoint"),
    )
    op.create_index("ix_audit_checkpoint_size", "audit_checkpoint", ["size", "signed_at"])
    op.create_table(
        "audit_cosignature",
        sa.Column("checkpoint_id", UUID(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("cosigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("checkpoint_id", "witness", name="pk_audit_cosignature"),
        sa.ForeignKeyConstraint(["checkpoint_id"], ["audit_checkpoint.id"], name="fk_audit_cosignature_checkpoint_id_audit_checkpoint"),
    )
    op.create_table(
        "audit_detail_key",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("month", name="pk_audit_detail_key"),
    )
    op.create_table(
        "audit_detail",
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("idx", name="pk_audit_detail"),
    )
    op.create_index("ix_audit_detail_month", "audit_detail", ["month"])


def upgrade() -> None:
    create_entry()
    create_tree()
    create_checkpoints_and_detail()
    op.execute(LOCK)
    op.execute("REVOKE ALL ON FUNCTION audit_lock(text[], text[]) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION audit_lock(text[], text[]) TO hub_web, hub_worker")
    op.execute("GRANT SELECT, INSERT ON audit_entry, audit_tile TO hub_web, hub_worker")
    op.execute("GRANT SELECT, UPDATE ON audit_head TO hub_web, hub_worker")
    op.execute("GRANT SELECT, INSERT, UPDATE ON audit_counter TO hub_web, hub_worker")
    op.execute("GRANT SELECT ON audit_checkpoint, audit_cosignature TO hub_web")
    op.execute("GRANT SELECT, INSERT ON audit_checkpoint, audit_cosignature TO hub_worker")
    op.execute("GRANT SELECT, INSERT ON audit_detail, audit_detail_key TO hub_web")
    op.execute("GRANT SELECT (month), DELETE ON audit_detail_key TO hub_worker")
    op.execute("GRANT SELECT (idx, month), DELETE ON audit_detail TO hub_worker")


def downgrade() -> None:
    op.execute("DROP FUNCTION audit_lock(text[], text[])")
    for table in reversed(TABLES):
        op.drop_table(table)
