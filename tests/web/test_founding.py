"""From an empty network to an agency that may receive, through the pages."""

from __future__ import annotations


def test_an_agency_is_founded_admitted_and_activated(network):
    auditor = network.auditor()
    agency = network.agency()
    assert len(agency.recovery_code) == 28

    page = agency.admit_second()
    assert page.status == 200, page.text
    assert "Aktif" in page.text

    agency.second.get("/menunggu")
    assert agency.second.page.heading != "Hampir selesai"

    page = agency.activate(auditor)
    assert page.status == 200, page.text
    assert "Aktif" in page.text
