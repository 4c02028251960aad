"""Saving and reading sections of the own file: sealed, revision by revision; nothing is revealed before its entry is durable."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.cases import queries, reading
from referral_hub.db import transact

from .conftest import IDENTITY, NOW, PROFILE, SAFE_CONTACT, Desk, refusal


@pytest.fixture
def case(desk, sari):
    return desk(sari).open_case()


# --- saving --------------------------------------------------------------------------------------------------------------


def test_a_section_comes_back_as_it_was_saved(desk, sari, case, entries):
    saved = desk(sari).save(case.id, "profile", PROFILE)
    assert (saved.revision, saved.case.version) == (1, 2)
    content = desk(sari).read(case.id, "profile")["profile"]
    assert content.fields() == PROFILE | {"is_child": False, "interpreter_needed": True}
    assert (content.hidden, content.revision) == (frozenset(), 1)
    edit, read = entries()[-2:]
    assert (edit.action, edit.sections, edit.subjects) == ("case.edit", ("profile",), (case.subject,))
    assert (read.action, read.sections, read.basis, read.purpose) == ("case.read", ("profile",), "assigned", "case_coordination")


def test_each_save_is_a_revision_of_its_own(desk, sari, case, session):
    desk(sari).save(case.id, "profile", PROFILE)
    later = NOW + timedelta(hours=1)
    assert desk(sari, later).save(case.id, "profile", PROFILE | {"sex": "X"}, version=1).revision == 2
    state = queries.sections_of(session, case_id=case.id)["profile"]
    assert (state.revision, state.author, state.at) == (2, sari.id, later)
    assert desk(sari).read(case.id, "profile")["profile"].fields()["sex"] == "X"


def test_a_stale_section_is_told_who_and_when_and_other_sections_are_not_in_the_way(desk, network, uptd, sari, case):
    budi = network.member(uptd, "social_worker")
    desk(sari).assign(case_id=case.id, member=budi, version=1)
    later = NOW + timedelta(minutes=3)
    desk(budi, later).save(case.id, "profile", PROFILE)
    with pytest.raises(errors.StaleVersion) as stale:
        desk(sari).save(case.id, "profile", PROFILE)
    assert stale.value.facts == {"who": "PS-02", "when": later}
    assert desk(sari).save(case.id, "identity", IDENTITY).revision == 1
    with pytest.raises(errors.StaleVersion):
        desk(sari).save(case.id, "safe_contact", SAFE_CONTACT, version=4)


def test_of_two_who_save_at_once_one_is_told(desk, sari, case, engine):
    results, gate = [], threading.Barrier(2)

    def save(sex):
        with Session(engine) as own:
            gate.wait()
            try:
                results.append(Desk(own, sari).save(case.id, "profile", PROFILE | {"sex": sex}).revision)
            except errors.StaleVersion as late:
                results.append(late.facts["who"])

    threads = [threading.Thread(target=save, args=(sex,)) for sex in "PX"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, results)) == ["1", "PS-01"]
    assert desk(sari).read(case.id, "profile")["profile"].revision == 1


def test_every_field_that_is_amiss_is_named_and_nothing_is_kept(desk, sari, case, session):
    with pytest.raises(errors.InputInvalid) as refused:
        desk(sari).save(case.id, "safe_contact", {"method": ["pigeon"], "phone": "abc", "contact_allowed": True})
    assert refused.value.fields == {
        "safe_contact.method": ("not_a_code",),
        "safe_contact.phone": ("not_a_phone",),
        "safe_contact.phone_shared": ("required",),
        "safe_contact.must_not_know": ("required",),
    }
    assert queries.sections_of(session, case_id=case.id) == {}
    assert queries.case(session, hub=sari.keys.hub, actor=sari.actor, case_id=case.id).version == 1


@pytest.mark.parametrize("section", ["needs", "meta", "consent", "no_such_section", "preview"])
def test_what_is_written_for_a_referral_is_not_of_the_case(desk, sari, case, section):
    with pytest.raises(errors.NotFound):
        desk(sari).save(case.id, section, {})


def test_a_section_that_does_not_apply_is_not_kept(desk, sari, case):
    desk(sari).save(case.id, "profile", PROFILE)
    assert refusal(lambda: desk(sari).save(case.id, "child_guardian", {"school": "SD Contoh"})) == "guard_failed"


def test_hidden_fields_keep_what_is_stored(desk, sari, case):
    desk(sari).save(case.id, "identity", IDENTITY)
    shown = desk(sari).read(case.id, "identity")["identity"]
    desk(sari).save(case.id, "identity", shown.fields() | {"full_name": "Melati Baru"}, version=1, keep=shown.hidden)
    names = [f"identity.{code}" for code in ("full_name", "nik", "address_now")]
    assert desk(sari).read(case.id, "identity", fields=names)["identity"].fields() == {
        "full_name": "Melati Baru", "nik": IDENTITY["nik"], "address_now": IDENTITY["address_now"],
    }  # fmt: skip
    desk(sari).save(case.id, "identity", {"full_name": "Melati Baru"}, version=2)
    assert desk(sari).read(case.id, "identity")["identity"].hidden == frozenset()


def test_who_must_not_know_is_kept_before_the_whole_safety_form_comes(desk, sari, case):
    three = ("blocked_people", "blocked_agencies", "blocked_kinds")
    desk(sari).save(case.id, "safety", {"blocked_people": "paman", "blocked_kinds": ["police"]}, only=three)
    desk(sari).save(case.id, "safety", {"blocked_people": "paman dan majikan"}, version=1, only=("blocked_people",))
    assert desk(sari).read(case.id, "safety")["safety"].fields() == {"blocked_people": "paman dan majikan", "blocked_kinds": ["police"]}
    with pytest.raises(errors.InputInvalid) as refused:
        desk(sari).save(case.id, "safety", {}, version=2, only=three)
    assert refused.value.fields == {"safety.blocked_people": ("required",)}


def test_warnings_are_shown_and_kept_nowhere(desk, sari, case):
    desk(sari).save(case.id, "identity", IDENTITY)
    saved = desk(sari).save(case.id, "profile", PROFILE | {"age_band": "13_17"})
    assert [hint.code for hint in saved.warnings["age_band"]] == ["age_band_differs"]
    saved = desk(sari).save(case.id, "chronology", {"narrative": "Melati pergi"})
    assert [hint.code for hint in saved.warnings["narrative"]] == ["holds_name"]
    assert desk(sari).read(case.id, "chronology")["chronology"].fields() == {"narrative": "Melati pergi"}


# --- the few facts in clear ----------------------------------------------------------------------------------------------


def test_a_child_is_marked_from_the_age_band(desk, sari, case, entries):
    after = desk(sari).save(case.id, "profile", PROFILE | {"age_band": "13_17"}).case
    assert after.minor
    assert after.retention_until == date(2039, 12, 31)
    assert entries()[-1].subject_flags == ("minor",)
    after = desk(sari).save(case.id, "profile", PROFILE, version=1).case
    assert not after.minor


def test_a_birth_date_decides_over_the_band_and_corrects_the_profile(desk, sari, case):
    desk(sari).save(case.id, "profile", PROFILE | {"age_band": "18_24"})
    after = desk(sari).save(case.id, "identity", {"full_name": "Melati", "birth_date": "2009-06-01"}).case
    assert after.minor
    assert after.retention_until == date(2035, 12, 31)
    profile = desk(sari).read(case.id, "profile")["profile"]
    assert (profile.fields()["is_child"], profile.revision) == (True, 2)
    again = desk(sari).save(case.id, "profile", PROFILE | {"age_band": "18_24"}, version=2).case
    assert again.minor
    grown = desk(sari).save(case.id, "identity", {"full_name": "Melati", "birth_date": "2005-06-01"}, version=1).case
    assert not grown.minor


def test_extreme_risk_is_marked_without_the_risk(desk, sari, case, session):
    safety = {"risk_level": "extreme", "risk_flags": ["perpetrator_armed"], "safe_now": False, "blocked_people": "tidak ada"}
    assert desk(sari).save(case.id, "safety", safety).case.second_person_needed
    assert not desk(sari).save(case.id, "safety", safety | {"risk_level": "low"}, version=1).case.second_person_needed


def test_the_companion_is_a_colleague_whom_the_form_offered(desk, network, uptd, sari, case):
    ani = network.member(uptd, "companion")
    filled = SAFE_CONTACT | {"companion": str(ani.id)}
    with pytest.raises(errors.InputInvalid) as refused:
        desk(sari).save(case.id, "safe_contact", filled)
    assert refused.value.fields == {"safe_contact.companion": ("not_known",)}
    known = {"user": [str(ani.id)]}
    assert desk(sari).save(case.id, "safe_contact", filled, known=known).case.companion_id == ani.id
    assert desk(sari).save(case.id, "safe_contact", SAFE_CONTACT, version=1).case.companion_id is None


# --- reading -------------------------------------------------------------------------------------------------------------


def test_nothing_is_revealed_before_the_entry_is_durable(desk, sari, case, session):
    desk(sari).save(case.id, "identity", IDENTITY)
    opened = reading.open_sections(session, actor=sari.actor, keys=sari.keys, case_id=case.id, sections=["identity"], now=NOW)
    with pytest.raises(errors.NotDurable):
        reading.reveal(opened)
    session.rollback()
    with pytest.raises(errors.NotDurable):
        reading.reveal(opened)
    assert "Melati" not in repr(opened)


def test_a_reveal_touches_no_database(desk, sari, case, session):
    desk(sari).save(case.id, "identity", IDENTITY)
    opened = transact(
        session,
        lambda s: reading.open_sections(s, actor=sari.actor, keys=sari.keys, case_id=case.id, sections=["identity"], now=NOW),
    )
    bind, session.bind = session.bind, None
    content = reading.reveal(opened)["identity"]
    session.bind = bind
    assert content.fields()["full_name"] == "Melati Contoh"
    assert repr(content) == "<sealed>"


def test_sensitive_fields_ask_for_one_more_press(desk, sari, case, entries):
    desk(sari).save(case.id, "identity", IDENTITY)
    content = desk(sari).read(case.id, "identity")["identity"]
    assert content.fields() == {"full_name": "Melati Contoh", "birth_date": "1990-03-15"}
    assert (content.hidden, content.tails) == ({"nik", "address_now"}, {"nik": "0000"})
    assert desk(sari).read(case.id, "identity", fields=["identity.nik"])["identity"].fields() == {"nik": IDENTITY["nik"]}
    read, reveal = entries()[-2:]
    assert (read.action, read.fields) == ("case.read", ())
    assert (reveal.action, reveal.sections, reveal.fields) == ("field.reveal", ("identity",), ("identity.nik",))


def test_safe_contact_is_read_by_itself(desk, sari, case, entries):
    desk(sari).save(case.id, "safe_contact", SAFE_CONTACT)
    desk(sari).save(case.id, "profile", PROFILE)
    content = desk(sari).read(case.id, "safe_contact")["safe_contact"]
    assert content.hidden == {"code_word_ok"}
    assert (entries()[-1].action, entries()[-1].sections) == ("section.safe_contact_read", ("safe_contact",))
    for sections, fields in (
        (("safe_contact", "profile"), ()),
        ((), ()),
        (("identity",), ("safe_contact.phone",)),
        (("a", "b"), ("a.x", "b.y")),
    ):
        with pytest.raises(ValueError, match=r"sections|fields"):
            desk(sari).read(case.id, *sections, fields=fields)


@pytest.mark.parametrize(
    ("role", "reads"),
    [("companion", {"safe_contact"}), ("paralegal", {"safe_contact"}), ("intake", set()), ("social_worker", {"identity", "safe_contact"})],
)
def test_who_may_not_read_a_section_reveals_no_field_of_it(desk, network, uptd, sari, case, role, reads):
    other = network.member(uptd, role)
    desk(sari).save(case.id, "identity", IDENTITY)
    desk(sari).save(case.id, "safe_contact", SAFE_CONTACT)
    desk(sari).assign(case_id=case.id, member=other, version=3)
    for section, field in (("identity", "identity.nik"), ("safe_contact", "safe_contact.code_word_ok")):
        for fields in ((), (field,)):
            if section in reads:
                assert desk(other).read(case.id, section, fields=fields)
            else:
                assert refusal(lambda section=section, fields=fields: desk(other).read(case.id, section, fields=fields)) in {
                    "role_lacks_ability",
                    "not_found",
                }


def test_who_keeps_safe_contact_writes_nothing_else(desk, network, uptd, sari, case):
    ani = network.member(uptd, "companion")
    desk(sari).assign(case_id=case.id, member=ani, version=1)
    assert desk(ani).save(case.id, "safe_contact", SAFE_CONTACT).revision == 1
    assert refusal(lambda: desk(ani).save(case.id, "identity", IDENTITY)) == "role_lacks_ability"
    intake = network.member(uptd, "intake")
    desk(sari).assign(case_id=case.id, member=intake, version=3)
    assert desk(intake).save(case.id, "identity", IDENTITY).revision == 1


def test_only_what_is_filled_is_opened_and_named(desk, sari, case, entries):
    assert refusal(lambda: desk(sari).read(case.id, "profile")) == "not_found"
    desk(sari).save(case.id, "profile", PROFILE)
    assert set(desk(sari).read(case.id, "profile", "identity")) == {"profile"}
    assert entries()[-1].sections == ("profile",)


def test_identity_of_a_protected_case_asks_to_sign_in_again(desk, sari, case):
    desk(sari).save(case.id, "identity", IDENTITY)
    desk(sari).protect(case_id=case.id, protected=True, version=2)
    assert refusal(lambda: desk(sari).read(case.id, "identity")) == "reauth_needed"
    assert desk(sari.as_(strength="fresh")).read(case.id, "identity")


def test_a_colleague_who_is_not_assigned_reads_nothing(desk, network, uptd, sari, case):
    budi = network.member(uptd, "social_worker")
    desk(sari).save(case.id, "profile", PROFILE)
    assert refusal(lambda: desk(budi).read(case.id, "profile")) == "not_found"
    desk(sari).assign(case_id=case.id, member=budi, version=2)
    assert desk(budi).read(case.id, "profile")
    desk(sari).unassign(case_id=case.id, member_id=budi.id, version=3)
    assert refusal(lambda: desk(budi).read(case.id, "profile")) == "not_found"


def test_changed_bytes_open_nothing(desk, sari, case, owner_engine):
    desk(sari).save(case.id, "identity", IDENTITY)
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE sealed_part SET head = set_byte(head, 40, get_byte(head, 40) # 1)"))
    with pytest.raises(errors.CannotOpen):
        desk(sari).read(case.id, "identity")


# --- inside a sending ----------------------------------------------------------------------------------------------------


def test_a_sending_gathers_sections_without_an_entry_of_its_own(desk, sari, case, entries, session):
    desk(sari).save(case.id, "profile", PROFILE)
    desk(sari).save(case.id, "identity", IDENTITY)
    before = len(entries())
    gathered = transact(
        session,
        lambda s: reading.gather_for_sending(
            s, actor=sari.actor, keys=sari.keys, case_id=case.id, sections={"identity", "safe_contact"}, now=NOW
        ),
    )
    assert len(entries()) == before
    assert set(gathered.values) == {"identity"}
    assert gathered.values["identity"].fields()["nik"] == IDENTITY["nik"]
    assert (gathered.revisions, gathered.minor) == ({"identity": 1}, False)
    assert "Melati" not in repr(gathered)


def test_a_stranger_gathers_nothing(network, sari, desk, case, session):
    elsewhere = network.member(network.agency("LBH", "legal"), "lawyer")
    desk(sari).save(case.id, "profile", PROFILE)
    with pytest.raises(errors.NotFound):
        reading.gather_for_sending(session, actor=elsewhere.actor, keys=elsewhere.keys, case_id=case.id, sections={"profile"}, now=NOW)


def test_only_the_referrals_room_gathers():
    callers = {file.parts[1] for file in Path("referral_hub").rglob("*.py") if "gather_for_sending" in file.read_text()}
    assert callers <= {"cases", "referrals"}


# --- a stolen database ---------------------------------------------------------------------------------------------------


def test_a_marked_string_in_every_field_stands_in_no_table(desk, sari, case, owner_engine):
    mark = "zzmarkzz"
    desk(sari).save(case.id, "profile", PROFILE)
    desk(sari).save(
        case.id, "identity", IDENTITY | {"full_name": mark, "alias": mark, "birth_place": mark, "other_id": mark, "occupation": "other"}
    )
    texts = ("safe_times", "unsafe_times", "code_word_ok", "code_word_danger", "say_if_other_answers", "must_not_know")
    desk(sari).save(case.id, "safe_contact", SAFE_CONTACT | dict.fromkeys(texts, mark) | {"trusted_person": {"name": mark}})
    desk(sari).save(case.id, "safety", {"blocked_people": mark}, only=["blocked_people"])
    with owner_engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        found = [
            table
            for table in tables
            if connection.scalar(text(f'SELECT bool_or(t::text LIKE :mark) FROM "{table}" t'), {"mark": f"%{mark}%"})
        ]
        hexed = f"%{mark.encode().hex()}%"
        found += [
            table for table in tables if connection.scalar(text(f'SELECT bool_or(t::text LIKE :mark) FROM "{table}" t'), {"mark": hexed})
        ]
    assert "case_file" in tables
    assert found == []


def test_times_of_birth_are_never_in_the_future(desk, sari, case):
    with pytest.raises(errors.InputInvalid) as refused:
        desk(sari, datetime(2026, 11, 2, tzinfo=UTC)).save(case.id, "identity", {"full_name": "Melati", "birth_date": "2027-01-01"})
    assert refused.value.fields == {"identity.birth_date": ("in_future",)}
