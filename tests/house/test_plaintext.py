"""Plaintext in a fault: what goes wrong while content is open reaches no log line, no output and no answer."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from referral_hub.logs import configure_logs
from referral_hub.vault import opening
from referral_hub.vault.plain import Plain
from tests.house.marks import Marks, leaks
from tests.house.story import Told
from tests.vault.cheap import CHEAP

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


class Fault(Exception):
    """A fault of a library that carries what it was working on."""


@pytest.fixture
def told(network):
    told = Told(network, Marks())
    told.sign_in(told.sari)
    told.open_file()
    for section in ("profile", "identity", "safe_contact"):
        told.fill(section)
    return told


@pytest.fixture
def broken(monkeypatch):
    """Let every opening fail after it has opened: with the content in the exception, its cause, its notes and its locals."""
    real = opening.unseal

    def unseal(*args, **kwargs):
        content = real(*args, **kwargs)
        open_text = {name: plain.value().decode() for name, plain in content.items()}
        cause = Fault(open_text)
        cause.add_note(str(open_text))
        msg = f"cannot render {open_text}"
        raise RuntimeError(msg) from cause

    changed = 0
    for module in list(sys.modules.values()):
        if getattr(module, "__name__", "").startswith("referral_hub.") and getattr(module, "unseal", None) is real:
            monkeypatch.setattr(module, "unseal", unseal)
            changed += 1
    assert changed


def test_a_fault_inside_reveal_leaks_nothing(told, broken, caplog, capfd, app, watch):
    caplog.set_level(logging.DEBUG)
    lines = io.StringIO()
    configure_logs(lines)
    logging.getLogger("referral_hub").setLevel(logging.DEBUG)
    app.config["PROPAGATE_EXCEPTIONS"] = None
    page = told.sari.get(f"/kasus/{told.alias}/bagian/safe_contact")
    assert page.status == 500
    out = "".join(capfd.readouterr()) + lines.getvalue() + caplog.text
    assert '"event": "fault"' in out
    assert '"kind": "RuntimeError"' in out
    everything = (out + page.html + str(dict(page.headers))).encode()
    assert leaks(told.marks.typed, everything) == {}
    actions = [action for action, _, _ in watch.seen[-1].entries]
    assert actions == ["section.safe_contact_read", "access.error"]  # "was opened" stays true, and what came of it is said


def test_plaintext_shows_itself_to_nobody():
    mark = Marks().word("field")
    plain = Plain.of({"name": mark})
    shown = f"{plain} {plain!r} {[plain]} {({'a': plain})} {ValueError(plain)}" + "%s" % (plain,)  # noqa: UP031 - the old way is tried too
    assert "<sealed>" in shown
    assert mark not in shown


def test_no_settings_bring_a_debugger(make_app, settings, monkeypatch, clock):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = make_app(settings, clock=clock, kdf=CHEAP)
    assert app.debug is False
