"""Somebody at work, in one language: presses, follows, ticks and fills what the pages call by name."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cache
from zlib import crc32

from axe_playwright_python.sync_playwright import Axe

from referral_hub import protocol
from referral_hub.web.catalog import read_catalog

MARKED = {
    "profile": {"sex": ["P"], "languages": ["id", "su"]},
    "safe_contact": {"method": ["companion"], "contact_allowed": ["yes"], "phone_shared": ["yes"], "must_not_know": "keluarga {0}", "code_word_ok": "melati {0}"},
    "identity": {"full_name": "Penyintas {0}", "nik": "{1}"},
    "incident": {"violence_types": ["physical"], "summary": "Ringkasan {0}"},
    "medical": {"pregnant": ["yes"]},
    "tip": {"acts": ["recruitment"], "means": ["deception"], "promise": "Janji {0}"},
    "legal": {"wants_report": ["yes"], "evidence": "Bukti {0}"},
    "family": {"family_accept": ["hesitant"], "economic": "Keluarga {0}"},
    "chronology": {"narrative": "Kronologi {0}"},
    "safety": {"risk_level": ["medium"], "risk_flags": ["debt_collectors"], "safe_now": ["yes"], "blocked_people": "tidak ada"},
    "child_guardian": {"guardian_informed": ["yes"], "guardian_is_suspect": ["no"], "best_interest": "Paling baik {0}"},
}  # fmt: skip

OPENED = "() => document.querySelectorAll('details').forEach(d => d.open = true)"


def number_of(mark):
    """Return a fictional NIK of one's own: who has the number of somebody in another file is asked about first."""
    day = date(1985, 1, 1) + timedelta(days=crc32(mark.encode()) % 4000)
    return f"327301{day.day + 40:02}{day:%m%y}0000"


@cache
def _catalog():
    return {m.id: m.string for m in read_catalog("id") if isinstance(m.id, str)}


class Colleague:
    """One member's browser. `say` gives a text of the pages and `named` the words of a code, both in this member's language."""

    def __init__(self, somebody, language):
        self.who, self.page, self.language = somebody, somebody.page, language
        self.base = somebody.demo.base
        self.go("/akun")
        if self.page.get_attribute("html", "lang") != language:
            self.page.click(f"footer button[lang={language}]")
            self.page.wait_for_load_state()
        self.code = self.page.inner_text("main dd .id >> nth=0")

    def say(self, text, **places):
        """Return a text of the pages, by its English."""
        said = text if self.language == "en" else _catalog()[text]
        return said % places if places else said

    def named(self, codelist, code):
        """Return the words of a code."""
        return protocol.current().label(codelist, code, self.language)

    def go(self, path):
        self.page.goto(self.base + path)
        return self

    def status(self, path):
        """Return how the hub answers an address that is typed, not followed."""
        return self.page.goto(self.base + path).status

    @property
    def text(self):
        return self.page.inner_text("main")

    def press(self, text, inside="main", **places):
        """Press the button that is called so."""
        self.page.click(f"{inside} button:has-text({self.say(text, **places)!r})")
        self.page.wait_for_load_state()
        return self

    def follow(self, text, inside="main", **places):
        """Follow the link that is called so."""
        self.page.click(f"{inside} a:has-text({self.say(text, **places)!r})")
        self.page.wait_for_load_state()
        return self

    def unfold(self, text):
        """Open what is folded under these words."""
        fold = self.page.locator(f"main details:has(> summary:text-is({text!r}))").first
        if fold.get_attribute("open") is None:
            fold.locator("> summary").click()
        return fold

    def tick(self, choice):
        """Tick a choice; where it is folded away, unfold it first."""
        self.unfold_around(choice)
        choice.check()

    def untick(self, boxes):
        """Take the ticks out of these boxes."""
        for value in self.page.locator(f"{boxes}:checked").evaluate_all("ticked => ticked.map(one => one.value)"):
            box = self.page.locator(f"{boxes}[value='{value}']")
            self.unfold_around(box)
            box.uncheck()

    def unfold_around(self, one):
        """Unfold what is folded around something."""
        for fold in one.locator("xpath=ancestor::details").all():
            if fold.get_attribute("open") is None:
                fold.locator("> summary").click()

    @property
    def entry(self):
        """Return the number of the log entry that the page names for what it has opened."""
        named = self.page.locator("footer a[href^='/akun/tanda-terima/']")
        assert named.count() == 1, self.page.inner_text("footer")
        return int(named.get_attribute("href").rsplit("/", 1)[1])

    @property
    def next_step(self):
        """Return what the page offers as the next step."""
        return self.page.inner_text("section[aria-labelledby=next]")

    def is_told(self, text, **places):
        """Check that the page tells this in a note; without `places`, whatever stands in them."""
        said = [part.strip() for part in re.split(r"%\(\w+\)s", self.say(text))] if not places else [self.say(text, **places)]
        notes = self.page.locator("main .note").all_inner_texts()
        assert any(all(part in note for part in said) for note in notes), (said, notes)
        return self

    def looks_well(self):
        """Look at the page with every fold open: axe finds nothing, nothing is wider than the phone."""
        self.page.evaluate(OPENED)
        found = Axe().run(self.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]})
        assert [(one["id"], one["nodes"][0]["html"][:160]) for one in found.response["violations"]] == []
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.page.viewport_size["width"], self.page.url
        return self

    def no_complaint(self):
        errors = self.page.locator(".errors")
        assert errors.count() == 0, errors.inner_text()
        return self

    # --- the survivor's file

    def open_file(self, mark, *, ages, sections=()):
        """Open a file and fill it: profile, safe contact, identity, and further sections by name; return its code."""
        self.go("/kasus").press("New file")
        code = self.page.url.rsplit("/", 1)[-1]
        for section in ("profile", "safe_contact", "identity", *sections):
            self.fill(code, section, mark, **({"age_band": [ages]} if section == "profile" else {}))
        return code

    def fill(self, code, section, mark, **more):
        """Fill one section of a file: texts by field, ticks as lists."""
        self.go(f"/kasus/{code}/bagian/{section}/ubah")
        for field, value in (MARKED[section] | more).items():
            name = f"{section}.{field}"
            if isinstance(value, list):
                self.untick(f"input[type=checkbox][name='{name}']")
                for one in value:
                    choice = self.page.locator(f"input[name='{name}'][value='{one}']")
                    self.tick(choice if choice.count() else self.page.locator(f"label:has(input[name='{name}']):has-text('{one}') input"))
            elif self.page.locator(f"select[name='{name}']").count():
                self.page.select_option(f"select[name='{name}']", value)
            else:
                self.page.fill(f"[name='{name}']", value.format(mark, number_of(mark)))
        self.press("Save").no_complaint()
        if self.page.locator("button[name=as_other]").count():  # somebody of this name has a file already
            self.page.click("button[name=as_other]")
            self.page.wait_for_load_state()
            self.no_complaint()

    def assign(self, code, colleague):
        """Name a colleague for a file, or oneself."""
        self.go(f"/kasus/{code}").unfold(self.say("Assign a colleague"))
        self.page.select_option("select[name=member]", label=colleague)
        self.press("Assign").no_complaint()

    # --- a draft

    def draft(self, code, agency, service, urgency="normal", *, leave_out=()):
        """Begin a referral from a file: service, urgency, recipient, needs, what is shared; return its number."""
        self.go(f"/kasus/{code}").follow("New referral")
        self.page.select_option("select[name=layanan]", label=protocol.current().service(service).label(self.language))
        self.page.check(f"input[name=urgensi][value={urgency}]")
        self.press("Find a recipient")
        self.page.click(f"li.card:has(h2:has-text('{agency}')) button")
        self.page.wait_for_load_state()
        number = self.page.url.split("/")[-2]
        self.go(f"/rujukan/{number}/draf").follow("What is needed")
        if urgency in {"emergency", "urgent"}:
            self.tick(self.page.locator("input[name='meta.urgency_reason']").first)
        self.page.fill("[name='meta.purpose']", "Pemeriksaan dan perawatan.")
        self.page.fill("[name='needs.wishes']", "Ditemani petugas perempuan.")
        if agency.startswith("UPTD"):  # social services go on from what was done: the form asks for it
            self.tick(self.page.locator("input[name='needs.services_given']").first)
            self.page.fill("[name='needs.current_state']", "Sehat, ingin pulang.")
        self.press("Save and go on").no_complaint()
        self.go(f"/rujukan/{number}/draf").follow("What will be shared")
        for section in leave_out:
            self.untick(f"input[name=fields][value^='{section}.']")
        self.press("Save, go on to consent").no_complaint()
        return number

    def consent(self, number, answer="Agrees to what was read"):
        """Record an adult's answer to the text that stands there."""
        self.go(f"/rujukan/{number}/draf/persetujuan")
        self._answered(answer)

    def consent_of_child(self, number, speaker, view, **reasons):
        """Record guardian's and child's answer, or two workers' decision: the text is read once more with what the child said."""
        self.go(f"/rujukan/{number}/draf/persetujuan")
        self.unfold(self.say("What the text says: sections, end, three choices"))
        self.page.check(f"input[name=given_by][value={speaker}]")
        self.press("Show this text")
        for _again in range(2):
            self.page.check("input[name=assent][value=yes]")
            self.page.fill("textarea[name=child_view]", view)
            for name, text in reasons.items():
                self.page.fill(f"textarea[name={name}]", text)
            self._answered("Agrees to what was read")
        return self

    def ask_again(self, number, what="tambahan", *, leave_out=(), child_view=""):
        """From the referral's page, ask the survivor about further sections, or whether it goes on; return the text that was read out."""
        link = self.go(f"/rujukan/{number}").page.locator(f"main a[href*='untuk={what}']").first
        self.unfold_around(link)
        link.click()
        self.page.wait_for_load_state()
        if leave_out or child_view:
            self.unfold(self.say("What the text says: sections, end, three choices"))
            if child_view:
                self.page.check("input[name=given_by][value=child_with_guardian]")
            for section in leave_out:
                self.page.uncheck(f"input[name=sections][value={section}]")
            self.press("Show this text")
        said = self.page.inner_text("main .say >> nth=0")
        for _again in range(2 if child_view else 1):
            if child_view:
                self.page.check("input[name=assent][value=yes]")
                self.page.fill("textarea[name=child_view]", child_view)
            self._answered("Agrees to what was read")
        assert self.page.url.endswith(f"/rujukan/{number}"), self.text
        return said

    def supply(self, number, *sections, why=""):
        """Send further sections on the consent that is chosen beforehand; `why`, where they are more than usual."""
        self.go(f"/rujukan/{number}")
        for section in sections:
            self.page.check(f"input[name=supply_sections-sections][value={section}]")
        if why:
            self.page.fill("[name=supply_sections-note]", why)
        self.press_form("supply_sections")
        look = self.page.locator("input[name=supply_sections-go_on]")
        if look.count():  # a text that may tell who she is: what was ticked and typed is still there
            look.check()
            self.press_form("supply_sections")
        return self.no_complaint()

    def _answered(self, answer):
        if self.page.locator("input[name=answer]").count() == 0:
            return
        self.page.get_by_label(self.say(answer)).check()
        self.page.get_by_label(self.named("consent_methods", "written"), exact=True).check()
        self.page.get_by_label(self.named("copy_states", "given"), exact=True).check()
        self.press("Save the answer")

    def check(self, number):
        """Go to the last step; say there whom nothing must reach, where the file does not say it yet."""
        self.go(f"/rujukan/{number}/draf").follow("Check and send")
        if self.page.locator("[name='safety.blocked_people']").count():
            self.page.fill("[name='safety.blocked_people']", "tidak ada")
            self.press("Save").no_complaint()
        return self

    def submit(self, number):
        """Hand a draft to the supervisor."""
        self.check(number).press("Send to the supervisor for approval").no_complaint()

    def send(self, number, recipient):
        """Tick what is asked, type the recipient's code where it is asked, and send."""
        self.check(number)
        for name in ("read_block", "called", "go_on"):
            if self.page.locator(f"input[name={name}]").count():
                self.page.check(f"input[name={name}]")
        if self.page.locator("[name=confirm_recipient]").count():
            self.page.fill("[name=confirm_recipient]", recipient)
        self.press("Send referral").no_complaint()
        assert self.page.url.endswith(f"/rujukan/{number}"), self.text

    # --- a sent referral

    def from_tasks(self, number):
        """Go to a referral from the work list, where it waits."""
        self.go("/tugas").page.click(f"main a[href='/rujukan/{number}']")
        self.page.wait_for_load_state()
        return self

    def preview(self, number):
        return self.go(f"/rujukan/{number}").press("Open preview")

    def accept(self, number):
        """Accept; whoever accepts handles it, first contact as late as the urgency allows."""
        self.go(f"/rujukan/{number}").press("Accept referral").no_complaint()

    def read(self, number, section):
        """Open a shared section by its link; return what stands there."""
        self.go(f"/rujukan/{number}")
        if section == "safe_contact":
            self.page.click(f"main a[href$='/bagian/{section}']")
        else:
            self.page.click(f"main a:has-text({self.say('Open %(section)s', section=protocol.current().section(section).label(self.language))!r})")
        self.page.wait_for_load_state()
        assert self.entry
        return self.text

    def progress(self, number, milestone, note):
        """Record a milestone with a note."""
        self.go(f"/rujukan/{number}")
        self.page.select_option("select[name=milestone]", label=self.named("milestones", milestone))
        self.page.fill("textarea[name=note]", note)
        self.press("Record progress").no_complaint()

    def complete(self, number, outcome, note=""):
        """Complete with an outcome."""
        self.go(f"/rujukan/{number}").unfold(self.say("Complete"))
        self.tick(self.page.locator(f"input[name=outcome][value={outcome}]"))
        self.page.fill("textarea[name=closing_note]", note)
        self.page.click("main form[action$='/selesai'] button")
        self.page.wait_for_load_state()
        return self.no_complaint()

    def does(self, number, event, **given):
        """Fire a further event by its form: texts and days by their name, answers by their code."""
        name = self.named("events", event)
        self.go(f"/rujukan/{number}")
        others = self.page.locator(f"main details:has(> summary:text-is({self.say('Other actions')!r}))")
        if others.locator(f"summary:text-is({name!r})").count():
            self.unfold(self.say("Other actions"))
            self.unfold(name)
        elif event == "ask_sections":
            self.page.locator("main details.fold:has(form[action$='/langkah/ask_sections']) > summary").click()
        elif self.page.locator(f"main details > summary:text-is({self.say('Ask the sender first')!r})").count() and event == "ask_information":
            self.unfold(self.say("Ask the sender first"))
        for field, value in given.items():
            self._give(f"{event}-{field}", value)
        self.press_form(event)
        return self.no_complaint()

    def _give(self, name, value):
        if isinstance(value, list):
            for one in value:
                self.tick(self.page.locator(f"input[name='{name}'][value='{one}']"))
            return
        options = self.page.locator(f"input[type=radio][name='{name}'][value='{value}']")
        if options.count():
            self.tick(options)
        elif self.page.locator(f"select[name='{name}']").count():
            self.page.select_option(f"select[name='{name}']", **({"index": value} if isinstance(value, int) else {"label": value}))
        else:
            self.page.fill(f"[name='{name}']", value)

    def press_form(self, event):
        self.page.click(f"main form[action$='/langkah/{event}'] button")
        self.page.wait_for_load_state()

    def writes(self, number, fold, field, text, button):
        """Write a message, or a note of the own agency."""
        self.go(f"/rujukan/{number}").unfold(fold)
        self.page.fill(f"textarea[name={field}]", text)
        self.press(button).no_complaint()
