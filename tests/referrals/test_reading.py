"""Revealing: recorded first, then verified, then shown; and what no key of the recipient opens before acceptance."""

import uuid

import pytest
from sqlalchemy import text

from referral_hub import audit, errors
from referral_hub.cases import actions as cases
from referral_hub.db import transact
from referral_hub.referrals import reading
from referral_hub.referrals.values import Content, SectionContent
from referral_hub.vault import opening
from referral_hub.vault.grants import GrantKind, ObjectKind
from tests.referrals.story import DAY, HOUR, MINUTE, NOW

# --- recorded before revealed ----------------------------------------------------------------------------------------------


def test_nothing_is_revealed_before_its_entry_is_durable(story):
    story.accepted()
    who = {"actor": story.santi.actor, "keys": story.santi.keys, "now": NOW + DAY}

    def inside(session):
        opened = reading.open_section(session, **who, referral_id=story.id, section="identity")
        with pytest.raises(errors.NotDurable):
            reading.reveal(opened)
        return opened

    opened = transact(story.session, inside)
    assert reading.reveal(opened).sections[0].fields["full_name"] == "Melati Contoh"


def test_an_opening_whose_transaction_failed_reveals_nothing(story):
    story.accepted()
    size, kept = len(story.entries()), []
    who = {"actor": story.santi.actor, "keys": story.santi.keys, "now": NOW + DAY}

    def inside(session):
        kept.append(reading.open_section(session, **who, referral_id=story.id, section="identity"))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        transact(story.session, inside)
    with pytest.raises(errors.NotDurable):
        reading.reveal(kept[0])
    assert len(story.entries()) == size


def test_revealing_asks_no_database(story, asked):
    story.accepted()
    opened = story.at(story.santi, DAY).opened("section", section="identity")
    story.session.close()
    asked.clear()
    assert reading.reveal(opened).sections[0].fields
    assert asked == []


def test_each_opening_is_one_entry_that_names_its_section(story):
    story.accepted()
    desk = story.at(story.santi, DAY)
    for code in ("meta", "identity", "safe_contact"):
        size = len(story.entries())
        content = desk.read("section", section=code)
        entries = story.entries()
        assert len(entries) == size + 1
        assert entries[-1].sections == (code,)
        assert content.entry_index == size
        assert (entries[-1].basis, entries[-1].auth_strength) == ("recipient", "full")


def test_nothing_of_the_content_shows_in_a_repr(story):
    story.accepted()
    desk = story.at(story.santi, DAY)
    opened = desk.opened("section", section="identity")
    content = reading.reveal(opened)
    for thing in (opened, content, content.sections[0], content.sections):
        assert "Melati" not in repr(thing)
        assert "Melati" not in str(thing)


def test_each_get_of_the_preview_is_an_entry(story):
    story.opened()
    size = len(story.entries())
    for _ in range(3):
        story.at(story.santi, HOUR).read("preview_page")
    assert [e.action for e in story.entries()[size:]] == ["referral.preview_read"] * 3


def test_the_preview_is_opened_by_the_act_and_not_by_looking(story):
    story.sent()
    failure = story.refused(story.santi, "referral.preview_read", lambda: story.at(story.santi, MINUTE).read("preview_page"))
    assert failure.code == "wrong_state"


# --- before acceptance -----------------------------------------------------------------------------------------------------


def test_before_acceptance_only_the_preview_is_opened(story):
    story.opened()
    desk = story.at(story.santi, HOUR)
    for verb, call in (
        ("section.read", lambda: desk.section("profile")),
        ("section.read", lambda: desk.section("identity")),
        ("section.safe_contact_read", lambda: desk.section("safe_contact")),
        ("field.reveal", lambda: desk.read("field", section="identity", field="nik")),
    ):
        assert story.refused(story.santi, verb, call).code == "section_not_granted"
    assert desk.read("preview_page").sections


def test_before_acceptance_the_vault_releases_nothing_but_the_preview(story):
    """Past the policy: the vault itself hands out the preview and refuses the package; then again after acceptance."""
    story.opened()

    def gathered(kind, parts):
        place = {"object_kind": ObjectKind.REFERRAL, "object_id": story.id, "kind": kind, "now": NOW + HOUR, "parts": parts}
        try:
            sealed = opening.gather(story.session, member_id=story.santi.id, agency_id=story.lbh.id, **place)
            return opening.unseal(story.network.hub, story.santi.keys.member_key, sealed)
        finally:
            story.session.rollback()

    assert set(gathered(GrantKind.PREVIEW, None)) == {"preview"}
    for kind, parts in ((GrantKind.FULL, ("identity",)), (GrantKind.FULL, None), (GrantKind.PREVIEW, ("identity",)), (GrantKind.OWN, None)):
        with pytest.raises(errors.CannotOpen):
            gathered(kind, parts)
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    assert "identity" in gathered(GrantKind.FULL, None)


# --- integrity -------------------------------------------------------------------------------------------------------------


def test_a_changed_ciphertext_is_not_shown_and_leaves_its_entry(story, owner_engine):
    story.accepted()
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE sealed_part SET head = set_byte(head, 40, get_byte(head, 40) # 1) WHERE object_kind = 'referral'"))
    size = len(story.entries())
    opened = story.at(story.santi, DAY).opened("section", section="identity")
    with pytest.raises(errors.CannotOpen):
        reading.reveal(opened)
    assert story.entries()[-1].action == "section.read"
    entry = audit.entry_for(
        story.santi.actor, "key.tampered", now=NOW + DAY, outcome="error", reason="cannot_open", object_kind="referral", object_id=story.id
    )
    transact(story.session, lambda s: audit.record(s, entry))
    assert len(story.entries()) == size + 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE manifest SET signature = set_byte(signature, 0, get_byte(signature, 0) # 1)",
        "UPDATE manifest SET body = convert_to(replace(convert_from(body, 'UTF8'), 'legal_aid', 'statistic'), 'UTF8')",
        "UPDATE sealed_share SET wrapped = set_byte(wrapped, 30, get_byte(wrapped, 30) # 1)",
        "UPDATE release SET locked = set_byte(locked, 30, get_byte(locked, 30) # 1)",
        "UPDATE sealed_grant SET key_wrap = set_byte(key_wrap, 40, get_byte(key_wrap, 40) # 1)",
    ],
)
def test_whatever_is_changed_nothing_opens(story, owner_engine, statement):
    story.accepted()
    with owner_engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount
    opened = story.at(story.santi, DAY).opened("section", section="identity")
    with pytest.raises(errors.CannotOpen):
        reading.reveal(opened)


def test_an_older_sending_put_back_is_caught_by_the_log(story, owner_engine):
    """A rollback that is consistent in itself: grants, parts and manifest of another, earlier sending in the place of the last one."""
    story.accepted()
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET manifest_digest = set_byte(manifest_digest, 0, get_byte(manifest_digest, 0) # 1)"))
    opened = story.at(story.santi, DAY).opened("section", section="identity")
    with pytest.raises(errors.CannotOpen):
        reading.reveal(opened)


def test_without_a_sending_in_the_log_nothing_opens(story, owner_engine):
    story.accepted()
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE audit_entry SET manifest_digest = NULL"))
    with pytest.raises(errors.CannotOpen):
        story.at(story.santi, DAY).opened("section", section="identity")


def test_a_release_secret_that_is_gone_opens_nothing(story, owner_engine):
    story.accepted()
    with owner_engine.begin() as connection:
        connection.execute(text("DELETE FROM release"))
    with pytest.raises(errors.CannotOpen):
        story.at(story.santi, DAY).opened("section", section="identity")


# --- who reads what --------------------------------------------------------------------------------------------------------


def test_a_member_without_a_key_opens_nothing(network, story):
    story.accepted()
    admin = network.member(story.lbh, "agency_admin")
    assert story.refused(admin, "section.read", lambda: story.at(admin, DAY).section("identity")).code == "role_lacks_ability"


def test_a_section_that_was_not_shared_is_refused(story):
    story.draft(choice={"identity": ["full_name"]})
    story.agree()
    story.send()
    story.at(story.santi, HOUR).on("accept", handler=story.santi.id, first_contact_by=NOW + DAY)
    for code in ("safe_contact", "needs", "medical"):
        verb = "section.safe_contact_read" if code == "safe_contact" else "section.read"
        failure = story.refused(story.santi, verb, lambda c=code: story.at(story.santi, DAY).section(c))
        assert failure.code == "section_not_granted"


def test_sections_and_fields_that_do_not_exist_are_not_found(story):
    story.accepted()
    desk = story.at(story.santi, DAY)
    for call in (
        lambda: desk.section("nothing"),
        lambda: desk.section("preview"),
        lambda: desk.read("field", section="identity", field="nothing"),
        lambda: desk.read("field", section="nothing", field="nik"),
    ):
        with pytest.raises(errors.NotFound):
            call()


def test_sensitive_fields_take_one_more_press(story):
    story.accepted()
    desk = story.at(story.santi, DAY)
    identity, contact = desk.section("identity"), desk.section("safe_contact")
    assert (identity.masked, dict(identity.tails)) == ({"nik"}, {"nik": "0000"})
    assert contact.masked == {"code_word_ok"}
    assert "nik" not in identity.fields
    assert desk.read("field", section="identity", field="nik").sections[0].fields == {"nik": "3273015503900000"}
    assert desk.read("field", section="safe_contact", field="code_word_ok").sections[0].fields == {"code_word_ok": "melon"}


def test_numbers_elsewhere_wait_until_safe_contact_was_read(network, story):
    service = network.agency("uptd-b", "social_services")
    network.offer(service, "case_management")
    worker = network.member(service, "social_worker")
    case = story.open_file()
    story.at(story.sari).do(cases.edit_section, case_id=case.id, section="family", values=family(), version=0)
    story.draft(case=case, to=service, service="case_management")
    story.agree(sections=("meta", "profile", "safe_contact", "family", "needs", "consent"))
    story.send(recipient_code="uptd-b")
    desk = story.at(worker, HOUR)
    desk.on("accept", handler=worker.id, first_contact_by=NOW + DAY)
    before = desk.section("family")
    assert before.withheld == {"family_contact"}
    assert "family_contact" not in before.fields
    failure = story.refused(worker, "field.reveal", lambda: desk.read("field", section="family", field="family_contact"))
    assert failure.code == "section_not_granted"
    assert not desk.detail().safe_contact_read
    desk.section("safe_contact")
    after = desk.section("family")
    assert after.withheld == frozenset()
    assert after.fields["family_contact"]
    assert desk.detail().safe_contact_read


def family():
    return {"family_contact": {"name": "Bibi Contoh", "relation": "aunt", "phone": "+628111000000"}, "family_accept": "hesitant"}


def test_the_safe_contact_block_is_read_by_each_member_for_herself(story, session):
    story.accepted()
    story.at(story.santi, DAY).section("safe_contact")
    assert reading.safe_contact_read_by(session, referral_id=story.id, member_id=story.santi.id)
    assert not reading.safe_contact_read_by(session, referral_id=story.id, member_id=story.sari.id)
    session.rollback()


def test_a_conflict_entry_hides_everything_from_one_member(network, story):
    lead, andi = network.member(story.uptd, "case_lead"), network.member(story.lbh, "lawyer")
    story.accepted()
    story.at(lead).do(cases.conflict_add, case_id=story.row().case_id, member_id=andi.id)
    desk = story.at(andi, DAY)
    version = story.version()
    for verb, call in {
        "referral.list": desk.detail,
        "referral.preview_read": lambda: desk.read("preview_page"),
        "section.read": lambda: desk.section("identity"),
        "section.safe_contact_read": lambda: desk.section("safe_contact"),
        "field.reveal": lambda: desk.read("field", section="identity", field="nik"),
        "message.read": lambda: desk.read("notes"),
        "referral.claim": lambda: desk.on("claim", version=version),
        "referral.start": lambda: desk.on("start", version=version),
    }.items():
        assert story.refused(andi, verb, call).code == "conflict_of_interest"  # status 404, the same body as not_found
    assert desk.ask("incoming").lines == ()
    assert desk.ask("work_list").needs_you == ()
    assert story.at(story.santi, DAY).section("identity").fields


def test_a_conflict_entry_counts_from_the_moment_it_stands(network, story):
    lead = network.member(story.uptd, "case_lead")
    story.accepted()
    assert story.at(story.santi, DAY).section("identity").fields
    story.at(lead, DAY).do(cases.conflict_add, case_id=story.row().case_id, member_id=story.santi.id)
    failure = story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("identity"))
    assert failure.code == "conflict_of_interest"


def test_identity_of_a_protected_case_asks_to_sign_in_again(network, story):
    lead = network.member(story.uptd, "case_lead")
    story.accepted()
    story.at(lead).do(cases.protect, case_id=story.row().case_id, protected=True, version=story_case_version(story))
    failure = story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("identity"))
    assert failure.code == "reauth_needed"
    assert story.at(story.santi.as_(strength="fresh"), DAY).section("identity").fields
    assert story.entries()[-1].subject_flags == ("protected",)


def story_case_version(story):
    version = story.session.scalar(text("SELECT version FROM case_file"))
    story.session.rollback()
    return version


def test_there_are_no_notes_until_somebody_writes_one(story):
    story.accepted()
    with pytest.raises(errors.NotFound):
        story.at(story.santi, DAY).read("notes")


def test_values_say_nothing_of_themselves():
    section = SectionContent("identity", 1, {"full_name": "Melati"})
    content = Content(uuid.UUID(int=1), "RJ-0000-0000", (section,), (), 0)
    assert "Melati" not in f"{section!r}{content!r}"
