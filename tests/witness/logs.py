"""A log as its witnesses see it: leaf hashes, checkpoints, proofs. No database."""

from referral_hub.audit import checkpoint, merkle, note, submission
from referral_hub.audit.checkpoint import Tree
from referral_hub.audit.note import Signer

ORIGIN = "hub.rujukan.test/log"
KEY = Signer(name=ORIGIN, seed=bytes(range(32)))
NOW = 1_793_583_000


class GrownLog:
    """A log of `size` leaves; `fork` changes the leaf at that index."""

    def __init__(self, size, *, fork=None, key=KEY, origin=ORIGIN):
        self.leaves = [merkle.leaf_hash(f"{i}{'!' if i == fork else ''}".encode()) for i in range(size)]
        self.key, self.origin = key, origin

    def root(self, size=None):
        return merkle.root(self.leaves[:size])

    def nodes(self, height, number):
        return merkle.root(self.leaves[number << height : (number + 1) << height])

    def note(self, size=None, **tree):
        size = len(self.leaves) if size is None else size
        stated = {"origin": self.origin, "size": size, "root": self.root(size)} | tree
        return note.sign(checkpoint.text_of(Tree(**stated)), self.key, timestamp=NOW)

    def proof(self, old, size=None):
        return tuple(merkle.consistency_proof(old, len(self.leaves) if size is None else size, self.nodes)) if old else ()

    def body(self, old, size=None, *, proof=None, text=None):
        return submission.write(
            submission.Submission(old, self.proof(old, size) if proof is None else proof, self.note(size) if text is None else text)
        )
