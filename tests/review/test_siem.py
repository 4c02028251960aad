"""Lines for a SIEM: valid in their formats, by cursor, and nothing but ids and codes."""

import json
import re

import pytest

from referral_hub import errors
from referral_hub.db import transact
from referral_hub.review import exporting
from tests.gate.network import OPERATOR
from tests.review.conftest import NOW, START

# RFC 5424, section 6: the header and one element of structured data, no message.
SYSLOG = re.compile(
    r"<(?P<pri>[1-9][0-9]{0,2})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) - (?P<msgid>[!-~]{1,32}) "
    r'\[hub@32473(?: [!#-<>-Z^-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\]'
)


def export(story, form, **asked):
    story.session.rollback()
    return transact(story.session, lambda s: exporting.export(s, actor=OPERATOR, now=NOW, form=form, **asked))


@pytest.fixture
def life(story):
    """0 sent, 1 read, 2 refused, 3 searched, 4 printed, 5 suspended, 6 signed in."""
    story.sends(at=0)
    story.reads(story.budi, at=1, subject_flags=("minor",))
    story.reads(story.tono, at=2, outcome="deny", reason="not_found")
    story.add("case.search", by=story.sari, at=3, subject=None, object_kind="case", hits=4)
    story.add("document.print", by=story.sari, at=4, object_kind="referral", object_id=story.referral)
    story.add("member.suspend", by=story.officer, at=5, subject=None, object_kind="member", object_id=story.budi.id)
    story.add("session.sign_in", by=story.sari, at=6, subject=None, object_kind="session")
    return story


def test_ocsf(life):
    events = [json.loads(line) for line in export(life, "ocsf").lines]
    assert [(e["class_uid"], e["activity_id"], e["type_uid"], e["severity_id"], e["status_id"]) for e in events] == [
        (6001, 8, 600108, 2, 1), (6001, 2, 600102, 2, 1), (6004, 2, 600402, 2, 2), (6001, 5, 600105, 2, 1), (6001, 7, 600107, 2, 1), (6001, 3, 600103, 4, 1),
        (6001, 99, 600199, 1, 1),
    ]  # fmt: skip
    read = events[1]
    assert read["time"] == int(START.timestamp() * 1000) + 60_000
    assert read["actor"]["user"]["uid"] == str(life.budi.id)
    assert read["unmapped"]["subjects"] == [str(life.subject)]
    assert (read["metadata"]["sequence"], read["metadata"]["event_code"]) == (1, "section.read")


def test_rfc5424(life):
    lines = [SYSLOG.fullmatch(line) for line in export(life, "rfc5424").lines]
    assert all(lines)
    assert [line["pri"] for line in lines] == ["109", "109", "109", "109", "109", "105", "110"]
    assert [line["msgid"] for line in lines][:2] == ["referral.send", "section.read"]
    assert f'subjects="{life.subject}"' in lines[1].group()


@pytest.mark.parametrize("form", ["ocsf", "rfc5424"])
def test_nothing_but_ids_and_codes(life, form):
    for line in export(life, form).lines:
        for word in re.findall(r'"([^"]*)"', line):
            assert re.fullmatch(r"[A-Za-z0-9_.:+/=,@ -]*", word), word


def test_the_cursor_goes_on_and_each_export_is_an_entry(life):
    first = export(life, "ocsf", most=3)
    assert (len(first.lines), first.last) == (3, 2)
    said = life.entries()[0]
    assert (said.action, said.actor_kind, said.count) == ("audit.siem_export", "operator", 3)
    rest = export(life, "ocsf", after=first.last)
    assert (len(rest.lines), rest.last) == (5, 7)  # the four that were left and the first export
    assert export(life, "ocsf", after=50).last == 50


def test_who_is_no_operator_exports_nothing(life):
    with pytest.raises(errors.NotAllowed):
        transact(life.session, lambda s: exporting.export(s, actor=life.auditor.actor, now=NOW, form="ocsf"))
    with pytest.raises(errors.InputInvalid):
        export(life, "cef")


def test_what_looks_like_the_end_of_a_value_is_escaped():
    from referral_hub.review.rules.siem import _escaped

    assert _escaped('a"b]c\\d') == 'a\\"b\\]c\\\\d'


def test_the_longest_action_fits_a_message_id():
    from referral_hub import protocol

    assert max(len(code) for code in protocol.current().codelist("audit_events").items) <= 32


