"""Finding a recipient: order, filters, what each viewer sees, and the entry with the number of hits."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from referral_hub import errors
from referral_hub.audit import queries as log
from referral_hub.db import transact
from referral_hub.directory import Need, NewService, Viewer, queries, rules
from tests.directory.places import DEMO, NOW, a_new, create, from_demo, somebody

MEMBER = Viewer(uuid.UUID(int=7), "legal")
NIGHT = datetime(2026, 11, 24, 15, 0, tzinfo=UTC)  # 22:00 in Bandung
CARE = NewService(code="mental_health", capacity="available", capacity_as_of=NOW)


def service(**facts):
    return NewService(**({"code": "mental_health", "capacity": "available", "capacity_as_of": NOW} | facts))


def codes(found):
    return [card.agency.code for card in found]


def find(session, *, now=NOW, viewer=MEMBER, service=None, **asked):
    return queries.find(session, Need(services=(service,) if service else (), **asked), now=now, viewer=viewer)


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


def test_service_kind_and_call_narrow_the_list(session):
    create(session, a_new("plain"), service())
    create(session, a_new("sign", on_call_24h=True), service(), service(code="child_psychosocial"))
    assert codes(find(session, service="child_psychosocial")) == ["sign"]
    assert codes(find(session, service="mental_health", on_call=True)) == ["sign"]
    assert codes(find(session, service="mental_health", kind="psychosocial")) == ["plain", "sign"]
    assert find(session, kind="legal") == ()
    assert find(session, service="rescue") == ()


@pytest.mark.parametrize(
    ("asked", "reason"),
    [({"languages": ("sign",)}, "language"), ({"access": ("sign_interpreter",)}, "access"), ({"open_now": True}, "not_now"), ({"sex": "L"}, "sex")],
)
def test_who_does_not_fit_stays_in_sight_with_the_reason_and_cannot_be_chosen(session, asked, reason):
    create(session, a_new("a-plain"), service(sex=("P",)))
    create(session, a_new("sign", languages=("id", "sign"), access=("step_free", "sign_interpreter")), service(hours="always"))
    fits, not_so = find(session, now=NIGHT, service="mental_health", **asked)
    assert (fits.agency.code, fits.misfits, fits.choosable) == ("sign", (), True)
    assert (not_so.agency.code, not_so.misfits, not_so.choosable, not_so.standing) == ("a-plain", (reason,), False, "misfit")


def test_what_to_look_at_twice_before_choosing(session):
    create(session, a_new("a", coverage=("32.77",)), service(capacity="none"))
    (card,) = find(session, now=NIGHT, region="32.73")
    assert (card.cautions, card.choosable) == (("outside", "shut", "full"), True)
    (card,) = find(session, now=NOW + timedelta(days=9), region="32.77")
    assert (card.capacity, card.cautions) == ("unknown", ()), "nobody knows any more that it is full"


def test_a_file_says_in_clear_only_whether_it_is_a_childs():
    assert rules.ages_of_file(minor=True, known=True) == (0, 17)
    assert rules.ages_of_file(minor=False, known=True) == (18, None)
    assert rules.ages_of_file(minor=False, known=False) is None


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
    result = transact(session, lambda s: queries.search(s, actor=worker, now=NOW, need=Need(services=("mental_health",), region="32.73", sex="P")))
    assert result.hits == 2
    assert result.ticket.durable
    assert log.size(session) == before + 1
    entry = log.peek(session, result.ticket.index).entry
    assert (entry.action, entry.hits, entry.object_id, entry.subjects, entry.count) == ("directory.find", 2, None, (), None)


def test_a_search_comes_page_by_page_each_with_its_entry_and_skips_nothing(session):
    for number in range(5):
        create(session, a_new(f"a-{number}"), service(hours="always" if number % 2 else "office"))
    worker = somebody("social_worker", agency=uuid.uuid4(), kind="social_services")
    seen, after = [], None
    for _ in range(3):
        result = transact(session, lambda s, a=after: queries.search(s, actor=worker, now=NIGHT, need=Need(), after=a, limit=2))
        seen, after = seen + codes(result.found), result.next
        assert (result.hits, log.peek(session, result.ticket.index).entry.hits) == (5, 5)
    assert after is None
    assert seen == ["a-1", "a-3", "a-0", "a-2", "a-4"]


def test_a_page_goes_on_where_its_last_card_stood_even_if_that_card_is_gone(session):
    for number in range(4):
        create(session, a_new(f"a-{number}"), service(hours="always" if number < 2 else "office"))
    whole = find(session, now=NIGHT)
    _, after = rules.page_of(whole, after=None, limit=2)
    assert codes(rules.page_of([whole[0], *whole[2:]], after=after, limit=9)[0]) == ["a-0", "a-2", "a-3"], "its place, nothing left out"
    assert codes(rules.page_of(whole, after=after, limit=9)[0]) == ["a-2", "a-3"]
    for foreign in ("", "x", "9.9", "0.0." + "z" * 32):
        assert rules.page_of(whole, after=foreign, limit=9)[0] == whole


def test_who_prepares_no_referrals_searches_no_directory(session):
    with pytest.raises(errors.NotAllowed) as refused:
        transact(session, lambda s: queries.search(s, actor=somebody("agency_head", kind="health"), now=NOW, need=Need()))
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
