"""Reading the log as a person: who sees which part of it, that each look is an entry, and what a proof claims."""

import dataclasses

import pytest

from referral_hub import errors
from referral_hub.access import Actor
from referral_hub.audit import queries, reading, signer
from referral_hub.audit.queries import Filter
from referral_hub.db import transact
from tests.audit.conftest import BUDI, LEGAL, NOW, ORIGIN, RAISED, REFERRAL, add, entry, fill

AUDITOR = Actor(
    kind="member", member_id=BUDI, agency_id=LEGAL, agency_kind="network", agency_code="net", code="AJ-01", roles=frozenset({"network_auditor"}), state="active",
    holds_key=False, strength="full", auth_method="passphrase+totp", session_digest="0" * 32, language="id", timezone="Asia/Jakarta",
)  # fmt: skip
OFFICER = dataclasses.replace(AUDITOR, agency_kind="legal", roles=frozenset({"data_protection_officer"}))
LAWYER = dataclasses.replace(OFFICER, roles=frozenset({"lawyer"}), holds_key=True)


def look(log, verb, actor, **facts):
    return transact(log, lambda s: verb(s, actor=actor, now=NOW, **facts))


def newest(log):
    return queries.latest(log, limit=1)[0].entry


def test_each_page_is_an_entry_with_its_rows_and_names_what_it_is_about(log):
    fill(log, 4)
    page = look(log, reading.page, AUDITOR, limit=3)
    assert ([row.idx for row in page.rows], page.next, page.size) == ([3, 2, 1], 1, 4)
    assert page.ticket.index == 4
    rest = look(log, reading.page, AUDITOR, after=page.next, limit=3)
    assert ([row.idx for row in rest.rows], rest.next) == ([0], None)
    look(log, reading.page, AUDITOR, filters=Filter(referral_id=REFERRAL))
    said = newest(log)
    assert (said.action, said.object_kind, said.object_id, said.referral_id, said.count) == ("audit.read", "log", REFERRAL, None, 4)


def test_an_officer_sees_own_entries_and_disclosures_to_the_agency(log):
    add(log, entry(), entry(agency_id=LEGAL), entry(action="referral.send", agency_id=RAISED, recipient_agency=LEGAL, manifest_digest=bytes(32)))
    assert {row.idx for row in look(log, reading.page, OFFICER).rows} == {1, 2}
    assert look(log, reading.one, OFFICER, idx=2).logged.idx == 2
    with pytest.raises(errors.NotFound):
        look(log, reading.one, OFFICER, idx=0)
    assert set(look(log, reading.verify, OFFICER, vkeys=(), shown=[0, 1, 2]).checked.entries) == {1, 2}
    assert {row.idx for row in look(log, reading.page, AUDITOR).rows} >= {0, 1, 2}


def test_an_auditor_of_another_kind_of_agency_sees_no_more_than_an_officer(log):
    add(log, entry())
    assert look(log, reading.page, dataclasses.replace(AUDITOR, agency_kind="legal")).rows == ()


@pytest.mark.parametrize("verb", [reading.page, reading.one, reading.verify])
def test_nobody_else_reads_it(log, verb):
    add(log, entry())
    facts = {reading.one: {"idx": 0}, reading.verify: {"vkeys": ()}}.get(verb, {})
    with pytest.raises(errors.NotAllowed):
        look(log, verb, LAWYER, **facts)
    assert queries.size(log) == 1


def test_an_entry_is_proven_once_a_checkpoint_covers_it(log, worker, checkpoint_signer):
    fill(log, 5)
    assert look(log, reading.one, AUDITOR, idx=2).proof == reading.Proof("not_yet")
    made = signer.tend(worker, signer=checkpoint_signer, now=NOW)
    found = look(log, reading.one, AUDITOR, idx=2)
    assert (found.proof.state, found.proof.steps, found.checkpoint) == ("matches", 3, made)
    assert look(log, reading.one, AUDITOR, idx=made.size).proof.state == "not_yet"
    with pytest.raises(errors.NotFound):
        look(log, reading.one, AUDITOR, idx=999)


def test_a_check_says_what_it_could_and_could_not_check(log, worker, checkpoint_signer):
    fill(log, 3)
    unsigned = look(log, reading.verify, AUDITOR, vkeys=signer.vkeys(checkpoint_signer)).checked
    assert (unsigned.signature, unsigned.contradicted, unsigned.proven) == ("none", False, False)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    add(log, entry())
    checked = look(log, reading.verify, AUDITOR, vkeys=signer.vkeys(checkpoint_signer), shown=[0, 1, 4]).checked
    assert checked.proven
    assert {idx: proof.state for idx, proof in checked.entries.items()} == {0: "matches", 1: "matches", 4: "not_yet"}
    assert (newest(log).action, newest(log).count, newest(log).outcome) == ("audit.verify", 3, "allow")
    without = look(log, reading.verify, AUDITOR, vkeys=()).checked
    assert (without.signature, without.contradicted, without.proven) == ("no_key", False, False)
    other = signer.CheckpointSigner(key=dataclasses.replace(checkpoint_signer.key, seed=bytes(32)), last_file=checkpoint_signer.last_file)
    assert look(log, reading.verify, AUDITOR, vkeys=signer.vkeys(other)).checked.signature == "differs"
    assert (newest(log).outcome, newest(log).reason) == ("error", "bad_proof")


@pytest.mark.parametrize(
    ("statement", "wrong"),
    [
        ("UPDATE audit_entry SET leaf_hash = sha256('x') WHERE idx = 1", {"tree", "entries"}),
        ("UPDATE audit_entry SET payload = 'x' WHERE idx = 1", {"entries"}),
        ("UPDATE audit_checkpoint SET root = sha256('x')", {"tree", "signature", "entries"}),
        ("UPDATE audit_checkpoint SET note = replace(note, E'\\n4\\n', E'\\n3\\n')", {"signature"}),
    ],
)
def test_whatever_was_changed_is_found(log, worker, checkpoint_signer, owner, statement, wrong):
    fill(log, 4)
    signer.tend(worker, signer=checkpoint_signer, now=NOW)
    owner(statement)
    checked = look(log, reading.verify, AUDITOR, vkeys=signer.vkeys(checkpoint_signer), shown=[1]).checked
    found = {"tree"} if not checked.tree else set()
    found |= {"signature"} if checked.signature == "differs" else set()
    found |= {"entries"} if checked.entries[1].state == "differs" else set()
    assert found == wrong
    assert checked.contradicted
    assert not checked.proven
    assert newest(log).outcome == "error"


def test_the_public_key_alone_checks_what_the_signer_signed(tmp_path):
    from referral_hub.vault.hub import create_key_folder

    create_key_folder(tmp_path / "keys")
    assert signer.public_vkeys(tmp_path / "keys", origin=ORIGIN) == signer.vkeys(signer.load(tmp_path / "keys", origin=ORIGIN))
    (tmp_path / "keys" / "checkpoint.pub").unlink()
    with pytest.raises(errors.Unavailable):
        signer.public_vkeys(tmp_path / "keys", origin=ORIGIN)
