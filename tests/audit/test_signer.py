"""The signer: when it signs, what it keeps, and that it never signs a fork."""

import stat
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.audit import checkpoint, fsck, note, queries, signer
from referral_hub.audit import entry as entries
from referral_hub.audit.note import Signer
from referral_hub.vault import key_folder
from tests.audit.conftest import NOW, ORIGIN, add, entry, fill


def seconds(count):
    return NOW + timedelta(seconds=count)


@pytest.mark.parametrize(
    ("size", "signed_size", "age", "due"),
    [(0, 0, None, False), (1, 0, None, True), (5, 5, 10, False), (6, 5, 9, False), (6, 5, 10, True), (260, 5, 1, False), (261, 5, 1, True), (5, 5, 599, False), (5, 5, 600, True)],
)  # fmt: skip
def test_when_a_checkpoint_is_due(size, signed_size, age, due):
    signed_at = None if age is None else seconds(-age)
    assert signer.is_due(size=size, signed_size=signed_size, signed_at=signed_at, now=NOW) is due


def test_a_checkpoint_is_signed_kept_and_published(log, worker, checkpoint_signer):
    fill(log, 3)
    made = signer.tend(worker, signer=checkpoint_signer, now=NOW)
    opened = note.open_note(made.note, signer.vkeys(checkpoint_signer))
    assert checkpoint.parse(opened.text) == checkpoint.Tree(origin=ORIGIN, size=3, root=made.root)
    assert [s.timestamp for s in opened.signatures] == [None, int(NOW.timestamp())]
    assert checkpoint_signer.last_file.read_text(encoding="utf-8") == made.note
    assert stat.S_IMODE(checkpoint_signer.last_file.stat().st_mode) == 0o600
    assert queries.latest_checkpoint(log) == made
    assert queries.size(log) == 3  # a signature is no entry


def test_nothing_is_signed_before_it_is_due(log, worker, checkpoint_signer):
    assert signer.tend(worker, signer=checkpoint_signer, now=NOW) is None
    fill(log, 3)
    assert signer.tend(worker, signer=checkpoint_signer, now=NOW)
    assert signer.tend(worker, signer=checkpoint_signer, now=seconds(60)) is None
    fresh = signer.tend(worker, signer=checkpoint_signer, now=seconds(600))
    assert fresh.size == 3
    assert fsck.check(log, vkeys=signer.vkeys(checkpoint_signer)) == []


def test_one_signer_at_a_time(log, worker, checkpoint_signer, owner_engine):
    fill(log, 3)
    with owner_engine.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(727303)"))
        assert signer.tend(worker, signer=checkpoint_signer, now=NOW) is None
    assert signer.tend(worker, signer=checkpoint_signer, now=NOW)


def test_the_file_is_written_before_the_checkpoint_is_published(log, worker, checkpoint_signer, monkeypatch):
    """A crash in between leaves a file ahead of the table, and the next signature goes on from there."""
    fill(log, 3)
    monkeypatch.setattr(Session, "commit", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        signer.tend(worker, signer=checkpoint_signer, now=NOW)
    monkeypatch.undo()
    assert (
        checkpoint.parse(note.open_note(checkpoint_signer.last_file.read_text(encoding="utf-8"), signer.vkeys(checkpoint_signer)).text).size
        == 3
    )
    assert queries.latest_checkpoint(log) is None
    assert signer.tend(worker, signer=checkpoint_signer, now=seconds(1)).size == 3


def restore(owner, size):
    """Bring the log back to its first `size` entries, as a restored older dump would."""
    from referral_hub.audit import merkle

    frontier = []
    for before, leaf in enumerate(owner("SELECT leaf_hash FROM audit_entry WHERE idx < :size ORDER BY idx", size=size).scalars().all()):
        merkle.append(frontier, before, leaf)
    owner("DELETE FROM audit_entry WHERE idx >= :size", size=size)
    owner("DELETE FROM audit_tile WHERE (n + 1) * 256 > :size", size=size)
    owner("DELETE FROM audit_checkpoint WHERE size > :size", size=size)
    owner("DELETE FROM audit_counter")
    counters = {}
    for idx, payload in enumerate(owner("SELECT payload FROM audit_entry ORDER BY idx").scalars().all()):
        for pair in entries.counted(entries.parse(payload)[0]).items():
            counters[pair] = (counters.get(pair, (0, 0))[0] + 1, idx)
    for (kind, key), (seq, last) in counters.items():
        owner("INSERT INTO audit_counter VALUES (:kind, :key, :seq, :last)", kind=kind, key=key, seq=seq, last=last)
    owner("UPDATE audit_head SET size = :size, frontier = :f", size=size, f=b"".join(frontier))


LATER = seconds(700)


def refused(log, worker, checkpoint_signer, now=LATER):
    with pytest.raises(errors.ForkRefused) as failure:
        signer.tend(worker, signer=checkpoint_signer, now=now)
    alarms = queries.latest(log, filters=queries.Filter(action="checkpoint.fork_refused"))
    assert len(alarms) == 1
    assert alarms[0].entry.reason == failure.value.facts["reason"]
    log.rollback()
    return failure.value.facts["reason"]


def test_a_truncated_log_is_refused(log, worker, checkpoint_signer, owner):
    fill(log, 20)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    kept = checkpoint_signer.last_file.read_text(encoding="utf-8")
    restore(owner, 10)
    assert refused(log, worker, checkpoint_signer) == "shorter"
    assert checkpoint_signer.last_file.read_text(encoding="utf-8") == kept
    assert queries.latest_checkpoint(log) is None


def test_a_truncated_log_that_grew_again_is_refused(log, worker, checkpoint_signer, owner):
    fill(log, 20)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    restore(owner, 10)
    fill(log, 300, start=10)
    assert refused(log, worker, checkpoint_signer) == "tree"


def test_the_alarm_is_logged_once_an_hour(log, worker, checkpoint_signer, owner):
    fill(log, 20)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    restore(owner, 10)
    refused(log, worker, checkpoint_signer)
    refused(log, worker, checkpoint_signer, now=seconds(800))
    with pytest.raises(errors.ForkRefused):
        signer.tend(worker, signer=checkpoint_signer, now=seconds(800 + 3600))
    assert len(queries.latest(log, filters=queries.Filter(action="checkpoint.fork_refused"))) == 2


def test_a_lost_file_is_refused(log, worker, checkpoint_signer):
    fill(log, 3)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    checkpoint_signer.last_file.unlink()
    assert refused(log, worker, checkpoint_signer) == "last_checkpoint_missing"


def test_a_file_or_checkpoint_of_another_key_is_refused(log, worker, checkpoint_signer):
    fill(log, 3)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    other = signer.CheckpointSigner(key=Signer(name=ORIGIN, seed=bytes(32)), last_file=checkpoint_signer.last_file)
    assert refused(log, worker, other) == "signature"


def test_another_log_is_refused(log, worker, checkpoint_signer):
    add(log, entry())
    other = signer.CheckpointSigner(key=Signer(name="another.test/log", seed=bytes(32)), last_file=checkpoint_signer.last_file)
    assert refused(log, worker, other) == "origin"


def test_a_head_that_does_not_fit_the_entries_is_refused(log, worker, checkpoint_signer, owner):
    fill(log, 3)
    owner("UPDATE audit_head SET frontier = overlay(frontier PLACING '\\x00'::bytea FROM 1 FOR 1)")
    with pytest.raises(errors.ForkRefused) as failure:
        signer.tend(worker, signer=checkpoint_signer, now=NOW)
    assert failure.value.facts["reason"] == "head"


def test_a_changed_entry_of_the_edge_is_refused(log, worker, checkpoint_signer, owner):
    fill(log, 20)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    owner("UPDATE audit_entry SET leaf_hash = overlay(leaf_hash PLACING '\\x00'::bytea FROM 1 FOR 1) WHERE idx = 4")
    assert refused(log, worker, checkpoint_signer) == "head"


def test_the_key_comes_from_the_key_folder(tmp_path):
    key_folder.write_new(tmp_path / "unrelated", "x")
    with pytest.raises(errors.Unavailable):
        signer.load(tmp_path, origin=ORIGIN)
    (tmp_path / key_folder.CHECKPOINT_FOLDER).mkdir()
    key_folder.write_new(tmp_path / key_folder.CHECKPOINT, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    loaded = signer.load(tmp_path, origin=ORIGIN)
    assert loaded.key == Signer(name=ORIGIN, seed=bytes(range(32)))
    assert loaded.last_file == tmp_path / "checkpoint" / "last-checkpoint"
