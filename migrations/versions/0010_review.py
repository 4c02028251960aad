"""Review: cursors and hits of the rules, findings, statements; indexes of the saved questions; what the worker may read for the rules."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0010_review"
down_revision = "0009_jobs"

TABLES = ("review_cursor", "finding", "rule_hit", "finding_entry", "finding_step", "disclosure_statement")
MOMENT = sa.DateTime(timezone=True)
# Partial indexes: small, and of no cost to the entries that are not in them.
SEARCHES = {
    "ix_audit_entry_flagged": "position('\"subject_flags\"'::bytea in payload) > 0",
    "ix_audit_entry_machine": "actor_kind <> 'member'",
    "ix_audit_entry_unexplained": "basis IN ('', 'none') AND outcome = 'allow' AND subjects <> '{}' AND action NOT IN ('case.list', 'referral.list')",
}
# What the rules need to know about members, agencies and referrals; nothing that is sealed or locked.
WORKER_READS = {
    "member": ("code", "roles", "timezone", "last_sign_in"),
    "agency": ("region",),
    "alias": ("id", "case_id", "agency_id"),
}


def create_hits() -> None:
    op.create_table(
        "review_cursor",
        sa.Column("pace", sa.Text(), nullable=False),
        sa.Column("next_idx", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", MOMENT, nullable=False),
        sa.CheckConstraint("next_idx >= 0", name="ck_review_cursor_next_idx"),
        sa.PrimaryKeyConstraint("pace", name="pk_review_cursor"),
    )
    op.create_table(
        "rule_hit",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agency_id", UUID()),
        sa.Column("actor_id", UUID()),
        sa.Column("occurred_at", MOMENT, nullable=False),
        sa.Column("found_at", MOMENT, nullable=False),
        sa.Column("finding_id", UUID()),
        sa.PrimaryKeyConstraint("rule", "idx", name="pk_rule_hit"),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.id"], name="fk_rule_hit_finding_id_finding"),
    )
    op.create_index("ix_rule_hit_idx", "rule_hit", ["idx"])
    op.create_index("ix_rule_hit_waiting", "rule_hit", ["rule", "agency_id", "idx"], postgresql_where=sa.text("finding_id IS NULL"))
    op.create_index("ix_rule_hit_finding_id", "rule_hit", ["finding_id"], postgresql_where=sa.text("finding_id IS NOT NULL"))


def create_findings() -> None:
    op.create_table(
        "finding",
        sa.Column("id", UUID(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text()),
        sa.Column("agency_id", UUID(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text()),
        sa.Column("opened_by", UUID(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("answer_by", MOMENT, nullable=False),
        sa.Column("assigned_to", UUID()),
        sa.Column("explained_at", MOMENT),
        sa.Column("confirmed_at", MOMENT),
        sa.Column("closed_by", UUID()),
        sa.Column("closed_at", MOMENT),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'assigned', 'explained', 'confirmed', 'escalated', 'closed')", name="ck_finding_state"),
        sa.CheckConstraint("verdict IN ('explained', 'improve', 'escalated')", name="ck_finding_verdict"),
        sa.CheckConstraint("closed_by <> opened_by", name="ck_finding_second_person"),
        sa.CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="ck_finding_closed"),
        sa.PrimaryKeyConstraint("id", name="pk_finding"),
        sa.UniqueConstraint("number", name="uq_finding_number"),
        *_references("finding", agency_id="agency", opened_by="member", assigned_to="member", closed_by="member"),
    )
    op.create_index("ix_finding_agency_id", "finding", ["agency_id"])
    op.create_index("ix_finding_opened_at", "finding", ["opened_at"])


def create_steps() -> None:
    op.create_table(
        "finding_entry",
        sa.Column("finding_id", UUID(), nullable=False),
        sa.Column("idx", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("finding_id", "idx", name="pk_finding_entry"),
        *_references("finding_entry", finding_id="finding"),
    )
    op.create_table(
        "finding_step",
        sa.Column("finding_id", UUID(), nullable=False),
        sa.Column("seq", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("actor_id", UUID(), nullable=False),
        sa.Column("agency_id", UUID(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("text_locked", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("finding_id", "seq", name="pk_finding_step"),
        *_references("finding_step", finding_id="finding", actor_id="member", agency_id="agency"),
    )


def create_statements() -> None:
    op.create_table(
        "disclosure_statement",
        sa.Column("id", UUID(), nullable=False),
        sa.Column("subject", UUID(), nullable=False),
        sa.Column("agency_id", UUID(), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("names_staff", sa.Boolean(), nullable=False),
        sa.Column("handed_by", UUID(), nullable=False),
        sa.Column("approved_by", UUID(), nullable=False),
        sa.Column("approved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_disclosure_statement"),
        *_references("disclosure_statement", agency_id="agency", handed_by="member", approved_by="member"),
    )
    op.create_index("ix_disclosure_statement_subject", "disclosure_statement", ["subject"])


def _references(table: str, **columns: str) -> list[sa.ForeignKeyConstraint]:
    return [sa.ForeignKeyConstraint([name], [f"{to}.id"], name=f"fk_{table}_{name}_{to}") for name, to in columns.items()]


def upgrade() -> None:
    create_findings()
    create_hits()
    create_steps()
    create_statements()
    for name, condition in SEARCHES.items():
        op.create_index(name, "audit_entry", ["idx"], postgresql_where=sa.text(condition))
    op.execute("GRANT SELECT ON review_cursor, rule_hit TO hub_web")
    op.execute("GRANT UPDATE (finding_id) ON rule_hit TO hub_web")
    op.execute("GRANT SELECT, INSERT, UPDATE ON finding TO hub_web")
    op.execute("GRANT SELECT, INSERT ON finding_entry, finding_step, disclosure_statement TO hub_web")
    op.execute("GRANT SELECT, INSERT, UPDATE ON review_cursor TO hub_worker")
    op.execute("GRANT SELECT, INSERT ON rule_hit TO hub_worker")
    for table, columns in WORKER_READS.items():
        op.execute(f"GRANT SELECT ({', '.join(columns)}) ON {table} TO hub_worker")


def downgrade() -> None:
    for table, columns in WORKER_READS.items():
        op.execute(f"REVOKE SELECT ({', '.join(columns)}) ON {table} FROM hub_worker")
    for name in SEARCHES:
        op.drop_index(name, "audit_entry")
    for table in reversed(TABLES):
        op.drop_table(table)
