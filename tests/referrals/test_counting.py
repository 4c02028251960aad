"""The statistical record: only with her yes, made where something is sealed, coded fields only, locked for the hub, and no way back to her."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
import yaml
from sqlalchemy import text

from referral_hub import errors, protocol
from referral_hub.cases import actions as cases
from referral_hub.cases import counted, statistics
from referral_hub.consent import counting, rules
from referral_hub.db import transact
from referral_hub.referrals import actions
from referral_hub.settings import ROOT
from referral_hub.vault.hub import Use
from tests.referrals.story import DAY, IDENTITY, PROFILE
from tests.referrals.test_endings import meanwhile

SAID = {"language": "id", "given_by": "self"}


def records(story):
    """What the operator could read: every record, opened with the hub's key alone."""
    rows = story.session.execute(text("SELECT id, locked FROM stat_record")).all()
    story.session.rollback()
    return {row.id: statistics.content_of(story.network.hub, row.id, row.locked) for row in rows}


def actions_of(story, last=1):
    return [entry.action for entry in story.entries()[-last:]]


def yes(story, case_id, **more):
    return story.at(story.sari).answer_counting(case_id=case_id, allowed=True, **(SAID | more))


def send_with(story, *, stats):
    story.draft()
    shown = replace(story.giving().shown, stats=stats)
    story.agree(stats_allowed=stats, shown=shown, text_shown=rules.wording(shown).shown)
    return story.send()


def test_a_sending_with_her_yes_makes_one_coded_record(story):
    send_with(story, stats=True)
    (content,) = records(story).values()
    assert content == {
        "period": "2026-11", "agency_region": "32.73", "age_band": "25_44", "health_age_band": "18_49", "sex": "P", "nationality_group": "WNI",
        "services_needed": ["bantuan_hukum"], "family_assessed": False, "retrafficked": False,
    }  # fmt: skip
    made, sent = story.entries()[-2:]
    assert (made.action, sent.action) == ("case.stat_record", "referral.send")
    assert made.subjects == sent.subjects
    assert (made.object_id, made.referral_id, made.count) == (made.subjects[0], None, None)


def test_without_her_yes_there_is_no_record(story):
    send_with(story, stats=False)
    assert records(story) == {}
    assert "case.stat_record" not in [entry.action for entry in story.entries()]


def test_nothing_leads_from_the_record_to_her(story):
    send_with(story, stats=True)
    ((record_id, content),) = records(story).items()
    everything = set()
    for table in ("audit_entry", "referral", "referral_event", "case_file", "alias", "consent", "sealed_grant", "sealed_share", "case_index", "act"):
        everything |= set(story.session.scalars(text(f"SELECT to_jsonb(t)::text FROM {table} t")))
    payloads = " ".join(story.session.scalars(text("SELECT encode(payload, 'escape') FROM audit_entry")))
    columns = story.session.scalars(text("SELECT column_name FROM information_schema.columns WHERE table_name = 'stat_record'")).all()
    story.session.rollback()
    assert not any(str(record_id) in row or record_id.hex in row for row in (*everything, payloads))
    assert set(columns) == {"id", "locked"}
    assert record_id.version == 4
    row = story.row()
    told = str(content)
    assert not any(one in told for one in (str(row.id), row.number, str(row.case_id), str(row.from_agency), IDENTITY["full_name"], "1990"))


def test_no_transaction_wrote_one_record_alone_beside_her_file(story):
    for _ in range(4):
        case = story.open_file()
        yes(story, case.id)
        story.at(story.sari).do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE, version=1)
    assert len(records(story)) == 4
    beside = story.session.execute(text(
        "SELECT p.object_id, count(s.id) FROM sealed_part p LEFT JOIN stat_record s ON s.xmin = p.xmin WHERE p.part = 'statistics' GROUP BY p.object_id"
    )).all()  # fmt: skip
    story.session.rollback()
    assert sorted(count for _case, count in beside) == [0, 0, 0, 4]


def test_a_record_that_is_written_again_by_another_file_is_still_deleted_by_a_no(story, engine):
    files = [story.open_file() for _ in range(2)]
    for case in files:
        yes(story, case.id)
    edit = lambda s, case: cases.edit_section(s, **who, case_id=case.id, section="profile", values=PROFILE, version=1)  # noqa: E731
    who = {"actor": story.sari.actor, "keys": story.sari.keys, "now": story.clock}
    transact(story.session, lambda s: edit(s, files[0]))
    (hers,) = records(story)
    meanwhile(story, engine, lambda s: edit(s, files[1]), lambda s: actions.answer_counting(s, **who, case_id=files[0].id, allowed=False, **SAID))
    (left,) = records(story)
    assert left != hers


def test_only_fields_of_the_list_are_kept_and_only_codes():
    agreed = {item["code"]: item for item in yaml.safe_load((ROOT / "config" / "protocol" / "stat_record.yaml").read_text())["fields"]}
    person = {
        "profile": {"sex": "P", "age_band": "25_44", "disability": ["none"], "origin_region": "32.12.01", "languages": ["su"]},
        "identity": {"full_name": "Melati", "birth_date": "1990-03-15", "education": "no such code", "nik": "3273015503900000"},
        "incident": {"violence_types": ["trafficking", "sexual.rape"], "place_region": "32.73", "place_type": "Jalan Rahasia 4"},
        "tip": {"acts": ["recruitment"], "narrative": "Melati pergi"},
    }
    found = counted.record(person, period="2026-11", region="32.73", on=date(2026, 11, 2), known={"closing_reason": "goals_met", "full_name": "Melati"})
    assert set(found) <= set(agreed) - {"record_id"}
    assert found["violence"] == ["sexual", "trafficking"]
    assert (found["has_disability"], found["origin_region"], found["closing_reason"]) == (False, "32.12", "goals_met")
    assert not {"education", "place"} & set(found)
    assert "Melati" not in str(found)


def test_every_source_named_in_the_list_is_a_field():
    for item in protocol.current().codelist("stat_fields"):
        source = counted._SOURCE.fullmatch(str(item.facts["from"]))
        if source and source[1] in counted.SECTIONS:
            assert protocol.current().field(source[0])


def test_a_later_revision_replaces_the_record(story):
    case = story.open_file()
    yes(story, case.id)
    assert records(story) == {}  # made where something is sealed
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE, version=1)
    assert actions_of(story, 2) == ["case.edit", "case.stat_record"]
    ((first, content),) = records(story).items()
    assert "services_needed" not in content
    story.draft(case=case)
    story.agree(stats_allowed=True, **wording(story))
    story.send()
    ((second, after),) = records(story).items()
    assert first != second
    assert after["services_needed"] == ["bantuan_hukum"]
    story.at(story.sari, DAY).do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE | {"sex": "X"}, version=2)
    (last,) = records(story).values()
    assert (last["sex"], last["services_needed"]) == ("X", ["bantuan_hukum"])  # what referrals added stays


def wording(story):
    shown = replace(story.giving().shown, stats=True)
    return {"shown": shown, "text_shown": rules.wording(shown).shown}


@pytest.mark.parametrize("how", ["withdraw", "no", "another_consent"])
def test_a_no_deletes_the_record_at_once(story, how):
    case = story.open_file()
    given = yes(story, case.id)
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE, version=1)
    assert len(records(story)) == 1
    if how == "withdraw":
        story.at(story.sari, DAY).withdraw_consent(consent_id=given.id)
        assert actions_of(story, 2) == ["consent.withdraw", "case.stat_record_remove"]
    elif how == "no":
        story.at(story.sari, DAY).answer_counting(case_id=case.id, allowed=False, **SAID)
        assert actions_of(story, 2) == ["consent.refuse", "case.stat_record_remove"]
    else:
        story.clock += DAY
        story.draft(case=case)
        story.agree()  # unticked is no
        assert actions_of(story, 2) == ["consent.give", "case.stat_record_remove"]
    assert records(story) == {}
    story.at(story.sari, 2 * DAY).do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE, version=2)
    assert actions_of(story) == ["case.edit"]


@pytest.mark.parametrize("last", [True, False])
def test_taking_the_last_answer_back_brings_no_earlier_yes_to_life(story, last):
    case = story.open_file()
    yes(story, case.id)
    story.clock += DAY
    story.draft(case=case)
    story.agree(**(wording(story) | {"stats_allowed": True} if last else {}))
    story.at(story.sari, DAY).withdraw_consent(consent_id=story.row().consent_id)
    story.at(story.sari, 2 * DAY).do(cases.edit_section, case_id=case.id, section="profile", values=PROFILE, version=1)
    assert actions_of(story) == ["case.edit"]
    assert records(story) == {}


def test_the_answer_is_no_basis_of_a_referral(story):
    case = story.open_file()
    given = yes(story, case.id)
    story.draft(case=case)
    story.at(story.sari).on("rest_on", consent_id=given.id)
    assert story.refused(story.sari, "referral.send", story.send).code == "no_consent"


def test_the_end_of_the_file_is_counted(network, story):
    case = story.open_file()
    lead = network.member(story.uptd, "case_lead")
    version = story.at(lead).do(cases.assign, case_id=case.id, member=lead, version=5).version
    yes(story, case.id)
    story.at(lead, DAY).close_case(case_id=case.id, version=version, reason="moved_away")
    (content,) = records(story).values()
    assert content["closing_reason"] == "moved_away"
    assert actions_of(story, 2) == ["case.stat_record", "case.close"]


@pytest.mark.parametrize(("inputs", "fields"), [({"language": "xx"}, {"consent.language"}), ({"given_by": "guardian"}, {"given_by"}), ({"given_by": ""}, {"given_by"})])
def test_who_answers_in_which_language_is_checked(story, inputs, fields):
    case = story.open_file()
    with pytest.raises(errors.InputInvalid) as amiss:
        yes(story, case.id, **inputs)
    assert set(amiss.value.fields) == fields
    story.session.rollback()


def test_for_a_child_the_guardian_answers_with_her(network, story):
    lead = network.member(story.uptd, "case_lead")
    case = story.open_file(profile=PROFILE | {"age_band": "13_17"}, identity={"full_name": "Bunga Contoh"})
    with pytest.raises(errors.InputInvalid):
        yes(story, case.id)
    story.session.rollback()
    with pytest.raises(errors.InputInvalid) as amiss:
        yes(story, case.id, given_by="child_with_guardian")
    assert amiss.value.fields == {"child_guardian": ("required",)}
    story.session.rollback()
    guardian = {"guardian_relation": "mother", "guardian_is_suspect": False, "guardian_informed": "yes", "best_interest": "Contoh."}
    save = {"case_id": case.id, "section": "child_guardian", "known": {"user": [str(story.sari.id), str(lead.id)]}}
    decided = {"bi_decided_by": [str(story.sari.id), str(lead.id)]}
    story.at(story.sari).do(cases.edit_section, values=guardian, version=0, **save)
    assert yes(story, case.id, given_by="child_with_guardian").stats_allowed
    suspect = guardian | {"guardian_is_suspect": True, "guardian_informed": "no_unsafe"}
    story.at(story.sari).do(cases.edit_section, values=suspect | decided, version=1, **save)
    act = lambda: yes(story, case.id, given_by="guardian")  # noqa: E731
    assert story.refused(story.sari, "consent.give", act).code == "guardian_is_suspect"


def answers(story, owner, *said):
    """Lay `said` in the ledger in this order, a minute apart: yes or no, and what is changed in the row."""
    case = story.open_file()
    for allowed, changed in said:
        made = story.at(story.sari).answer_counting(case_id=case.id, allowed=allowed, **SAID)
        story.clock += timedelta(minutes=1)
        if changed:
            values = ", ".join(f"{column} = {value}" for column, value in changed.items())
            with owner.begin() as connection:
                connection.execute(text(f"UPDATE consent SET {values} WHERE id = :id"), {"id": made.id})
    return counting.may_count(story.session, case.id)


BY_TWO = {"form": "'best_interest_record'", "sections": "'{profile}'", "valid_until": "date '2027-01-01'"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], False),
        ([(True, {})], True),
        ([(True, {}), (False, {})], False),
        ([(False, {}), (True, {})], True),
        ([(True, {}), (False, {"form": "'refusal'"})], True),
        ([(True, {}), (False, {"basis": "'vital_interest'"})], True),
        ([(False, {}), (True, {"basis": "'vital_interest'"})], False),
        ([(True, {}), (False, BY_TWO)], True),
        ([(True, {}), (False, BY_TWO | {"signers": "array_append(signers, gen_random_uuid())"})], False),
        ([(True, {}), (True, {"withdrawn_at": "now()"})], False),
    ],
)
def test_only_the_newest_answer_that_stands_counts(story, owner_engine, said, expected):
    assert answers(story, owner_engine, *said) is expected


def test_strangers_cannot_answer_for_her(network, story):
    case = story.open_file()
    act = lambda: story.at(story.santi).answer_counting(case_id=case.id, allowed=True, **SAID)  # noqa: E731
    assert story.refused(story.santi, "consent.give", act).code == "not_found"
    other = network.member(story.uptd, "social_worker")
    act = lambda: story.at(other).answer_counting(case_id=case.id, allowed=True, **SAID)  # noqa: E731
    assert story.refused(other, "consent.give", act).code == "not_found"


def test_a_record_opens_only_in_its_own_place(story):
    send_with(story, stats=True)
    row = story.session.execute(text("SELECT id, locked FROM stat_record")).one()
    story.session.rollback()
    for record_id, use in ((uuid.uuid4(), Use.STATS), (row.id, Use.NAMES)):
        with pytest.raises(errors.CannotOpen):
            story.network.hub.unlock(use, row.locked, "stat_record", record_id)
    assert len(row.locked) > 1024  # padded: its length does not tell what is in it
