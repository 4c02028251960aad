"""A new log after a refused dump: only when refused, named in its first entry, and everything goes on from there."""

import base64
from pathlib import Path

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.audit import checkpoint, fsck, new_shard, note, proofs, queries, shard, signer
from referral_hub.audit.shard import NewShard
from referral_hub.vault import key_folder, signing
from tests.audit.conftest import NOW, ORIGIN, add, entry, fill
from tests.audit.test_signer import restore, seconds

NEW = f"{ORIGIN}/2"


@pytest.fixture
def dump(log, worker, checkpoint_signer, owner):
    """A log of 20 entries, signed at 10 and at 20, of which only the first 10 came back from a dump."""
    fill(log, 10)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    fill(log, 10, start=10)
    signer.tend(worker, signer=checkpoint_signer, now=seconds(60))
    restore(owner, 10)
    with pytest.raises(errors.ForkRefused):
        signer.tend(worker, signer=checkpoint_signer, now=seconds(120))
    return log


@pytest.fixture
def keys(tmp_path):
    """A key folder with the checkpoint key of these tests."""
    folder = tmp_path / "keys"
    (folder / key_folder.CHECKPOINT_FOLDER).mkdir(parents=True)
    key_folder.write_new(folder / key_folder.CHECKPOINT, base64.b64encode(bytes(range(32))).decode() + "\n")
    key_folder.write_new(folder / key_folder.CHECKPOINT_PUBLIC, base64.b64encode(signing.public_of(bytes(range(32)))).decode() + "\n")
    return folder


@pytest.fixture
def checkpoint_signer(keys):
    return signer.load(keys, origin=ORIGIN)


def begin(session, signed_by, origin=NEW, *, renew=True, **options):
    """Begin a new log as the command does: first the log, then the key files."""
    found = new_shard.begin(session, signing=signed_by, origin=origin, now=seconds(180), **options)
    session.rollback()
    if renew:
        key_folder.renew_checkpoint(signed_by.last_file.parents[1], shard.mark(found.former))
    return found


def named(signed_by, origin=NEW):
    return signer.load(signed_by.last_file.parents[1], origin=origin)


def every_key(session, folder):
    found = signer.every_vkey(session, folder=folder, origin=NEW)
    session.rollback()
    return found


def test_the_first_entry_names_what_was_lost(dump, worker, checkpoint_signer, owner):
    found = begin(dump, checkpoint_signer)
    assert found == NewShard(ORIGIN, 10, 20)
    (first,) = queries.latest(dump, filters=queries.Filter(action="checkpoint.new_shard"))
    assert (first.place.origin, first.place.idx, first.entry.count, first.entry.reason) == (NEW, 11, 10, "shorter")
    assert first.entry.fields == (f"former:{ORIGIN}", "lost_from:10", "lost_until:20")
    assert shard.read(first.entry) == found
    dump.rollback()
    new = named(checkpoint_signer)
    assert queries.latest_checkpoint(dump) is None  # of this log none is signed
    dump.rollback()
    made = signer.tend(worker, signer=new, now=seconds(200))
    assert checkpoint.parse(note.open_note(made.note, signer.vkeys(new)).text) == checkpoint.Tree(NEW, 12, made.root)
    assert proofs.consistency(dump, old_size=10, new_size=12)
    dump.rollback()


def test_the_signers_old_files_stay_as_evidence(dump, checkpoint_signer, keys):
    before = checkpoint_signer.last_file.read_text(encoding="utf-8")
    begin(dump, checkpoint_signer)
    assert not checkpoint_signer.last_file.exists()
    mark = shard.mark(ORIGIN)
    assert (keys / f"{key_folder.LAST_CHECKPOINT}.{mark}").read_text(encoding="utf-8") == before
    assert key_folder.checkpoint_public(keys, mark) == signing.public_of(bytes(range(32)))
    assert key_folder.checkpoint_public(keys) == signing.public_of(key_folder.signing_seed(keys, "checkpoint"))
    assert key_folder.signing_seed(keys, "checkpoint") != bytes(range(32))


def test_renewing_the_key_can_be_interrupted_anywhere(dump, checkpoint_signer, keys, monkeypatch):
    begin(dump, checkpoint_signer, renew=False)
    mark, steps = shard.mark(ORIGIN), 0
    real = {name: getattr(Path, name) for name in ("replace", "unlink")}
    while True:
        left = [steps]

        def counted(name, left=left):
            def step(path, *args, **kwargs):
                if left[0] == 0:
                    raise KeyboardInterrupt
                left[0] -= 1
                return real[name](path, *args, **kwargs)

            return step

        with monkeypatch.context() as patch:
            for name in real:
                patch.setattr(Path, name, counted(name))
            try:
                key_folder.renew_checkpoint(keys, mark)
                break
            except KeyboardInterrupt:
                steps += 1
    assert steps > 2
    assert key_folder.checkpoint_public(keys, mark) == signing.public_of(bytes(range(32)))
    assert key_folder.checkpoint_public(keys) == signing.public_of(key_folder.signing_seed(keys, "checkpoint"))
    again = key_folder.signing_seed(keys, "checkpoint")
    key_folder.renew_checkpoint(keys, mark)
    assert key_folder.signing_seed(keys, "checkpoint") == again


def test_the_check_of_the_whole_log_goes_over_the_seam(dump, worker, checkpoint_signer, owner, keys):
    begin(dump, checkpoint_signer)
    new = named(checkpoint_signer)
    fill(dump, 300, start=50)
    signer.tend(worker, signer=new, now=seconds(200))
    every = every_key(dump, keys)
    assert len(every) == 4
    assert len({vkey.split("+", 2)[2] for vkey in every}) == 4  # the new log has a key of its own
    assert fsck.check(dump, vkeys=every) == []
    owner("UPDATE audit_entry SET payload = convert_to(replace(convert_from(payload, 'UTF8'), 'log/2', 'log/3'), 'UTF8') WHERE idx = 40")
    assert ("place_changed", 40) in [(d.code, d.idx) for d in fsck.check(dump, vkeys=every)]


def test_a_checkpoint_of_the_former_log_that_was_kept_still_counts(dump, worker, checkpoint_signer, owner, keys):
    begin(dump, checkpoint_signer)
    owner("UPDATE audit_checkpoint SET root = overlay(root PLACING '\\x00'::bytea FROM 1 FOR 1) WHERE size = 10")
    assert "checkpoint_changed" in {d.code for d in fsck.check(dump, vkeys=every_key(dump, keys))}


def test_entries_written_after_the_restore_are_no_part_of_what_was_kept(dump, checkpoint_signer, owner):
    """A restored log that grew beyond what was signed before: what was signed last and is still contained, tells where the loss begins."""
    fill(dump, 300, start=10)
    found = begin(dump, checkpoint_signer)
    assert found == NewShard(ORIGIN, 10, 20)


def test_what_a_witness_shows_widens_the_lost_range(dump, checkpoint_signer):
    tree = checkpoint.Tree(ORIGIN, 33, bytes(32))
    shown = note.sign(checkpoint.text_of(tree), checkpoint_signer.key, timestamp=1)
    assert begin(dump, checkpoint_signer, witnessed=[shown, "nonsense"]) == NewShard(ORIGIN, 10, 33)


def test_a_log_that_would_be_signed_is_not_given_up(log, worker, checkpoint_signer):
    fill(log, 10)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    with pytest.raises(errors.RuleBroken) as failure:
        begin(log, checkpoint_signer)
    assert failure.value.code == "nothing_lost"
    log.rollback()
    assert queries.size(log) == 10


def test_a_broken_head_is_not_cured_by_a_new_log(log, worker, checkpoint_signer, owner):
    fill(log, 10)
    owner("UPDATE audit_head SET frontier = overlay(frontier PLACING '\\x00'::bytea FROM 1 FOR 1)")
    with pytest.raises(errors.ForkRefused) as failure:
        begin(log, checkpoint_signer)
    assert failure.value.facts["reason"] == "head"


@pytest.mark.parametrize("origin", [ORIGIN, "another.test/log", "hub.rujukan.test/log 2", "hub.rujukan.testlog/2", ""])
def test_other_names_are_refused(dump, checkpoint_signer, origin):
    with pytest.raises(errors.BadSettings):
        begin(dump, checkpoint_signer, origin=origin)


def test_what_was_interrupted_is_finished(dump, checkpoint_signer):
    found = begin(dump, checkpoint_signer, renew=False)  # as if the power had failed after the commit
    size = queries.size(dump)
    dump.rollback()
    for again in (checkpoint_signer, named(checkpoint_signer)):
        assert begin(dump, again, renew=False) == found
    begin(dump, checkpoint_signer)
    assert not checkpoint_signer.last_file.exists()
    assert queries.size(dump) == size
    dump.rollback()


def test_it_is_not_done_twice(dump, worker, checkpoint_signer):
    begin(dump, checkpoint_signer)
    new = named(checkpoint_signer)
    signer.tend(worker, signer=new, now=seconds(200))
    with pytest.raises(errors.RuleBroken):
        begin(dump, new, origin=f"{ORIGIN}/3")
    dump.rollback()
    with pytest.raises(errors.BadSettings):
        begin(dump, checkpoint_signer)


def test_a_lost_file_of_the_signer_loses_no_entry(log, worker, checkpoint_signer):
    fill(log, 10)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    checkpoint_signer.last_file.unlink()
    assert begin(log, checkpoint_signer) == NewShard(ORIGIN, 10, 10)


def test_names_that_follow():
    assert [shard.next_origin(name) for name in ("hub.test/log", "hub.test/log/2", "hub.test/log/9")] == ["hub.test/log/2", "hub.test/log/3", "hub.test/log/10"]


@pytest.mark.parametrize("fields", [(), ("former:a", "lost_from:1"), ("former:", "lost_from:1", "lost_until:2"), ("former:a", "lost_from:x", "lost_until:2"), ("a", "b", "c")])
def test_what_names_no_shard(fields):
    with pytest.raises(Exception, match="bad_entry"):
        shard.read(entry(fields=fields))


def test_an_entry_that_only_pretends_moves_nothing(log, worker, checkpoint_signer):
    """A new_shard entry with nonsense in it is named by the check, and the log keeps its name."""
    add(log, entry(action="checkpoint.new_shard", fields=()))
    fill(log, 3)
    assert fsck.check(log, vkeys=signer.vkeys(checkpoint_signer)) == []
    log.execute(text("SELECT 1"))
    log.rollback()
