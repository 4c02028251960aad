"""Each check of C2SP tlog-witness with its status; what is remembered and what is kept as evidence."""

import hashlib

import pytest

from referral_hub import errors
from referral_hub.audit import note
from referral_hub.audit.note import Signer
from referral_hub.witness.cosigning import Witness
from tests.witness.logs import KEY, NOW, ORIGIN, GrownLog

LOG = GrownLog(20)


def add(witness, body):
    answer = witness.add_checkpoint(body, now=NOW)
    return answer.status, answer.body


def test_a_first_contact_and_growth_are_cosigned(witness):
    for old, size in ((0, 5), (5, 5), (5, 12), (12, 20)):
        answer = witness.add_checkpoint(LOG.body(old, size), now=NOW + size)
        assert answer.status == 200
        opened = note.open_note(LOG.note(size) + answer.body, [KEY.vkey(), *witness.vkeys])
        assert [(s.name, s.kind, s.timestamp) for s in opened.signatures[1:]] == [
            ("witness.test/w1", note.COSIGNATURE_V1, NOW + size),
            ("witness.test/w1", note.ML_DSA_44, NOW + size),
        ]


def test_an_empty_log_may_come_first(witness):
    assert add(witness, LOG.body(0, 0))[0] == 200
    assert add(witness, LOG.body(0, 0))[0] == 200
    assert add(witness, LOG.body(0, 7))[0] == 200


def test_the_newest_checkpoint_is_shown_with_both_signatures(witness):
    origin_hash = hashlib.sha256(ORIGIN.encode()).hexdigest()
    assert witness.newest(origin_hash).status == 404
    add(witness, LOG.body(0, 5))
    shown = witness.newest(origin_hash)
    assert shown.status == 200
    assert len(note.open_note(shown.body, [KEY.vkey(), *witness.vkeys]).signatures) == 3
    assert witness.newest("0" * 64).status == 404


@pytest.mark.parametrize("body", [b"", b"nonsense", b"old 0\n\nno note\n", b"old 0\n\nhub.rujukan.test/log\n5\nshort\n\nx\n", b"\xff\xfe"])
def test_400_malformed(witness, body):
    assert add(witness, body)[0] == 400


def test_400_no_signature_lines_at_all(witness):
    assert add(witness, LOG.body(0, text=LOG.note().replace("— ", "- ")))[0] == 400


def test_400_an_old_size_beyond_the_checkpoint(witness):
    assert add(witness, LOG.body(0, 5))[0] == 200
    assert add(witness, LOG.body(6, 5, proof=()))[0] == 400


def test_403_a_stranger_signed(witness):
    stranger = GrownLog(5, key=Signer(name=ORIGIN, seed=bytes(32)))
    assert add(witness, stranger.body(0))[0] == 403


def test_403_a_known_key_that_did_not_sign_this(witness):
    text = LOG.note(5).replace("\n5\n", "\n6\n", 1)
    assert add(witness, LOG.body(0, 5, text=text))[0] == 403


def test_404_another_log(witness):
    other = GrownLog(5, origin="other.test/log", key=Signer("other.test/log", bytes(32)))
    assert add(witness, other.body(0))[0] == 404


def test_409_names_the_size_that_was_cosigned(witness, memory):
    assert add(witness, LOG.body(3, 5)) == (409, "0\n")
    add(witness, LOG.body(0, 5))
    answer = witness.add_checkpoint(LOG.body(0, 12), now=NOW)
    assert (answer.status, answer.body, answer.content_type) == (409, "5\n", "text/x.tlog.size")
    assert memory.refusals() == []  # a log that has forgotten how far we saw is no fork


def test_409_for_an_older_tree_is_kept(witness, memory):
    add(witness, LOG.body(0, 12))
    assert add(witness, LOG.body(5, 5)) == (409, "12\n")
    (kept,) = memory.refusals()
    assert (kept.status, kept.old_size, kept.at, kept.origin) == (409, 5, NOW, ORIGIN)
    assert note.open_note(kept.note, [KEY.vkey()])


def test_422_a_wrong_proof(witness, memory):
    add(witness, LOG.body(0, 5))
    assert add(witness, LOG.body(5, 12, proof=LOG.proof(5, 13)))[0] == 422
    assert add(witness, LOG.body(5, 12, proof=()))[0] == 422
    assert add(witness, LOG.body(0, 12, proof=LOG.proof(5, 12)))[0] == 409
    assert memory.seen(ORIGIN).size == 5


def test_422_a_proof_at_first_contact(witness):
    assert add(witness, LOG.body(0, 12, proof=LOG.proof(5, 12)))[0] == 422


def test_422_the_same_size_with_another_root(witness):
    add(witness, LOG.body(0, 12))
    assert add(witness, GrownLog(12, fork=3).body(12, proof=()))[0] == 422


def test_422_an_empty_tree_with_a_root(witness):
    assert add(witness, LOG.body(0, 0, text=LOG.note(0, root=bytes(32))))[0] == 422


def test_a_fork_is_never_cosigned_and_is_kept(witness, memory):
    add(witness, LOG.body(0, 12))
    fork = GrownLog(20, fork=3)
    assert add(witness, fork.body(12))[0] == 422
    assert add(witness, fork.body(12))[0] == 422
    (kept,) = memory.refusals()
    assert note.open_note(kept.note, [KEY.vkey()]).text.splitlines()[1] == "20"
    assert add(witness, LOG.body(12, 20))[0] == 200


def test_only_the_logs_own_signatures_are_remembered(witness, memory):
    stranger = note.signature_line(LOG.note(5).rpartition("\n\n")[0] + "\n", Signer("stranger.test", bytes(32)))
    assert add(witness, LOG.body(0, 5, text=LOG.note(5) + stranger))[0] == 200
    assert "stranger.test" not in memory.seen(ORIGIN).note


def test_two_keys_of_one_log(witness_keys, memory):
    """A log that changes its key is witnessed under both for a while."""
    new = Signer(ORIGIN, bytes([7]) * 32)
    witness = Witness(witness_keys, memory, [KEY.vkey(), new.vkey()])
    assert add(witness, LOG.body(0, 5))[0] == 200
    assert add(witness, GrownLog(12, key=new).body(5))[0] == 200


def test_a_memory_that_cannot_be_written_signs_nothing(witness, tmp_path):
    (tmp_path / "state").unlink()
    (tmp_path / "state").mkdir()
    with pytest.raises(errors.Unavailable):
        witness.add_checkpoint(LOG.body(0, 5), now=NOW)
