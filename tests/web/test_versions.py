"""Two browsers on one form: who saves second sees both versions, what was typed is kept, and the choice is made field by field."""

from __future__ import annotations

import re

import pytest

from referral_hub.cases import actions as cases
from tests.gate.network import Person
from tests.referrals.story import IDENTITY, META, NEEDS
from tests.web.stage import filled_buttons, keeps_rules, main_text


@pytest.fixture
def lead(stage):
    """A case lead with a key, beside Sari."""
    stage.uptd.admit_second("case_lead")
    stage.uptd.second.sign_in()
    return stage.uptd.second


@pytest.fixture
def draft(stage):
    story = stage.story()
    story.draft()
    return story, f"/rujukan/{stage.number(story)}/draf"


def other_window(person):
    """A second browser of the same person."""
    again = Person(person.network, person.mail)
    again.passphrase, again.secret = person.passphrase, person.secret
    again.sign_in()
    return again


def written(story):
    found = story.at(story.sari).read("draft", parts=("meta", "needs"))
    return {part.code: dict(part.fields) for part in found.sections}


def both(page):
    """The pairs of the page: field name → (mine, theirs) in words."""
    pairs = {}
    for name, kind, label in re.findall(r'name="choose-([\w.]+)" value="(\w+)".*?<span class="lines">(.*?)</span>', page.html, re.DOTALL):
        pairs.setdefault(name, {})[kind] = label
    return pairs


def test_the_second_window_sees_both_versions_and_chooses_for_each_field(stage, draft, entries):
    story, path = draft
    mine = stage.sari.get(f"{path}/kebutuhan").form("/kebutuhan$")
    other = other_window(stage.sari)
    other.get(f"{path}/kebutuhan")
    other.send("/kebutuhan$", **{"needs.wishes": "Yang dari jendela lain.", "meta.purpose": "Tujuan baru.", "urgency": "planned"})
    version = story.version()
    page = keeps_rules_409(stage.sari.browser.post(mine.action, mine.filled(**{"needs.wishes": "Yang saya ketik."})))
    assert "Anda menyimpannya di jendela lain" in page.text
    assert both(page) == {
        "urgency": {"mine": "Biasa", "theirs": "Terencana"},
        "meta.purpose": {"mine": META["purpose"], "theirs": "Tujuan baru."},
        "needs.wishes": {"mine": "Yang saya ketik.", "theirs": "Yang dari jendela lain."},
    }
    assert filled_buttons(page) == 1
    assert [(one.action, one.outcome) for one in entries(2)] == [("section.read", "allow"), ("referral.edit", "deny")]
    assert (story.version(), written(story)["needs"]["wishes"]) == (version, "Yang dari jendela lain."), "nothing was overwritten"
    done = stage.sari.send("/kebutuhan$", **{"choose-urgency": "theirs", "choose-meta.purpose": "theirs", "choose-needs.wishes": "mine"})
    assert done.status == 200, done.text
    now = written(story)
    assert (now["needs"]["wishes"], now["meta"]["purpose"], story.row().urgency) == ("Yang saya ketik.", "Tujuan baru.", "planned")
    assert now["needs"]["services_given"] == NEEDS["services_given"], "what did not differ stays"


def test_what_the_other_left_empty_can_be_chosen_too(stage, draft):
    story, path = draft
    mine = stage.sari.get(f"{path}/kebutuhan").form("/kebutuhan$")
    story.at(stage.hand(stage.sari)).on("edit_draft", parts={"needs": {k: v for k, v in NEEDS.items() if k != "wishes"}})
    page = keeps_rules_409(stage.sari.browser.post(mine.action, mine.filled()))
    assert both(page) == {"needs.wishes": {"mine": NEEDS["wishes"], "theirs": "(kosong)"}}
    stage.sari.send("/kebutuhan$", **{"choose-needs.wishes": "theirs"})
    assert "wishes" not in written(story)["needs"]


def test_a_third_saving_meanwhile_asks_once_more(stage, draft):
    story, path = draft
    mine = stage.sari.get(f"{path}/kebutuhan").form("/kebutuhan$")
    for text in ("Satu.", "Dua."):
        story.at(stage.hand(stage.sari)).on("edit_draft", parts={"needs": NEEDS | {"wishes": text}})
        page = stage.sari.browser.post(mine.action, mine.filled(**{"needs.wishes": "Milik saya."})) if text == "Satu." else stage.sari.send("/kebutuhan$")
        assert page.status == 409
        assert both(page)["needs.wishes"] == {"mine": "Milik saya.", "theirs": text}
    stage.sari.send("/kebutuhan$")
    assert written(story)["needs"]["wishes"] == "Milik saya."


def test_a_colleague_is_named_with_the_time_and_case_sections_have_it_too(stage, draft, lead, clock):
    story, _ = draft
    case = story.row().case_id
    from referral_hub.cases import queries

    alias = queries.case(stage.session, hub=stage.hand(stage.sari).keys.hub, actor=stage.hand(stage.sari).actor, case_id=case).alias
    stage.session.commit()
    stage.sari.sign_in()
    story.at(stage.hand(stage.sari)).do(cases.assign, case_id=case, member=_member(stage, lead), version=_case_version(stage, story))
    mine = stage.sari.get(f"/kasus/{alias}/bagian/identity/ubah").form("identity$")
    lead.sign_in()
    code = stage.hand(lead).actor.code
    lead.get(f"/kasus/{alias}/bagian/identity/ubah")
    lead.send("identity$", **{"identity.full_name": "Melati Contohwati", "identity.nik": "3273015503910000"})
    stage.sari.sign_in()
    page = keeps_rules_409(stage.sari.browser.post(mine.action, mine.filled(**{"identity.alias": "Mel", "identity.birth_place": "Bandung"})))
    assert f"{code} menyimpannya" in main_text(page)
    pairs = both(page)
    assert pairs["identity.full_name"] == {"mine": IDENTITY["full_name"], "theirs": "Melati Contohwati"}
    assert pairs["identity.alias"] == {"mine": "Mel", "theirs": "(kosong)"}
    assert "identity.nik" not in pairs, "not typed here: the colleague's stays"
    assert "3273015503910000" not in page.html
    stage.sari.send("identity$", **{"choose-identity.full_name": "theirs"})
    found = story.at(stage.hand(stage.sari)).do(_opened, case_id=case)
    assert found == {"full_name": "Melati Contohwati", "alias": "Mel", "birth_place": "Bandung", "nik": "3273015503910000"}


def test_what_is_shared_is_kept_whole_one_way_or_the_other(stage, draft):
    story, path = draft
    mine = stage.sari.get(f"{path}/isi").form("/isi$")
    story.at(stage.hand(stage.sari)).on("edit_draft", choice={"profile": ["languages"]})
    page = keeps_rules_409(stage.sari.browser.post(mine.action, mine.filled(fields=["profile.sex"])))
    assert "Profil anonim: Jenis kelamin" in main_text(page) or "Jenis kelamin" in main_text(page)
    assert f"{path}/isi" in page.links, "the way to keep the other"
    assert stage.sari.send("/isi$").status == 200
    kept = story.at(story.sari).read("draft", parts=("choice",)).sections[0].fields
    assert kept["fields"] == {"profile": ["sex"]}


def test_an_answer_to_consent_comes_back_with_what_was_typed_and_says_who_was_faster(stage, draft):
    story, path = draft
    stage.sari.get(f"{path}/persetujuan?sections=identity&sections=needs&contact=yes")
    form = next(f for f in stage.sari.page.forms if f.action.endswith("persetujuan") and "act_id" in dict(f.fields))
    story.at(stage.hand(stage.sari)).on("edit_draft", urgency="planned")
    page = keeps_rules_409(stage.sari.browser.post(form.action, form.filled(answer="yes", language="su", method="written", copy_given="given")))
    assert "mengubah ini" in page.text
    assert dict(next(f for f in page.forms if "act_id" in dict(f.fields) and f.action.endswith("persetujuan")).fields)["language"] == "su"
    form = next(f for f in page.forms if f.action.endswith("persetujuan") and "act_id" in dict(f.fields))
    page = stage.sari.browser.post(form.action, form.filled(answer="yes", language="su", method="written", copy_given="given"))
    assert page.status == 200, page.text
    assert story.row().consent_id is not None


def test_a_draft_that_was_sent_meanwhile_keeps_what_was_typed_to_be_copied(stage, draft):
    story, path = draft
    mine = stage.sari.get(f"{path}/kebutuhan").form("/kebutuhan$")
    story.agree()
    story.send()
    page = stage.sari.browser.post(mine.action, mine.filled(**{"needs.wishes": "Ini jangan hilang."}))
    assert page.status in {404, 409}
    assert "Ini jangan hilang." in page.html


def keeps_rules_409(page):
    assert page.status == 409, page.text
    page.status = 422
    keeps_rules(page)
    page.status = 409
    return page


def _opened(session, *, actor, keys, now, case_id):
    from referral_hub.cases import reading

    found, _ = reading.open_now(session, keys=keys, agency_id=actor.agency_id, case_id=case_id, sections=("identity",), now=now)
    return {code: found["identity"][code] for code in ("full_name", "alias", "birth_place", "nik")}


def _member(stage, person):
    from referral_hub.accounts import queries

    found = queries.member(stage.session, member_id=stage.hand(person).id)
    stage.session.commit()
    return found


def _case_version(stage, story):
    from referral_hub.cases import queries

    hand = stage.hand(stage.sari)
    found = queries.case(stage.session, hub=hand.keys.hub, actor=hand.actor, case_id=story.row().case_id).version
    stage.session.commit()
    return found
