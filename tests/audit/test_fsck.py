"""The check of the whole log names what was changed behind its back."""

import pytest
from sqlalchemy import text

from referral_hub.audit import fsck, merkle, signer
from tests.audit.conftest import NOW, SARI, SURVIVOR, add, entry, fill

SIZE = 300


@pytest.fixture
def checked(log, worker, checkpoint_signer):
    """A log of 300 entries with a signed checkpoint at 260 and one at 300; returns its differences."""
    fill(log, 260)
    assert signer.tend(worker, signer=checkpoint_signer, now=NOW)
    fill(log, SIZE - 260, start=260)
    assert signer.tend(worker, signer=checkpoint_signer, now=NOW + signer.PAUSE)

    def differences(**options):
        log.rollback()
        found = fsck.check(log, vkeys=signer.vkeys(checkpoint_signer), **options)
        assert all(difference.consequence for difference in found)
        return [(difference.code, difference.idx, difference.place) for difference in found]

    assert differences() == []
    return differences


def test_a_changed_payload(checked, owner):
    owner(
        "UPDATE audit_entry SET payload = convert_to(replace(convert_from(payload, 'UTF8'), 'identity', 'identitX'), 'UTF8') WHERE idx = 7"
    )
    assert checked() == [("payload_changed", 7, "")]


def test_a_payload_changed_with_its_hash(checked, owner):
    """The hash beside it was made to fit; the tile and everything signed since tell."""
    payload = owner("SELECT payload FROM audit_entry WHERE idx = 7").scalar_one().replace(b"identity", b"identitX")
    owner("UPDATE audit_entry SET payload = :p, leaf_hash = :h WHERE idx = 7", p=payload, h=merkle.leaf_hash(payload))
    found = checked()
    assert ("tile_changed", 7, "tile/0/000") in found
    assert ("head_changed", None, "") in found
    assert [(code, idx) for code, idx, _ in found if code == "checkpoint_contradicted"] == [
        ("checkpoint_contradicted", 259),
        ("checkpoint_contradicted", 299),
    ]


@pytest.mark.parametrize(
    ("change", "column"),
    [("actor_id = NULL", "actor_id"), ("outcome = 'deny'", "outcome"), ("occurred_at = occurred_at + interval '1 second'", "occurred_at"), ("subjects = '{}'", "subjects"),
     ("manifest_digest = '\\x00'", "manifest_digest"), ("basis = 'none'", "basis")],
)  # fmt: skip
def test_a_changed_projection(checked, owner, change, column):
    owner(f"UPDATE audit_entry SET {change} WHERE idx = 9")
    assert checked() == [("projection_changed", 9, column)]


def test_a_deleted_newest_entry(checked, owner):
    owner("DELETE FROM audit_entry WHERE idx = 299")
    found = checked()
    assert ("entry_missing", 299, "") in found
    assert ("counter_changed", None, f"subject {SURVIVOR}") in found


def test_a_deleted_entry_in_the_middle(checked, owner):
    owner("DELETE FROM audit_entry WHERE idx = 100")
    found = checked()
    assert found[0] == ("entry_missing", 100, "")
    assert ("counter_broken", 101, "subject") in found


def test_a_truncated_log_with_a_fitting_head(checked, owner, log):
    """Entries, head and counters of 299 entries, as if the last one had never been: the checkpoint tells."""
    leaves = owner("SELECT leaf_hash FROM audit_entry WHERE idx < 299 ORDER BY idx").scalars().all()
    frontier = []
    for size, leaf in enumerate(leaves):
        merkle.append(frontier, size, leaf)
    owner("DELETE FROM audit_entry WHERE idx = 299")
    owner("UPDATE audit_head SET size = 299, frontier = :f", f=b"".join(frontier))
    assert ("checkpoint_contradicted", 299) in [(code, idx) for code, idx, _ in checked()]


def test_swapped_entries(checked, owner):
    owner("UPDATE audit_entry SET idx = 1000 WHERE idx = 20")
    owner("UPDATE audit_entry SET idx = 20 WHERE idx = 21")
    owner("UPDATE audit_entry SET idx = 21 WHERE idx = 1000")
    found = checked()
    assert ("place_changed", 20, "21") in found
    assert ("place_changed", 21, "20") in found
    assert ("tile_changed", 20, "tile/0/000") in found


def test_a_changed_tile(checked, owner):
    owner("UPDATE audit_tile SET hashes = overlay(hashes PLACING '\\x00'::bytea FROM 33 FOR 1)")
    assert checked() == [("tile_changed", 1, "tile/0/000")]


def test_a_changed_root_of_a_tile(checked, owner):
    owner("UPDATE audit_tile SET root = overlay(root PLACING '\\x00'::bytea FROM 1 FOR 1)")
    assert checked() == [("tile_changed", 0, "tile/0/000 root")]


def test_a_missing_tile(checked, owner):
    owner("DELETE FROM audit_tile")
    assert checked() == [("tile_missing", 0, "tile/0/000")]


@pytest.mark.parametrize("change", ["size = 299", "frontier = overlay(frontier PLACING '\\x00'::bytea FROM 1 FOR 1)"])
def test_a_changed_head(checked, owner, change):
    owner(f"UPDATE audit_head SET {change}")
    assert ("head_changed", None, "") in checked()


def test_an_entry_put_in_at_the_end(checked, owner):
    owner("INSERT INTO audit_entry SELECT 300, leaf_hash, payload, occurred_at, actor_id, actor_kind, agency_id, action, object_kind, object_id, referral_id, subjects,"
          " basis, outcome, reason, recipient_agency, manifest_digest FROM audit_entry WHERE idx = 5")  # fmt: skip
    found = checked()
    assert ("entry_beyond_head", 300, "") in found
    assert ("place_changed", 300, "5") in found


def test_changed_counters(checked, owner):
    owner("UPDATE audit_counter SET seq = seq - 1 WHERE kind = 'actor' AND key = :key", key=str(SARI))
    owner("INSERT INTO audit_counter VALUES ('subject', 'nobody', 1, 1)")
    assert checked() == [("counter_changed", None, f"actor {SARI}"), ("counter_changed", None, "subject nobody")]


def test_a_changed_checkpoint(checked, owner):
    owner("UPDATE audit_checkpoint SET note = replace(note, E'\\n300\\n', E'\\n301\\n') WHERE size = 300")
    found = checked()
    assert [code for code, _, _ in found] == ["checkpoint_changed"]


def test_a_checkpoint_under_another_size(checked, owner):
    owner("UPDATE audit_checkpoint SET size = 270 WHERE size = 300")
    assert [code for code, _, _ in checked()] == ["checkpoint_changed"]


def test_an_unreadable_payload(checked, owner):
    owner("UPDATE audit_entry SET payload = 'x' WHERE idx = 299")
    assert ("payload_malformed", 299, "") in checked()


def test_another_origin(checked, owner):
    owner("UPDATE audit_head SET origin = 'another.test/log'")
    assert checked()[0] == ("place_changed", 0, "0")


def test_no_more_differences_than_asked_for(checked, owner):
    owner("UPDATE audit_entry SET reason = 'x'")
    assert len(checked(limit=10)) == 10


def test_an_empty_log_is_well(log):
    assert fsck.check(log, vkeys=()) == []


def test_the_check_sees_one_moment(checked, log):
    """An append while the check runs is no difference."""
    add(log, entry())
    assert checked() == []


def test_a_session_in_a_transaction_is_refused(checked, log):
    log.scalars(text("SELECT 1"))
    with pytest.raises(ValueError, match="transaction"):
        fsck.check(log, vkeys=())
