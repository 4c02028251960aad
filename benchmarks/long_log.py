"""A long log written straight into the tables, whole in itself: entries, counters, tiles, head, as `audit.append` would have left them.

A year of work: 40 agencies, 400 members, each survivor and referral busy for some weeks; 2 % refused, one act in 500 that nothing explains,
and one session in twenty beside another one of the same member. The members, agencies, cases and referrals behind the ids are rows without content.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from referral_hub import audit
from referral_hub.audit import entry as entries
from referral_hub.audit import merkle, tiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

END = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAYS = 365
AGENCIES, MEMBERS = 40, 400
SPREAD = MEMBERS * 0.3  # some are busy, some are seldom there
REFUSED_EVERY, UNEXPLAINED_EVERY, FLAGGED_EVERY = 50, 500, 11
SECOND_SESSION_EVERY = 20
MANY = 100_000  # from so many entries on, indexes are made afterwards
# action, and how often of about a hundred
MIX = (
    ("section.read", 34.0), ("case.read", 18.0), ("referral.list", 14.0), ("case.list", 10.0), ("field.reveal", 4.0), ("section.safe_contact_read", 4.0),
    ("session.sign_in", 4.0), ("referral.preview_read", 2.0), ("referral.send", 2.0), ("referral.accept", 2.0), ("referral.complete", 1.0), ("case.search", 2.0),
    ("document.print", 1.0), ("directory.find", 1.0), ("member.role_change", 0.05), ("audit.read", 0.5), ("consent.withdraw", 0.1), ("break_glass.open", 0.05),
)  # fmt: skip
ABOUT_NOBODY = frozenset({"session.sign_in", "case.search", "directory.find", "audit.read", "member.role_change"})
AT_REFERRALS = ("referral.", "section.", "field.", "document.")
COLUMNS = ("idx", "leaf_hash", "payload", *entries.PROJECTED)


def some(kind: str, number: int) -> uuid.UUID:
    """Return the id of agency, member, alias, case or referral number `number`, as the SQL below makes it."""
    return uuid.UUID(int=(int.from_bytes(kind.encode()[:4].ljust(4, b"_")) << 96) | number)


@dataclass
class Log:
    """A log under way. `size` entries stand; `extend` writes on. `whole` is the size it will have in a year's end."""

    whole: int
    origin: str = "hub.bench.test/log"
    size: int = 0
    frontier: list[bytes] = field(default_factory=list)
    counters: dict[tuple[str, str], tuple[int, int | None]] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - a fixed log, nothing secret

    @property
    def survivors(self) -> int:
        """Return how many survivors the whole log tells about."""
        return max(20, self.whole // 50)

    @property
    def referrals(self) -> int:
        """Return how many referrals it tells about."""
        return max(20, self.whole // 40)

    def resume(self, session: Session) -> None:
        """Take up where the tables stand."""
        head = session.execute(text("SELECT size, frontier FROM audit_head")).one()
        self.size, self.frontier = head.size, tiles.split(bytes(head.frontier))
        rows = session.execute(text("SELECT kind, key, seq, last_idx FROM audit_counter"))
        self.counters = {(row.kind, row.key): (row.seq, row.last_idx) for row in rows}

    def extend(self, session: Session, *, until: int) -> None:
        """Write the entries up to size `until`, as a superuser, and commit. Call `settle` when nothing follows."""
        driver: Any = session.connection().connection.driver_connection
        driver.execute("SET LOCAL statement_timeout = 0")
        driver.execute("SET LOCAL maintenance_work_mem = '256MB'")
        again = _drop_indexes(driver) if until - self.size > MANY else []
        filled: list[tuple[int, int, bytes, bytes]] = []
        leaves: list[bytes] = []
        with driver.cursor() as cursor, cursor.copy(f"COPY audit_entry ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for idx, leaf, payload, said in self._written(until):
                columns = entries.projection(said)
                copy.write_row([idx, leaf, payload, *(columns[name] for name in entries.PROJECTED)])
                leaves.append(leaf)
                made = merkle.append(self.frontier, idx, leaf)
                filled += [(level, n, root, b"") for level, n, root in tiles.filled(idx + 1, made)]
        for statement in again:
            driver.execute(statement)
        _keep(driver, filled, self)
        session.commit()

    def _written(self, until: int) -> Iterator[tuple[int, bytes, bytes, audit.Entry]]:
        for idx in range(self.size, until):
            said = self._said(idx)
            marks: dict[str, Any] = {}
            for pair in entries.counted(said).items():
                seq, last = self.counters.get(pair, (0, None))
                marks |= {f"{pair[0]}_seq": seq + 1, f"{pair[0]}_prev": last}
                self.counters[pair] = (seq + 1, idx)
            place = entries.Place(
                idx=idx, event_id=uuid.UUID(int=self.chance.getrandbits(128)), salt=self.chance.randbytes(16), software="0.1.0", origin=self.origin, **marks
            )  # fmt: skip
            payload = entries.payload(said, place)
            yield idx, merkle.leaf_hash(payload), payload, said
        self.size = until

    def _said(self, idx: int) -> audit.Entry:
        chance = self.chance
        action = chance.choices([code for code, _ in MIX], _WEIGHTS)[0]
        member = int(abs(chance.gauss(0, SPREAD))) % MEMBERS
        along = idx / self.whole
        survivor, referral = (int((along * 0.9 + chance.random() * 0.1) * count) % count for count in (self.survivors, self.referrals))
        day = int(along * DAYS)
        second = (member + day) % SECOND_SESSION_EVERY == 0 and chance.random() < 0.3
        at_referral = action.startswith(AT_REFERRALS) and action != "referral.list"
        denied = idx % REFUSED_EVERY == 1
        page = action in entries.PAGE_ACTIONS
        sent = action == "referral.send"
        return audit.Entry(
            occurred_at=END - timedelta(days=DAYS) + timedelta(days=DAYS) * along, action=action, actor_kind="member", actor_id=some("member", member), roles=("case_lead",),
            agency_id=some("agency", member % AGENCIES), session_digest=f"{some('session', day * 1000 + member).int ^ second:032x}", auth_method="passphrase+totp",
            auth_strength="full", object_kind="section", object_id=some("member", member) if action.startswith("member.") else some("referral", referral),
            referral_id=some("referral", referral) if at_referral else None, sections=("identity", "needs") if at_referral else (),
            subjects=() if action in ABOUT_NOBODY else (some("alias", survivor),), subject_flags=("minor",) if survivor % FLAGGED_EVERY == 0 else (), page=page,
            count=1 if page else None, hits=3 if action == "case.search" else None, purpose="case_coordination",
            basis="" if idx % UNEXPLAINED_EVERY == 0 else ("recipient" if member % 2 else "assigned"), rule_ids=("own-file-opened",), policy_digest="cd" * 32,
            outcome="deny" if denied else "allow", reason="not_found" if denied else "", recipient_agency=some("agency", (member + 1) % AGENCIES) if sent else None,
            manifest_digest=b"\x01" * 32 if sent else None, request_id=f"{idx:032x}",
        )  # fmt: skip

    def settle(self, session: Session) -> None:
        """Let the database know its tables as a busy one would, with every page visible to all."""
        driver: Any = session.connection().connection.driver_connection
        session.rollback()
        driver.autocommit = True
        driver.execute("SET statement_timeout = 0")
        driver.execute("VACUUM ANALYZE audit_entry")
        driver.execute("ANALYZE")
        driver.execute("SET statement_timeout TO DEFAULT")
        driver.autocommit = False


_WEIGHTS = [often for _, often in MIX]


def _drop_indexes(driver: Any) -> list[str]:
    """Drop the indexes of the log that are no constraints; return the statements that make them again."""
    found = driver.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'audit_entry' AND indexname <> 'pk_audit_entry'").fetchall()
    for name, _ in found:
        driver.execute(f'DROP INDEX "{name}"')
    return [definition for _, definition in found]


def _keep(driver: Any, filled: list[tuple[int, int, bytes, bytes]], log: Log) -> None:
    """Write tiles, counters and head for the entries that stand."""
    for level in range(max((one[0] for one in filled), default=-1) + 1):
        of_level = [(n, root) for at, n, root, _ in filled if at == level]
        source = "SELECT string_agg(leaf_hash, ''::bytea ORDER BY idx) FROM audit_entry WHERE idx >= n * 256 AND idx < (n + 1) * 256"
        if level:
            source = f"SELECT string_agg(t.root, ''::bytea ORDER BY t.n) FROM audit_tile t WHERE t.level = {level - 1} AND t.n >= w.n * 256 AND t.n < (w.n + 1) * 256"
        driver.execute(
            f"INSERT INTO audit_tile (level, n, hashes, root) SELECT {level}, w.n, ({source}), w.root FROM unnest(%s::bigint[], %s::bytea[]) AS w(n, root)",
            ([n for n, _ in of_level], [root for _, root in of_level]),
        )
    pairs = list(log.counters.items())
    driver.execute(
        "INSERT INTO audit_counter (kind, key, seq, last_idx) SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[])"
        " ON CONFLICT (kind, key) DO UPDATE SET seq = excluded.seq, last_idx = excluded.last_idx",
        ([pair[0] for pair, _ in pairs], [pair[1] for pair, _ in pairs], [value[0] for _, value in pairs], [value[1] for _, value in pairs]),
    )
    driver.execute("UPDATE audit_head SET origin = %s, size = %s, frontier = %s", (log.origin, log.size, b"".join(log.frontier)))


def _id(kind: str, number: str = "n") -> str:
    prefix = kind.encode()[:4].ljust(4, b"_").hex()
    return f"('{prefix}' || lpad(to_hex({number}), 24, '0'))::uuid"


PEOPLE = (
    f"""
    INSERT INTO agency (id, code, name, kind, region, coverage, timezone, hours, government, on_call_24h, languages, access, disclosure, tiers, sectors, state, created_at, version)
    SELECT {_id("agency")}, 'ukur-log-' || n, 'Lembaga ukur ' || n, (ARRAY['legal', 'social_services', 'health', 'shelter'])[1 + n % 4], '32.73', '{{32.73}}', 'Asia/Jakarta',
           'office', n % 2 = 0, false, '{{id}}', '{{}}', 'default', '{{}}', '{{}}', 'active', CAST(:now AS timestamptz) - interval '400 days', 1
    FROM generate_series(0, :agencies - 1) n
    """,
    f"""
    INSERT INTO member (id, agency_id, code, state, roles, key_role, name_locked, invited_at, last_sign_in, language, timezone, version)
    SELECT {_id("member")}, {_id("agency", "n % :agencies")}, 'PS-' || n, 'active', '{{case_lead}}', true, '', CAST(:now AS timestamptz) - interval '400 days',
           CAST(:now AS timestamptz) - CASE WHEN n % 100 = 99 THEN interval '90 days' ELSE interval '1 day' END, 'id', 'Asia/Jakarta', 1
    FROM generate_series(0, :members - 1) n
    """,
    f"""
    INSERT INTO case_file (id, agency_id, stage, opened_at, last_activity, minor, protected, second_person_needed, retention_until, version)
    SELECT {_id("case")}, {_id("agency", "n % :agencies")}, 'intake', CAST(:now AS timestamptz), CAST(:now AS date), n % 11 = 0, false, false, CAST(:now AS date) + 3650, 1
    FROM generate_series(0, :survivors - 1) n
    """,
    f"""
    INSERT INTO alias (id, case_id, agency_id, code) SELECT {_id("alias")}, {_id("case")}, {_id("agency", "n % :agencies")}, 'SM-UKUR-' || n
    FROM generate_series(0, :survivors - 1) n
    """,
    f"""
    INSERT INTO referral (id, number, case_id, type, from_agency, from_member, to_agency, service, urgency, state, business, flags, created_at, paused_for, has_appointment,
                          milestones, sending, version)
    SELECT {_id("referral")}, 'RJ-UKUR-' || n, {_id("case", "n % :survivors")}, 'referral', {_id("agency", "n % :agencies")}, {_id("member", "n % :members")},
           {_id("agency", "(n + 1) % :agencies")}, 'legal_consult', 'normal', 'accepted', 'accepted', '{{}}', CAST(:now AS timestamptz), 0, false, '{{}}', 1, 1
    FROM generate_series(0, :referrals - 1) n
    """,
)  # fmt: skip
# A checkpoint every ten minutes of the year, a quorum of two witnesses seconds later.
PAPERS = (
    """
    INSERT INTO audit_checkpoint (id, origin, size, root, note, signed_at)
    SELECT lpad(to_hex(n), 32, '0')::uuid, :origin, greatest(1, n * CAST(:size AS bigint) / :papers), '\\x00', '', CAST(:now AS timestamptz) - (:papers - n) * interval '10 minutes'
    FROM generate_series(1, :papers) n
    """,
    "INSERT INTO audit_witness (key, name, listed, since, failure) SELECT 'saksi-' || w, 'saksi-' || w, true, CAST(:now AS timestamptz) - interval '1 year', '' FROM generate_series(1, 2) w",
    """
    INSERT INTO audit_cosignature (checkpoint_id, witness, line, cosigned_at, received_at)
    SELECT c.id, w.key, '', c.signed_at, c.signed_at + interval '3 seconds' FROM audit_checkpoint c, audit_witness w
    """,
    "INSERT INTO audit_quorum (checkpoint_id, reached_at) SELECT id, signed_at + interval '3 seconds' FROM audit_checkpoint",
)


def people(session: Session, log: Log) -> None:
    """Insert whom and what the log tells about, as a superuser without triggers, and commit."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("SET LOCAL statement_timeout = 0"))
    values = {"now": END, "agencies": AGENCIES, "members": MEMBERS, "survivors": log.survivors, "referrals": log.referrals}
    for statement in PEOPLE:
        session.execute(text(statement), values)
    session.commit()


def papers(session: Session, log: Log) -> None:
    """Insert a year of checkpoints and cosignatures (rows without signatures), and commit."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("SET LOCAL statement_timeout = 0"))
    for statement in PAPERS:
        session.execute(text(statement), {"now": END, "origin": log.origin, "size": log.size, "papers": DAYS * 144})
    session.commit()
