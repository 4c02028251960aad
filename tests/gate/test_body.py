"""What arrives before it is a form: bodies that trickle, bodies without an end, and characters that no database takes."""

from __future__ import annotations

import io
import threading

import pytest

from referral_hub.gate.acts import form_version
from referral_hub.gate.body import MOST_FIELDS, received
from referral_hub.gate.turnstile import Turnstile
from tests.gate.browser import SAME

FORM = "application/x-www-form-urlencoded"


class Trickle(io.RawIOBase):
    """A body whose rest does not come until it is let go."""

    def __init__(self):
        self.asked, self.go_on, self.parts = threading.Event(), threading.Event(), [b"a=1", b"&b=2"]

    def read(self, size=-1):
        self.asked.set()
        if len(self.parts) == 1:
            assert self.go_on.wait(timeout=10)
        return self.parts.pop(0)[:size] if self.parts else b""


def test_a_body_that_does_not_come_stops_no_other_request():
    seen = []
    guarded = received(Turnstile().guard(lambda environ, _start: seen.append(environ["wsgi.input"].read()) or [b""]), limit=100)
    slow = Trickle()
    waiting = threading.Thread(target=lambda: guarded({"CONTENT_LENGTH": "7", "wsgi.input": slow}, None))
    waiting.start()
    assert slow.asked.wait(timeout=10)
    other = threading.Thread(target=lambda: guarded({"wsgi.input": io.BytesIO()}, None))
    other.start()
    other.join(timeout=5)
    assert seen == [b""], "the other request waited for a body"
    slow.go_on.set()
    waiting.join(timeout=10)
    assert seen == [b"", b"a=1&b=2"]


@pytest.mark.parametrize(
    ("environ", "read"),
    [
        ({"CONTENT_LENGTH": "10"}, 10),
        ({"CONTENT_LENGTH": "11"}, 0),  # says it is too long: not read at all
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 11),  # the one byte more tells that it is too long
        ({"CONTENT_LENGTH": "ten"}, 11),
        ({"CONTENT_LENGTH": "9" * 30}, 11),
        ({}, 0),
    ],
)
def test_no_more_is_read_than_may_come(environ, read):
    body = io.BytesIO(b"x" * 50)
    received(lambda *_: [b""], limit=10)(environ | {"wsgi.input": body}, None)
    assert body.tell() == read


def test_a_form_has_so_many_fields_and_no_more(client):
    def send(count):
        return client.post("/masuk", data="&".join(f"f{n}=" for n in range(count)), content_type=FORM, headers=SAME).status_code

    assert (send(MOST_FIELDS), send(MOST_FIELDS + 1)) == (422, 413)


@pytest.mark.parametrize("path", ["/masuk?ke=%00", "/%00", "/rujukan/%00", "/kasus/%00", "/direktori/%00", "/anggota/%00", "/rujukan?state=%00", "/jejak?action=%00"])
def test_an_address_with_a_nul_character_is_none_of_ours(client, path):
    assert client.get(path).status_code == 404


def test_a_nul_character_in_a_form_names_its_field(client):
    answer = client.post("/bahasa", data={"language": "en", "back": "/a\0b"}, headers=SAME)
    assert answer.status_code == 422


def test_a_version_longer_than_any_is_no_version(app):


    for typed, read in (("9" * 5000, None), ("12", 12), ("-1", None), ("", None)):
        with app.test_request_context("/", method="POST", data={"version": typed}):
            assert form_version() == read
