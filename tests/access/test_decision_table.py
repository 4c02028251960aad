"""Every role in every relation with every verb, as agreed in agency_roles.yaml and lifecycle.yaml, compared with the policies whole."""

import pytest

from referral_hub.access import Verb, roles
from tests.access import agreed
from tests.access.people import actor, met

pytestmark = pytest.mark.slow  # about 120,000 decisions
EVERY_ROLE = sorted(roles.table().roles)
OPENINGS = {
    Verb.CASE_READ, Verb.SECTION_READ, Verb.SECTION_SAFE_CONTACT_READ, Verb.FIELD_REVEAL, Verb.ATTACHMENT_READ, Verb.ATTACHMENT_LIST, Verb.MESSAGE_READ,
    Verb.NOTE_READ, Verb.REFERRAL_PREVIEW_READ, Verb.CASE_COPY_SECTIONS, Verb.BREAK_GLASS_OPEN,
}  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return {code: met(actor(code, holds_key=not agreed.keyless(code))) for code in EVERY_ROLE}


@pytest.mark.parametrize("code", EVERY_ROLE)
def test_the_policies_allow_exactly_what_was_agreed(tables, code):
    given, wanted = tables[code], agreed.allowed(code)
    assert (given - wanted, wanted - given) == (set(), set())


@pytest.mark.parametrize("code", [code for code in EVERY_ROLE if agreed.keyless(code)])
def test_a_role_without_a_key_opens_nothing_anywhere(tables, code):
    assert {act for act, _ in tables[code]} & set(OPENINGS) == set()


def test_no_member_of_any_role_fires_the_clock(tables):
    by_clock = {f"referral.{e['code']}" for e in agreed.lists("lifecycle")["events"] if e["by"] == ["clock"]}
    assert by_clock
    assert all(act not in by_clock for table in tables.values() for act, _ in table)


def test_administrators_and_auditors_fire_no_event(tables):
    for code in ("agency_admin", "agency_head", "data_protection_officer", "network_admin", "network_auditor", "policy_analyst"):
        assert not any(act.startswith("referral.") for act, _ in tables[code]), code
