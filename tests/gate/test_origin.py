"""Cross-site requests and openings nobody asked for."""

from __future__ import annotations

import pytest

from referral_hub.gate import origin

OWN = "https://hub.example.test"


@pytest.mark.parametrize(
    ("headers", "fine"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.test"}, True),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": OWN}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": OWN}, True),
        ({"Origin": OWN + ":8443"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://hub.example.test.elsewhere.test"}, False),
        ({}, False),
    ],
)
def test_an_unsafe_request_must_come_from_our_own_page(headers, fine):
    assert origin.is_same_site_request(headers, own_origin=OWN) is fine


@pytest.mark.parametrize(
    ("url", "own"),
    [("https://hub.example.test/", OWN), ("https://hub.example.test:443/x", OWN), ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://hub.test:80", "http://hub.test")],
)
def test_an_origin_is_written_as_browsers_write_it(url, own):
    assert origin.origin_of(url) == own


@pytest.mark.parametrize(
    ("method", "headers", "unasked"),
    [
        ("GET", {}, False),
        ("GET", {"Sec-Fetch-Dest": "document"}, False),
        ("GET", {"Sec-Fetch-Dest": "iframe"}, True),
        ("GET", {"Sec-Fetch-Dest": "empty"}, True),
        ("GET", {"Sec-Purpose": "prefetch"}, True),
        ("GET", {"Sec-Purpose": "prefetch;prerender"}, True),
        ("GET", {"Purpose": "prefetch"}, True),
        ("GET", {"Range": "bytes=0-10"}, True),
        ("HEAD", {}, True),
    ],
)
def test_content_is_opened_by_a_persons_own_navigation_only(method, headers, unasked):
    assert origin.is_unasked_opening(method, headers) is unasked
