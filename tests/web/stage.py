"""Two agencies with people who have really enrolled, and a referral brought to any point of its life through the same actions as the pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from types import SimpleNamespace

from sqlalchemy import text

from referral_hub.accounts import sessions
from referral_hub.db import transact
from referral_hub.directory import queries as directory
from tests.gate.network import Person
from tests.referrals.story import Story
from tests.web.test_frame import HARM, Parts

MOST = 60_000


@dataclass
class PageStory(Story):
    """A story whose moments are those of the pages: the held clock."""

    held: object = None

    def at(self, person, after=timedelta()):
        self.clock = self.held.now()
        return super().at(person, after)


class Stage:
    """UPTD (Sari, who sends), legal aid (Santi and Gilang, who receive), each with an administrator who is the data-protection officer."""

    def __init__(self, network, session, clock):
        self.network, self.session, self.clock = network, session, clock
        self.uptd = network.agency("uptd-ppa", roles=("case_lead",))
        self.lbh = network.agency("lbh", "legal", roles=("lawyer",), services=("legal_consult", "restitution"))
        for agency in (self.uptd, self.lbh):
            agency.id = directory.agency(session, agency.code).id
        transact(session, lambda s: s.execute(text("UPDATE agency SET state = 'active' WHERE state = 'founding'")))
        self.sari, self.santi = self.uptd.founder, self.lbh.founder

    def colleague(self, role="lawyer"):
        """A second holder of legal aid's key."""
        self.lbh.admit_second(role)
        return self.lbh.second

    def keyless(self, agency, role):
        """A member of a role that holds no key."""
        person = Person(self.network, f"{role.replace('_', '-')}@{agency.code}.test")
        person.enrol(agency.admin.invite(person.mail, role))
        return person

    def hand(self, person):
        """The member behind a browser, as actions want them: facts and keys of the present session."""
        house = self.network.app.extensions["referral_hub"]
        cookie = person.browser.client.get_cookie("hub").value
        found = sessions.resume(self.session, hub=house.hub, halves=house.halves, cookie=cookie, now=self.clock.now())
        self.session.commit()
        return SimpleNamespace(actor=found.actor, keys=found.keys, id=found.member.id)

    @staticmethod
    def network_name(code):
        """An agency's name as `network.agency` gives it."""
        return f"Lembaga {code} (simulasi)"

    def story(self):
        """A new story between Sari and Santi."""
        return PageStory(self.session, None, self.uptd, self.lbh, self.hand(self.sari), self.hand(self.santi), clock=self.clock.now(), held=self.clock)

    def number(self, story):
        return story.row().number

    def sent(self, **draft):
        """A referral that was sent; its story and its number."""
        story = self.story()
        story.sent(**draft)
        return story, self.number(story)

    def accepted(self, **draft):
        story, number = self.sent(**draft)
        santi = story.at(story.santi)
        santi.on("open_preview")
        santi.on("accept", handler=story.santi.id, first_contact_by=self.clock.now() + timedelta(hours=20))
        return story, number


def keeps_rules(page, *, most=MOST):
    """What every page keeps to: one h1, no harm in title or heading, no script, a way out, little weight."""
    parts = Parts(page.html)
    assert page.status in {200, 422}, page.text
    assert not parts.amiss
    assert len(parts.ids) == len(set(parts.ids)), sorted(one for one in parts.ids if parts.ids.count(one) > 1)
    assert parts.headings == 1
    assert not HARM.search(page.title + page.heading)
    assert page.title.endswith("Hub")
    assert "/keluar-cepat" in page.links
    assert len(page.html.encode()) < most
    for described in re.findall(r'aria-describedby="([^"]+)"', page.html):
        assert all(one in parts.ids for one in described.split()), described
    return page


def main_text(page):
    """The words of the page itself, without frame."""
    body = page.html.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def filled_buttons(page):
    """How many buttons are filled: one page, one decision."""
    body = page.html.partition("<main")[2].partition("</main>")[0]
    return len(re.findall(r'class="btn"', body))
