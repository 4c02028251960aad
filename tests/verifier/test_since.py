"""The last visit: growth is proven, and what was rewritten, deleted or lost since then is named."""

import pytest

from referral_hub.audit import bundle_form as form
from referral_hub.audit import note
from referral_hub.audit.note import Signer
from tests.verifier.making import ORIGIN, MadeLog, policy, zipped


@pytest.fixture
def kept(log, tmp_path):
    """Write what was kept of a visit: the checkpoint at a size, or a bundle."""

    def write(size=300, *, files=None, made=log, text=None):
        if files is not None:
            return zipped(tmp_path / "earlier.zip", files)
        path = tmp_path / "earlier"
        path.write_text(made.note(size) if text is None else text, encoding="utf-8")
        return path

    return write


REWRITTEN = MadeLog(600, facts=lambda i: {"basis": "none"} if i in {7, 290} else {})


@pytest.mark.parametrize("size", [1, 256, 300, 600])
def test_a_log_that_only_grew(log, verify, kept, size):
    assert verify(log.whole(), since=kept(size)) == (0, [])
    assert verify.report.facts["extends"] == size
    assert verify(log.of_subject(earlier=size if size < 600 else None), since=kept(size)) == (0, [])
    assert verify(log.whole(), since=kept(files=log.whole(size))) == (0, [])


def test_a_rewritten_log_signed_anew(verify, kept):
    """The operator has log key and witnesses on his side: the checkpoint that the auditor kept tells all the same."""
    assert verify(REWRITTEN.whole()) == (0, [])
    assert verify(REWRITTEN.whole(), since=kept()) == (1, [("history_rewritten", None)])
    assert verify(REWRITTEN.of_subject(earlier=300), since=kept()) == (1, [("history_rewritten", None)])


def test_the_bundle_that_was_kept_names_the_entries(log, verify, kept):
    found = [("history_rewritten", None), ("entry_rewritten", 7), ("entry_rewritten", 290)]
    assert verify(REWRITTEN.whole(), since=kept(files=log.whole(300))) == (1, found)
    hers = MadeLog(300).of_subject()
    code, told = verify(REWRITTEN.whole(), since=kept(files=hers))
    assert (code, told[0]) == (1, found[0])
    assert set(told[1:]) <= set(found[1:])
    assert len(told) > 1
    part = REWRITTEN.of_subject(earlier=300)
    assert set(verify(part, since=kept(files=log.whole(300)))[1]) <= set(found)


def test_a_shorter_log(log, verify, kept):
    assert verify(log.whole(500), since=kept(600)) == (1, [("history_shorter", 500)])
    assert verify(MadeLog(500).of_subject(), since=kept(600)) == (1, [("history_shorter", 500)])


def test_the_same_size_with_another_root(verify, kept):
    assert verify(REWRITTEN.whole(), since=kept(600))[1][0] == ("history_rewritten", None)
    assert verify(REWRITTEN.of_subject(), since=kept(600))[1][0] == ("history_rewritten", None)


def test_a_part_without_a_bridge(log, verify, kept):
    assert verify(log.of_subject(), since=kept(300)) == (4, [("since_not_bridged", None)])
    assert verify(log.of_subject(earlier=256), since=kept(300)) == (4, [("since_not_bridged", None)])
    files = log.of_subject(earlier=300)
    for garbage in (b"\xff", b"nonsense\n"):
        assert verify(files | {form.CONSISTENCY: garbage}, since=kept(300))[0] == 4
        assert verify(files | {form.SINCE: garbage}, since=kept(300))[0] == 4
    assert verify(files | {form.CONSISTENCY: b""}, since=kept(300)) == (1, [("history_rewritten", None)])


def test_what_was_kept_must_be_signed_by_the_log(log, verify, kept, tmp_path):
    stranger = MadeLog(300, key=Signer(ORIGIN, bytes(32)))
    assert verify(log.whole(), since=kept(made=stranger)) == (1, [("since_forged", None)])
    other = MadeLog(300, origin="other.test/log", key=Signer("other.test/log", bytes(32)))
    assert verify(log.whole(), since=kept(made=other)) == (2, [("since_unreadable", None)])
    both = policy(tmp_path, logs=[log.key.vkey(), other.key.vkey()])
    assert verify(log.whole(), since=kept(made=other), policy=both) == (2, [("since_unreadable", None)])
    assert verify(log.of_subject(), since=kept(made=other), policy=both) == (4, [("since_not_bridged", None)])
    assert verify(log.whole(), since=kept(text="nonsense"))[0] == 2
    assert verify(log.whole(), since=kept(text=log.note(300)[:60]))[0] == 2
    assert verify(log.whole(), since=tmp_path / "nowhere")[0] == 2
    (tmp_path / "cut.zip").write_bytes(zipped(tmp_path / "e.zip", log.whole(300)).read_bytes()[:5000])
    assert verify(log.whole(), since=tmp_path / "cut.zip")[0] == 2
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    assert verify(log.whole(), since=tmp_path / "bytes")[0] == 2


def test_a_new_log_after_a_loss(log, verify, kept, tmp_path):
    """What was kept to the seam is proven across it; what was lost is named, with what the auditor knows of it."""
    seam = MadeLog(700, seam=(350, 300, 600))
    both = policy(tmp_path, logs=[seam.key.vkey(), log.key.vkey()])
    assert verify(seam.whole(), since=kept(300), policy=both) == (0, [("shard_begins", 350)])
    assert verify(seam.whole(), since=kept(600), policy=both) == (1, [("shard_begins", 350), ("history_lost", 300)])
    assert note.open_note(seam.note(), [seam.key.vkey()])
    assert verify(seam.extract(form.PERIOD, [], since=None), since=kept(300), policy=both)[0] == 4
