"""The lists as pages: order, filters that stay, drafts as a list of their own, and counts that say "more than 99"."""

from __future__ import annotations

import re

from referral_hub.web.files import count_text
from tests.web.stage import keeps_rules, main_text


def numbers(page):
    return re.findall(r"RJ-[0-9A-Z]{4}-[0-9A-Z]{4}", main_text(page))


def test_a_list_is_sorted_and_says_how(stage):
    found = {}
    for urgency in ("planned", "emergency", "normal"):
        _, found[urgency] = stage.sent(urgency=urgency)
        stage.clock.move(seconds=1)
    newest = keeps_rules(stage.santi.get("/rujukan?arah=masuk"))
    assert numbers(newest) == [found["normal"], found["emergency"], found["planned"]]
    page = keeps_rules(stage.santi.get("/rujukan?arah=masuk&sort=urgency"))
    assert numbers(page) == [found["emergency"], found["normal"], found["planned"]]
    assert '<option value="urgency" selected>' in page.html
    page = keeps_rules(stage.santi.get("/rujukan?arah=masuk&sort=deadline&agency=uptd-ppa"))
    assert numbers(page)[0] == found["emergency"]
    assert re.findall(r'<option value="(uptd-ppa|lbh)"( selected)?>', page.html) == [("uptd-ppa", " selected")], "the agencies on the page, not the whole directory"
    own = keeps_rules(stage.santi.get("/rujukan?arah=masuk&agency=lbh"))
    assert numbers(own) == [], "nothing came from the own agency"
    assert '<option value="lbh" selected>' in own.html


def test_drafts_are_a_list_of_their_own(stage):
    _, sent = stage.sent()
    story = stage.story()
    story.draft()
    page = keeps_rules(stage.sari.get("/rujukan?arah=keluar"))
    (way,) = {link for link in page.links if "state=draft" in link}
    page = keeps_rules(stage.sari.get(way.replace("&amp;", "&")))
    assert numbers(page) == [stage.number(story)]
    assert sent not in page.text
    assert re.search(r'aria-current="page">Draf<', page.html)


def test_counts_say_more_than(app):
    with app.test_request_context(headers={"Accept-Language": "id"}):
        assert [count_text(one) for one in ("0", "99", "99+")] == ["0", "99", "lebih dari 99"]
