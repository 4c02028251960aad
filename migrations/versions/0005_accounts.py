"""Accounts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_accounts"
down_revision = "0004_directory"

ID = postgresql.UUID(as_uuid=True)
MOMENT = sa.DateTime(timezone=True)
CODES = postgresql.ARRAY(sa.Text())

# A share of an agency's key only for a member whose roles hold it (agency_roles.yaml), whatever the program believes.
NO_SHARE_WITHOUT_ROLE = """
CREATE FUNCTION no_share_without_role() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM member WHERE id = NEW.member_id AND (NOT key_role OR agency_id <> NEW.agency_id)) THEN
        RAISE EXCEPTION 'member % may hold no share of this key', NEW.member_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$
"""


def upgrade() -> None:
    _member()
    _ways_in()
    _counts()
    _keys()
    op.execute(NO_SHARE_WITHOUT_ROLE)
    op.execute(
        "CREATE TRIGGER no_share_without_role BEFORE INSERT OR UPDATE ON epoch_share FOR EACH ROW EXECUTE FUNCTION no_share_without_role()"
    )
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON member, invitation, session, device, throttle, act, recovery_print, founding_confirmation TO hub_web"
    )
    op.execute("GRANT SELECT (id, agency_id, state) ON member TO hub_worker")
    op.execute("GRANT SELECT (id, member_id, purpose, created_at, last_seen, expires_at) ON session TO hub_worker")
    op.execute("GRANT SELECT (id, member_id, expires_at, used_at) ON invitation TO hub_worker")
    op.execute("GRANT SELECT (id, member_id, expires_at) ON device TO hub_worker")
    op.execute("GRANT SELECT (actor_id, key, created_at) ON act TO hub_worker")
    op.execute("GRANT SELECT ON throttle TO hub_worker")
    op.execute("GRANT DELETE ON session, invitation, device, act, throttle TO hub_worker")


def _member() -> None:
    op.create_table(
        "member",
        sa.Column("id", ID, nullable=False),
        sa.Column("agency_id", ID, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("roles", CODES, nullable=False),
        sa.Column("key_role", sa.Boolean(), nullable=False),
        sa.Column("proposed_roles", CODES),
        sa.Column("proposed_by", ID),
        sa.Column("name_locked", sa.LargeBinary(), nullable=False),
        sa.Column("mail_locked", sa.LargeBinary()),
        sa.Column("phone_locked", sa.LargeBinary()),
        sa.Column("mail_token", sa.LargeBinary()),
        sa.Column("verifier_locked", sa.LargeBinary()),
        sa.Column("key_wrap", sa.LargeBinary()),
        sa.Column("public_key", sa.LargeBinary()),
        sa.Column("fingerprint", sa.Text()),
        sa.Column("kdf_salt", sa.LargeBinary()),
        sa.Column("kdf", sa.Text()),
        sa.Column("totp_locked", sa.LargeBinary()),
        sa.Column("last_totp_step", sa.BigInteger()),
        sa.Column("invited_by", ID),
        sa.Column("invited_at", MOMENT, nullable=False),
        sa.Column("terms_accepted_at", MOMENT),
        sa.Column("enrolled_at", MOMENT),
        sa.Column("admitted_by", ID),
        sa.Column("admitted_at", MOMENT),
        sa.Column("key_lost_at", MOMENT),
        sa.Column("last_sign_in", MOMENT),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_member"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_member_agency_id_agency"),
        *(sa.ForeignKeyConstraint([c], ["member.id"], name=f"fk_member_{c}_member") for c in ("proposed_by", "invited_by", "admitted_by")),
        sa.UniqueConstraint("agency_id", "code", name="uq_member_agency_id_code"),
        sa.UniqueConstraint("mail_token", name="uq_member_mail_token"),
        sa.CheckConstraint("state IN ('invited', 'waiting', 'active', 'suspended', 'left')", name="ck_member_state"),
    )


def _ways_in() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_invitation"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_invitation_member_id_member"),
        sa.UniqueConstraint("token_digest", name="uq_invitation_token_digest"),
        sa.CheckConstraint("purpose IN ('enrol', 'reset')", name="ck_invitation_purpose"),
    )
    op.create_index("ix_invitation_member_id", "invitation", ["member_id"])
    op.create_index("ix_invitation_expires_at", "invitation", ["expires_at"])
    op.create_table(
        "session",
        sa.Column("id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("key_wrap", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("auth_method", sa.Text(), nullable=False),
        sa.Column("wrong_codes", sa.Integer(), nullable=False),
        sa.Column("fresh_until", MOMENT),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("last_seen", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_session_member_id_member"),
        sa.CheckConstraint("purpose IN ('sign_in', 'enrol', 'full')", name="ck_session_purpose"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_session_member_id", "session", ["member_id"])
    op.create_index("ix_session_expires_at", "session", ["expires_at"])
    op.create_table(
        "device",
        sa.Column("id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("cookie_digest", sa.LargeBinary(), nullable=False),
        sa.Column("last_used", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_device"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_device_member_id_member"),
        sa.UniqueConstraint("member_id", "cookie_digest", name="uq_device_member_id_cookie_digest"),
    )
    op.create_index("ix_device_expires_at", "device", ["expires_at"])


def _counts() -> None:
    op.create_table(
        "throttle",
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", ID),
        sa.Column("window_start", MOMENT, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("attempts", "failures", "logged", "refused")),
        sa.PrimaryKeyConstraint("token", name="pk_throttle"),
        sa.CheckConstraint("kind IN ('known', 'unknown', 'network', 'code')", name="ck_throttle_kind"),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_throttle_window_start", "throttle", ["window_start"])
    op.create_table(
        "act",
        sa.Column("actor_id", ID, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("result_id", ID),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("actor_id", "key", name="pk_act"),
    )
    op.create_index("ix_act_created_at", "act", ["created_at"])


def _keys() -> None:
    op.create_table(
        "recovery_print",
        sa.Column("agency_id", ID, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("made_by", ID, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("check_digest", sa.LargeBinary()),
        sa.Column("confirmed_at", MOMENT),
        sa.PrimaryKeyConstraint("agency_id", "epoch", name="pk_recovery_print"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_recovery_print_agency_id_agency"),
        sa.ForeignKeyConstraint(["made_by"], ["member.id"], name="fk_recovery_print_made_by_member"),
    )
    op.create_table(
        "founding_confirmation",
        sa.Column("agency_id", ID, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("agency_id", "role", name="pk_founding_confirmation"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_founding_confirmation_agency_id_agency"),
        sa.ForeignKeyConstraint(["member_id"], ["member.id"], name="fk_founding_confirmation_member_id_member"),
        sa.UniqueConstraint("agency_id", "member_id", name="uq_founding_confirmation_agency_id_member_id"),
        sa.CheckConstraint("role IN ('network_admin', 'network_auditor')", name="ck_founding_confirmation_role"),
    )


def downgrade() -> None:
    op.execute("DROP TRIGGER no_share_without_role ON epoch_share")
    op.execute("DROP FUNCTION no_share_without_role()")
    for table in ("founding_confirmation", "recovery_print", "act", "throttle", "device", "session", "invitation", "member"):
        op.drop_table(table)
