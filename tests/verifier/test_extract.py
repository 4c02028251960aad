"""Bundles of a part: every entry proven, nothing foreign, and what was left out is missed."""

from datetime import timedelta

import pytest

from referral_hub.audit import bundle_form as form
from referral_hub.audit import merkle, proof_text
from referral_hub.audit.proof_text import Proof
from tests.verifier.making import BEGIN, BUDI, LEGAL, OTHER, SARI, SURVIVOR, MadeLog, zipped


def of_actor(log, member=SARI):
    return log.extract(form.ACTOR, [i for i in range(len(log.leaves)) if i % 2 == (member == BUDI)], of=member)


def of_agency(log):
    wanted = [i for i in range(len(log.leaves)) if i % 2 == 1 or i % 13 == 6]
    return log.extract(form.AGENCY, wanted, of=LEGAL)


def of_period(log, low=100, high=150, since=101, until=150):
    """The entries [low, high], of which [since, until) lie in the period."""
    moments = {"since": BEGIN + timedelta(seconds=10 * since), "until": BEGIN + timedelta(seconds=10 * until)}
    return log.extract(form.PERIOD, list(range(low, high + 1)), **moments)


def lines(files):
    return files[form.ENTRIES].splitlines(keepends=True)


def without(files, *numbers):
    kept = [line for i, line in enumerate(lines(files)) if i not in numbers]
    return files | {form.ENTRIES: b"".join(kept)}


def stating(files, count):
    """The same, with a manifest that states so many entries."""
    manifest = form.read_manifest(files[form.MANIFEST])
    from dataclasses import replace

    return files | {form.MANIFEST: replace(manifest, count=count).write()}


@pytest.mark.parametrize("make", [MadeLog.of_subject, of_actor, of_agency, of_period])
def test_an_honest_part_passes(log, verify, make):
    assert verify(make(log)) == (0, [])


def test_one_byte_of_an_entry_or_of_its_proof(log, verify):
    files = log.of_subject()
    index = form.read_line(lines(files)[7])
    number = proof_text.read(index[1]).index
    changed = files[form.ENTRIES].replace(index[0].replace(b'"', b'\\"'), index[0].replace(b'"', b'\\"').replace(b"case_worker", b"case_workeR"))
    code, found = verify(files | {form.ENTRIES: changed})
    assert (code, ("entry_unproven", number) in found) == (1, True)
    proof = proof_text.read(index[1])
    forged = proof_text.write(Proof(proof.index, (bytes(32), *proof.path[1:]), proof.checkpoint))
    line = form.entry_line(index[0], forged)
    code, found = verify(files | {form.ENTRIES: b"".join([*lines(files)[:7], line, *lines(files)[8:]])})
    assert (code, ("entry_unproven", number) in found) == (1, True)


def test_an_entry_left_out_is_missed_and_named(log, verify):
    files = log.of_subject()
    gone = proof_text.read(form.read_line(lines(files)[7])[1]).index
    code, found = verify(stating(without(files, 7), len(lines(files)) - 1))
    assert (code, found) == (4, [("entry_left_out", gone)])
    assert "1 entri" in verify.report.findings[0].code or verify.report.findings[0].facts["missing"] == 1
    assert verify(without(files, 7))[1][-1] == ("count_differs", None)
    code, found = verify(stating(without(files, 0), len(lines(files)) - 1))
    assert (code, found[0][0]) == (4, "entry_left_out")


@pytest.mark.parametrize("make", [of_actor, of_agency])
def test_an_entry_left_out_of_a_member_or_an_agency(log, verify, make):
    files = make(log)
    code, found = verify(stating(without(files, 20, 21), len(lines(files)) - 2))
    assert (code, {name for name, _ in found}) == (4, {"entry_left_out"})


def test_an_entry_left_out_of_a_period(log, verify):
    files = of_period(log)
    assert verify(stating(without(files, 20), 50)) == (4, [("entry_left_out", 120)])


def test_the_ends_of_a_period_are_shown(log, verify):
    assert verify(of_period(log, low=101)) == (4, [("entry_left_out", 100)])
    assert verify(of_period(log, high=149)) == (4, [("entry_left_out", 150)])
    assert verify(of_period(log, low=0, high=150, since=-5)) == (0, [])
    assert verify(of_period(log, low=100, high=599, until=900)) == (0, [])
    nothing = log.extract(form.PERIOD, [], since=BEGIN, until=BEGIN + timedelta(seconds=1))
    assert verify(nothing) == (4, [("entry_left_out", 0)])
    assert verify(of_period(log, low=100, high=101, since=100.4, until=100.6)) == (0, [])  # a moment between two entries


def test_an_entry_added(log, verify):
    """Of another survivor: proven to be in the log, and yet no answer to what was asked."""
    files = log.of_subject()
    hers = [proof_text.read(form.read_line(line)[1]).index for line in lines(files)]
    other = next(i for i in range(30, 600) if i not in hers)
    indices = sorted([*hers, other])
    assert verify(log.extract(form.SUBJECT, indices, of=SURVIVOR)) == (1, [("entry_foreign_question", other)])


def test_the_same_entry_twice_or_two_swapped(log, verify):
    files = log.of_subject()
    all_lines = lines(files)
    number = proof_text.read(form.read_line(all_lines[6])[1]).index
    assert ("entry_swapped", number) in verify(files | {form.ENTRIES: b"".join([*all_lines[:7], all_lines[6], *all_lines[7:]])})[1]
    swapped = [*all_lines[:6], all_lines[7], all_lines[6], *all_lines[8:]]
    code, found = verify(files | {form.ENTRIES: b"".join(swapped)})
    assert (code, ("entry_swapped", number) in found) == (1, True)


def test_an_entry_that_was_never_logged(log, verify):
    files = log.of_subject()
    payload, text = form.read_line(lines(files)[7])
    index = proof_text.read(text).index
    line = form.entry_line(payload.replace(b"section.read", b"section.rEad"), text)
    found = verify(files | {form.ENTRIES: b"".join([*lines(files)[:7], line, *lines(files)[8:]])})[1]
    assert ("entry_unproven", index) in found


def test_proofs_under_another_checkpoint(log, verify):
    smaller = MadeLog(500).of_subject()
    files = log.of_subject()
    assert verify(files | {form.ENTRIES: smaller[form.ENTRIES]})[0] == 1


def test_a_part_said_to_be_another_persons(log, verify):
    """Her entries under the name of another alias."""
    from dataclasses import replace

    files = log.of_subject()
    manifest = form.read_manifest(files[form.MANIFEST])
    code, found = verify(files | {form.MANIFEST: replace(manifest, of=OTHER).write()})
    assert (code, found[0][0]) == (1, "entry_foreign_question")


@pytest.mark.parametrize("line", [b"nonsense\n", b"{}\n", b'{"entry":1,"proof":"x"}\n', b'{"entry":"x"}\n', b'{"entry_base64":"%","proof":""}\n', b"[]\n", b"\xff\n", b"\n"])
def test_lines_that_are_none(log, verify, line):
    files = log.of_subject()
    code, found = verify(files | {form.ENTRIES: files[form.ENTRIES] + line})
    assert (code, found[0][0]) == (1, "entry_malformed")


def test_entries_that_are_no_text_travel_in_base64(verify):
    broken = MadeLog(30)
    broken.payloads[9] = b"\xff\xfe"
    broken.leaves = [merkle.leaf_hash(one) for one in broken.payloads]
    files = broken.extract(form.ACTOR, [9], of=SARI)
    assert b"entry_base64" in files[form.ENTRIES]
    assert verify(files) == (1, [("entry_malformed", 9)])


def test_a_part_without_its_entries_or_cut_off(log, verify, tmp_path):
    files = log.of_subject()
    assert verify({name: content for name, content in files.items() if name != form.ENTRIES}) == (4, [("file_left_out", None)])
    code, found = verify(files | {form.ENTRIES: files[form.ENTRIES][:-5]})
    assert (code, found[-1]) == (4, ("bundle_truncated", None))
    path = zipped(tmp_path / "long.zip", files | {form.ENTRIES: b"x" * 3_000_000})
    assert verify(path) == (4, [("bundle_truncated", None)])
