"""A referral from a social-services agency to legal aid, told through the actions; each call is one transaction, as a page makes it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import select

from referral_hub import audit, errors, protocol
from referral_hub.audit import queries as log
from referral_hub.cases import actions as cases
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import Giving, Shown
from referral_hub.db import transact
from referral_hub.protocol import lifecycle
from referral_hub.referrals import actions, queries, reading, rules
from referral_hub.referrals.records import EventRow, ReferralRow

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)  # Monday, 10.00 in Bandung
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

PROFILE = {"age_band": "25_44", "sex": "P", "languages": ["su"], "nationality_group": "WNI", "access_needs": ["none"]}
IDENTITY = {"full_name": "Melati Contoh", "nik": "3273015503900000", "birth_date": "1990-03-15"}
SAFE_CONTACT = {
    "method": ["companion"], "contact_allowed": True, "phone_shared": False, "must_not_know": "majikan", "code_word_ok": "melon",
    "safe_times": "pagi",
}  # fmt: skip
BLOCKED = {"blocked_people": "mantan majikan"}
BLOCKED_FIELDS = ("blocked_people", "blocked_agencies", "blocked_kinds")
META = {"purpose": "Pendampingan hukum untuk restitusi."}
NEEDS = {"wishes": "Ingin didampingi saat sidang.", "services_given": ["case_management"], "current_state": "Tenang."}
SECTIONS = ("meta", "profile", "identity", "safe_contact", "needs", "consent")
TABLES = "referral, referral_basis, referral_event, sealed_grant, sealed_part, sealed_share, release, manifest, consent, case_file"


class Desk:
    """One member at work at one moment."""

    def __init__(self, story, person, now):
        self.story, self.person, self.now = story, person, now

    def do(self, verb, **inputs):
        who = {"actor": self.person.actor, "keys": self.person.keys, "now": self.now}
        return transact(self.story.session, lambda s: verb(s, **who, **inputs))

    def __getattr__(self, name):
        return lambda **inputs: self.do(getattr(actions, name), **inputs)

    def on(self, name, **inputs):
        """Act on the story's referral as its page shows it now."""
        inputs.setdefault("version", self.story.version())
        return self.do(getattr(actions, name), referral_id=self.story.id, **inputs)

    def later_of(self, event):
        return self.do(actions.later, referral_id=self.story.id, event=event)

    def opened(self, name, **inputs):
        return self.do(getattr(reading, f"open_{name}"), referral_id=self.story.id, **inputs)

    def read(self, name, **inputs):
        return reading.reveal(self.opened(name, **inputs))

    def section(self, code):
        return self.read("section", section=code).sections[0]

    def ask(self, name, **inputs):
        return self.do(getattr(queries, name), **inputs)

    def detail(self):
        return self.ask("detail", referral_id=self.story.id)


@dataclass
class Story:
    """The people of the story, and the referral once there is one."""

    session: object
    network: object
    uptd: object
    lbh: object
    sari: object  # social worker who sends
    santi: object  # lawyer who receives
    clock: datetime = NOW
    id: object = None

    def at(self, person, after=timedelta()):
        """A member's desk, `after` the story's clock."""
        return Desk(self, person, self.clock + after)

    def row(self):
        query = select(ReferralRow).where(ReferralRow.id == self.id).execution_options(populate_existing=True)
        found = self.session.scalars(query).one()
        self.session.rollback()
        return found

    def version(self):
        return self.row().version

    def events(self):
        found = self.session.scalars(select(EventRow).where(EventRow.referral_id == self.id).order_by(EventRow.seq)).all()
        self.session.rollback()
        return found

    def open_file(self, *, profile=PROFILE, identity=IDENTITY, safety=BLOCKED, person=None):
        """A survivor's file with what every sending needs."""
        desk = self.at(person or self.sari)
        case = desk.do(cases.open_case)
        for section, values in (("profile", profile), ("identity", identity), ("safe_contact", SAFE_CONTACT)):
            desk.do(cases.edit_section, case_id=case.id, section=section, values=values, version=0, as_other=True)
        desk.do(cases.edit_section, case_id=case.id, section="safety", values=safety, version=0, only=BLOCKED_FIELDS)
        return case

    def draft(self, *, case=None, urgency="normal", service="legal_consult", to=None, meta=META, needs=NEEDS, **more):
        """A draft with its own parts; no consent yet."""
        case = case or self.open_file()
        meta = meta | ({"urgency_reason": "danger_now"} if urgency in {"urgent", "emergency"} else {})
        made = self.at(self.sari).create(
            case_id=case.id, service=service, recipient_agency=(to or self.lbh).id, urgency=urgency, parts={"meta": meta, "needs": needs}, **more
        )
        self.id = made.id
        return made

    def agree(self, **changes):
        """The survivor agrees to what the story shares."""
        return self.at(self.sari).on("give_consent", giving=self.giving(**changes))

    def giving(self, *, until=date(2027, 5, 1), sections=SECTIONS, excluded=(), contact=True, **changes):
        row = self.row()
        purpose = protocol.current().service(row.service).purpose
        shown = Shown(
            form="adult_release", text_language="id", from_agency="Lembaga UPTD", to_agency="Lembaga", agency_id=row.to_agency,
            purpose=purpose, sections=tuple(sections), valid_until=until, onward=False, contact=contact, stats=False, excluded=excluded,
            blocked="mantan majikan",
        )  # fmt: skip
        answer = {
            "agency_id": row.to_agency, "service": row.service, "purpose": purpose, "sections": frozenset(sections),
            "excluded_fields": excluded, "restrictions": "hanya pagi hari", "use_limits": frozenset({"no_media"}), "onward_allowed": False,
            "contact_allowed": contact, "stats_allowed": False, "valid_until": until, "given_by": "self", "method": "written",
            "language": "id", "given_at": self.clock, "copy_given": "given", "witness": (), "shown": shown,
            "text_shown": consents.wording(shown).shown,
        }  # fmt: skip
        return Giving(**(answer | changes))

    def send(self, **inputs):
        ready = {"safe_contact_read": True, "recipient_code": "lbh", "phoned": True}
        return self.at(self.sari).on("send", **(ready | inputs))

    def sent(self, **draft):
        """Everything up to and including the sending."""
        self.draft(**draft)
        self.agree()
        return self.send()

    def opened(self, **draft):
        self.sent(**draft)
        return self.at(self.santi, HOUR).on("open_preview")

    def accepted(self, **draft):
        self.opened(**draft)
        return self.at(self.santi, 2 * HOUR).on("accept", handler=self.santi.id, first_contact_by=self.clock + DAY)

    def started(self):
        self.accepted()
        return self.at(self.santi, DAY).on("start")

    def completed_with(self, **draft):
        self.accepted(**draft)
        self.at(self.santi, DAY).on("start")
        return self.at(self.santi, 2 * DAY).on("complete", outcome="service_given")

    def completed(self):
        self.started()
        return self.at(self.santi, 2 * DAY).on("complete", outcome="service_given")

    # --- replay ----------------------------------------------------------------------------------------------------------

    def check_replay(self):
        """The events of every referral lead to its row (lifecycle.yaml, invariants)."""
        rows = self.session.scalars(select(ReferralRow).execution_options(populate_existing=True)).all()
        for row in rows:
            found = self.session.scalars(select(EventRow).where(EventRow.referral_id == row.id).order_by(EventRow.seq)).all()
            life = lifecycle.replay([lifecycle.Fired(e.code, e.at, e.inputs) for e in found])
            assert (life.state, life.business, life.flags) == (row.state, row.business, set(row.flags))
            assert (life.sent_at, life.accepted_at, life.ended_at) == (row.sent_at, row.accepted_at, row.ended_at)
            assert life.previous == (row.previous_state or "")
            if row.sent_at:
                standings = self._standings(row)
                assert life.grant == rules.lifecycle_grant(state=row.state, sent=True, standings=standings), standings
                assert life.sections == self._granted(row)
            inputs = {key: value for e in found for key, value in e.inputs.items()}
            for column in ("decline_reason", "event_reason", "outcome"):
                assert getattr(row, column) == inputs.get(column)
            assert row.milestones == list(dict.fromkeys(e.inputs["milestone"] for e in found if "milestone" in e.inputs))
        self.session.rollback()

    def _standings(self, row):
        query = "SELECT kind, standing FROM sealed_grant WHERE object_id = %s AND agency_id = %s AND object_kind = 'referral' ORDER BY revision"
        return dict(iter(self.session.connection().exec_driver_sql(query, (row.id, row.to_agency))))

    def _granted(self, row):
        query = (
            "SELECT part FROM sealed_grant g JOIN sealed_share s ON s.grant_id = g.id WHERE g.object_id = %s AND g.agency_id = %s"
            " AND g.kind = 'full' AND g.revision = %s"
        )
        return frozenset(self.session.connection().exec_driver_sql(query, (row.id, row.to_agency, row.sending)).scalars())

    # --- the log ---------------------------------------------------------------------------------------------------------

    def entries(self, limit=200):
        """The log, oldest first."""
        found = [logged.entry for logged in reversed(log.latest(self.session, limit=limit))]
        self.session.rollback()
        return found

    def picture(self):
        """Every row that an act could change, as text: a refused act leaves it as it was."""
        rows = {}
        for table in TABLES.split(", "):
            rows[table] = sorted(map(str, self.session.connection().exec_driver_sql(f"SELECT to_jsonb(t) FROM {table} t").scalars()))
        self.session.rollback()
        return rows

    def refused(self, person, verb, act):
        """Run an act that must be refused, and answer as the gate does: one entry with outcome deny, in a transaction of its own.

        Nothing else changes. Returns the refusal.
        """
        before, size = self.picture(), len(self.entries())
        try:
            act()
        except errors.HubError as refusal:
            failure = refusal
        else:
            raise AssertionError("it was allowed")
        reason = getattr(failure, "reason", failure.code)
        entry = audit.entry_for(
            person.actor, verb, now=self.clock, outcome="deny", reason=reason, rule_ids=getattr(failure, "rule_ids", ()),
            object_kind="referral", object_id=self.id,
        )  # fmt: skip
        transact(self.session, lambda s: audit.record(s, entry))
        assert self.picture() == before
        entries = self.entries()
        assert len(entries) == size + 1
        assert (entries[-1].outcome, entries[-1].reason, entries[-1].action) == ("deny", reason, verb)
        return failure
