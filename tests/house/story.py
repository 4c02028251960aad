"""One survivor's story through the pages, from an empty network to the outcome, every field filled with marked words.

The agencies are founded and activated by their people, as the journeys of the web tests do; then the social-services agency opens a
file, asks the survivor and refers her to legal aid. `marks` remembers what was typed where.
"""

from __future__ import annotations

import re
from html import escape

from referral_hub import protocol
from referral_hub.cases.rules import sections_of_person
from tests.house.marks import typed_section

SERVICE = "legal_consult"


def chosen_people(section, page):
    """Choose the first two of the members that a form offers by ticks."""
    fields = [f"{section}.{f.code}" for f in protocol.current().section(section).fields.values() if f.type == "users"]
    offered = {name: re.findall(rf'type="checkbox" name="{re.escape(name)}" value="([^"]+)"', page.html) for name in fields}
    return {name: ids[:2] for name, ids in offered.items() if ids}


class Told:
    """The people of the story; each method is one step, and leaves the acting person's browser on the page that came."""

    def __init__(self, network, marks, *, clear_text=""):
        self.network, self.marks, self.clear_text = network, marks, clear_text
        auditor = network.auditor()
        self.uptd = network.agency("uptd-ppa", "social_services", roles=("case_lead",))
        self.uptd.admit_second("social_worker")
        self.uptd.activate(auditor)
        self.legal = network.agency("lbh", "legal", roles=("lawyer",), services=(SERVICE,))
        self.legal.admit_second("lawyer")
        self.legal.activate(auditor)
        self.auditor, self.sari, self.lead, self.santi = auditor, self.uptd.second, self.uptd.founder, self.legal.founder
        self.alias = self.number = ""

    def sign_in(self, *people):
        """Sign in whoever's session may have run out while agencies were founded."""
        for person in people:
            person.sign_in()

    # --- the file --------------------------------------------------------------------------------------------------------

    def open_file(self):
        page = self.sari.get("/kasus")
        page = self.sari.browser.send("/kasus$")
        self.alias = re.search(r"SM-[0-9A-Z]{4}-[0-9A-Z]{4}", page.text).group()

    def fill(self, section, **answers):
        """Fill the form of one section and save it; look again where the page asks to."""
        page = self.sari.get(f"/kasus/{self.alias}/bagian/{section}/ubah")
        typed = typed_section(section, self.marks, clear_text=self.clear_text) | chosen_people(section, page)
        page = self.sari.send(f"bagian/{section}$", **(typed | {f"{section}.{code}": value for code, value in answers.items()}))
        assert page.status == 200, (section, page.text)
        return page

    def fill_file(self):
        """Every section of the person, those first that decide what the others ask."""
        for section in ("profile", "incident"):
            self.fill(section)
        for section in sorted(set(sections_of_person()) - {"profile", "incident"}):
            self.fill(section)

    # --- the draft -------------------------------------------------------------------------------------------------------

    def draft(self, service=SERVICE):
        page = self.sari.get(f"/rujukan/baru?kasus={self.alias}")
        label = escape(protocol.current().service(service).id)
        value = re.search(rf'<option value="([^"]+)"[^>]*>{re.escape(label)}<', page.html).group(1)
        self.sari.get(f"/rujukan/baru/penerima?kasus={self.alias}&layanan={value}&urgensi=normal")
        self.sari.send("/rujukan/baru/penerima$", age="25_44")
        page = self.sari.send("/rujukan/baru$")
        self.number = re.search(r"/rujukan/(RJ-[0-9A-Z]{4}-[0-9A-Z]{4})/draf/hapus", page.html).group(1)

    def write_needs(self):
        self.sari.get(f"/rujukan/{self.number}/draf/kebutuhan")
        typed = {}
        for part in ("meta", "needs"):
            typed |= typed_section(part, self.marks, clear_text=self.clear_text, leave=("services",))
        return self.sari.send("draf/kebutuhan$", **{name: value for name, value in typed.items() if name in self._asked(typed)})

    def _asked(self, typed):
        return {name for name in typed if f'name="{name}"' in self.sari.page.html}

    def choose_package(self):
        """Share everything that this kind of agency may ever see, more than usual included, with a reason."""
        page = self.sari.get(f"/rujukan/{self.number}/draf/isi")
        every = re.findall(r'name="fields" value="([^"]+)"', page.html)
        return self.sari.send("draf/isi$", fields=every, reason=self.marks.word("choice.reason"))

    def agree(self):
        """The survivor hears the text and agrees."""
        page = self.sari.get(f"/rujukan/{self.number}/draf/persetujuan")
        sections = [f"sections={code}" for code in re.findall(r'name="sections" value="([^"]+)"', page.html)]
        page = self.sari.get(f"/rujukan/{self.number}/draf/persetujuan?contact=yes&{'&'.join(dict.fromkeys(sections))}")
        form = next(f for f in page.forms if f.action.endswith("draf/persetujuan") and "act_id" in dict(f.fields))
        return self.sari.browser.post(form.action, form.filled(answer="yes", language="su", method="written", copy_given="given"))

    def send(self):
        self.sari.get(f"/rujukan/{self.number}/draf/periksa")
        return self.sari.send("/kirim$", read_block="yes", called="yes", confirm_recipient="lbh", go_on="yes")

    # --- the recipient ---------------------------------------------------------------------------------------------------

    def open_preview(self):
        self.santi.get(f"/rujukan/{self.number}")
        return self.santi.send("/buka$")

    def accept(self):
        self.santi.get(f"/rujukan/{self.number}")
        return self.santi.send("/terima$")

    def read_all(self, person):
        """Open every section that the referral's page offers, safe contact first; return the pages by section."""
        page = person.get(f"/rujukan/{self.number}")
        codes = sorted({link.rpartition("/")[2] for link in page.links if "/bagian/" in link}, key=lambda code: code != "safe_contact")
        return {code: person.get(f"/rujukan/{self.number}/bagian/{code}") for code in codes}

    def serve(self):
        """Start, record a step and complete, each with a note."""
        self.santi.get(f"/rujukan/{self.number}")
        page = self.santi.send("/mulai$")
        page = self.santi.send("/perkembangan$", milestone=offered(page, "milestone")[-1], note=self.marks.word("progress.note"))
        return self.santi.send("/selesai$", outcome="service_given", closing_note=self.marks.word("complete.note"))

    def withdraw_consent(self):
        """She changes her mind."""
        page = self.sari.get(f"/kasus/{self.alias}/persetujuan")
        self.sari.get(next(link for link in page.links if link.endswith("/tarik")))
        return self.sari.send("/tarik$")


def offered(page, name):
    """The values that a list of the page offers."""
    options = re.search(rf'<select[^>]* name="{name}".*?</select>', page.html, re.DOTALL).group()
    return [value for value in re.findall(r'<option value="([^"]*)"', options) if value]
