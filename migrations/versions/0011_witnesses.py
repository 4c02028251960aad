"""Witnesses: the log's name on each checkpoint, how each witness stands, what it refused, which checkpoints have a quorum; rights."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0011_witnesses"
down_revision = "0010_review"

CHECKPOINT = ("checkpoint_id", "audit_checkpoint.id")


def widen_checkpoint() -> None:
    op.add_column("audit_checkpoint", sa.Column("origin", sa.Text()))
    op.execute("UPDATE audit_checkpoint SET origin = split_part(note, E'\\n', 1)")
    op.alter_column("audit_checkpoint", "origin", nullable=False)
    op.drop_index("ix_audit_checkpoint_size", "audit_checkpoint")
    op.create_index("ix_audit_checkpoint_size", "audit_checkpoint", ["origin", "size", "signed_at"])
    op.add_column("audit_cosignature", sa.Column("received_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE audit_cosignature SET received_at = cosigned_at")
    op.alter_column("audit_cosignature", "received_at", nullable=False)
    op.create_index("ix_audit_cosignature_witness", "audit_cosignature", ["witness", "checkpoint_id"])


def create_witnesses() -> None:
    op.create_table(
        "audit_witness",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True)),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("alarmed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("key", name="pk_audit_witness"),
    )
    op.create_table(
        "audit_refusal",
        sa.Column("id", UUID(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("checkpoint_id", UUID(), nullable=False),
        sa.Column("old_size", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_refusal"),
        sa.ForeignKeyConstraint([CHECKPOINT[0]], [CHECKPOINT[1]], name="fk_audit_refusal_checkpoint_id_audit_checkpoint"),
    )
    op.create_index("ix_audit_refusal_witness", "audit_refusal", ["witness", "refused_at"])
    op.create_table(
        "audit_quorum",
        sa.Column("checkpoint_id", UUID(), nullable=False),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("checkpoint_id", name="pk_audit_quorum"),
        sa.ForeignKeyConstraint([CHECKPOINT[0]], [CHECKPOINT[1]], name="fk_audit_quorum_checkpoint_id_audit_checkpoint"),
    )


def upgrade() -> None:
    widen_checkpoint()
    create_witnesses()
    op.execute("GRANT SELECT ON audit_witness, audit_refusal, audit_quorum TO hub_web, hub_worker")
    op.execute("GRANT INSERT ON audit_refusal, audit_quorum TO hub_worker")
    op.execute("GRANT INSERT, UPDATE ON audit_witness TO hub_worker")
    op.execute("GRANT INSERT ON audit_cosignature TO hub_web")


def downgrade() -> None:
    for table in ("audit_quorum", "audit_refusal", "audit_witness"):
        op.drop_table(table)
    op.execute("REVOKE INSERT ON audit_cosignature FROM hub_web")
    op.drop_index("ix_audit_cosignature_witness", "audit_cosignature")
    op.drop_column("audit_cosignature", "received_at")
    op.drop_index("ix_audit_checkpoint_size", "audit_checkpoint")
    op.drop_column("audit_checkpoint", "origin")
    op.create_index("ix_audit_checkpoint_size", "audit_checkpoint", ["size", "signed_at"])
