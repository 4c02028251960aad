"""A witness that asks instead of being asked, for agencies behind firewalls: it opens no port.

It fetches a checkpoint and the tiles it needs from the log's public paths (C2SP tlog-tiles), builds the consistency proof itself,
lets the same checks decide as a submission would, and posts its signature back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from referral_hub import errors
from referral_hub.audit import checkpoint, merkle, note, submission, tiles, wire
from referral_hub.witness import cosigning
from referral_hub.witness.memory import Refusal, Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from referral_hub.audit.checkpoint import Tree
    from referral_hub.witness.cosigning import Witness

NEWEST = "/checkpoint"
STEADY = "/checkpoint/steady"
"""The newest checkpoint of the last full five minutes: witnesses that come at different moments cosign the same one."""
COSIGNATURE = "/cosignature"


@dataclass(frozen=True)
class Pulled:
    """What a visit came to. `outcome`: "cosigned", "behind" (the log shows less than was seen before), "fork" (it does not continue that).

    `size` is the log's, `seen` what was cosigned before. The last two are evidence, and kept.
    """

    outcome: str
    origin: str
    size: int
    seen: int


def visit(witness: Witness, *, log_url: str, now: int, seconds: float = wire.SECONDS) -> Pulled:
    """Cosign the checkpoint that the log at `log_url` (its tlog-tiles prefix) shows, and bring the cosignature back.

    Raises:
        wire.Unanswered: the log was not reached, or answered nothing of the format. errors.BadNote: its checkpoint is not signed by the
            log's key. errors.NotFound: a log that is not witnessed. errors.Unavailable: the memory cannot be written.
    """
    prefix = log_url.rstrip("/")
    tree, shown = _shown(witness, prefix + STEADY, seconds)
    seen = witness.seen(tree.origin) or Seen(0, merkle.EMPTY_ROOT, "")
    if tree.size < seen.size:  # somebody submitted a newer one to us
        tree, shown = _shown(witness, prefix + NEWEST, seconds)
    outcome = _outcome(tree, seen)
    if outcome == "cosigned":
        try:
            proof = _proof(prefix, tree, seen, seconds)
        except errors.BadProof:
            outcome = "fork"
    if outcome != "cosigned":
        witness.refuse(Refusal(now, tree.origin, cosigning.UNPROVEN, seen.size, shown))
        return Pulled(outcome, tree.origin, tree.size, seen.size)
    body = submission.write(submission.Submission(seen.size, proof, shown))
    answer = witness.add_checkpoint(body, now=now)
    if answer.status != cosigning.OK:
        return Pulled("fork", tree.origin, tree.size, seen.size)
    _bring_back(prefix, shown + answer.body, seconds)
    return Pulled("cosigned", tree.origin, tree.size, seen.size)


def _shown(witness: Witness, url: str, seconds: float) -> tuple[Tree, str]:
    shown = _text(_get(url, seconds))
    tree = checkpoint.parse(cosigning.note_text(shown))
    vkeys = witness.log_vkeys(tree.origin)
    if not vkeys:
        raise errors.NotFound
    note.open_note(shown, vkeys)
    return tree, shown


def _outcome(tree: Tree, seen: Seen) -> str:
    if tree.size < seen.size:
        return "behind"
    return "fork" if tree.size == seen.size and seen.size and tree.root != seen.root else "cosigned"


def _proof(prefix: str, tree: Tree, seen: Seen, seconds: float) -> tuple[bytes, ...]:
    """Return the consistency proof out of fetched tiles; raises errors.BadProof when it does not hold."""
    if seen.size in {0, tree.size}:
        return ()
    proof = merkle.consistency_proof(seen.size, tree.size, nodes_of(prefix, tree.size, lambda url: _get(url, seconds)))
    merkle.verify_consistency(old_size=seen.size, new_size=tree.size, old_root=seen.root, new_root=tree.root, proof=proof)
    return tuple(proof)


def nodes_of(prefix: str, size: int, get: Callable[[str], bytes]) -> merkle.Nodes:
    """Return the nodes of a tree of `size` leaves, out of the tiles under `prefix` that `get(url)` fetches; each once."""
    known: dict[tuple[int, int], list[bytes]] = {}

    def node(height: int, number: int) -> bytes:
        level, n, first, count = tiles.locate(height, number)
        if (level, n) not in known:
            width = tiles.width_of(level, n, size)
            fetched = tiles.split(get(f"{prefix}/{tiles.path(level, n, width)}"))
            if len(fetched) != width or len(fetched[-1]) != merkle.HASH_BYTES:
                raise wire.Unanswered("malformed")
            known[level, n] = fetched
        return merkle.root(known[level, n][first : first + count])

    return node


def _bring_back(prefix: str, cosigned: str, seconds: float) -> None:
    parts = urlsplit(prefix)
    headers = {"Content-Type": "text/plain; charset=utf-8", "Origin": f"{parts.scheme}://{parts.netloc}"}
    answer = wire.exchange(prefix + COSIGNATURE, body=cosigned.encode(), headers=headers, seconds=seconds)
    if answer.status != wire.OK:
        raise wire.Unanswered(f"status_{answer.status}")


def _get(url: str, seconds: float) -> bytes:
    answer = wire.exchange(url, seconds=seconds)
    if answer.status != wire.OK:
        raise wire.Unanswered(f"status_{answer.status}")
    return answer.body


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as wrong:
        raise wire.Unanswered("malformed") from wrong

