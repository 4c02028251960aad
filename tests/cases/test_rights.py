"""The checklist of rights: sealed, one entry for each change, read like any content."""

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.cases import reading, rights
from tests.cases.conftest import refusal

STATES = {"information": "met", "counsel": "unmet", "restitution": "unmet", "content_removal": "not_wanted", "health": ""}


@pytest.fixture
def case(desk, sari):
    return desk(sari).open_case()


def test_rights_are_sealed_and_come_back(desk, sari, case, entries, session):
    after = desk(sari).ask(rights.set_rights, case_id=case.id, states=STATES, version=1)
    assert after.version == 2
    assert (entries()[-1].action, entries()[-1].subjects, entries()[-1].sections) == ("case.rights", (case.subject,), ())
    opened = desk(sari).ask(reading.open_part, case_id=case.id, part="rights")
    found = reading.reveal(opened)["rights"].fields()
    assert found == {right: state for right, state in STATES.items() if state}
    assert rights.unmet(found) == ("counsel", "restitution")
    assert (entries()[-1].action, entries()[-1].sections) == ("case.read", ("rights",))
    dumped = " ".join(session.scalars(text("SELECT to_jsonb(c)::text FROM case_file c")))
    assert "unmet" not in dumped


def test_what_is_no_right_is_refused_and_changes_nothing(desk, sari, case):
    with pytest.raises(errors.InputInvalid) as amiss:
        desk(sari).ask(rights.set_rights, case_id=case.id, states={"counsel": "maybe", "wishes": "met"}, version=1)
    assert amiss.value.fields == {"rights.counsel": ("not_a_code",), "rights.wishes": ("not_a_code",)}
    assert refusal(lambda: desk(sari).ask(reading.open_part, case_id=case.id, part="rights")) == "not_found"


def test_a_stale_form_is_told_who_and_when(desk, network, uptd, sari, case):
    desk(sari).ask(rights.set_rights, case_id=case.id, states=STATES, version=1)
    with pytest.raises(errors.StaleVersion) as stale:
        desk(sari).ask(rights.set_rights, case_id=case.id, states={}, version=1)
    assert stale.value.facts["who"] == sari.actor.code


def test_strangers_and_roles_without_casework_are_refused(desk, network, uptd, sari, case):
    stranger = network.member(network.agency("LBH", "legal"), "lawyer")
    colleague, companion = network.member(uptd, "social_worker"), network.member(uptd, "companion")
    for person, code in ((stranger, "not_found"), (colleague, "not_found"), (companion, "role_lacks_ability")):
        assert refusal(lambda person=person: desk(person).ask(rights.set_rights, case_id=case.id, states=STATES, version=1)) == code
        if person is not companion:
            assert refusal(lambda person=person: desk(person).ask(reading.open_part, case_id=case.id, part="rights")) == "not_found"


@pytest.mark.parametrize("part", ["statistics", "identity", "closing"])
def test_no_other_part_opens_this_way(desk, sari, case, part):
    assert refusal(lambda: desk(sari).ask(reading.open_part, case_id=case.id, part=part)) == "not_found"
