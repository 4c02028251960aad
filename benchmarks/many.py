"""A thousand and a million referrals by SQL, for the lists: one busy agency, many middling ones, and one that has ten rows, the oldest of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from benchmarks.seed import Seeded

PER_CASE = 5
SMALL = 10

AGENCIES = """
INSERT INTO agency (id, code, name, kind, region, coverage, timezone, hours, government, on_call_24h, languages, access, disclosure, tiers, sectors,
                    state, created_at, version)
SELECT md5('agency' || n)::uuid, 'ukur-' || n, 'Lembaga ukur ' || n, 'legal', '32.73', '{32.73}', 'Asia/Jakarta', 'office', false, false, '{id}', '{}',
       'default', '{}', '{}', 'active', now(), 1
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n ON CONFLICT DO NOTHING
"""
CASES = """
INSERT INTO case_file (id, agency_id, stage, opened_at, last_activity, minor, protected, second_person_needed, retention_until, version)
SELECT md5('case' || n)::uuid, CAST(:sender AS uuid), 'intake', now(), current_date, false, false, false, current_date + 3650, 1
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n
"""
ALIASES = """
INSERT INTO alias (id, case_id, agency_id, code)
SELECT md5('alias' || n)::uuid, md5('case' || n)::uuid, {to}, 'SM-' || upper(substr(md5('code' || n), 1, 12))
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) n
"""
# Ids grow with time, as UUIDv7 do: milliseconds first.
REFERRALS = """
INSERT INTO referral (id, number, case_id, type, from_agency, from_member, to_agency, service, urgency, state, business, flags, created_at, sent_at,
                      received_at, accepted_at, ended_at, respond_by, due_at, paused_for, has_appointment, milestones, sending, version)
SELECT (lpad(to_hex(CAST(:since AS bigint) + i), 12, '0') || '7' || substr(md5('r' || i), 1, 3) || '8' || substr(md5('r' || i), 4, 15))::uuid,
       'RJ-' || upper(substr(md5('n' || i), 1, 12)), md5('case' || n)::uuid, 'referral', CAST(:sender AS uuid), CAST(:member AS uuid), {to}, 'legal_consult',
       (ARRAY['normal', 'normal', 'urgent', 'planned'])[1 + i % 4], state, state, '{{}}', at, at, at, CASE WHEN i % 5 > 1 THEN at END,
       CASE WHEN i % 5 = 4 THEN at + interval '9 days' END, at + interval '3 days', CASE WHEN i % 5 < 4 THEN at + interval '3 days' END, 0, false, '{{}}', 1, 4
FROM (SELECT i, 1 + (i - 1) / CAST(:per_case AS int) AS n, to_timestamp((CAST(:since AS bigint) + i) / 1000.0) AS at,
             (ARRAY['requested', 'received', 'accepted', 'in-progress', 'completed'])[1 + i % 5] AS state
      FROM generate_series(CAST(:first_row AS bigint), CAST(:last_row AS bigint)) i) rows
"""
# Whose row: the first two cases are the small agency's, then one in ten the busy agency's, the rest are spread.
TO = "CASE WHEN n <= {small_cases} THEN CAST(:small AS uuid) WHEN n % 10 = 0 THEN CAST(:busy AS uuid) ELSE md5('agency' || (n % CAST(:agencies AS int)))::uuid END"


def fill(session: Session, *, first: int, last: int, agencies: int, seeded: Seeded) -> None:
    """Insert referrals number `first` to `last` (from 1; both on the edge of a case), as a superuser without triggers, and analyse."""
    sender, member = seeded.senders[0].agency.id, seeded.senders[0].id
    busy, small = seeded.busy.agency.id, seeded.small.agency.id
    to = TO.format(small_cases=SMALL // PER_CASE)
    cases = {"first": 1 + (first - 1) // PER_CASE, "last": last // PER_CASE}
    whom = {"busy": busy, "small": small, "agencies": agencies}
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text("SET LOCAL synchronous_commit = off"))
    session.execute(text("SET LOCAL statement_timeout = '180s'"))
    session.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))
    session.execute(text(AGENCIES), {"first": 0, "last": agencies - 1})
    rebuilt = _drop_indexes(session) if last - first > 100_000 else []
    session.execute(text(CASES), {**cases, "sender": sender})
    session.execute(text(ALIASES.format(to=to)), {**cases, **whom})
    session.execute(
        text(REFERRALS.format(to=to)),
        {**whom, "sender": sender, "member": member, "first_row": first, "last_row": last, "per_case": PER_CASE, "since": 1_750_000_000_000},
    )  # fmt: skip
    for statement in rebuilt:
        session.execute(text(statement))
    session.commit()
    session.execute(text("ANALYZE agency, case_file, alias, referral"))
    session.commit()


def _drop_indexes(session: Session) -> list[str]:
    """Drop the indexes of the referral table that are no constraints; return the statements that make them again."""
    query = text("""
        SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'referral'
        AND indexname NOT IN (SELECT conname FROM pg_constraint)
    """)
    found = session.execute(query).all()
    for name, _ in found:
        session.execute(text(f'DROP INDEX "{name}"'))
    return [definition for _, definition in found]
