from datetime import UTC, datetime

import pytest

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.cases import actions, reading
from referral_hub.db import transact
from tests.factories import Network

NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)

PROFILE = {"age_band": "25_44", "sex": "P", "languages": ["su"]}
IDENTITY = {
    "full_name": "Melati Contoh",
    "nik": "3273015503900000",
    "birth_date": "1990-03-15",
    "address_now": {"region": "32.73", "lines": "Jalan Rahasia"},
}
SAFE_CONTACT = {
    "method": ["companion"], "contact_allowed": True, "phone_shared": False, "must_not_know": "majikan", "code_word_ok": "melon",
}  # fmt: skip


@pytest.fixture
def network(session, tmp_path):
    return Network(session, tmp_path, now=NOW)


@pytest.fixture
def uptd(network):
    return network.agency("UPTD", "social_services")


@pytest.fixture
def sari(network, uptd):
    """A case manager: creates, sends, assigns."""
    return network.member(uptd, "case_lead")


class Desk:
    """A member at work: each call is one transaction, as a page makes it."""

    def __init__(self, session, person, now=NOW):
        self.session, self.person, self.now = session, person, now

    def _do(self, verb, **inputs):
        who = {"actor": self.person.actor, "keys": self.person.keys, "now": self.now}
        return transact(self.session, lambda s: verb(s, **who, **inputs))

    def __getattr__(self, name):
        return lambda **inputs: self._do(getattr(actions, name), **inputs)

    def save(self, case_id, section, values, version=0, **more):
        return self.edit_section(case_id=case_id, section=section, values=values, version=version, **more)

    def read(self, case_id, *sections, fields=()):
        return reading.reveal(self._do(reading.open_sections, case_id=case_id, sections=sections, fields=fields))

    def ask(self, query, **inputs):
        return self._do(query, **inputs)


@pytest.fixture
def desk(session):
    return lambda person, now=NOW: Desk(session, person, now)


@pytest.fixture
def entries(session):
    """The log, oldest first."""
    return lambda: [logged.entry for logged in reversed(log.latest(session, limit=50))]


def refusal(act):
    """The code that the log would carry for an act that must be refused."""
    with pytest.raises(errors.HubError) as refused:
        act()
    return getattr(refused.value, "reason", None) or refused.value.code
