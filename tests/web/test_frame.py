"""The frame: navigation by role, and what each page keeps to."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from referral_hub.access import roles_for
from referral_hub.web import frame
from referral_hub.web.style import asset

HARM = re.compile(r"korban|kekerasan|seksual|perkosaan|perdagangan orang|TPPO|TPKS|KDRT|pelaku|visum|HIV", re.IGNORECASE)


@pytest.mark.parametrize(
    ("roles", "kind", "items"),
    [
        ({"social_worker"}, "social_services", "tasks referrals cases directory account"),
        ({"companion"}, "social_services", "tasks referrals cases directory account"),
        ({"intake"}, "social_services", "tasks referrals cases directory account"),
        ({"case_lead"}, "social_services", "tasks referrals cases directory account"),
        ({"nurse"}, "health", "tasks referrals cases directory account"),
        ({"forensic"}, "health", "tasks referrals directory account"),
        ({"registrar"}, "health", "tasks directory account"),
        ({"police_spkt"}, "police", "tasks directory account"),
        ({"trainer"}, "reintegration", "tasks directory account"),
        ({"agency_head"}, "social_services", "tasks statistics account"),
        ({"agency_admin"}, "social_services", "members agency account"),
        ({"data_protection_officer"}, "social_services", "tasks log findings account"),
        ({"network_auditor"}, "network", "questions agency log findings account"),
        ({"network_admin"}, "network", "agency directory proofs account"),
        ({"policy_analyst"}, "oversight", "statistics account"),
        ({"social_worker", "agency_head"}, "social_services", "tasks referrals cases directory account"),
        ({"agency_admin", "data_protection_officer"}, "social_services", "tasks members agency log account"),
    ],
)
def test_navigation_by_role(roles, kind, items):
    assert frame.sees(frozenset(roles), agency_kind=kind) == items.split()


def test_nobody_sees_more_than_five_items():
    for kind in ("social_services", "police", "health", "legal", "shelter", "psychosocial", "reintegration", "witness_protection"):
        for first in roles_for(kind, case_data=True):
            for second in roles_for(kind, case_data=True):
                items = frame.sees(frozenset({first.code, second.code}), agency_kind=kind)
                assert len(items) <= 5, (first.code, second.code, items)
                assert items[-1] == "account"


class Parts(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.amiss, self.ids, self.headings, self.landmarks = [], [], 0, set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag in {"script", "style", "iframe", "object", "embed"} or "style" in a or any(name.startswith("on") for name in a):
            self.amiss.append((tag, a))
        if any(str(a.get(name, "")).startswith(("http", "//", "data:", "javascript:")) for name in ("src", "href", "action")):
            self.amiss.append((tag, a))
        if "placeholder" in a or "autofocus" in a:
            self.amiss.append((tag, a))
        if "id" in a:
            self.ids.append(a["id"])
        self.headings += tag == "h1"
        if tag in {"header", "nav", "main", "footer"}:
            self.landmarks.add(tag)


def check(page):
    parts = Parts(page.html)
    assert not parts.amiss
    assert len(parts.ids) == len(set(parts.ids))
    assert parts.headings == 1
    assert {"header", "main", "footer"} <= parts.landmarks
    assert not HARM.search(page.title)
    assert page.title.endswith("Hub")
    assert "/keluar-cepat" in page.links
    assert "/bantuan" in page.links
    assert len(page.html.encode()) < 24_000
    for described in re.findall(r'aria-describedby="([^"]+)"', page.html):
        assert all(one in parts.ids for one in described.split()), described


def test_every_page_keeps_to_the_rules(network):
    agency = network.agency()
    agency.second.enrol(agency.admin.invite(agency.second.mail, "social_worker"))
    check(agency.second.page)
    code = re.search(r'class="id">([A-Z]{2}-[0-9]+)<', agency.second.page.html).group(1)
    people = {
        network.admin: ("/lembaga", "/lembaga/baru", f"/lembaga/{agency.code}", f"/lembaga/{agency.code}/undang", "/anggota", "/akun", "/akun/frasa", "/bantuan", "/masuk/lagi"),
        agency.admin: ("/anggota", "/anggota/undang", f"/anggota/{code}", "/lembaga", "/akun"),
        agency.founder: ("/anggota", f"/anggota/{code}", "/lembaga/kunci", "/lembaga/kunci/ganti", "/lembaga/kunci/kode", "/nowhere"),
    }  # fmt: skip
    for person, paths in people.items():
        for path in paths:
            check(person.get(path))
    for path in ("/masuk", "/bantuan", "/undangan/none", "/undangan/kode", "/nowhere"):
        person.browser.client.delete_cookie("hub")
        check(person.get(path))


def test_a_first_visit_stays_under_sixty_kilobytes(client):
    page = client.get("/masuk")
    total = len(page.data)
    for link in re.findall(r'(?:href|src)="(/berkas/[^"]+)"', page.get_data(as_text=True)):
        total += len(client.get(link).data)
    assert total < 60_000
    assert len(page.data) < 12_000


def test_the_stylesheet_is_kept_for_a_year_under_the_name_of_its_content(client):
    name = asset("hub.css").name
    plain = client.get(f"/berkas/{name}")
    packed = client.get(f"/berkas/{name}", headers={"Accept-Encoding": "gzip, br"})
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Content-Type"] == "text/css; charset=utf-8"
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data) / 2
    assert client.get("/berkas/hub.000000000000.css").status_code == 404
    assert b"http" not in plain.data
    assert b"animation" not in plain.data


def test_a_page_for_the_screen_prints_one_line(client):
    page = client.get("/masuk").get_data(as_text=True)
    assert "Halaman ini untuk layar. Pakai tombol Cetak, supaya salinan kertas tercatat." in page
    assert 'class="print-only"' in page


def test_links_to_what_is_not_built_are_left_out(app, network):
    page = network.admin.get("/akun")
    for link in page.links:
        if link.startswith("/") and "keluar" not in link and "/berkas/" not in link:
            assert network.admin.get(link).status == 200, link
