"""Receipts against a bundle: an agency's own paper shows the entry that is no longer there."""

import pytest

from referral_hub.audit import merkle, receipts
from referral_hub.audit.receipts import Receipt
from tests.verifier.making import BEGIN, ORIGIN, MadeLog, policy

SIGNER = receipts.signer(bytes([7]) * 32, origin=ORIGIN)


@pytest.fixture
def folder(log, tmp_path):
    """An agency's receipts of entries 10, 20 and 300."""
    path = tmp_path / "receipts"
    path.mkdir()
    for i in (10, 20, 300):
        (path / f"{i}.receipt").write_text(receipts.make(Receipt(ORIGIN, i, log.leaves[i], BEGIN, "section.read"), SIGNER), encoding="utf-8")
    (path / "receipt.vkey").write_text(SIGNER.vkey(), encoding="utf-8")
    return path


def test_a_log_that_holds_them(log, verify, folder):
    assert verify(log.whole(), receipts=folder) == (0, [])
    assert verify.report.facts["receipts"] == {"count": 3, "held": 3}


def test_a_dropped_entry_is_exposed(verify, folder):
    """The operator made the whole log anew without entry 20, and signed it; nothing in the bundle tells."""
    honest = MadeLog(601)
    dropped = MadeLog(600, facts=lambda i: {"request_id": f"r-{i + 1}"} if i >= 20 else {})
    assert verify(dropped.whole()) == (0, [])
    code, found = verify(dropped.whole(), receipts=folder)
    assert (code, found) == (1, [("receipt_contradicted", 20), ("receipt_contradicted", 300)])
    assert honest.leaves[20] != dropped.leaves[20]


def test_what_a_part_and_an_older_bundle_cannot_tell(log, verify, folder):
    code, found = verify(log.of_subject(), receipts=folder)
    assert code == 0
    assert set(found) <= {("receipt_uncovered", 10), ("receipt_uncovered", 20), ("receipt_uncovered", 300)}
    assert verify(log.whole(256), receipts=folder) == (0, [("receipt_later", 300)])


def test_lost_in_a_restore(verify, folder, tmp_path):
    seam = MadeLog(400, seam=(150, 100, 600))
    code, found = verify(seam.whole(), receipts=folder, policy=policy(tmp_path, logs=[seam.key.vkey()]))
    assert (code, found) == (1, [("shard_begins", 150), ("receipt_lost", 300)])


def test_keys_and_folders(log, verify, folder, tmp_path):
    (folder / "receipt.vkey").unlink()
    assert verify(log.whole(), receipts=folder) == (2, [("receipts_no_key", None)])
    assert verify(log.whole(), receipts=folder, receipt_keys=[SIGNER.vkey()]) == (0, [])
    assert verify(log.whole(), receipts=folder, receipt_keys=["nonsense"])[0] == 2
    assert verify(log.whole(), receipts=tmp_path / "nowhere", receipt_keys=[SIGNER.vkey()]) == (2, [("receipts_unreadable", None)])
    (folder / "receipt.vkey").write_text("nonsense", encoding="utf-8")
    assert verify(log.whole(), receipts=folder) == (2, [("receipts_unreadable", None)])


def test_receipts_of_others_prove_nothing_and_are_named(log, verify, folder):
    stranger = receipts.signer(bytes(32), origin=ORIGIN)
    forged = receipts.make(Receipt(ORIGIN, 10, merkle.leaf_hash(b"x"), BEGIN, "section.read"), stranger)
    (folder / "z.receipt").write_text(forged, encoding="utf-8")
    (folder / "y.receipts").write_text("nonsense", encoding="utf-8")
    assert verify(log.whole(), receipts=folder) == (0, [("receipt_invalid", None), ("receipt_foreign", None)])
