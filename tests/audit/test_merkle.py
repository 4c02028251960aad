"""Properties of the tree: what recursion says, proofs hold, and no changed bit passes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_hub import errors
from referral_hub.audit import merkle, tiles

sizes = st.integers(min_value=1, max_value=600)


def leaves_of(size):
    return [merkle.leaf_hash(i.to_bytes(4)) for i in range(size)]


def recursive_root(leaves):
    """RFC 6962, section 2.1, as it is written there."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else merkle.EMPTY_ROOT
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node_hash(recursive_root(leaves[:k]), recursive_root(leaves[k:]))


def nodes_of(leaves):
    return lambda height, number: recursive_root(leaves[number << height : (number + 1) << height])


def inclusion(leaves, index):
    return {
        "index": index,
        "size": len(leaves),
        "leaf": leaves[index],
        "root": recursive_root(leaves),
        "proof": merkle.inclusion_proof(index, len(leaves), nodes_of(leaves)),
    }


def consistency(leaves, old):
    proof = merkle.consistency_proof(old, len(leaves), nodes_of(leaves))
    return {
        "old_size": old,
        "new_size": len(leaves),
        "old_root": recursive_root(leaves[:old]),
        "new_root": recursive_root(leaves),
        "proof": proof,
    }


def flipped(value, bit):
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)


@settings(deadline=None)
@given(size=st.integers(min_value=0, max_value=600))
def test_the_frontier_leads_to_the_recursive_root(size):
    leaves = leaves_of(size)
    assert merkle.root(leaves) == recursive_root(leaves)
    assert merkle.root_at(size, nodes_of(leaves)) == recursive_root(leaves)


@settings(deadline=None)
@given(size=sizes)
def test_an_append_names_the_nodes_that_it_completes(size):
    leaves = leaves_of(size)
    frontier, nodes = [], nodes_of(leaves)
    for before, leaf in enumerate(leaves):
        for height, node in merkle.append(frontier, before, leaf):
            assert node == nodes(height, ((before + 1) >> height) - 1)
    assert len(frontier) == size.bit_count()


@settings(deadline=None)
@given(size=sizes, data=st.data())
def test_an_inclusion_proof_holds(size, data):
    claim = inclusion(leaves_of(size), data.draw(st.integers(0, size - 1)))
    merkle.verify_inclusion(**claim)
    assert len(claim["proof"]) <= size.bit_length()


@settings(deadline=None)
@given(size=sizes, bit=st.integers(0, 1 << 20), data=st.data())
def test_no_changed_bit_of_an_inclusion_passes(size, bit, data):
    claim = inclusion(leaves_of(size), data.draw(st.integers(0, size - 1)))
    part = data.draw(st.sampled_from(["leaf", "root", *range(len(claim["proof"]))]))
    if isinstance(part, int):
        claim["proof"][part] = flipped(claim["proof"][part], bit)
    else:
        claim[part] = flipped(claim[part], bit)
    with pytest.raises(errors.BadProof):
        merkle.verify_inclusion(**claim)


@settings(deadline=None)
@given(size=sizes, wrong=st.integers(-2, 700), data=st.data())
def test_another_index_does_not_pass(size, wrong, data):
    claim = inclusion(leaves_of(size), data.draw(st.integers(0, size - 1)))
    if wrong != claim["index"]:
        claim["index"] = wrong
        with pytest.raises(errors.BadProof):
            merkle.verify_inclusion(**claim)


@settings(deadline=None)
@given(size=sizes, data=st.data())
def test_a_longer_or_shorter_inclusion_proof_does_not_pass(size, data):
    claim = inclusion(leaves_of(size), data.draw(st.integers(0, size - 1)))
    proofs = [[*claim["proof"], bytes(32)], [bytes(32), *claim["proof"]]] + (
        [claim["proof"][:-1], claim["proof"][1:]] if claim["proof"] else []
    )
    for proof in proofs:
        with pytest.raises(errors.BadProof):
            merkle.verify_inclusion(**(claim | {"proof": proof}))


@settings(deadline=None)
@given(size=sizes, data=st.data())
def test_a_consistency_proof_holds(size, data):
    merkle.verify_consistency(**consistency(leaves_of(size), data.draw(st.integers(1, size))))


@settings(deadline=None)
@given(size=sizes, bit=st.integers(0, 1 << 20), data=st.data())
def test_no_changed_bit_of_a_consistency_passes(size, bit, data):
    claim = consistency(leaves_of(size), data.draw(st.integers(1, size)))
    part = data.draw(st.sampled_from(["old_root", "new_root", *range(len(claim["proof"]))]))
    if isinstance(part, int):
        claim["proof"][part] = flipped(claim["proof"][part], bit)
    else:
        claim[part] = flipped(claim[part], bit)
    with pytest.raises(errors.BadProof):
        merkle.verify_consistency(**claim)


@settings(deadline=None)
@given(size=sizes, data=st.data())
def test_a_changed_history_is_not_consistent(size, data):
    """Whatever proof an operator builds for a rewritten log, it does not lead from the old root."""
    leaves = leaves_of(size)
    old = data.draw(st.integers(1, size))
    rewritten = list(leaves)
    rewritten[data.draw(st.integers(0, old - 1))] = merkle.leaf_hash(b"something else")
    claim = consistency(rewritten, old) | {"old_root": recursive_root(leaves[:old])}
    with pytest.raises(errors.BadProof):
        merkle.verify_consistency(**claim)


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (6, 5), (-1, 5)])
def test_sizes_that_prove_nothing_are_refused(old, new):
    with pytest.raises(errors.BadProof):
        merkle.verify_consistency(old_size=old, new_size=new, old_root=merkle.EMPTY_ROOT, new_root=merkle.EMPTY_ROOT, proof=[])
    with pytest.raises(errors.BadProof):
        merkle.consistency_proof(old, new, nodes_of(leaves_of(5)))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_there_is_no_proof_of_what_is_not_there(index, size):
    with pytest.raises(errors.BadProof):
        merkle.inclusion_proof(index, size, nodes_of(leaves_of(5)))


@settings(deadline=None)
@given(size=st.integers(0, 1 << 40), level=st.integers(0, 4), n=st.integers(0, 1 << 34))
def test_the_width_of_a_tile_is_what_c2sp_says(size, level, n):
    whole, partial = divmod(size // 256**level, 256)
    assert tiles.width_of(level, n, size) == (256 if n < whole else partial if n == whole else 0)


@settings(deadline=None)
@given(height=st.integers(0, 30), number=st.integers(0, 1 << 20))
def test_a_node_lies_within_one_tile(height, number):
    level, n, first, count = tiles.locate(height, number)
    assert first + count <= tiles.WIDTH
    assert (n * tiles.WIDTH + first) << (tiles.HEIGHT * level) == number << height
    assert count << (tiles.HEIGHT * level) == 1 << height


def test_names_of_tiles_are_those_of_c2sp():
    assert tiles.path(0, 1234067) == "tile/0/x001/x234/067"
    assert tiles.path(0, 0) == "tile/0/000"
    assert tiles.path(1, 1000, 17) == "tile/1/x001/000.p/17"
