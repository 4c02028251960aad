"""Receipts: what they say, who signed them, and what they show of a log that no longer holds their entry."""

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.audit import checkpoint, note, receipts, reconcile
from referral_hub.audit.note import Signer
from referral_hub.audit.receipts import Receipt
from referral_hub.audit.reconcile import Held, Log
from tests.audit.conftest import NOW, ORIGIN

KEY = receipts.signer(bytes(range(32)), origin=ORIGIN)
VKEYS = [KEY.vkey()]
LEAVES = [bytes([i]) * 32 for i in range(10)]
GIVEN = [Receipt(ORIGIN, i, leaf, NOW, "section.read") for i, leaf in enumerate(LEAVES)]


def test_a_receipt_says_what_it_says():
    text = receipts.make(GIVEN[3], KEY)
    assert text.splitlines()[:5] == [
        "hub.rujukan.test/log/receipt",
        "index 3",
        "leaf AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
        "time 2026-11-02T01:30:00.123456Z",
        "act section.read",
    ]
    assert receipts.verify(text, VKEYS) == GIVEN[3]


def test_a_receipt_is_never_a_checkpoint_and_a_checkpoint_never_a_receipt():
    text = receipts.make(GIVEN[3], KEY)
    with pytest.raises(errors.BadNote):
        checkpoint.parse(note.open_note(text, VKEYS).text)
    stated = checkpoint.text_of(checkpoint.Tree(KEY.name, 3, bytes(32)))
    with pytest.raises(errors.BadNote):
        receipts.verify(note.sign(stated, KEY), VKEYS)


def test_the_key_of_another_log_signs_no_receipt():
    stranger = Signer("other.test/log/receipt", bytes(32))
    with pytest.raises(errors.BadNote):
        receipts.make(GIVEN[3], stranger)
    text = note.sign(receipts.make(GIVEN[3], KEY).partition("\n\n")[0] + "\n", stranger)
    with pytest.raises(errors.BadNote):
        receipts.verify(text, [stranger.vkey()])


@settings(deadline=None)
@given(position=st.integers(0, 400), replacement=st.characters())
def test_no_changed_character_passes(position, replacement):
    text = receipts.make(GIVEN[3], KEY)
    at = position % len(text)
    changed = text[:at] + replacement + text[at + 1 :]
    if changed == text:
        return
    with suppress(errors.BadNote):
        assert receipts.verify(changed, VKEYS) == GIVEN[3]  # only what is outside the signed text and the signature may differ


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=8))
def test_several_receipts_in_one_text(numbers):
    notes = [receipts.make(GIVEN[i], KEY) for i in numbers]
    assert receipts.apart(receipts.together(notes)) == notes


@pytest.mark.parametrize("text", ["", "nonsense", "a\n\nb\n\nc", "\n\n\n"])
def test_what_is_none_is_left_for_the_check_to_name(text):
    for part in receipts.apart(text):
        with pytest.raises(errors.BadNote):
            receipts.verify(part, VKEYS)


def log(**facts):
    known = {"origin": ORIGIN, "size": 10, "leaf_at": lambda i: LEAVES[i], "former": {}, "is_whole": True, "is_live": False}
    return Log(**(known | facts))


def code(receipt, against, vkeys=VKEYS, key=KEY):
    (one,) = reconcile.compare([Held("a.receipt", 1, receipts.make(receipt, key))], against, vkeys)
    return one.code


def test_a_log_that_holds_it():
    assert [code(one, log()) for one in GIVEN] == [""] * 10


def test_another_entry_in_its_place_is_evidence():
    dropped = [*LEAVES[:3], *LEAVES[4:]]
    against = log(size=9, leaf_at=lambda i: dropped[i])
    assert [code(one, against) for one in GIVEN] == ["", "", "", *["receipt_contradicted"] * 6, "receipt_later"]
    assert reconcile.CONTRADICTED in reconcile.EVIDENCE


def test_beyond_the_end_is_evidence_only_where_nothing_can_be_beyond():
    assert code(GIVEN[9], log(size=9)) == "receipt_later"
    assert code(GIVEN[9], log(size=9, is_live=True)) == "receipt_missing"


def test_an_extract_covers_what_it_holds():
    part = log(leaf_at=lambda i: LEAVES[i] if i == 4 else None, is_whole=False)
    assert (code(GIVEN[4], part), code(GIVEN[5], part)) == ("", "receipt_uncovered")
    assert code(GIVEN[5], log(leaf_at=lambda _: None)) == "receipt_missing"


def test_a_former_log_and_what_of_it_was_lost():
    new = log(origin=f"{ORIGIN}/2", former={ORIGIN: 5}, leaf_at=lambda i: LEAVES[i] if i < 5 else bytes(32), size=8)
    assert [code(one, new) for one in GIVEN[3:7]] == ["", "", "receipt_lost", "receipt_lost"]
    assert code(GIVEN[9], new) == "receipt_lost"
    other = receipts.signer(bytes(32), origin="other.test/log")
    assert code(replace(GIVEN[3], origin="other.test/log"), new, [other.vkey()], other) == "receipt_foreign"


def test_signatures_that_do_not_hold():
    stranger = receipts.signer(bytes(32), origin=ORIGIN)
    assert code(GIVEN[3], log(), key=stranger) == "receipt_foreign"
    text = receipts.make(GIVEN[3], KEY).replace("index 3", "index 4")
    (one,) = reconcile.compare([Held("a.receipt", 1, text)], log(), VKEYS)
    assert (one.code, one.receipt) == ("receipt_invalid", None)


def test_a_folder_of_receipts(tmp_path):
    (tmp_path / "b.receipts").write_text(receipts.together([receipts.make(GIVEN[1], KEY), receipts.make(GIVEN[2], KEY)]), encoding="utf-8")
    (tmp_path / "a.receipt").write_text(receipts.make(GIVEN[0], KEY), encoding="utf-8")
    (tmp_path / "c.receipt").write_bytes(b"\xff\xfe nonsense")
    (tmp_path / "readme.txt").write_text("not one", encoding="utf-8")
    (tmp_path / "receipt.vkey").write_text(KEY.vkey() + "\n", encoding="utf-8")
    held = reconcile.read_folder(tmp_path)
    assert [(one.file, one.number) for one in held] == [("a.receipt", 1), ("b.receipts", 1), ("b.receipts", 2), ("c.receipt", 1)]
    assert [one.code for one in reconcile.compare(held, log(), reconcile.key_in(tmp_path))] == ["", "", "", "receipt_invalid"]
    with pytest.raises(errors.BadSettings):
        reconcile.read_folder(tmp_path / "none")
    (tmp_path / "receipt.vkey").write_text("no key", encoding="utf-8")
    with pytest.raises(errors.BadNote):
        reconcile.key_in(tmp_path)
