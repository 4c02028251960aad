"""Vault."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0003_vault"
down_revision = "0002_audit"

TABLES = (
    "tombstone_outbox", "manifest", "sealed_share", "sealed_part", "release", "sealed_grant", "epoch_share", "agency_epoch",
    "hub_secret", "hub_state",
)  # fmt: skip

# The web role never changes what is sealed: rows are added and deleted, and of a grant only its standing moves.
WEB = {
    "hub_state": "SELECT, INSERT",
    "hub_secret": "SELECT, INSERT",
    "agency_epoch": "SELECT, INSERT, UPDATE (recovery_share)",
    "epoch_share": "SELECT, INSERT, DELETE",
    "sealed_grant": "SELECT, INSERT, UPDATE (standing, until)",
    "release": "SELECT, INSERT, DELETE",
    "sealed_part": "SELECT, INSERT, DELETE",
    "sealed_share": "SELECT, INSERT, DELETE",
    "manifest": "SELECT, INSERT",
    "tombstone_outbox": "SELECT, INSERT, UPDATE, DELETE",
}
# The worker destroys grants by their ids and writes tombstones; it sees no ciphertext, wrap, share or secret.
WORKER = {
    "hub_state": "SELECT",
    "sealed_grant": "SELECT (id, object_kind, object_id, agency_id, epoch, kind, revision, standing, until), UPDATE (standing, until)",
    "release": "SELECT (grant_id), DELETE",
    "tombstone_outbox": "SELECT, INSERT, UPDATE, DELETE",
}


def uid(name: str, *rest: object, **options: object) -> sa.Column:
    return sa.Column(name, UUID(as_uuid=True), *rest, nullable=False, **options)


def column(name: str, kind: object, *, nullable: bool = False, primary_key: bool = False) -> sa.Column:
    return sa.Column(name, kind, nullable=nullable, primary_key=primary_key, autoincrement=False)


MOMENT = sa.DateTime(timezone=True)
BYTES = sa.LargeBinary()
NUMBER = sa.Integer()


def upgrade() -> None:
    hub_tables()
    epoch_tables()
    grant_tables()
    part_tables()
    for table, rights in WEB.items():
        op.execute(f"GRANT {rights} ON {table} TO hub_web")
    for table, rights in WORKER.items():
        op.execute(f"GRANT {rights} ON {table} TO hub_worker")


def hub_tables() -> None:
    op.create_table(
        "hub_state",
        column("id", NUMBER, primary_key=True),
        column("hub_id", BYTES),
        column("profile", sa.Text()),
        column("made_at", MOMENT),
        sa.CheckConstraint("id = 1", name=op.f("ck_hub_state_only_row")),
    )
    op.create_table("hub_secret", column("name", sa.Text(), primary_key=True), column("locked", BYTES))


def epoch_tables() -> None:
    op.create_table(
        "agency_epoch",
        uid("agency_id", primary_key=True),
        column("epoch", NUMBER, primary_key=True),
        column("public_key", BYTES),
        column("signing_public", BYTES),
        column("recovery_public", BYTES),
        column("previous_digest", BYTES),
        column("signature", BYTES),
        column("link", BYTES, nullable=True),
        column("recovery_share", BYTES, nullable=True),
        uid("made_by"),
        column("made_at", MOMENT),
    )
    op.create_table(
        "epoch_share",
        uid("agency_id", primary_key=True),
        column("epoch", NUMBER, primary_key=True),
        uid("member_id", primary_key=True),
        column("sealed", BYTES),
        uid("given_by"),
        column("given_at", MOMENT),
    )
    op.create_index("ix_epoch_share_member_id", "epoch_share", ["member_id"])


def grant_tables() -> None:
    op.create_table(
        "sealed_grant",
        uid("id", primary_key=True),
        column("object_kind", sa.Text()),
        uid("object_id"),
        uid("agency_id"),
        column("epoch", NUMBER),
        column("kind", sa.Text()),
        column("revision", NUMBER),
        column("standing", sa.Text()),
        column("until", MOMENT, nullable=True),
        column("key_wrap", BYTES),
    )
    op.create_index("ix_sealed_grant_object_id", "sealed_grant", ["object_id"])
    op.create_table(
        "release",
        uid("grant_id", sa.ForeignKey("sealed_grant.id", ondelete="CASCADE", name=op.f("fk_release_grant_id_sealed_grant")), primary_key=True),
        column("locked", BYTES),
    )
    op.create_table("tombstone_outbox", uid("grant_id", primary_key=True), column("destroyed_at", MOMENT))


def part_tables() -> None:
    op.create_table(
        "sealed_part",
        uid("object_id", primary_key=True),
        column("object_kind", sa.Text(), primary_key=True),
        column("part", sa.Text(), primary_key=True),
        column("revision", NUMBER, primary_key=True),
        uid("agency_id"),
        column("epoch", NUMBER),
        column("size_bucket", NUMBER),
        uid("author"),
        column("sealed_at", MOMENT),
        column("head", BYTES),
        column("body", BYTES),
    )
    # Sealed bytes do not compress; the head stays in the row.
    op.execute("ALTER TABLE sealed_part ALTER COLUMN body SET STORAGE EXTERNAL, ALTER COLUMN head SET STORAGE PLAIN")
    op.create_table(
        "sealed_share",
        uid("grant_id", sa.ForeignKey("sealed_grant.id", ondelete="CASCADE", name=op.f("fk_sealed_share_grant_id_sealed_grant"))),
        column("part", sa.Text()),
        column("revision", NUMBER),
        column("wrapped", BYTES),
    )
    op.create_index("ix_sealed_share_grant_id", "sealed_share", ["grant_id"])
    op.create_table(
        "manifest",
        uid("object_id", primary_key=True),
        column("revision", NUMBER, primary_key=True),
        uid("agency_id"),
        column("epoch", NUMBER),
        column("body", BYTES),
        column("signature", BYTES),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
