"""Every text that a person sees is there in Indonesian."""

from __future__ import annotations

import re

from referral_hub.web.catalog import make_catalog, read_catalog
from tests.web.messages import used

PLACE = re.compile(r"%\((\w+)\)s")
# Of PAGES.md section 8: never in a title, list or notice; the pages here have none of them anywhere.
NEVER = re.compile(r"\b(korban|kekerasan|seksual|perkosaan|TPPO|TPKS|KDRT|pelaku|visum|HIV|mangkir|kabur|salah|gagal|dilarang)\b|!", re.IGNORECASE)
ALLOWED = {"A word may suggest that the survivor is at fault: “%(word)s”. You may replace it."}


def test_every_message_is_translated():
    catalog = read_catalog("id")
    missing = [f"{places[0]}: {key}" for key, places in used().items() if not _text(catalog, key)]
    assert not missing, "\n".join(missing)


def test_no_message_stands_there_unused():
    keys = {key if isinstance(key, str) else key[0] for key in used()}
    unused = [m.id for m in read_catalog("id") if m.id and (m.id if isinstance(m.id, str) else m.id[0]) not in keys]
    assert not unused


def test_placeholders_are_the_same_in_both_languages():
    for message in read_catalog("id"):
        if message.id:
            ids = (message.id,) if isinstance(message.id, str) else message.id
            texts = (message.string,) if isinstance(message.string, str) else message.string
            for text in texts:
                assert set(PLACE.findall(text)) == set(PLACE.findall(ids[-1])), ids


def test_no_message_is_there_twice():
    text = (read_catalog.__globals__["FOLDER"] / "id" / "LC_MESSAGES" / "messages.po").read_text(encoding="utf-8")
    ids = re.findall(r'^msgid "(.+)"$', text, re.MULTILINE)
    assert sorted(ids) == sorted(set(ids))


def test_words_never_blame_and_name_no_harm():
    for message in read_catalog("id"):
        texts = (message.string,) if isinstance(message.string, str) else message.string
        for text in texts:
            found = NEVER.search(text or "")
            assert found is None or message.id in ALLOWED or _is_plain(text, found), f"{found.group()}: {text}"


def test_the_compiled_catalogue_answers():
    assert make_catalog("id").gettext("Quick exit") == "Keluar cepat"
    assert make_catalog("en").gettext("Quick exit") == "Quick exit"


def _is_plain(text, found):
    """Say whether a word is used in a plain sense: the survivor's doing is denied, not asserted."""
    return "bukan kesalahan penyintas" in text and found.group() != "!"


def _text(catalog, key):
    message = catalog.get(key if isinstance(key, str) else key[0])
    if message is None:
        return None
    return message.string if isinstance(message.string, str) else all(message.string)
