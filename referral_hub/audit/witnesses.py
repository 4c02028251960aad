"""Witnesses of this log: asked by the worker, or coming by themselves; what they sign is kept, and so is what they refuse.

A run has three parts: a transaction that says who is asked what, the network without a transaction, and a transaction that keeps
the answers. Help never waits for any of it. A refusal (409 with a size beyond ours, 422) is evidence and leaves an entry, once an
hour for each witness, since each entry asks for a new checkpoint; so does a witness that is a quarter of an hour behind, once
until it is so no longer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from referral_hub import errors
from referral_hub.audit import asking, checkpoint, entry, note, proofs, queries, submission
from referral_hub.audit import policy as policies
from referral_hub.audit.append import record
from referral_hub.audit.coverage import LATE
from referral_hub.audit.entry import Entry
from referral_hub.audit.records import AuditCheckpoint, AuditCosignature, AuditQuorum, AuditRefusal, AuditWitness
from referral_hub.audit.submission import Submission
from referral_hub.db import transact, uuid7

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session

    from referral_hub.audit.asking import Reply
    from referral_hub.audit.policy import Policy, WitnessKey
    from referral_hub.audit.queries import Checkpoint

PAUSE = timedelta(minutes=1)
"""How long a witness that failed or refused is left alone."""
_EVIDENCE_PAUSE = timedelta(hours=1)
_NEWEST = 100
_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n")
_MOST_EVIDENCE = 1000


@dataclass(frozen=True)
class _Plan:
    """What is sent in a run: the checkpoint, and to each address which old size with which body."""

    checkpoint: Checkpoint
    old_sizes: dict[str, int]
    bodies: dict[str, bytes]


def policy_at(path: str) -> Policy | None:
    """Return the policy in the file at `path` (setting `witness_policy`), or None where it is empty: no witness.

    Raises:
        errors.BadSettings: the file cannot be read, is no policy, or names a key that no log entry could name.
    """
    if not path:
        return None
    try:
        found = policies.parse(Path(path).read_bytes())
    except policies.BadPolicy as wrong:
        raise errors.BadSettings(name="witness_policy", line=wrong.facts["line"], part=wrong.facts["part"]) from wrong
    except OSError as wrong:
        raise errors.BadSettings(name="witness_policy", part="file") from wrong
    if not all(entry.is_code(witness.identity) for witness in found.witnesses):
        raise errors.BadSettings(name="witness_policy", part="key_name")
    return found


def collect(session: Session, *, policy: Policy, now: datetime, seconds: float = asking.SECONDS) -> None:
    """Ask every witness with an address to cosign the newest checkpoint; keep what comes, raise what is late. Calls transact itself."""
    plan = transact(session, lambda s: _plan(s, policy, now))
    replies: dict[str, Reply] = {}
    if plan is not None and plan.bodies:
        replies = asking.submit(plan.bodies, seconds=seconds)
        again = transact(session, lambda s: _corrected(s, plan, replies))
        replies |= asking.submit(again.bodies, seconds=seconds)
        plan.old_sizes.update(again.old_sizes)
    transact(session, lambda s: _settle(s, policy, plan, replies, now))


def accept(session: Session, *, policy: Policy, cosigned: str, now: datetime) -> int:
    """Keep the cosignatures that a witness brought itself: a checkpoint of ours with its lines. Return how many were new.

    Raises:
        errors.BadNote: not a note, or no valid signature by a witness of the policy. errors.NotFound: no checkpoint of ours.
    """
    opened = note.open_note(cosigned, policy.witness_vkeys())
    tree = checkpoint.parse(opened.text)
    newest = select(AuditCheckpoint.id, AuditCheckpoint.note).where(
        AuditCheckpoint.origin == tree.origin, AuditCheckpoint.size == tree.size, AuditCheckpoint.root == tree.root
    )
    row = session.execute(newest.order_by(AuditCheckpoint.signed_at.desc()).limit(1)).one_or_none()
    if row is None:
        raise errors.NotFound
    return _keep(session, row.id, opened.signatures, now)


def _plan(session: Session, policy: Policy, now: datetime) -> _Plan | None:
    """List the policy's witnesses, and prepare what is sent to those that have not yet cosigned the newest checkpoint."""
    _list(session, policy, now)
    newest = queries.latest_checkpoint(session)
    if newest is None:
        return None
    signed = set(session.scalars(select(AuditCosignature.witness).where(AuditCosignature.checkpoint_id == newest.id)))
    standing = {row.key: row for row in queries.witnesses(session).rows}
    asked = dict(session.execute(select(AuditWitness.key, AuditWitness.asked_at)).all())
    plan = _Plan(newest, {}, {})
    for url, keys in _by_address(policy).items():
        known = [standing[key.identity] for key in keys]
        resting = any(one.failure and (at := asked[one.key]) is not None and at > now - PAUSE for one in known)
        if not resting and not {key.identity for key in keys} <= signed:
            _add(session, plan, url, max(one.size for one in known))
    return plan


def _corrected(session: Session, plan: _Plan, replies: dict[str, Reply]) -> _Plan:
    """Return what is sent again: to witnesses that had seen another part of this log than we knew (409)."""
    again = _Plan(plan.checkpoint, {}, {})
    for url, reply in replies.items():
        size = _size_of(reply)
        if size is not None and size <= plan.checkpoint.size and size != plan.old_sizes[url]:
            _add(session, again, url, size)
    return again


def _add(session: Session, plan: _Plan, url: str, old_size: int) -> None:
    proof: Sequence[bytes] = ()
    if old_size not in {0, plan.checkpoint.size}:
        try:
            proof = proofs.consistency(session, old_size=old_size, new_size=plan.checkpoint.size)
        except errors.BadProof:  # stored hashes are missing: fsck names them
            return
    plan.old_sizes[url] = old_size
    plan.bodies[url] = submission.write(Submission(old_size, tuple(proof), plan.checkpoint.note))


def _settle(session: Session, policy: Policy, plan: _Plan | None, replies: dict[str, Reply], now: datetime) -> None:
    for url, keys in _by_address(policy).items():
        if plan is not None and url in replies:
            failure = _settled(session, plan, url, keys, replies[url], now)
            names = [key.identity for key in keys]
            session.execute(update(AuditWitness).where(AuditWitness.key.in_(names)).values(asked_at=now, failure=failure))
    _find_quorums(session, policy, now)
    _raise_late(session, now)


def _settled(session: Session, plan: _Plan, url: str, keys: Sequence[WitnessKey], reply: Reply, now: datetime) -> str:
    """Keep what a witness answered; return what is amiss with it, or an empty text."""
    if reply.status == asking.NEEDED:
        return _cosigned(session, plan, keys, reply, now)
    size = _size_of(reply)
    is_evidence = reply.status == asking.UNPROVEN or (size is not None and size > plan.checkpoint.size)
    if is_evidence:
        for key in keys[:1]:
            _keep_refusal(session, plan, key, plan.old_sizes[url], reply, now)
        return f"refused_{reply.status}"
    return reply.failure or f"status_{reply.status}"


def _cosigned(session: Session, plan: _Plan, keys: Sequence[WitnessKey], reply: Reply, now: datetime) -> str:
    text = plan.checkpoint.note.rpartition("\n\n")[0] + "\n"
    try:
        opened = note.open_note(f"{text}\n{reply.text}", [key.vkey for key in keys])
    except errors.BadNote as wrong:
        return str(wrong.facts["part"])
    if not all(signature.timestamp for signature in opened.signatures):
        return "timestamp"
    _keep(session, plan.checkpoint.id, opened.signatures, now)
    missing = {key.identity for key in keys} - {signature.identity for signature in opened.signatures}
    return "missing_key" if missing else ""


def _keep(session: Session, checkpoint_id: object, signatures: Sequence[note.Signature], now: datetime) -> int:
    rows = [
        {
            "checkpoint_id": checkpoint_id,
            "witness": signature.identity,
            "line": signature.line,
            "cosigned_at": _moment(signature.timestamp, now),
            "received_at": now,
        }
        for signature in signatures
    ]
    kept = session.execute(insert(AuditCosignature).values(rows).on_conflict_do_nothing().returning(AuditCosignature.witness))
    return len(kept.all())


def _moment(timestamp: int | None, now: datetime) -> datetime:
    """Return the moment that a witness states; one beyond the calendar is taken as now."""
    try:
        return datetime.fromtimestamp(timestamp or 0, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return now


def _keep_refusal(session: Session, plan: _Plan, key: WitnessKey, old_size: int, reply: Reply, now: datetime) -> None:
    """Keep a refusal and leave its entry, unless this witness refused lately."""
    lately = select(AuditRefusal.id).where(AuditRefusal.witness == key.identity, AuditRefusal.refused_at > now - _EVIDENCE_PAUSE).limit(1)
    if session.scalar(lately) is not None:
        return
    answer = "".join(c for c in reply.text[:_MOST_EVIDENCE] if c.isprintable() or c == "\n")
    session.add(
        AuditRefusal(
            id=uuid7(now),
            witness=key.identity,
            checkpoint_id=plan.checkpoint.id,
            old_size=old_size,
            status=reply.status,
            answer=answer,
            refused_at=now,
        )
    )
    record(session, _alarm("checkpoint.witness_refused", f"status_{reply.status}", key.identity, plan.checkpoint, now))


def _find_quorums(session: Session, policy: Policy, now: datetime) -> None:
    """Write down which of the newest checkpoints have got a quorum since the last run."""
    has = select(AuditQuorum.checkpoint_id).where(AuditQuorum.checkpoint_id == AuditCosignature.checkpoint_id).exists()
    rows = session.execute(
        select(AuditCosignature.checkpoint_id, AuditCosignature.witness)
        .where(~has)
        .order_by(AuditCosignature.checkpoint_id.desc())
        .limit(_NEWEST * max(1, len(policy.witnesses)))
    ).all()
    signed: dict[object, set[str]] = {}
    for checkpoint_id, witness in rows:
        signed.setdefault(checkpoint_id, set()).add(witness)
    reached = [{"checkpoint_id": key, "reached_at": now} for key, names in signed.items() if policy.is_met(names)]
    if reached:
        session.execute(insert(AuditQuorum).values(reached).on_conflict_do_nothing())


def _raise_late(session: Session, now: datetime) -> None:
    newest = queries.latest_checkpoint(session)
    told = set(session.scalars(select(AuditWitness.key).where(AuditWitness.alarmed_at.is_not(None))))
    for row in queries.witnesses(session).rows:
        is_late = row.behind_since is not None and now - row.behind_since >= LATE
        if not is_late and row.key in told:
            session.execute(update(AuditWitness).where(AuditWitness.key == row.key).values(alarmed_at=None))
        if is_late and row.key not in told and newest is not None:
            session.execute(update(AuditWitness).where(AuditWitness.key == row.key).values(alarmed_at=now))
            record(session, _alarm("checkpoint.witness_late", row.failure or "not_seen", row.key, newest, now))


def _alarm(action: str, reason: str, key: str, about: Checkpoint, now: datetime) -> Entry:
    return Entry(
        occurred_at=now,
        action=action,
        actor_kind="clock",
        object_kind="checkpoint",
        object_id=about.id,
        fields=(key,),
        outcome="error",
        reason=reason,
    )


def _list(session: Session, policy: Policy, now: datetime) -> None:
    """Bring the table of witnesses up to the policy: who is in it is listed, who is no longer in it is not."""
    keys = [witness.identity for witness in policy.witnesses]
    session.execute(update(AuditWitness).where(AuditWitness.key.not_in(keys)).values(listed=False))
    for witness in policy.witnesses:
        row = {"key": witness.identity, "name": witness.name, "listed": True, "since": now, "failure": ""}
        again = {"name": witness.name, "listed": True}
        session.execute(insert(AuditWitness).values(row).on_conflict_do_update(index_elements=["key"], set_=again))


def _by_address(policy: Policy) -> dict[str, list[WitnessKey]]:
    """Return the keys behind each address: a witness with two keys is asked once."""
    found: dict[str, list[WitnessKey]] = {}
    for witness in policy.witnesses:
        if witness.url:
            found.setdefault(witness.url, []).append(witness)
    return found


def _size_of(reply: Reply) -> int | None:
    """Return the size in a 409 of the protocol, or None."""
    found = _SIZE.fullmatch(reply.text) if reply.status == asking.CONFLICT else None
    return int(found[1]) if found else None
