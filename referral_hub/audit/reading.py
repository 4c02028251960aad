"""Reading the log as a person: decided, narrowed to what this person may see, and itself recorded.

A network auditor sees every entry; a data-protection officer those of the own agency and the disclosures to it (DECISIONS 13). No
entry names a person, and reading one shows none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from referral_hub import access, errors
from referral_hub.access import Verb, outside_cases
from referral_hub.audit import checkpoint, entry, merkle, note, proofs, queries
from referral_hub.audit.append import record
from referral_hub.audit.entry import entry_for

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.audit.append import Ticket
    from referral_hub.audit.queries import Checkpoint, Filter, Logged

NETWORK_AUDITOR = "network_auditor"
PAGE = 50

Proven = Literal["matches", "not_yet", "differs"]


@dataclass(frozen=True)
class Page:
    """One page of the log, newest first. `next` continues it: the index of the last row. `checkpoint` is the newest one."""

    rows: tuple[Logged, ...]
    next: int | None
    size: int
    checkpoint: Checkpoint | None
    ticket: Ticket = field(repr=False)


@dataclass(frozen=True)
class Proof:
    """How an entry stands in the newest checkpoint: it matches it by a path of `steps` hashes, is younger than it, or differs."""

    state: Proven
    steps: int = 0


@dataclass(frozen=True)
class One:
    """One entry with the newest checkpoint and the proof of its place there."""

    logged: Logged
    checkpoint: Checkpoint | None
    proof: Proof
    ticket: Ticket = field(repr=False)


@dataclass(frozen=True)
class Checked:
    """What a check of the newest checkpoint found.

    `signature`: "matches", "differs", "no_key" (the public key is not here) or "none" (nothing is signed yet). `tree`: whether the stored
    hashes give the checkpoint's root. `continues`: whether the log of today begins with the log of the checkpoint. `entries`: how each entry
    that was asked about stands, by index.
    """

    checkpoint: Checkpoint | None
    signature: str
    tree: bool
    continues: bool
    size: int
    entries: dict[int, Proof]

    @property
    def contradicted(self) -> bool:
        """Return whether anything contradicts the signed log. What could not be checked contradicts nothing, and proves nothing."""
        tree_differs = self.checkpoint is not None and not (self.tree and self.continues)
        return self.signature == "differs" or tree_differs or any(proof.state == "differs" for proof in self.entries.values())

    @property
    def proven(self) -> bool:
        """Return whether signature, tree, continuation and every entry asked about hold."""
        return self.signature == "matches" and not self.contradicted


@dataclass(frozen=True)
class Verified:
    """A check and the ticket of its entry."""

    checked: Checked
    ticket: Ticket = field(repr=False)


def page(
    session: Session,
    *,
    actor: Actor,
    now: datetime,
    request_id: str = "",
    filters: Filter | None = None,
    after: int | None = None,
    limit: int = PAGE,
) -> Page:
    """Return one page of the log within the actor's sight; one entry `audit.read` with the number of rows.

    Raises:
        errors.NotAllowed: the actor's roles do not read the log.
    """
    decision, scope = _decided(actor, Verb.AUDIT_READ)
    found = queries.latest(session, filters=filters, scope=scope, after=after, limit=limit + 1)
    rows = found[:limit]
    facts = {"count": len(rows), "object_id": filters.referral_id if filters else None}
    said = entry_for(
        actor, Verb.AUDIT_READ, now=now, decision=decision, object_kind="log", purpose="supervision", request_id=request_id, **facts
    )
    following = rows[-1].idx if len(found) > limit else None
    return Page(rows, following, queries.size(session), queries.latest_checkpoint(session), record(session, said))


def one(session: Session, *, actor: Actor, now: datetime, idx: int, request_id: str = "") -> One:
    """Return one entry with its proof; one entry `audit.read` that names it.

    Raises:
        errors.NotAllowed: the actor's roles do not read the log. errors.NotFound: there is none, or it is not in the actor's sight.
    """
    decision, scope = _decided(actor, Verb.AUDIT_READ)
    logged = queries.peek(session, idx)
    if logged is None or not _in_sight(logged, scope):
        raise errors.NotFound
    newest = queries.latest_checkpoint(session)
    said = entry_for(
        actor, Verb.AUDIT_READ, now=now, decision=decision, object_kind="log", object_id=logged.place.event_id, count=1, purpose="supervision",
        request_id=request_id,
    )  # fmt: skip
    return One(logged, newest, prove(session, logged, newest), record(session, said))


def verify(
    session: Session, *, actor: Actor, now: datetime, vkeys: Sequence[str], shown: Collection[int] = (), request_id: str = ""
) -> Verified:
    """Check the newest checkpoint and how the entries with the indexes `shown` stand in it; one entry `audit.verify`.

    `vkeys` are the log's verifier keys; empty where they are not at hand. What is not in the actor's sight is left out.

    Raises:
        errors.NotAllowed: the actor's roles do not verify the log.
    """
    decision, scope = _decided(actor, Verb.AUDIT_VERIFY)
    newest, size = queries.latest_checkpoint(session), queries.size(session)
    tree, continues = _tree(session, newest, size)
    entries = {idx: proof for idx in sorted(set(shown))[:PAGE] if (proof := _proof_of(session, idx, newest, scope)) is not None}
    checked = Checked(newest, _signature(newest, vkeys), tree, continues, size, entries)
    outcome = {"outcome": "error", "reason": errors.BadProof.code} if checked.contradicted else {}
    facts = {"object_kind": "log", "count": len(entries), "purpose": "supervision", "request_id": request_id, **outcome}
    said = entry_for(actor, Verb.AUDIT_VERIFY, now=now, decision=decision, **facts)
    return Verified(checked, record(session, said))


def prove(session: Session, logged: Logged, newest: Checkpoint | None) -> Proof:
    """Return how an entry stands in a checkpoint: its bytes are hashed anew, and the path to the root is folded (RFC 9162, 2.1.3.2)."""
    leaf = merkle.leaf_hash(entry.payload(logged.entry, logged.place))
    if leaf != logged.leaf_hash:
        return Proof("differs")
    if newest is None or logged.idx >= newest.size:
        return Proof("not_yet")
    try:
        path = proofs.inclusion(session, index=logged.idx, size=newest.size)
        merkle.verify_inclusion(index=logged.idx, size=newest.size, leaf=leaf, proof=path, root=newest.root)
    except errors.BadProof:
        return Proof("differs")
    return Proof("matches", len(path))


def sees_all(actor: Actor) -> bool:
    """Return whether the actor sees the whole log, and not one agency's part of it."""
    return actor.agency_kind == "network" and NETWORK_AUDITOR in actor.roles


def _decided(actor: Actor, verb: Verb) -> tuple[Decision, UUID | None]:
    """Return the decision, and the agency that the actor's sight is narrowed to (None: nothing is hidden)."""
    everything = sees_all(actor)
    decision = access.require(actor, verb, outside_cases("log", same_agency=not everything))
    if not everything and actor.agency_id is None:
        raise errors.NotFound
    return decision, None if everything else actor.agency_id


def _in_sight(logged: Logged, scope: UUID | None) -> bool:
    return scope is None or scope in {logged.entry.agency_id, logged.entry.recipient_agency}


def _proof_of(session: Session, idx: int, newest: Checkpoint | None, scope: UUID | None) -> Proof | None:
    try:
        logged = queries.peek(session, idx)
    except entry.BadEntry:
        return Proof("differs")
    return None if logged is None or not _in_sight(logged, scope) else prove(session, logged, newest)


def _signature(newest: Checkpoint | None, vkeys: Sequence[str]) -> str:
    if newest is None:
        return "none"
    if not vkeys:
        return "no_key"
    try:
        signed = checkpoint.parse(note.open_note(newest.note, list(vkeys)).text)
    except errors.BadNote:
        return "differs"
    return "matches" if (signed.size, signed.root) == (newest.size, newest.root) else "differs"


def _tree(session: Session, newest: Checkpoint | None, size: int) -> tuple[bool, bool]:
    """Return whether the stored hashes give the checkpoint's root, and whether today's log continues it."""
    if newest is None:
        return False, False
    try:
        tree = proofs.root_at(session, size=newest.size) == newest.root
        path = proofs.consistency(session, old_size=newest.size, new_size=size)
        today = proofs.root_at(session, size=size)
        merkle.verify_consistency(old_size=newest.size, new_size=size, old_root=newest.root, new_root=today, proof=path)
    except errors.BadProof:
        return False, False
    return tree, True
