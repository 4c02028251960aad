"""The access review sheet: who opens what and why, who is dormant, where work or a key lies with nobody."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.review import sheet
from referral_hub.review.rules import reach
from tests.review.conftest import START


def made(story, who, *, now=START + timedelta(days=10), **asked):
    story.session.rollback()
    return transact(story.session, lambda s: sheet.sheet(s, actor=who.actor, now=now, **asked))


@pytest.mark.parametrize(
    ("roles", "opens"),
    [
        (["case_lead"], ("all_cases", "own_case", "granted", "preview")), (["social_worker"], ("own_case", "granted", "preview")),
        (["paralegal"], ("own_case", "granted_if_assigned", "preview")), (["forensic"], ("granted_on_forensic_ver", "preview")),
        (["caregiver"], ("alerts", "preview")), (["agency_admin"], ()), (["data_protection_officer"], ("log",)), (["trainer"], ()),
    ],
)  # fmt: skip
def test_how_far_roles_reach(roles, opens):
    assert reach.opens(roles) == opens


def test_everything_that_a_role_reads_has_its_place():
    from referral_hub.access import roles

    assert {ability.reads for ability in roles.table().abilities.values()} - {"none"} <= set(reach.ORDER)


def test_an_auditor_sees_every_agency(story):
    found = made(story, story.auditor)
    assert [(house.agency.code, house.holders) for house in found.houses] == [("lbh", 2), ("sekretariat", 0), ("uptd", 1)]
    said = story.entries()[0]
    assert (said.action, said.object_kind, said.count) == ("audit.ask", "member", 6)
    assert [house.agency.code for house in made(story, story.auditor, agency="uptd").houses] == ["uptd"]


def test_an_officer_and_an_administrator_see_their_own(story):
    assert [house.agency.code for house in made(story, story.officer).houses] == ["lbh"]
    assert made(story, story.officer, agency="uptd").houses == ()
    admin = story.network.member(story.legal, "agency_admin")
    assert [house.agency.code for house in made(story, admin).houses] == ["lbh"]
    assert story.entries()[0].action == "member.access_review"
    with pytest.raises(errors.NotAllowed):
        made(story, story.sari)


def test_work_and_keys_that_lie(story):
    values = {"case": story.case_id, "sari": story.sari.id, "budi": story.budi.id, "referral": story.referral}
    for statement in (
        "INSERT INTO case_member (case_id, member_id) VALUES (:case, :sari)", "UPDATE referral SET handler = :budi WHERE id = :referral",
        "UPDATE member SET last_sign_in = '2026-11-23' WHERE id = :budi", "UPDATE member SET roles = '{agency_admin,case_lead}' WHERE id = :sari",
    ):  # fmt: skip
        story.session.execute(text(statement), values)
    story.session.commit()
    rows = {row.member.id: row for house in made(story, story.auditor, now=START + timedelta(days=61)).houses for row in house.rows}
    sari, budi, tono = (rows[person.id] for person in (story.sari, story.budi, story.tono))
    assert (sari.cases, sari.referrals, sari.dormant) == (1, 0, True)
    assert sari.remarks == ("key_beside_administration", "key_unused", "work_lies")
    assert (budi.cases, budi.referrals, budi.dormant, budi.remarks) == (0, 1, True, ("key_unused", "work_lies"))
    assert (tono.dormant, tono.remarks) == (True, ("key_unused",))
    rows = {row.member.id: row for house in made(story, story.auditor, now=START + timedelta(days=59)).houses for row in house.rows}
    assert rows[story.budi.id].remarks == ()


def test_the_sheet_as_rows(story):
    lines = made(story, story.officer).lines()
    assert [dict(zip(sheet.COLUMNS, line, strict=True))["member"] for line in lines] == ["PS-01", "PS-02", "PS-03"]
    assert lines[0][:6] == ("lbh", "PS-01", "active", ["lawyer"], ["all_cases", "own_case", "granted", "preview"], True)
