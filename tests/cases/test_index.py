"""Duplicates and search by blind tokens: inside one agency, without the words, and never what somebody must not know of."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from referral_hub.cases import index, rules
from tests.cases.conftest import IDENTITY, PROFILE, SAFE_CONTACT, refusal


@pytest.fixture
def first(desk, sari):
    """A file that is there already."""
    case = desk(sari).open_case()
    desk(sari).save(case.id, "identity", IDENTITY)
    return case


def tokens(session, case_id):
    found = session.scalars(text("SELECT token FROM case_index WHERE case_id = :id"), {"id": case_id}).all()
    session.rollback()
    return set(found)


@pytest.mark.parametrize(
    "identity", [{"full_name": "Orang Lain", "nik": IDENTITY["nik"]}, {"full_name": "contoh  MELATI"}, {"full_name": "Mélati Contoh"}], ids=["nik", "order", "accent"]
)
def test_the_same_nik_or_name_warns_before_saving(desk, sari, first, entries, session, identity):
    second = desk(sari).open_case()
    saved = desk(sari).save(second.id, "identity", identity)
    assert [(one.alias, one.in_scope) for one in saved.alike] == [(first.alias, True)]
    assert (saved.revision, saved.case.version, tokens(session, second.id)) == (0, 1, set())
    entry = entries()[-1]
    assert (entry.action, entry.hits, entry.subjects, entry.fields) == ("case.duplicate_check", 1, (second.subject,), ())
    assert first.subject not in entry.subjects
    assert desk(sari).save(second.id, "identity", identity, as_other=True).revision == 1
    assert entries()[-1].action == "case.edit"
    again = desk(sari).save(second.id, "identity", identity | {"birth_place": "Garut"}, version=1)
    assert (again.revision, again.alike) == (2, ())  # said once that she is another person


def test_the_same_phone_warns_too(desk, sari, session):
    first, second = desk(sari).open_case(), desk(sari).open_case()
    phone = SAFE_CONTACT | {"phone": "081234567890"}
    desk(sari).save(first.id, "safe_contact", phone)
    saved = desk(sari).save(second.id, "safe_contact", phone | {"phone": "+62 812-3456-7890"})
    assert [one.alias for one in saved.alike] == [first.alias]


def test_another_agency_s_file_is_never_found(desk, network, sari, first, session, entries):
    elsewhere = network.member(network.agency("LBH", "legal"), "lawyer")
    theirs = desk(elsewhere).open_case()
    saved = desk(elsewhere).save(theirs.id, "identity", IDENTITY)
    assert (saved.revision, saved.alike) == (1, ())
    assert entries()[-1].action == "case.edit"
    assert not tokens(session, first.id) & tokens(session, theirs.id)
    assert desk(elsewhere).ask(index.search, text=IDENTITY["nik"]).lines[0].id == theirs.id


def test_a_colleague_s_file_is_named_but_not_opened(desk, network, uptd, sari, first):
    budi = network.member(uptd, "social_worker")
    mine = desk(budi).open_case()
    assert [(one.alias, one.in_scope) for one in desk(budi).save(mine.id, "identity", IDENTITY).alike] == [(first.alias, False)]
    assert desk(budi).ask(index.search, text=IDENTITY["nik"]).lines == ()


def test_what_somebody_must_not_know_of_is_not_found(desk, network, uptd, sari, first):
    budi = network.member(uptd, "social_worker")
    mine = desk(budi).open_case()
    desk(sari).protect(case_id=first.id, protected=True, version=2)
    assert desk(budi).save(mine.id, "identity", IDENTITY).alike == ()
    desk(sari).protect(case_id=first.id, protected=False, version=3)
    desk(sari).conflict_add(case_id=first.id, member_id=budi.id)
    other = desk(budi).open_case()
    assert first.alias not in {one.alias for one in desk(budi).save(other.id, "identity", IDENTITY).alike}


def test_tokens_follow_what_stands_in_the_file(desk, sari, first, session):
    before = tokens(session, first.id)
    assert len(before) == 2  # NIK and name
    desk(sari).save(first.id, "identity", IDENTITY | {"nik": "3273015503910000"}, version=1)
    after = tokens(session, first.id)
    assert (len(after), len(before & after)) == (2, 1)
    desk(sari).save(first.id, "safe_contact", SAFE_CONTACT | {"phone": "081234567890"})
    assert len(tokens(session, first.id)) == 3
    desk(sari).save(first.id, "profile", PROFILE)
    assert len(tokens(session, first.id)) == 3
    second = desk(sari).open_case()
    assert desk(sari).save(second.id, "identity", {"full_name": "Orang Lain", "nik": IDENTITY["nik"]}).alike == ()  # nobody has it any more


def test_a_token_is_not_the_word_and_not_the_row_s_id(desk, sari, first, session):
    words = rules.search_words({"identity": IDENTITY})
    assert {kind for kind, _ in words} == {"nik", "name"}
    kept = " ".join(session.scalars(text("SELECT to_jsonb(t)::text FROM case_index t")))
    session.rollback()
    assert not any(word in kept for _, word in words)
    assert all(isinstance(token, uuid.UUID) for token in tokens(session, first.id))


@pytest.mark.parametrize("typed", [IDENTITY["nik"], "3273 0155 0390 0000", "melati contoh", "Contoh, Melati"])
def test_files_are_searched_without_plaintext(desk, sari, first, entries, typed):
    page = desk(sari).ask(index.search, text=typed)
    assert [line.id for line in page.lines] == [first.id]
    entry = entries()[-1]
    assert (entry.action, entry.hits, entry.subjects, entry.object_id) == ("case.search", 1, (), None)


def test_a_search_that_finds_nothing_leaves_its_entry(desk, sari, first, entries):
    for typed in ("", "Melati", "3273", "3273015503900001"):
        assert desk(sari).ask(index.search, text=typed).lines == ()
        assert (entries()[-1].action, entries()[-1].hits) == ("case.search", 0)


@pytest.mark.parametrize("role", ["companion", "intake", "agency_admin"])
def test_who_may_not_search_is_refused(desk, network, uptd, first, role):
    other = network.member(uptd, role)
    assert refusal(lambda: desk(other).ask(index.search, text=IDENTITY["nik"])) == "role_lacks_ability"


def test_whoever_keeps_safe_contact_is_warned_like_any_writer(desk, network, uptd, sari, first):
    ani, phone = network.member(uptd, "companion"), SAFE_CONTACT | {"phone": "081234567890"}
    desk(sari).save(first.id, "safe_contact", phone)
    second = desk(sari).open_case()
    desk(sari).assign(case_id=second.id, member=ani, version=1)
    assert [one.alias for one in desk(ani).save(second.id, "safe_contact", phone).alike] == [first.alias]


@given(st.text(max_size=60))
def test_any_text_has_words_or_none(typed):
    for kind, word in rules.typed_words(typed):
        assert kind in {"nik", "phone", "name"}
        assert word == word.strip()
        assert word
