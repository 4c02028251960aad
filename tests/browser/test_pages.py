"""Every page that a role lands on: axe finds nothing in light or dark with folds open, nothing overflows at 320 px, targets are 44 px high, little to load."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

PAGES = {
    "yuni@uptd-ppa-bdg.rujukan.test": ["/tugas", "/rujukan?arah=keluar", "/kasus", "/rujukan/baru", "/direktori", "/akun", "/bantuan"],
    "lina@rsud-kenanga.rujukan.test": ["/tugas", "/rujukan?arah=masuk", "/direktori/uptd-ppa-bdg"],
    "hendra@uptd-ppa-bdg.rujukan.test": ["/anggota", "/anggota/undang"],
    "zaki@sekretariat-jejaring.rujukan.test": ["/lembaga", "/lembaga/baru", "/lembaga/uptd-ppa-bdg"],
    "indra@sekretariat-jejaring.rujukan.test": ["/jejak", "/jejak/0"],
    "tuti@uptd-ppa-bdg.rujukan.test": ["/tugas"],
    "ujang@pkm-cempaka.rujukan.test": ["/tugas"],
}
FIRST_LOAD = 60_000
SMALL = """() => [...document.querySelectorAll('main a, main button, main summary, header a, nav a, footer a, footer button')]
  .filter(e => e.offsetParent && getComputedStyle(e).display !== 'inline' && e.getBoundingClientRect().height < 43.5
               && !(e.closest('.item, .tasks li, .log tr') && e.tagName === 'A'))
  .map(e => e.outerHTML.slice(0, 80) + ' ' + e.getBoundingClientRect().height)"""
TIGHT = {"width": 320, "height": 700}


@pytest.mark.parametrize("mail", PAGES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_of_a_role(person, mail, dark):
    somebody = person(mail, viewport=TIGHT, dark=dark)
    for path in PAGES[mail]:
        somebody.go(path)
        page = somebody.page
        assert page.title().endswith("Hub"), path
        page.evaluate("() => document.querySelectorAll('details').forEach(d => d.open = true)")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, f"{path}: {found.generate_report()}"
        assert page.evaluate("() => document.documentElement.scrollWidth") <= TIGHT["width"], f"{path} overflows"
        assert page.evaluate(SMALL) == [], path
        assert page.locator("[style], script").count() == 0, path


def test_a_first_visit_loads_little(demo, chromium):
    context = chromium.new_context()
    page, sizes = context.new_page(), []
    page.on("response", lambda response: sizes.append(len(response.body()) if response.ok else 0))
    page.goto(demo.base + "/masuk")
    page.wait_for_load_state("networkidle")
    assert 0 < sum(sizes) < FIRST_LOAD
    context.close()
