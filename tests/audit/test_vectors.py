"""Vectors of other projects: RFC 6962 roots and proofs, signed notes, verifier keys."""

import base64
import json
from pathlib import Path

import pytest

from referral_hub import errors
from referral_hub.audit import merkle, note

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors"
pytestmark = pytest.mark.skipif(not VECTORS.is_dir(), reason="the folder ../shared/vectors with the vectors of other projects is not here")


def load(name):
    return json.loads((VECTORS / name).read_text(encoding="utf-8")) if VECTORS.is_dir() else []


def hashes(encoded):
    return [base64.b64decode(h) for h in encoded or []]


def holds(check, **values):
    try:
        check(**values)
    except errors.BadProof:
        return False
    return True


def test_roots_and_nodes():
    known = load("rfc6962-roots.json")
    leaves = [merkle.leaf_hash(bytes.fromhex(data)) for data in known["leaf_inputs_hex"]]
    for size, expected in enumerate(known["root_by_size_hex"]):
        assert merkle.root(leaves[:size]).hex() == expected


@pytest.mark.parametrize("case", load("rfc6962-inclusion.json"), ids=lambda c: c["file"])
def test_inclusion(case):
    leaf, root = hashes([case["leafHash"], case["root"]])
    proof = hashes(case["proof"])
    good = holds(merkle.verify_inclusion, index=case["leafIdx"], size=case["treeSize"], leaf=leaf, proof=proof, root=root)
    assert good is not case["wantErr"]


@pytest.mark.parametrize("case", load("rfc6962-consistency.json"), ids=lambda c: c["file"])
def test_consistency(case):
    old_root, new_root = hashes([case["root1"], case["root2"]])
    sizes = {"old_size": case["size1"], "new_size": case["size2"]}
    good = holds(merkle.verify_consistency, **sizes, old_root=old_root, new_root=new_root, proof=hashes(case["proof"]))
    assert good is not case["wantErr"]


@pytest.mark.parametrize("case", load("signed-notes.json"), ids=lambda c: c["source"])
def test_signed_notes(case):
    if case["valid"]:
        opened = note.open_note(case["note"], case["vkeys"])
        assert case["note"].startswith(opened.text + "\n")
        assert opened.signatures[0].name == case["vkeys"][0].split("+")[0]
    else:
        with pytest.raises(errors.BadNote):
            note.open_note(case["note"], case["vkeys"])


def test_verifier_keys():
    known = load("vkeys.json")
    for vkey in known["good"]:
        parsed = note.parse_vkey(vkey)
        assert note.make_vkey(parsed.name, parsed.public) == vkey
    for vkey in known["bad"]:
        with pytest.raises(errors.BadNote):
            note.parse_vkey(vkey)
