"""A log told entry by entry, and the members, agencies and referrals that its questions and rules look up."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import audit
from referral_hub.audit import queries as log
from referral_hub.db import transact
from referral_hub.db.engine import make_engine
from referral_hub.review import scanning
from tests.factories import Network

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)  # Tuesday, 10.00 in Bandung
START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # Monday, 09.00: everybody works
POLICY = "cd" * 32


@dataclass
class Story:
    """Who and what the entries are about, and the ways to add them. Moments are minutes after the start unless given."""

    session: Session
    network: Network
    worker: Session
    raised: object = None  # the agency that helps and sends
    legal: object = None  # the agency that receives
    sari: object = None
    budi: object = None
    tono: object = None
    auditor: object = None
    second_auditor: object = None
    officer: object = None
    subject: uuid.UUID = None
    alias: str = ""
    case_id: uuid.UUID = None
    referral: uuid.UUID = None
    number: str = ""
    added: list = field(default_factory=list)

    def add(self, action, *, by, at=0, subject=..., **facts):
        """Append one entry by a person (None: the clock) and return its index."""
        moment = at if isinstance(at, datetime) else START + timedelta(minutes=at)
        known = {"occurred_at": moment, "action": action, "subjects": (self.subject,) if subject is ... else (subject,) if subject else (), "policy_digest": POLICY}
        if by is None:
            known |= {"actor_kind": "clock"}
        else:
            known |= {
                "actor_kind": "member", "actor_id": by.id, "agency_id": by.agency_id, "roles": tuple(sorted(by.actor.roles)), "auth_strength": "full",
                "session_digest": by.actor.session_digest,
            }  # fmt: skip
        entry = audit.Entry(**(known | facts))
        ticket = transact(self.session, lambda s: audit.record(s, entry))
        self.added.append(ticket.index)
        return ticket.index

    def reads(self, by, *, at=0, sections=("needs",), action="section.read", **facts):
        """An opening of the referral at the recipient or at home; explained, unless `facts` say otherwise."""
        side = {"basis": "recipient", "purpose": "legal_aid"} if by.agency_id == self.legal.id else {"basis": "assigned", "purpose": "legal_aid"}
        about = {"object_kind": "section", "object_id": self.referral, "referral_id": self.referral, "sections": sections}
        return self.add(action, by=by, at=at, **(about | side | facts))

    def event(self, event, by, *, at=0, **facts):
        """An event of the referral's life."""
        side = {} if by is None else {"basis": "recipient" if by.agency_id == self.legal.id else "assigned"}
        return self.add(f"referral.{event}", by=by, at=at, **({"object_kind": "referral", "object_id": self.referral, "referral_id": self.referral} | side | facts))

    def sends(self, *, at=0):
        return self.event("send", self.sari, at=at, recipient_agency=self.legal.id, manifest_digest=b"\x01" * 32)

    def scan(self, now=NOW):
        """Let the rules run, with the worker's rights; return what they found as (rule, index)."""
        scanning.scan(self.worker, now=now)
        return self.hits()

    def hits(self):
        rows = self.session.execute(text("SELECT rule, idx FROM rule_hit ORDER BY idx, length(rule), rule")).all()
        self.session.rollback()
        return [tuple(row) for row in rows]

    def entries(self):
        """The newest entries, newest first."""
        self.session.rollback()
        return [one.entry for one in log.latest(self.session, limit=50)]

    def another(self):
        """A second survivor with a referral of her own, to the same agency; returns the story as told about her."""
        return make_survivor(Story(**vars(self) | {"added": self.added}))


def make_survivor(story):
    """Put a case, its alias at the sending agency and one referral behind the story, as rows without content."""
    story.case_id, story.subject, story.referral = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    code = uuid.uuid4().hex[:8].upper()
    story.alias, story.number = f"SM-{code[:4]}-{code[4:]}", f"RJ-{code[:4]}-{code[4:]}"
    values = {
        "case": story.case_id, "alias": story.subject, "referral": story.referral, "code": story.alias, "number": story.number, "now": START,
        "raised": story.raised.id, "legal": story.legal.id, "sari": story.sari.id,
    }  # fmt: skip
    transact(story.session, lambda s: [s.execute(text(statement), values) for statement in _ROWS])
    return story


_CASE = """
    INSERT INTO case_file (id, agency_id, stage, opened_at, last_activity, minor, protected, second_person_needed, retention_until, version)
    VALUES (:case, :raised, 'intake', :now, :now, false, false, false, '2031-12-31', 1)
"""
_ALIAS = "INSERT INTO alias (id, case_id, agency_id, code) VALUES (:alias, :case, :raised, :code)"
_REFERRAL = """
    INSERT INTO referral (id, number, case_id, type, from_agency, from_member, to_agency, service, urgency, state, business, flags, created_at, paused_for,
                          has_appointment, milestones, sending, version)
    VALUES (:referral, :number, :case, 'referral', :raised, :sari, :legal, 'legal_consult', 'normal', 'requested', 'new', '{}', :now, 0, false, '{}', 1, 1)
"""
_ROWS = (_CASE, _ALIAS, _REFERRAL)


@pytest.fixture
def story(session, worker, tmp_path):
    """Sari's agency helps and sends; Budi's and Tono's receives. Two network auditors and the recipient's officer watch."""
    network = Network(session, tmp_path, now=START)
    made = Story(session, network, worker)
    made.raised, made.legal = network.agency("uptd", "social_services"), network.agency("lbh", "legal")
    hub = network.agency("sekretariat", "network")
    made.sari = session_of(network.member(made.raised, "case_lead"), 1)
    made.budi, made.tono = session_of(network.member(made.legal, "lawyer"), 2), session_of(network.member(made.legal, "lawyer"), 3)
    made.officer = session_of(network.member(made.legal, "data_protection_officer"), 4)
    made.auditor, made.second_auditor = (session_of(network.member(hub, "network_auditor"), number) for number in (5, 6))
    return make_survivor(made)


def session_of(person, number):
    """The same member with a session of its own."""
    return person.as_(session_digest=f"{number:032x}")


@pytest.fixture(scope="session")
def worker_engine(worker_url):
    made = make_engine(worker_url, pool_size=2)
    yield made
    made.dispose()


@pytest.fixture
def worker(worker_engine):
    """A session with the worker's rights."""
    with Session(worker_engine, expire_on_commit=False) as opened:
        yield opened
        opened.rollback()
