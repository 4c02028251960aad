"""Proofs and roots out of stored tiles, the roots of tiles and leaf hashes of the right edge."""

import pytest
from sqlalchemy import event

from referral_hub import errors
from referral_hub.audit import merkle, proofs
from tests.audit.conftest import fill

SIZE = 600


@pytest.fixture
def leaves(log, owner):
    fill(log, SIZE)
    return owner("SELECT leaf_hash FROM audit_entry ORDER BY idx").scalars().all()


def test_roots_of_every_kind_of_size(log, leaves):
    for size in (0, 1, 2, 255, 256, 257, 511, 512, 513, 599, 600):
        assert proofs.root_at(log, size=size) == merkle.root(leaves[:size])


def test_inclusion_in_present_and_past_trees(log, leaves):
    for index, size in ((0, 1), (0, 600), (255, 256), (256, 600), (300, 512), (599, 600), (511, 513)):
        path = proofs.inclusion(log, index=index, size=size)
        merkle.verify_inclusion(index=index, size=size, leaf=leaves[index], proof=path, root=merkle.root(leaves[:size]))


def test_consistency_between_all_kinds_of_sizes(log, leaves):
    for old, new in ((1, 600), (255, 256), (256, 600), (300, 513), (512, 600), (600, 600)):
        path = proofs.consistency(log, old_size=old, new_size=new)
        merkle.verify_consistency(
            old_size=old, new_size=new, old_root=merkle.root(leaves[:old]), new_root=merkle.root(leaves[:new]), proof=path
        )


def test_a_proof_reads_few_tiles(log, leaves, engine):
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    proofs.inclusion(log, index=300, size=SIZE)
    assert len([s for s in statements if "audit_tile" in s or "audit_entry" in s]) <= 2 * SIZE.bit_length()


@pytest.mark.parametrize(("index", "size"), [(600, 600), (0, 601), (-1, 600), (5, 5)])
def test_what_is_not_there_has_no_proof(log, leaves, index, size):
    with pytest.raises(errors.BadProof):
        proofs.inclusion(log, index=index, size=size)


def test_a_missing_tile_is_said(log, leaves, owner):
    owner("DELETE FROM audit_tile WHERE n = 0")
    with pytest.raises(errors.BadProof):
        proofs.root_at(log, size=SIZE)
