"""A bundle of the whole log: honest ones pass, and each kind of damage is named with the entry."""

import dataclasses
from datetime import timedelta

import pytest

from referral_hub.audit import bundle_form as form
from referral_hub.audit import checkpoint, merkle, note, tiles
from referral_hub.audit.checkpoint import Tree
from referral_hub.audit.note import Signer
from referral_hub.verifier import whole
from tests.verifier.making import BEGIN, KEY, ORIGIN, WITNESSES, MadeLog, policy

SECOND = "tile/entries/001"


def entries(files, name=SECOND):
    return tiles.unpack(files[name])


def put(files, payloads, name=SECOND):
    return files | {name: tiles.pack(payloads)}


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 512, 600])
def test_an_honest_log_passes_at_every_size(log, verify, size):
    assert verify(log.whole(size)) == (0, [])
    assert verify.report.facts["quorum"] is True
    assert [w["name"] for w in verify.report.facts["witnesses"]] == ["w1", "w2", "w3"]


def test_one_byte_of_an_entry(log, verify):
    files = log.whole()
    changed = entries(files)
    changed[44] = changed[44].replace(b"case_worker", b"case_workeR")
    assert verify(put(files, changed)) == (1, [("entry_changed", 300)])


def test_an_entry_changed_with_its_hash_in_the_tile(log, verify):
    """The tile above still holds the root of the tile as it was."""
    files = log.whole()
    changed = entries(files)
    changed[44] = changed[44].replace(b"case_worker", b"case_workeR")
    files = put(files, changed) | {"tile/0/001": b"".join(map(merkle.leaf_hash, changed))}
    code, found = verify(files)
    assert (code, ("tile_changed", 256) in found, ("root_contradicted", None) in found) == (1, True, True)


def test_an_entry_changed_with_all_hashes_above_it(log, verify):
    forged = MadeLog(600, facts=lambda i: {"basis": "none"} if i == 300 else {}).whole()
    assert verify(forged | {name: log.whole()[name] for name in (form.MANIFEST, form.CHECKPOINT)}) == (1, [("root_contradicted", None)])


def test_one_entry_removed(log, verify):
    files = log.whole()
    kept = entries(files)
    del kept[44]
    assert verify(put(files, kept)) == (1, [("entry_removed", 300)])


def test_one_entry_added(log, verify):
    files = log.whole()
    more = entries(files)
    more.insert(44, more[3].replace(b"case_worker", b"head"))
    assert verify(put(files, more)) == (1, [("entry_added", 300)])
    assert verify(put(files, [*entries(files)[:44], entries(files)[3], *entries(files)[44:]])) == (1, [("entry_added", 300)])


def test_two_entries_swapped(log, verify):
    files = log.whole()
    swapped = entries(files)
    swapped[44], swapped[50] = swapped[50], swapped[44]
    assert verify(put(files, swapped)) == (1, [("entry_swapped", 300), ("entry_swapped", 306)])


def test_a_whole_bundle_of_entries_left_out(log, verify):
    files = log.whole()
    for name in (SECOND, "tile/0/001", "tile/1/000.p/2", form.CHECKPOINT, form.MANIFEST):
        assert verify({n: c for n, c in files.items() if n != name}) == (4, [("file_left_out", None)])


def test_files_beyond_the_signed_size(log, verify):
    more = MadeLog(900).whole()
    files = log.whole()
    for name in ("tile/entries/003", "tile/entries/002", "tile/0/002.p/89", "entries.jsonl", "tile/2/000.p/1"):
        content = more.get(name, b"x")
        assert verify(files | {name: content}) == (2, [("bundle_foreign_file", None)])
    assert verify(log.of_subject() | {"tile/entries/000": b""}) == (2, [("bundle_foreign_file", None)])


def test_a_bundle_that_ends_within_an_entry(log, verify):
    files = log.whole()
    code, found = verify(files | {SECOND: files[SECOND][:-3]})
    assert code == 1  # the tile says what is missing
    assert ("bundle_truncated", None) in found


def test_entries_and_hashes_deleted_together(log, verify):
    """As the tables look when somebody deletes a newest entry: neither entry nor leaf hash is left."""
    files = log.whole()
    last = "tile/entries/002.p/88"
    kept = entries(files, last)
    del kept[80]
    files = put(files, kept, last) | {"tile/0/002.p/88": b"".join(map(merkle.leaf_hash, kept))}
    assert verify(files) == (1, [("entry_removed", 592), ("root_contradicted", None)])


def test_a_changed_tile_of_a_good_log(log, verify):
    files = log.whole()
    tile = files["tile/1/000.p/2"]
    assert verify(files | {"tile/1/000.p/2": tile[:32] + bytes(32)}) == (1, [("tile_changed", 256)])


@pytest.mark.parametrize("content", [b"{}", b"", b"\xff", b"[1]", b'{"format":"other"}'])
def test_a_manifest_that_is_none(log, verify, content):
    assert verify(log.whole() | {form.MANIFEST: content})[0] == 1


def test_a_foreign_checkpoint(log, verify, tmp_path):
    other = MadeLog(600, origin="other.test/log", key=Signer("other.test/log", bytes(32)))
    files = log.whole()
    both = policy(tmp_path, logs=[KEY.vkey(), other.key.vkey()])
    assert verify(files | {form.CHECKPOINT: other.note().encode()}, policy=both) == (1, [("checkpoint_foreign", None)])
    front = {name: other.whole()[name] for name in (form.CHECKPOINT, form.MANIFEST)}
    code, found = verify(files | front, policy=both)
    assert (code, ("root_contradicted", None) in found) == (1, True)


def test_a_checkpoint_of_another_size(log, verify):
    assert verify(log.whole() | {form.CHECKPOINT: log.note(599).encode()}) == (1, [("checkpoint_foreign", None)])


def test_a_checkpoint_that_nobody_signed(log, verify):
    stranger = note.sign(checkpoint.text_of(log.tree()), Signer(ORIGIN, bytes(32)))
    assert verify(log.whole() | {form.CHECKPOINT: stranger.encode()}) == (1, [("checkpoint_unsigned", None)])
    forged = log.note(root=bytes(32)).partition("\n\n")[2]
    text = checkpoint.text_of(log.tree())
    assert verify(log.whole() | {form.CHECKPOINT: f"{text}\n{forged}".encode()}) == (1, [("checkpoint_forged", None)])


def test_too_few_witnesses(log, verify, tmp_path):
    assert verify(log.whole(witnesses=WITNESSES[:2])) == (0, [])
    assert verify(log.whole(witnesses=WITNESSES[:1])) == (3, [("quorum_not_met", None)])
    assert verify(log.whole(witnesses=[])) == (3, [("quorum_not_met", None)])
    assert verify(log.whole(witnesses=[]), policy=policy(tmp_path, "quorum none")) == (0, [("no_witnesses_asked", None)])


def test_a_cosignature_that_does_not_hold(log, verify):
    """It is named, and the good ones are counted all the same."""
    files = log.whole(witnesses=WITNESSES[:2])
    foreign = note.signature_line(checkpoint.text_of(Tree(ORIGIN, 7, bytes(32))), WITNESSES[2], timestamp=1)
    assert verify(files | {form.CHECKPOINT: files[form.CHECKPOINT] + foreign.encode()}) == (1, [("cosignature_forged", None)])
    assert verify.report.facts["quorum"] is True


def test_tampering_is_graver_than_a_missing_quorum(log, verify):
    files = log.whole(witnesses=[])
    changed = entries(files)
    changed[44] = changed[44].replace(b"case_worker", b"case_workeR")
    assert verify(put(files, changed))[0] == 1


def test_policies(log, verify, tmp_path):
    files = log.whole()
    assert verify(files, policy=policy(tmp_path, logs=[Signer("other.test/log", bytes(32)).vkey()])) == (2, [("policy_unknown_log", None)])
    assert verify(files, policy=policy(tmp_path, logs=[])) == (2, [("policy_unknown_log", None)])
    bad = tmp_path / "bad"
    bad.write_text("trust everybody\n", encoding="utf-8")
    assert verify(files, policy=bad) == (2, [("policy_malformed", None)])
    assert verify(files, policy=tmp_path / "nowhere") == (2, [("file_missing", None)])


def test_what_the_hub_itself_did_wrong_when_it_wrote(verify):
    """Signed and witnessed, and yet an entry was passed over in the counters, stands elsewhere, or is of another log."""
    skipped = MadeLog(300, skip_count={77})
    code, found = verify(skipped.whole())
    assert code == 1
    assert {entry for name, entry in found if name == "counter_broken"} == {79}
    moved = MadeLog(300)
    moved.payloads[9] = moved.payloads[8]
    moved.leaves = [merkle.leaf_hash(one) for one in moved.payloads]
    assert ("entry_misplaced", 9) in verify(moved.whole())[1]
    foreign = MadeLog(300)
    foreign.payloads[9] = foreign.payloads[9].replace(b"rujukan.test/log", b"another.test/log")
    foreign.leaves = [merkle.leaf_hash(one) for one in foreign.payloads]
    assert ("entry_foreign_log", 9) in verify(foreign.whole())[1]
    garbage = MadeLog(300)
    garbage.payloads[9] = b"no entry"
    garbage.leaves = [merkle.leaf_hash(one) for one in garbage.payloads]
    assert ("entry_malformed", 9) in verify(garbage.whole())[1]


def test_a_clock_that_went_back_is_shown_and_is_no_fault(verify):
    back = MadeLog(300, facts=lambda i: {"occurred_at": BEGIN + timedelta(seconds=10 * i - (3600 if i >= 200 else 0))})
    assert verify(back.whole()) == (0, [("clock_backwards", 200)])
    crossing = MadeLog(300, facts=lambda i: {"occurred_at": BEGIN + timedelta(seconds=10 * i + (30 if i % 2 else 0))})
    assert verify(crossing.whole()) == (0, [])


def test_a_log_that_was_begun_anew(verify, tmp_path):
    seam = MadeLog(300, seam=(200, 150, 260))
    known = policy(tmp_path, logs=[seam.key.vkey()])
    assert verify(seam.whole(), policy=known) == (0, [("shard_begins", 200)])
    wrong = MadeLog(300, seam=(200, 150, 260))
    wrong.payloads[200] = wrong.payloads[200].replace(b"former:hub", b"former:sub")
    wrong.leaves = [merkle.leaf_hash(one) for one in wrong.payloads]
    assert ("entry_foreign_log", 200) in verify(wrong.whole(), policy=known)[1]


def test_in_several_processes_it_finds_the_same(log, verify, monkeypatch, tmp_path):
    cases = [
        log,
        MadeLog(600, skip_count={300}),
        MadeLog(600, facts=lambda i: {"occurred_at": BEGIN + timedelta(seconds=10 * i - (3600 if i >= 256 else 0))}),
        MadeLog(600, seam=(256, 100, 260)),
        MadeLog(600, seam=(100, 50, 260)),
        MadeLog(600, seam=(511, 50, 600)),
    ]
    broken = MadeLog(600)
    for i in (255, 256, 400, 512):
        broken.payloads[i] = broken.payloads[i].replace(b"rujukan.test/log", b"another.test/log")
    broken.leaves = [merkle.leaf_hash(one) for one in broken.payloads]
    for made in [*cases, broken]:
        known = policy(tmp_path, logs=[made.key.vkey()])
        alone = verify(made.whole(), policy=known)
        with monkeypatch.context() as patch:
            patch.setattr(whole, "PART_TILES", 1)
            patch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2})
            assert verify(made.whole(), policy=known) == alone
            missing = {n: c for n, c in made.whole().items() if n != SECOND}
            assert verify(missing, policy=known)[0] == 4 or alone[0] == 1


def test_no_more_than_a_hundred_of_each_are_told(log, verify):
    files = log.whole()
    changed = [one.replace(b"case_worker", b"case_workeR") for one in entries(files)]
    code, found = verify(put(files, changed))
    assert code == 1
    assert len(found) == 101
    assert found[-1] == ("more_findings", None)


def test_a_tree_hash_is_not_taken_on_trust(log):
    hashes = whole.Hashes(b"".join(log.leaves))
    for size in (1, 255, 256, 300, 600):
        assert hashes.root_at(size) == merkle.root(log.leaves[:size])
    assert hashes.leaf(300) == log.leaves[300]
    assert dataclasses.is_dataclass(whole.Part)
