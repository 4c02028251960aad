"""Single sections taken back, and a new consent in the place of one that ended: what is closed stays closed, what is left goes on."""

import uuid
from datetime import date

import pytest

from referral_hub import errors, protocol
from referral_hub.cases import actions as cases
from referral_hub.consent import queries as ledger
from referral_hub.consent import rules as consents
from referral_hub.db import transact
from referral_hub.referrals import actions, reading, rules
from referral_hub.vault import grants
from referral_hub.vault.grants import GrantKind, ObjectKind, Standing
from tests.referrals.story import DAY, HOUR, IDENTITY, SECTIONS
from tests.referrals.test_copies import copied, own
from tests.referrals.test_copies import found as copies_of
from tests.referrals.test_endings import meanwhile
from tests.referrals.test_further import CHRONOLOGY, agree_more, correct, fill, reopened, supplied


def narrow(story, *sections, consent_id=None, after=DAY, person=None):
    desk = story.at(person or story.sari, after)
    return desk.do(actions.narrow_consent, consent_id=consent_id or story.row().consent_id, sections=sections)


def closed_to(story, section):
    """Nothing that the server releases opens the section: not by its page, not by a field, not by any sending it once was in."""
    desk = story.at(story.santi, 2 * DAY)
    code = story.refused(story.santi, "section.read", lambda: desk.section(section)).code
    for revision in (None, *range(1, story.row().sending + 1)):
        with pytest.raises(errors.CannotOpen):
            reopened(story, part=section, revision=revision)
    return code


def renewed(story, *, sections=SECTIONS, after=DAY, until=date(2027, 6, 1), **changes):
    """A further consent of the usual form, in her file."""
    giving = story.giving(sections=sections, until=until, given_at=story.clock + after, **changes)
    return story.at(story.sari, after).do(actions.record_consent, case_id=story.row().case_id, giving=giving)


# --- single sections taken back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["accepted", "started"])
def test_what_she_takes_back_closes_at_once_and_the_rest_goes_on(story, stage):
    getattr(story, stage)()
    state, size = story.row().state, len(story.entries())
    (row,) = narrow(story, "identity")
    assert (row.state, row.business, row.sending) == (state, "consent-narrowed", 2)
    assert "purge_due" in row.flags
    change, narrowed = story.entries()[size:]
    assert (change.action, change.sections) == ("consent.change", ("identity",))
    assert (narrowed.action, narrowed.sections, len(narrowed.manifest_digest)) == ("referral.consent_narrowed", ("identity",), 32)
    assert closed_to(story, "identity") == "section_not_granted"
    desk = story.at(story.santi, 2 * DAY)
    assert story.refused(story.santi, "field.reveal", lambda: desk.read("field", section="identity", field="nik")).code == "section_not_granted"
    assert (desk.section("needs").revision, desk.section("safe_contact").revision) == (1, 1)
    assert "identity" not in desk.section("consent").fields["scope_sections"]
    assert [line.awaited for line in desk.ask("work_list").needs_you] == ["confirm_purge"]
    assert "confirm_purge" in desk.detail().acts


def test_the_ledger_keeps_what_was_agreed_and_says_what_stands(story):
    story.accepted()
    consent_id = story.row().consent_id
    before = ledger.by_id(story.session, consent_id)
    narrow(story, "identity")
    after = ledger.by_id(story.session, consent_id)
    story.session.rollback()
    assert (before.sections - after.sections, after.taken_back) == ({"identity"}, {"identity"})
    assert consents.digest(before) != consents.digest(after)
    narrow(story, "needs", after=2 * DAY)
    assert ledger.by_id(story.session, consent_id).taken_back == {"identity", "needs"}
    story.session.rollback()


@pytest.mark.parametrize(
    ("sections", "code"), [((), "required"), (("chronology",), "not_known"), (("profile",), "not_known"), (("identity", "safe_contact", "needs"), "all_of_them")]
)
def test_what_cannot_be_taken_back_alone(story, sections, code):
    story.accepted()
    refused = story.refused(story.sari, "consent.change", lambda: narrow(story, *sections))
    assert refused.fields == {"sections": (code,)}


def test_twice_the_same_or_after_a_whole_withdrawal(story):
    story.accepted()
    narrow(story, "identity")
    assert story.refused(story.sari, "consent.change", lambda: narrow(story, "identity")).fields == {"sections": ("not_known",)}
    consent_id = story.row().consent_id
    story.at(story.sari, DAY).do(actions.withdraw_consent, consent_id=consent_id)
    assert story.refused(story.sari, "consent.change", lambda: narrow(story, "needs", consent_id=consent_id)).code == "wrong_state"


def test_before_acceptance_the_package_is_narrowed_and_nothing_is_to_be_deleted_unless_it_was_opened(story):
    story.sent()
    (row,) = narrow(story, "identity", after=HOUR)
    assert (row.state, row.sending, "purge_due" in row.flags) == ("requested", 2, False)
    with pytest.raises(errors.CannotOpen):
        reopened(story, part="needs")  # still suspended until acceptance
    story.at(story.santi, 2 * HOUR).on("open_preview")
    story.at(story.santi, 2 * HOUR).on("accept", handler=story.santi.id, first_contact_by=story.clock + DAY)
    assert closed_to(story, "identity") == "section_not_granted"
    assert story.at(story.santi, DAY).section("needs").revision == 1


def test_a_referral_of_which_nothing_would_be_left_ends(story):
    story.accepted(choice={"identity": ["birth_date"], "safe_contact": []})
    (row,) = narrow(story, "identity")
    assert (row.state, row.business) == ("cancelled", "consent-withdrawn")
    assert closed_to(story, "identity") == "access_ended"


def test_a_draft_is_told_and_can_no_longer_send_it(story):
    story.draft()
    story.agree()
    (row,) = narrow(story, "identity", after=HOUR)
    assert (row.state, row.business) == ("draft", "consent-narrowed")
    story.at(story.sari, HOUR).on("edit_draft", choice={"identity": ["full_name"], "needs": ["wishes"]})
    assert story.refused(story.sari, "referral.send", story.send).code == "consent_scope"
    story.at(story.sari, HOUR).on("edit_draft", choice={"needs": ["wishes"]})
    assert story.send().state == "requested"
    assert "identity" not in {one.code for one in story.at(story.sari, HOUR).detail().sections if one.state == "open"}


def test_in_the_reading_window_it_closes_for_good_and_the_rest_stays_readable(story):
    story.completed()
    until = story.row().ended_at + 14 * DAY
    (row,) = narrow(story, "identity", after=3 * DAY)
    assert (row.state, row.business, row.sending, "purge_due" in row.flags) == ("completed", "consent-narrowed", 2, True)
    assert closed_to(story, "identity") == "section_not_granted"
    assert story.at(story.santi, 4 * DAY).section("needs").revision == 1
    assert "confirm_purge" in story.at(story.santi, 4 * DAY).detail().acts
    held = {grant.until for grant in grants.grants_of(story.session, object_kind=ObjectKind.REFERRAL, object_id=story.id, agency_id=story.lbh.id) if grant.revision == 2}
    story.session.rollback()
    assert held == {until}


def test_in_the_reading_window_copies_of_it_are_held_and_nothing_left_ends_all(story):
    story.completed()
    done = copied(story, "identity", "needs", after=2 * DAY)
    narrow(story, "identity", after=3 * DAY)
    assert {code: copy.held for code, copy in copies_of(story).items()} == {"identity": True, "needs": False}
    with pytest.raises(errors.NotFound):
        own(story, done, "identity", after=4 * DAY)
    story.session.rollback()
    narrow(story, "safe_contact", after=4 * DAY)
    story.at(story.sari, 5 * DAY).withdraw_consent(consent_id=story.row().consent_id)
    assert (story.row().state, story.row().business) == ("completed", "access-withdrawn")
    assert all(copy.held for copy in copies_of(story).values())


def test_after_the_window_nothing_is_left_to_close(story):
    story.completed()
    assert narrow(story, "identity", after=17 * DAY) == ()
    assert story.row().business == "outcome"


def test_an_opening_in_the_window_that_waited_for_a_narrowing_shows_nothing(story, engine):
    story.completed()
    consent_id, now = story.row().consent_id, story.clock + 3 * DAY
    sari = {"actor": story.sari.actor, "keys": story.sari.keys, "now": now}
    santi = {"actor": story.santi.actor, "keys": story.santi.keys, "now": now}
    refused = meanwhile(
        story, engine, lambda s: actions.narrow_consent(s, **sari, consent_id=consent_id, sections=("identity",)),
        lambda s: reading.open_section(s, **santi, referral_id=story.id, section="identity"),
    )  # fmt: skip
    assert isinstance(refused, errors.HubError)
    assert "section.read" not in [entry.action for entry in story.entries()[-2:]]


def test_only_the_own_agency_takes_back(network, story):
    story.accepted()
    consent_id = story.row().consent_id
    stranger = network.member(network.agency("lain", "legal"), "lawyer")
    for person in (story.santi, stranger):
        assert story.refused(person, "consent.change", lambda p=person: narrow(story, "identity", consent_id=consent_id, person=p)).code == "not_found"


def test_an_old_form_after_a_narrowing_is_stale(story):
    story.accepted()
    before = story.version()
    narrow(story, "identity")
    stale = story.refused(story.santi, "referral.start", lambda: story.at(story.santi, 2 * DAY).on("start", version=before))
    assert (stale.code, stale.facts["event"]) == ("stale_version", "consent_narrowed")


def test_a_deleted_copy_is_confirmed_and_service_goes_on(story):
    story.started()
    narrow(story, "identity", after=2 * DAY)
    row = story.at(story.santi, 3 * DAY).on("confirm_purge", purge_statement="destroyed")
    assert (row.state, "purge_due" in row.flags) == ("in-progress", False)
    assert story.at(story.santi, 3 * DAY).section("needs").revision == 1


def test_what_was_taken_back_comes_again_only_on_a_new_consent(story):
    story.accepted()
    first = story.row().consent_id
    narrow(story, "identity")
    desk = story.at(story.sari, 2 * DAY)
    refused = story.refused(story.sari, "referral.supply_sections", lambda: desk.on("supply_sections", sections=["identity"], new_basis=first))
    assert refused.code == "consent_scope"
    again = agree_more(story, "identity", after=2 * DAY)
    desk.on("supply_sections", sections=["identity"], new_basis=again.id)
    assert story.at(story.santi, 3 * DAY).section("identity").revision == 3


def test_a_backup_of_the_database_does_not_bring_it_back(story):
    """The keys of the sending that held it are destroyed, and their tombstones written: `keys` of a restored backup are replayed against them."""
    story.accepted()
    found = transact(story.session, lambda s: [g.id for g in grants.grants_of(s, object_kind="referral", object_id=story.id, agency_id=story.lbh.id)])
    narrow(story, "identity")
    marks = story.network.hub.tombstone_file.read_text()
    assert all(str(grant) in marks for grant in found)


def test_rules_of_what_follows():
    def event(state, granted, taken):
        return rules.event_of_narrowing(state=state, granted=granted, taken=taken)

    assert event("accepted", {"profile", "meta", "needs", "identity"}, {"identity"}) == "consent_narrowed"
    assert event("accepted", {"profile", "meta", "consent", "identity"}, {"identity"}) == "consent_withdrawn"
    assert event("accepted", {"profile", "needs"}, {"identity"}) == ""
    assert event("draft", (), {"identity"}) == "consent_narrowed"
    assert {event(s.code, {"identity", "needs"}, {"identity"}) for s in protocol.current().lifecycle.states.values() if s.terminal} == {""}


# --- a new consent -------------------------------------------------------------------------------------------------------


def ended(story, *, stage="accepted", until=date(2026, 11, 10)):
    """A referral whose consent has run out."""
    story.draft()
    story.agree(until=until)
    story.send()
    story.at(story.santi, HOUR).on("open_preview")
    story.at(story.santi, 2 * HOUR).on("accept", handler=story.santi.id, first_contact_by=story.clock + DAY)
    return 14 * DAY


def test_a_new_consent_opens_again_what_had_run_out(story):
    late = ended(story)
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, late).section("needs")).code == "consent_expired"
    basis = renewed(story, after=late)
    row = story.at(story.sari, late).on("renew_basis", new_basis=basis.id)
    assert (row.state, row.business, row.consent_id, row.sending) == ("accepted", "basis-renewed", basis.id, 2)
    entry = story.entries()[-1]
    assert (entry.action, entry.consent_id, len(entry.manifest_digest)) == ("referral.renew_basis", basis.id, 32)
    part = story.at(story.santi, late).section("consent")
    assert part.fields["consent_id"] == str(basis.id)
    assert story.at(story.santi, late).section("identity").revision == 1


@pytest.mark.parametrize(("stage", "opens"), [("accepted", True), ("opened", False)])
def test_what_was_suspended_comes_back_as_it_was(story, stage, opens):
    getattr(story, stage)()
    held = transact(story.session, lambda s: grants.grants_of(s, object_kind="referral", object_id=story.id, agency_id=story.lbh.id))
    transact(story.session, lambda s: grants.set_standing(s, grant_ids=[g.id for g in held], standing=Standing.SUSPENDED))
    assert story.at(story.santi, DAY).detail().grant == "suspended"
    basis = renewed(story)
    story.at(story.sari, DAY).on("renew_basis", new_basis=basis.id)
    assert story.at(story.santi, DAY).detail().grant == ("full" if opens else "preview")
    if opens:
        assert story.at(story.santi, DAY).section("needs").revision == 1
        return
    with pytest.raises(errors.CannotOpen):
        reopened(story, part="needs")


def test_what_was_revoked_stays_closed_and_the_referral_goes_on(story, spoil):
    story.accepted()
    spoil("UPDATE sealed_grant SET standing = 'revoked' WHERE object_kind = 'referral' AND kind <> 'own'", "DELETE FROM release WHERE grant_id IN (SELECT id FROM sealed_grant WHERE standing = 'revoked')")
    basis = renewed(story)
    story.at(story.sari, DAY).on("renew_basis", new_basis=basis.id)
    assert (story.row().consent_id, story.row().sending) == (basis.id, 1)
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("needs")).code == "access_ended"
    assert story.at(story.santi, DAY).on("start").state == "in-progress"


def test_what_the_new_consent_leaves_out_is_closed_first(story):
    late = ended(story)
    basis = renewed(story, after=late, sections=("needs", "safe_contact"))
    size = len(story.entries())
    story.at(story.sari, late).on("renew_basis", new_basis=basis.id)
    assert [(e.action, e.sections) for e in story.entries()[size:]] == [("referral.consent_narrowed", ("identity",)), ("referral.renew_basis", ())]
    assert [e.code for e in story.events()][-2:] == ["consent_narrowed", "renew_basis"]
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, late).section("identity")).code == "section_not_granted"
    assert story.at(story.santi, late).section("needs").revision == 1
    assert "purge_due" in story.row().flags


def test_a_new_consent_never_widens(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = renewed(story, sections=(*SECTIONS, "chronology"))
    story.at(story.sari, DAY).on("renew_basis", new_basis=basis.id)
    assert story.refused(story.santi, "section.read", lambda: story.at(story.santi, DAY).section("chronology")).code == "section_not_granted"


def test_fields_that_the_new_consent_keeps_back_fall_out(story):
    story.accepted()
    basis = renewed(story, excluded=("identity.full_name",))
    story.at(story.sari, DAY).on("renew_basis", new_basis=basis.id)
    fields = story.at(story.santi, DAY).section("identity").fields
    assert "full_name" not in fields
    assert fields["birth_date"] == IDENTITY["birth_date"]
    with pytest.raises(errors.CannotOpen):
        reopened(story, part="identity", revision=1)


def test_a_new_consent_that_leaves_nothing_is_refused(story):
    story.accepted()
    basis = renewed(story, sections=("chronology",))
    refused = story.refused(story.sari, "referral.renew_basis", lambda: story.at(story.sari, DAY).on("renew_basis", new_basis=basis.id))
    assert refused.code == "consent_scope"


def test_a_further_consent_goes_on_beside_the_new_one(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    further = supplied(story, "chronology")
    basis = renewed(story)
    story.at(story.sari, DAY).on("renew_basis", new_basis=basis.id)
    assert story.at(story.santi, DAY).section("chronology").revision == 2
    assert story.entries()[-1].consent_id == further.id
    both = renewed(story, sections=(*SECTIONS, "chronology"), after=2 * DAY)
    story.at(story.sari, 2 * DAY).on("renew_basis", new_basis=both.id)
    story.at(story.sari, 2 * DAY).do(actions.withdraw_consent, consent_id=further.id)
    assert story.at(story.santi, 2 * DAY).section("chronology").revision == 2
    assert story.entries()[-1].consent_id == both.id
    (row,) = narrow(story, "chronology", consent_id=both.id, after=3 * DAY)
    assert row.state == "accepted"
    assert closed_to(story, "chronology") == "section_not_granted"


@pytest.mark.parametrize(("made", "code"), [("same", "missing_input"), ("none", "no_consent"), ("withdrawn", "consent_expired")])
def test_what_is_no_new_basis(story, made, code):
    story.accepted()
    if made == "withdrawn":
        basis = renewed(story)
        story.at(story.sari, DAY).do(actions.withdraw_consent, consent_id=basis.id)
    asked = {"same": story.row().consent_id, "none": uuid.uuid4()}.get(made) or basis.id
    refused = story.refused(story.sari, "referral.renew_basis", lambda: story.at(story.sari, 2 * DAY).on("renew_basis", new_basis=asked))
    assert refused.code == code


def test_the_recipient_renews_nothing(story):
    story.accepted()
    basis = renewed(story)
    refused = story.refused(story.santi, "referral.renew_basis", lambda: story.at(story.santi, DAY).on("renew_basis", new_basis=basis.id))
    assert refused.code == "wrong_side"


def test_a_child_s_referral_takes_no_consent_of_an_adult(story):
    story.accepted()
    basis = renewed(story)
    desk = story.at(story.sari, DAY)
    profile = {"age_band": "13_17", "sex": "P", "languages": ["su"], "nationality_group": "WNI", "access_needs": ["none"], "is_child": True}
    desk.do(cases.edit_section, case_id=story.row().case_id, section="profile", values=profile, version=1)
    desk.do(cases.edit_section, case_id=story.row().case_id, section="identity", values=IDENTITY | {"birth_date": "2011-03-15", "nik": "3273015503110000"}, version=1)
    refused = story.refused(story.sari, "referral.renew_basis", lambda: desk.on("renew_basis", new_basis=basis.id))
    assert refused.code == "no_consent"


def test_a_correction_after_a_narrowing_and_a_supply_keeps_every_part_in_its_revision(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    supplied(story, "chronology")
    narrow(story, "needs", after=DAY)
    correct(story, "identity", IDENTITY | {"full_name": "Melati Sari Contoh"})
    desk = story.at(story.santi, 2 * DAY)
    assert {code: desk.section(code).revision for code in ("identity", "safe_contact", "chronology")} == {"identity": 4, "safe_contact": 1, "chronology": 2}
    assert closed_to(story, "needs") == "section_not_granted"
    whole = reopened(story, part="identity", kind=GrantKind.FULL)
    assert whole["full_name"] == "Melati Sari Contoh"


# --- at the same moment ----------------------------------------------------------------------------------------------------


def test_a_withdrawal_that_waited_for_further_sections_reaches_them(story, engine):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis, version = agree_more(story, "chronology"), story.version()
    sari = {"actor": story.sari.actor, "keys": story.sari.keys, "now": story.clock + DAY}
    ended = meanwhile(
        story, engine,
        lambda s: actions.supply_sections(s, **sari, referral_id=story.id, version=version, sections=("chronology",), new_basis=basis.id, note="Untuk gugatan."),
        lambda s: actions.withdraw_consent(s, **sari, consent_id=basis.id),
    )  # fmt: skip
    assert [(row.id, row.business) for row in ended] == [(story.id, "consent-narrowed")]
    assert closed_to(story, "chronology") == "section_not_granted"
    assert story.at(story.santi, 2 * DAY).section("needs").revision == 1


@pytest.mark.parametrize("whole", [True, False])
def test_what_is_taken_back_while_a_referral_is_put_on_it_closes_there(story, engine, whole):
    story.accepted()
    basis, version = renewed(story), story.version()
    sari = {"actor": story.sari.actor, "keys": story.sari.keys, "now": story.clock + DAY}
    back = {
        True: lambda s: actions.withdraw_consent(s, **sari, consent_id=basis.id),
        False: lambda s: actions.narrow_consent(s, **sari, consent_id=basis.id, sections=("identity",)),
    }
    (row,) = meanwhile(story, engine, lambda s: actions.renew_basis(s, **sari, referral_id=story.id, version=version, new_basis=basis.id), back[whole])
    assert row.business == ("consent-withdrawn" if whole else "consent-narrowed")
    assert closed_to(story, "identity") == ("access_ended" if whole else "section_not_granted")


# --- copies in the recipient's own file ----------------------------------------------------------------------------------


def test_copies_of_what_she_took_back_close_and_the_others_stay(story):
    story.accepted()
    copied(story, "identity", "needs")
    narrow(story, "identity")
    assert {code: copy.held for code, copy in copies_of(story).items()} == {"identity": True, "needs": False}
    desk = story.at(story.santi, 2 * DAY)
    refused = story.refused(story.santi, "referral.confirm_purge", lambda: desk.on("confirm_purge", purge_statement="nothing_kept"))
    assert refused.code == "copies_remain"
    desk.on("confirm_purge", purge_statement="destroyed")
    assert set(copies_of(story)) == {"needs"}


def test_copies_of_a_further_section_follow_its_own_consent(story):
    story.accepted()
    fill(story, chronology=CHRONOLOGY)
    basis = supplied(story, "chronology")
    copied(story, "chronology", "needs", after=DAY)
    story.at(story.sari, 2 * DAY).do(actions.withdraw_consent, consent_id=basis.id)
    assert {code: copy.held for code, copy in copies_of(story).items()} == {"chronology": True, "needs": False}
