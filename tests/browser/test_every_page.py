"""Every page that a role reaches by links, from where it lands: no dead link, little to load, nothing inline, a neutral title, one language;
and each kind of page looked at in Chromium: axe finds nothing with folds open, nothing overflows at 320 px, targets are 44 px high."""

from __future__ import annotations

import re
from collections import Counter

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe

from referral_hub import protocol
from referral_hub.web.catalog import read_catalog
from tests.browser.conftest import ROOT
from tests.browser.reading import read_page

FIRST_LOAD = 60_000
CODES = [
    (r"[0-9a-f]{8}-[0-9a-f-]{27}", "<id>"), (r"/(RJ|SM|TM)-[0-9A-Z-]+", "/<code>"), (r"/\d+", "/<number>"),
    (r"(/direktori/|/lembaga/|/anggota/)(?!baru|kunci|undang)[^/]+", r"\1<one>"),
]  # fmt: skip
TIGHT = {"width": 320, "height": 640}
TWO_OF = {"/rujukan/<code>?", "/rujukan/<code>/draf?", "/kasus/<code>?"}  # of other kinds each role opens one page
LEFT_OUT = ("/keluar-cepat", "/berkas/")
# Of PAGES.md section 8.
NEVER_IN_A_TITLE = re.compile(r"\b(korban|kekerasan|seksual|perkosaan|perdagangan orang|TPPO|TPKS|KDRT|pelaku|visum|HIV|alamat)\b", re.IGNORECASE)
FOREIGN = {
    "id": re.compile(r"\b(the|of|and|is|are|not|your|you|this|for|with|from|was|has|have|what|who|which|when|yet|nobody|nothing|shown|open)\b", re.IGNORECASE),
    "en": re.compile(r"\b(yang|dan|untuk|dari|dengan|tidak|belum|atau|pada|oleh|sudah|akan|anda|ini|itu|bagian|penyintas|tanpa|bila|supaya)\b", re.IGNORECASE),
}  # fmt: skip
SMALL = """() => [...document.querySelectorAll('main a, main button, main summary, header a, nav a, footer a, footer button')]
  .filter(e => e.offsetParent && getComputedStyle(e).display !== 'inline' && e.getBoundingClientRect().height < 43.5
               && !(e.tagName === 'A' && e.closest('.item, .tasks li, .log tr')))
  .map(e => e.innerText + ' ' + e.getBoundingClientRect().height)"""
OPENED = "() => document.querySelectorAll('details').forEach(d => d.open = true)"
WIDE = "() => document.documentElement.scrollWidth"
WIDEST = """[...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth + 1)
    .map(one => `${one.tagName}.${one.className} ${Math.round(one.getBoundingClientRect().right)} px`).slice(-3).join(", ")"""


def first_of_each_role():
    """Return one account for each role of the demonstration."""
    found = {}
    for agency in yaml.safe_load((ROOT / "config" / "protocol" / "demo_agencies.yaml").read_text())["items"]:
        for member in agency["members"]:
            for role in member["roles"]:
                found.setdefault(role, f"{member['given'].lower()}@{agency['code']}.rujukan.test")
    return found


def kind_of(address):
    """Return what kind of page an address is: without the codes of things, with the names of what is asked."""
    path, _, asked = address.partition("?")
    for pattern, name in CODES:
        path = re.sub(pattern, name, path)
    return path + "?" + ",".join(sorted({one.partition("=")[0] for one in asked.split("&")}))


class Walk:
    """One member's way through every page."""

    def __init__(self, somebody, looked):
        self.who, self.ask, self.looked = somebody, somebody.context.request, looked
        self.base, self.amiss, self.pages = somebody.demo.base, [], {}

    def everywhere(self, *, language):
        """Follow every link from where the member lands."""
        todo, kinds = [("/", "")], Counter()
        while todo:
            address, source = todo.pop(0)
            if address in self.pages or kinds[kind_of(address)] > (kind_of(address) in TWO_OF):
                continue
            kinds[kind_of(address)] += 1
            page = self.pages[address] = self.read(address, source, language=language)
            if page:
                todo += [(link.partition("#")[0], address) for link in page.links if link.startswith("/") and not link.startswith(LEFT_OUT)]

    def read(self, address, source="", *, language):
        """Read one page and note what is amiss; None for a file."""
        answer = self.ask.get(self.base + address)
        if answer.status != 200:
            self.amiss.append(f"{address}: {answer.status}, linked from {source}")
        if not answer.headers["content-type"].startswith("text/html") or answer.status != 200:
            return None
        body = answer.body()
        page = read_page(body.decode())
        here = f"{address} ({language})"
        self.amiss += [f"{here}: {text}" for text in faults(page, language)]
        if len(body) + self.frame_weight() > FIRST_LOAD:
            self.amiss.append(f"{here}: {len(body) + self.frame_weight()} bytes to load")
        return page

    def frame_weight(self):
        """Return what the stylesheet and the mark weigh, as they are sent."""
        if "frame" not in self.looked:
            page = read_page(self.ask.get(self.base + "/bantuan").text())
            self.looked["frame"] = sum(int(self.ask.get(self.base + one).headers["content-length"]) for one in page.sheets)
        return self.looked["frame"]

    def look(self, address, page):
        """Look at a page in the browser, unless those of its kind that were looked at hold all that it is made of."""
        seen = self.looked.setdefault(kind_of(address), set())
        if page.shape <= seen:
            return
        seen |= page.shape
        window = self.who.page
        window.goto(self.base + address)
        window.evaluate(OPENED)
        found = Axe().run(window, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]})
        self.amiss += [f"{address}: {one['id']} {one['nodes'][0]['html'][:160]}" for one in found.response["violations"]]
        wide = window.evaluate(WIDE)
        if wide > TIGHT["width"]:
            self.amiss.append(f"{address}: {wide} px wide, {window.evaluate(WIDEST)}")
        self.amiss += [f"{address}: low target {one}" for one in window.evaluate(SMALL)]

    def speak(self, language):
        """Choose the language of the account."""
        self.who.go("/akun")
        if self.who.page.get_attribute("html", "lang") != language:
            self.who.page.click(f"footer button[lang={language}]")
            self.who.page.wait_for_load_state()


def faults(page, language):
    """Return what is amiss in a page as it was sent."""
    found = [f"inline {one}" for one in page.inline] + [f"id {one} twice" for one in page.twice]
    found += [f"{link} leads nowhere on the page" for link in page.links if link.startswith("#") and link[1:] not in page.ids]
    if page.headings != 1:
        found.append(f"{page.headings} first headings")
    if "/keluar-cepat" not in page.links:
        found.append("no quick exit")
    if not page.title.endswith("Hub") or NEVER_IN_A_TITLE.search(page.title):
        found.append(f"title {page.title!r}")
    if page.lang != language:
        found.append(f"in {page.lang}")
    return found + [f"foreign words {text!r}" for text in page.words if is_foreign(text, language)]


def is_foreign(text, language):
    """Tell whether a text is in the other language of the house."""
    for name in NAMES:
        text = text.replace(name, "")
    return bool(FOREIGN[language].search(text)) or text in OTHER[language]


def _other_language():
    pairs = {(m.id, m.string) for m in read_catalog("id") if m.id and isinstance(m.id, str) and "%(" not in m.id}
    for codelist in protocol.current().codelists.values():
        pairs |= {(item.label("en"), item.label("id")) for item in codelist}
    english, indonesian = {en for en, _ in pairs}, {own for _, own in pairs}
    return {"id": english - indonesian, "en": indonesian - english}


NAMES = sorted((a["name"] for a in yaml.safe_load((ROOT / "config" / "protocol" / "demo_agencies.yaml").read_text())["items"]), key=len, reverse=True)
OTHER = _other_language()


@pytest.fixture(scope="session")
def looked():
    """Hold which kinds of page were looked at: each once, whoever comes first."""
    return {}


@pytest.mark.parametrize(("role", "mail"), first_of_each_role().items())
def test_every_page_of(person, looked, role, mail):
    looked_in, read_in = ("id", "en") if len(role) % 3 else ("en", "id")
    walk = Walk(person(mail, viewport=TIGHT, dark=len(role) % 2 == 0), looked)
    walk.speak(looked_in)
    walk.everywhere(language=looked_in)
    pages = {address: page for address, page in walk.pages.items() if page}
    for address, page in pages.items():
        walk.look(address, page)
    walk.speak(read_in)
    for address in pages:
        if (kind_of(address), read_in) not in looked:
            looked[kind_of(address), read_in] = True
            walk.read(address, language=read_in)
    walk.speak("id")
    pytest.fail("\n".join(walk.amiss), pytrace=False) if walk.amiss else None


def test_a_first_visit_loads_little(demo, chromium):
    context = chromium.new_context()
    page, sizes = context.new_page(), []
    page.on("response", lambda response: sizes.append(len(response.body()) if response.ok else 0))
    page.goto(demo.base + "/masuk")
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < FIRST_LOAD
    context.close()
