"""Bundles out of the database: deterministic, whole or in part, logged before they are written, and good for the offline check."""

import dataclasses
import io
import zipfile
from datetime import timedelta
from uuid import UUID

import pytest

from referral_hub import errors
from referral_hub.audit import bundle, note, queries, signer
from referral_hub.audit import bundle_form as form
from referral_hub.audit.bundle import Wanted
from referral_hub.db import transact
from referral_hub.verifier.check import Question, check
from tests.access.people import actor
from tests.audit.conftest import BUDI, LEGAL, NOW, OTHER, RAISED, SARI, SURVIVOR, add, entry, fill
from tests.audit.test_signer import seconds

AUDITOR = actor("network_auditor", agency_kind="network", strength="fresh")
SIZE = 600


@pytest.fixture
def kept(log, worker, checkpoint_signer, tmp_path):
    """A log of 600 entries, signed at 300 and at 600; `verify(bytes, …)` checks a bundle against its key."""
    for until in (300, SIZE):
        grow(log, until)
        assert signer.tend(worker, signer=checkpoint_signer, now=seconds(until))
    policy = tmp_path / "policy"
    policy.write_text(f"log {signer.vkeys(checkpoint_signer)[0]}\nquorum none\n", encoding="utf-8")

    def verify(content, **options):
        path = tmp_path / "bundle.zip"
        path.write_bytes(content)
        report = check(Question(path, policy, **options))
        return report.exit_code, [(f.code, f.entry) for f in report.findings if f.code != "no_witnesses_asked"]

    return verify


def grow(log, until):
    """Openings by two members of two agencies for two survivors, with a list page and a disclosure among them."""
    while (size := queries.size(log)) < until:
        log.rollback()
        made = []
        for i in range(size, min(until, size + 60)):
            facts = {"occurred_at": NOW + timedelta(seconds=i), "actor_id": (SARI, BUDI)[i % 2], "agency_id": (RAISED, LEGAL)[i % 2], "subjects": ((SURVIVOR, OTHER)[i % 3 == 0],)}
            if i % 50 == 7:
                facts |= {"action": "case.list", "subjects": (SURVIVOR, OTHER), "page": True, "count": 2}
            if i % 50 == 8:
                facts |= {"action": "referral.send", "recipient_agency": LEGAL, "manifest_digest": bytes(32)}
            made.append(entry(**facts))
        add(log, *made)
    log.rollback()


def written(log, wanted=Wanted(), who=AUDITOR, **options):  # noqa: B008 - frozen
    planned = transact(log, lambda s: bundle.plan(s, actor=who, now=seconds(9000), wanted=wanted, **options))
    out = io.BytesIO()
    bundle.write(log, planned, out)
    log.rollback()
    return out.getvalue()


PERIOD = Wanted(form.PERIOD, since=seconds(100), until=seconds(150))
PARTS = [Wanted(), Wanted(form.SUBJECT, SURVIVOR), Wanted(form.ACTOR, BUDI), Wanted(form.AGENCY, LEGAL), PERIOD]


@pytest.mark.parametrize("wanted", PARTS, ids=lambda wanted: wanted.kind)
def test_every_kind_passes_the_offline_check_and_is_the_same_twice(log, kept, wanted):
    first = written(log, wanted)
    assert kept(first) == (0, [])
    assert written(log, wanted) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.testzip() is None
        stated = form.read_manifest(archive.read(form.MANIFEST))
    left = queries.latest(log, limit=1)[0]
    assert (left.entry.action, left.entry.count, left.entry.outcome) == ("audit.export", stated.count, "allow")
    assert left.entry.subjects == ((SURVIVOR,) if wanted.kind == form.SUBJECT else ())
    log.rollback()


def test_the_members_of_a_part_are_all_there(log, kept):
    with zipfile.ZipFile(io.BytesIO(written(log, Wanted(form.AGENCY, LEGAL)))) as archive:
        stated = form.read_manifest(archive.read(form.MANIFEST))
    assert stated.count == len([i for i in range(SIZE) if i % 2 == 1 or i % 50 == 8])


def test_nothing_is_written_before_the_entry_is_durable(log, kept):
    planned = bundle.plan(log, actor=AUDITOR, now=NOW, wanted=Wanted())
    out = io.BytesIO()
    with pytest.raises(errors.NotDurable):
        bundle.write(log, planned, out)
    assert out.getvalue() == b""
    log.rollback()


def test_who_may(log, kept):
    with pytest.raises(errors.NotAllowed) as failure:
        written(log, who=dataclasses.replace(AUDITOR, strength="full"))
    assert failure.value.code == "reauth_needed"
    officer = actor("data_protection_officer", agency_id=LEGAL, strength="fresh")
    assert kept(written(log, Wanted(form.AGENCY, LEGAL), officer)) == (0, [])
    for wanted in (Wanted(), Wanted(form.AGENCY, RAISED), Wanted(form.SUBJECT, SURVIVOR), PERIOD):
        with pytest.raises(errors.NotAllowed):
            written(log, wanted, officer)
    with pytest.raises(errors.NotAllowed):
        written(log, who=actor("case_lead", strength="fresh"))


def test_nothing_is_signed_yet(log):
    add(log, entry())
    with pytest.raises(errors.NotFound):
        written(log)


def test_the_bridge_from_the_last_visit(log, kept, tmp_path, owner):
    notes = owner("SELECT note FROM audit_checkpoint ORDER BY size").scalars().all()
    visited = tmp_path / "visited"
    visited.write_text(notes[0], encoding="utf-8")
    for wanted in PARTS:
        assert kept(written(log, wanted, since=notes[0]), since=visited) == (0, [])
    assert kept(written(log, Wanted(form.ACTOR, BUDI)), since=visited) == (4, [("since_not_bridged", None)])
    with pytest.raises(errors.BadNote):
        written(log, since="nonsense")
    log.rollback()
    with pytest.raises(errors.BadProof):
        written(log, since=notes[0].replace("\n300\n", "\n999\n"))
    log.rollback()


def test_a_period_without_an_entry_and_one_at_the_ends(log, kept):
    for since, until, count in ((0.2, 0.4, 2), (-50, -10, 2), (5000, 6000, 1), (-50, 10, 11), (590, 6000, 11), (None, None, SIZE), (None, 5, 6), (595, None, 6)):
        wanted = Wanted(form.PERIOD, since=None if since is None else seconds(since), until=None if until is None else seconds(until))
        content = written(log, wanted)
        assert kept(content) == (0, []), (since, until)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.read(form.ENTRIES).count(b"\n") == count, (since, until)


def test_a_checkpoint_with_a_quorum_goes_before_a_newer_one(log, kept, owner):
    older = owner("SELECT id FROM audit_checkpoint WHERE size = 300").scalar_one()
    owner("INSERT INTO audit_quorum VALUES (:id, now())", id=older)
    sizes = []
    for newest in (False, True):
        with zipfile.ZipFile(io.BytesIO(written(log, newest=newest))) as archive:
            sizes.append(form.read_manifest(archive.read(form.MANIFEST)).size)
    assert sizes == [300, 600]


def test_cosignatures_travel_along(log, kept, owner, checkpoint_signer):
    line = note.signature_line("x.test/log\n1\n" + "A" * 43 + "=\n", note.Signer("w.test/1", bytes(32)), timestamp=1)
    owner("INSERT INTO audit_cosignature SELECT id, 'w.test/1+00000000', :line, now(), now() FROM audit_checkpoint WHERE size = 600", line=line)
    with zipfile.ZipFile(io.BytesIO(written(log))) as archive:
        assert archive.read(form.CHECKPOINT).decode().endswith(line)


def test_what_was_changed_in_the_database_shows_offline(log, kept, owner):
    owner("UPDATE audit_entry SET payload = convert_to(replace(convert_from(payload, 'UTF8'), 'case_worker', 'case_workeR'), 'UTF8') WHERE idx = 100")
    assert kept(written(log)) == (1, [("entry_changed", 100)])
    code, found = kept(written(log, Wanted(form.ACTOR, SARI)))
    assert (code, ("entry_unproven", 100) in found) == (1, True)


def test_what_was_deleted_in_the_database_shows_offline(log, kept, owner):
    owner("DELETE FROM audit_entry WHERE idx = 100")
    assert kept(written(log)) == (1, [("entry_removed", 100)])
    assert kept(written(log, Wanted(form.ACTOR, SARI))) == (4, [("entry_left_out", 100)])
    owner("DELETE FROM audit_entry WHERE idx = 580")
    code, found = kept(written(log))
    assert (code, {("entry_removed", 100), ("entry_removed", 580)} <= set(found)) == (1, True)


def test_a_projection_that_hides_an_entry_from_a_part_shows_as_a_gap(log, kept, owner):
    """The columns beside the bytes are changed, so that a question no longer finds the entry; the counters do."""
    owner("UPDATE audit_entry SET actor_id = :other WHERE idx = 100", other=UUID(int=99))
    assert kept(written(log, Wanted(form.ACTOR, SARI))) == (4, [("entry_left_out", 100)])


def test_a_missing_tile_leaves_a_bundle_that_says_so(log, kept, owner):
    owner("DELETE FROM audit_tile WHERE level = 0 AND n = 1")
    assert kept(written(log))[0] == 1
    fill(log, 1, start=SIZE)
