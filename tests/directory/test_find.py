"""Finding a recipient: order, filters, what each viewer sees, and the entry with the number of hits."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.db import transact
from referral_hub.directory import NewService, Viewer, queries, rules
from tests.directory.places import DEMO, NOW, a_new, create, from_demo, somebody

MEMBER = Viewer(uuid.UUID(int=7), "legal")
NIGHT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # 22:00 in Bandung
CARE = NewService(code="mental_health", capacity="available", capacity_as_of=NOW)


def service(**facts):
    return NewService(**({"code": "mental_health", "capacity": "available", "capacity_as_of": NOW} | facts))


def codes(found):
    return [card.agency.code for card in found]


def find(session, *, now=NOW, viewer=MEMBER, **filters):
    return queries.find(session, now=now, viewer=viewer, **filters)


def test_who_fits_and_is_open_comes_first_then_closed_then_outside_then_who_does_not_fit(session):
    create(session, a_new("misfit", coverage=("32.73",)), service(age_min=18))
    create(session, a_new("outside", coverage=("32.77",)), service())
    create(session, a_new("shut", coverage=("32.73",)), service(hours="office"))
    create(session, a_new("awake", coverage=("32",)), service(hours="always"))
    found = find(session, now=NIGHT, service="mental_health", region="32.73", ages=(13, 17))
    assert codes(found) == ["awake", "shut", "outside", "misfit"]
    assert [card.standing for card in found] == ["fits_open", "fits_closed", "outside", "misfit"]
    assert [card.choosable for card in found] == [True, True, True, False]
    assert [card.in_area for card in found] == [True, True, False, True]
    assert found[3].misfits == ("age",)
    assert (found[0].open_now, found[0].opens_at) == (True, None)
    assert (found[1].open_now, found[1].opens_at) == (False, datetime(2026, 11, 25, 1, 0, tzinfo=UTC))


def test_among_equals_room_comes_first_then_the_name(session):
    for code, facts in (
        ("d-full", {"capacity": "none"}), ("c-unsure", {"capacity_as_of": None}), ("b-some", {"capacity": "limited"}), ("a-two", {}), ("a-one", {}),
    ):  # fmt: skip
        create(session, a_new(code), service(**facts))
    assert codes(find(session, service="mental_health")) == ["a-one", "a-two", "b-some", "c-unsure", "d-full"]


def test_capacity_older_than_seven_days_is_shown_as_unknown(session):
    create(session, a_new("a"), service(capacity="limited"))
    assert [find(session, now=NOW + timedelta(days=days))[0].capacity for days in (0, 7, 8)] == ["limited", "limited", "unknown"]


def test_a_closed_service_stays_listed_but_cannot_be_chosen(session):
    create(session, a_new("a"), service(closed=True))
    (card,) = find(session)
    assert (card.misfits, card.choosable) == (("closed",), False)


def test_only_active_agencies_are_found(session):
    create(session, a_new("founding"), service(), active=False)
    create(session, a_new("active"), service())
    assert codes(find(session)) == ["active"]


def test_filters_narrow_by_service_kind_language_access_and_call(session):
    create(session, a_new("plain"), service())
    create(
        session,
        a_new("sign", languages=("id", "sign"), access=("step_free",), on_call_24h=True),
        service(),
        service(code="child_psychosocial"),
    )
    assert codes(find(session, service="child_psychosocial")) == ["sign"]
    assert codes(find(session, languages=("sign",))) == ["sign", "sign"]
    assert codes(find(session, service="mental_health", access_for=("step_free",))) == ["sign"]
    assert codes(find(session, service="mental_health", on_call=True)) == ["sign"]
    assert codes(find(session, service="mental_health", kind="psychosocial")) == ["plain", "sign"]
    assert find(session, kind="legal") == ()
    assert find(session, service="rescue") == ()


def test_the_blocked_stay_listed_and_the_own_agency_does_not(session):
    blocked, own = create(session, a_new("blocked"), service()), create(session, a_new("own"), service())
    (card,) = find(session, blocked={blocked.id}, leave_out={own.id})
    assert (card.agency.code, card.blocked, card.choosable) == ("blocked", True, False)


def test_a_child_does_not_see_shelters_for_adults_as_fitting(session):
    create(session, a_new("adults", kind="shelter"), NewService(code="temporary_shelter", age_min=18))
    child = find(session, service="temporary_shelter", ages=rules.ages_of("6_12"))
    grown = find(session, service="temporary_shelter", ages=rules.ages_of("25_44"))
    assert [card.standing for card in child + grown] == ["misfit", "fits_open"]


def test_a_shelter_shows_its_province_and_no_phone(session):
    create(
        session,
        a_new("home", kind="shelter", region="32.73.16", email="home@rujukan.test", phone="000 000"),
        NewService(code="temporary_shelter"),
    )
    (card,) = find(session)
    assert card.region_shown == "32"
    assert (card.contact.email, card.contact.phone, card.contact.withheld) == ("home@rujukan.test", None, {"phone"})


def test_the_demonstration_network_answers_as_its_people_would(session):
    for item in DEMO:
        agency, services = from_demo(item)
        create(session, agency, *services)
    legal = find(session, service="legal_consult", region="32.73")
    assert codes(legal) == ["lbh-pasundan"]
    cases = find(session, service="case_management", region="32.73")
    assert codes(cases) == ["uptd-ppa-bdg", "uptd-ppa-jbr", "uptd-ppa-imy", "uptd-ppa-ambon"]
    assert [card.standing for card in cases] == ["fits_open", "fits_open", "outside", "outside"]
    boy = find(session, service="temporary_shelter", region="32", sex="L")
    assert [card.misfits for card in boy] == [("sex",)]


# --- entries


def test_a_search_leaves_one_entry_with_the_number_of_hits_and_nothing_else(session):
    create(session, a_new("a"), CARE)
    create(session, a_new("b"), CARE)
    worker = somebody("social_worker", agency=uuid.uuid4(), kind="social_services")
    before = log.size(session)
    result = transact(session, lambda s: queries.search(s, actor=worker, now=NOW, service="mental_health", region="32.73", sex="P"))
    assert result.hits == 2
    assert result.ticket.durable
    assert log.size(session) == before + 1
    entry = log.peek(session, result.ticket.index).entry
    assert (entry.action, entry.hits, entry.object_id, entry.subjects, entry.count) == ("directory.find", 2, None, (), None)


def test_who_prepares_no_referrals_searches_no_directory(session):
    with pytest.raises(errors.NotAllowed) as refused:
        transact(session, lambda s: queries.search(s, actor=somebody("agency_head", kind="health"), now=NOW))
    assert refused.value.code == "role_lacks_ability"


def test_a_restricted_contact_is_shown_to_who_works_on_an_accepted_referral_and_each_showing_is_logged(session):
    home = create(session, a_new("home", kind="shelter", phone="000 000"), NewService(code="temporary_shelter"))
    worker = somebody("social_worker", agency=uuid.uuid4(), kind="social_services")
    with pytest.raises(errors.NotAllowed):
        transact(session, lambda s: queries.reveal_contact(s, actor=worker, now=NOW, agency_id=home.id, accepted_referral=False))
    before = log.size(session)
    shown = transact(session, lambda s: queries.reveal_contact(s, actor=worker, now=NOW, agency_id=home.id, accepted_referral=True))
    assert shown.contact.phone == "000 000"
    assert "000 000" not in repr(shown)
    assert log.size(session) == before + 1
    entry = log.peek(session, shown.ticket.index).entry
    assert (entry.action, entry.object_id, entry.rule_ids) == ("directory.reveal_contact", home.id, ("contact-revealed",))
