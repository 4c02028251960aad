"""Opening a case, who works on it, its stage, its mark, its conflict list: each act one entry, each refusal changes nothing."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text

from referral_hub import errors
from referral_hub.cases import queries
from referral_hub.cases.records import AliasRow, CaseMemberRow, CaseRow, ConflictRow

from .conftest import NOW, refusal


def row_counts(session):
    return [session.scalar(select(func.count()).select_from(table)) for table in (CaseRow, CaseMemberRow, AliasRow, ConflictRow)]


def test_a_new_case_is_empty_assigned_and_known_by_an_alias(desk, sari, entries):
    opened = desk(sari).open_case()
    assert opened.members == (sari.id,)
    assert (opened.stage, opened.version, opened.minor, opened.protected) == ("engagement_intake_contract", 1, False, False)
    assert opened.alias.startswith("SM-")
    assert len(opened.alias) == 12
    assert opened.last_activity == date(2026, 11, 2)
    assert opened.retention_until == date(2031, 11, 2)
    (entry,) = [e for e in entries() if e.action == "case.open"]
    assert (entry.object_id, entry.subjects) == (opened.subject, (opened.subject,))
    assert entry.actor_id == sari.id
    assert entry.rule_ids == ("case-opened",)


def test_the_case_id_stands_in_no_entry(desk, sari, session):
    opened = desk(sari).open_case()
    desk(sari).set_stage(case_id=opened.id, stage="assessment", version=1)
    desk(sari).conflict_add(case_id=opened.id, member_id=sari.id)
    payloads = session.scalars(text("SELECT convert_from(payload, 'UTF8') FROM audit_entry")).all()
    assert len(payloads) == 3
    assert not [p for p in payloads if str(opened.id) in p or opened.id.hex in p]


@pytest.mark.parametrize("role", ["agency_admin", "agency_head", "data_protection_officer"])
def test_who_has_no_case_work_opens_no_case(desk, network, uptd, sari, session, role):
    other = network.member(uptd, role)
    assert refusal(lambda: desk(other).open_case()) == "role_lacks_ability"
    assert row_counts(session) == [0, 0, 0, 0]


def test_a_stranger_finds_no_case(desk, network, sari, session):
    opened = desk(sari).open_case()
    elsewhere = network.member(network.agency("LBH", "legal"), "lawyer")
    for act in (
        lambda d: d.set_stage(case_id=opened.id, stage="assessment", version=1),
        lambda d: d.protect(case_id=opened.id, protected=True, version=1),
        lambda d: d.assign(case_id=opened.id, member=elsewhere, version=1),
        lambda d: d.conflict_add(case_id=opened.id, member_id=elsewhere.id),
        lambda d: d.save(opened.id, "profile", {"age_band": "25_44", "sex": "P"}),
        lambda d: d.read(opened.id, "profile"),
    ):
        with pytest.raises(errors.NotFound):
            act(desk(elsewhere))
    assert row_counts(session) == [1, 1, 1, 0]


# --- assigning -----------------------------------------------------------------------------------------------------------


def test_assigning_a_colleague_opens_the_case_to_him(desk, network, uptd, sari, entries):
    budi = network.member(uptd, "social_worker")
    opened = desk(sari).open_case()
    assert refusal(lambda: desk(budi).set_stage(case_id=opened.id, stage="assessment", version=1)) == "not_found"
    assigned = desk(sari).assign(case_id=opened.id, member=budi, version=1)
    assert set(assigned.members) == {sari.id, budi.id}
    assert desk(budi).set_stage(case_id=opened.id, stage="assessment", version=2).stage == "assessment"
    assert [e.action for e in entries()].count("case.assign") == 1


def test_assigning_twice_leaves_one_assignment(desk, network, uptd, sari):
    budi = network.member(uptd, "social_worker")
    opened = desk(sari).open_case()
    desk(sari).assign(case_id=opened.id, member=budi, version=1)
    again = desk(sari).assign(case_id=opened.id, member=budi, version=2)
    assert len(again.members) == 2


def test_nobody_of_another_agency_is_assigned(desk, network, sari):
    elsewhere = network.member(network.agency("LBH", "legal"), "lawyer")
    opened = desk(sari).open_case()
    with pytest.raises(errors.InputInvalid) as refused:
        desk(sari).assign(case_id=opened.id, member=elsewhere, version=1)
    assert refused.value.fields == {"member": ("not_known",)}


def test_who_may_not_assign_is_refused(desk, network, uptd, sari):
    budi = network.member(uptd, "social_worker")
    opened = desk(budi).open_case()
    assert refusal(lambda: desk(budi).assign(case_id=opened.id, member=sari, version=1)) == "role_lacks_ability"


def test_the_last_one_stays(desk, network, uptd, sari):
    budi = network.member(uptd, "social_worker")
    opened = desk(sari).open_case()
    assert refusal(lambda: desk(sari).unassign(case_id=opened.id, member_id=sari.id, version=1)) == "guard_failed"
    assert refusal(lambda: desk(sari).unassign(case_id=opened.id, member_id=budi.id, version=1)) == "wrong_state"
    desk(sari).assign(case_id=opened.id, member=budi, version=1)
    assert desk(sari).unassign(case_id=opened.id, member_id=sari.id, version=2).members == (budi.id,)
    assert refusal(lambda: desk(sari).set_stage(case_id=opened.id, stage="assessment", version=3)) == "not_found"


# --- stage, versions, mark -----------------------------------------------------------------------------------------------


def test_stages_go_one_on_or_back(desk, sari, entries):
    opened = desk(sari).open_case()
    assert refusal(lambda: desk(sari).set_stage(case_id=opened.id, stage="planning", version=1)) == "wrong_state"
    desk(sari).set_stage(case_id=opened.id, stage="assessment", version=1)
    desk(sari).set_stage(case_id=opened.id, stage="planning", version=2)
    back = desk(sari).set_stage(case_id=opened.id, stage="engagement_intake_contract", version=3)
    assert back.version == 4
    with pytest.raises(errors.InputInvalid):
        desk(sari).set_stage(case_id=opened.id, stage="nowhere", version=4)
    assert [e.action for e in entries()].count("case.stage") == 3


def test_a_stale_form_is_told_who_and_when(desk, network, uptd, sari):
    budi = network.member(uptd, "social_worker")
    opened = desk(sari).open_case()
    desk(sari).assign(case_id=opened.id, member=budi, version=1)
    later = NOW + timedelta(minutes=5)
    desk(budi, later).set_stage(case_id=opened.id, stage="assessment", version=2)
    with pytest.raises(errors.StaleVersion) as stale:
        desk(sari).set_stage(case_id=opened.id, stage="assessment", version=2)
    assert stale.value.facts == {"who": "PS-02", "when": later}


def test_every_act_moves_the_last_activity_and_with_it_the_retention(desk, sari):
    opened = desk(sari).open_case()
    moved = desk(sari, NOW + timedelta(days=40)).set_stage(case_id=opened.id, stage="assessment", version=1)
    assert moved.last_activity == date(2026, 12, 12)
    assert moved.retention_until == date(2031, 12, 12)


def test_a_protected_case_says_so_in_its_entries(desk, sari, entries):
    opened = desk(sari).open_case()
    assert desk(sari).protect(case_id=opened.id, protected=True, version=1).protected
    assert entries()[-1].subject_flags == ("protected",)
    assert not desk(sari).protect(case_id=opened.id, protected=False, version=2).protected


# --- conflicts -----------------------------------------------------------------------------------------------------------


def test_for_who_stands_on_the_conflict_list_the_case_does_not_exist(desk, network, uptd, sari, session):
    budi = network.member(uptd, "case_lead")
    opened = desk(sari).open_case()
    desk(sari).assign(case_id=opened.id, member=budi, version=1)
    desk(sari).conflict_add(case_id=opened.id, member_id=budi.id)
    assert refusal(lambda: desk(budi).set_stage(case_id=opened.id, stage="assessment", version=2)) == "conflict_of_interest"
    assert refusal(lambda: queries.case(session, hub=network.hub, actor=budi.actor, case_id=opened.id)) == "conflict_of_interest"
    assert desk(budi).ask(queries.list_cases).lines == ()
    desk(sari).conflict_remove(case_id=opened.id, member_id=budi.id)
    assert desk(budi).set_stage(case_id=opened.id, stage="assessment", version=2).stage == "assessment"


def test_the_conflict_list_names_nobody(desk, network, uptd, sari, session, entries):
    budi = network.member(uptd, "social_worker")
    opened = desk(sari).open_case()
    desk(sari).conflict_add(case_id=opened.id, member_id=budi.id)
    (row,) = session.execute(text("SELECT * FROM conflict")).mappings()
    assert set(row) == {"case_id", "token"}
    assert len(row["token"]) == 16
    assert budi.id.bytes not in bytes(row["token"])
    (payload,) = session.scalars(text("SELECT payload FROM audit_entry WHERE action = 'case.conflict_add'"))
    assert str(budi.id).encode() not in bytes(payload)
    assert entries()[-1].object_id == opened.subject


def test_a_member_of_the_recipient_is_blocked_too(desk, network, sari, session):
    lbh = network.agency("LBH", "legal")
    rina, dewi = network.member(lbh, "lawyer"), network.member(lbh, "lawyer")
    opened = desk(sari).open_case()
    desk(sari).conflict_add(case_id=opened.id, member_id=rina.id)
    assert queries.conflict_blocks(session, hub=network.hub, case_id=opened.id, member_id=rina.id)
    assert not queries.conflict_blocks(session, hub=network.hub, case_id=opened.id, member_id=dewi.id)
    assert queries.conflict_count(session, hub=network.hub, case_id=opened.id, member_ids=[rina.id, dewi.id]) == 1
    assert queries.conflict_count(session, hub=network.hub, case_id=opened.id, member_ids=[]) == 0


def test_a_worker_declares_the_own_conflict_and_no_other(desk, network, uptd, sari):
    budi = network.member(uptd, "social_worker")
    opened = desk(budi).open_case()
    assert refusal(lambda: desk(budi).conflict_add(case_id=opened.id, member_id=sari.id)) == "role_lacks_ability"
    desk(budi).conflict_add(case_id=opened.id, member_id=budi.id)
    assert refusal(lambda: desk(budi).set_stage(case_id=opened.id, stage="assessment", version=1)) == "conflict_of_interest"


def test_adding_or_removing_twice_changes_nothing(desk, network, uptd, sari, session):
    budi = network.member(uptd, "social_worker")
    opened = desk(sari).open_case()
    for act in (desk(sari).conflict_add, desk(sari).conflict_add, desk(sari).conflict_remove, desk(sari).conflict_remove):
        act(case_id=opened.id, member_id=budi.id)
    assert row_counts(session)[3] == 0
