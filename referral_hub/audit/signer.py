"""The signer of checkpoints: one at a time, in the worker, with a key file of its own.

When: there are new entries and 10 s have passed or 256 came, and at the latest after 10 minutes, so that a silent log still
says "this is all". Each checkpoint carries the plain signature of C2SP tlog-checkpoint and a second, dated one by the same key
(cosignature/v1), since a plain signature over an unchanged tree would not show that it is fresh.

Never a fork: the tree in the database must contain what was signed last, by the file beside the key, by the newest published
checkpoint, and by every witness that could be asked; and the head must fit the stored hashes. The file is on disk before a
checkpoint is published, so that a database brought back from an older copy is refused before the first signature; where the file
came back with it, the witnesses remember.

A signature leaves no log entry: each would be a new entry that asks for the next signature, and an idle log would grow for
ever. The published checkpoints are their own record. A refusal does leave one (`checkpoint.fork_refused`), once an hour; and so do
a clock that went backwards since the last signature (`clockwork.jump`, with the seconds) and a time without a signer
(`checkpoint.gap`, with the minutes), once each.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from referral_hub import errors
from referral_hub.audit import checkpoint, merkle, note, proofs, queries, shard, tiles
from referral_hub.audit.append import record
from referral_hub.audit.checkpoint import Tree
from referral_hub.audit.entry import Entry
from referral_hub.audit.records import AuditCheckpoint, AuditHead
from referral_hub.db import transact, uuid7
from referral_hub.vault import key_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

PAUSE = timedelta(seconds=10)
BURST = 256
SILENCE = timedelta(minutes=10)
_ALARM_PAUSE = timedelta(hours=1)
_ONE_SIGNER = text("SELECT pg_try_advisory_xact_lock(727303)")
_REFUSED = "checkpoint.fork_refused"
_JUMP, _GAP = "clockwork.jump", "checkpoint.gap"
JUMP = timedelta(seconds=2)
GAP = 2 * SILENCE


@dataclass(frozen=True)
class CheckpointSigner:
    """The signing key, named by the log's origin, and the file that says what was signed last."""

    key: note.Signer
    last_file: Path


def load(folder: Path, *, origin: str) -> CheckpointSigner:
    """Return the signer of the log `origin` from the key folder.

    Raises:
        errors.Unavailable: `key_unavailable`.
    """
    seed = key_folder.signing_seed(folder, "checkpoint")
    return CheckpointSigner(key=note.Signer(name=origin, seed=seed), last_file=folder / key_folder.LAST_CHECKPOINT)


def vkeys(signer: CheckpointSigner) -> tuple[str, str]:
    """Return the verifier keys of the log: for the plain and for the dated signature."""
    return signer.key.vkey(note.ED25519), signer.key.vkey(note.COSIGNATURE_V1)


def every_vkey(session: Session, *, folder: Path, origin: str) -> list[str]:
    """Return the verifier keys under every name that this database's log has had (see `new_shard`), for a check of all of it.

    Raises:
        errors.Unavailable: `key_unavailable`, also of a former log whose public key is not in the folder.
    """
    found = list(public_vkeys(folder, origin=origin))
    for name in session.scalars(select(AuditCheckpoint.origin).distinct().where(AuditCheckpoint.origin != origin)):
        public = key_folder.checkpoint_public(folder, shard.mark(name))
        found += [note.make_vkey(name, public, kind) for kind in (note.ED25519, note.COSIGNATURE_V1)]
    return found


def public_vkeys(folder: Path, *, origin: str) -> tuple[str, str]:
    """Return the same verifier keys for whoever holds the public key only, such as a web process.

    Raises:
        errors.Unavailable: `key_unavailable`.
    """
    public = key_folder.checkpoint_public(folder)
    return note.make_vkey(origin, public, note.ED25519), note.make_vkey(origin, public, note.COSIGNATURE_V1)


def tend(session: Session, *, signer: CheckpointSigner, now: datetime, witnessed: Sequence[str] = ()) -> queries.Checkpoint | None:
    """Sign and publish a checkpoint if one is due; return it, or None when none is due or another signer is at work.

    `witnessed` are the checkpoints that witnesses say they cosigned (asking.witnessed). One that this key did not sign is no evidence,
    and is passed over.

    Raises:
        errors.ForkRefused: the tree does not contain what was signed before; fact `reason`: origin, last_checkpoint_missing,
            signature, head, shorter, tree, witness_shorter or witness_tree. Nothing was signed and the refusal is logged.
    """
    try:
        return transact(session, lambda s: _sign_if_due(s, signer, now, witnessed))
    except errors.ForkRefused as refused:
        reason = str(refused.facts["reason"])
        transact(session, lambda s: _alarm(s, reason, now))
        raise


def refusal(session: Session, *, signer: CheckpointSigner, witnessed: Sequence[str] = ()) -> errors.ForkRefused | None:
    """Return why the log as it stands would not be signed, as `tend` would raise it; None when it would be."""
    try:
        _refuse_fork(session, signer, _tree(session), queries.latest_checkpoint(session), witnessed)
    except errors.ForkRefused as refused:
        return refused
    return None


def is_due(*, size: int, signed_size: int, signed_at: datetime | None, now: datetime) -> bool:
    """Say whether a tree of `size` is to be signed, when one of `signed_size` was signed at `signed_at` (None: never)."""
    if signed_at is None:
        return size > 0
    fresh, age = size - signed_size, now - signed_at
    return (fresh > 0 and (age >= PAUSE or age < timedelta())) or fresh >= BURST or age >= SILENCE


def _sign_if_due(session: Session, signer: CheckpointSigner, now: datetime, witnessed: Sequence[str]) -> queries.Checkpoint | None:
    if not session.scalar(_ONE_SIGNER):
        return None
    published = queries.latest_checkpoint(session)
    tree = _tree(session)
    _refuse_fork(session, signer, tree, published, witnessed)
    _tell_of_time(session, published, now)
    signed_size, signed_at = (published.size, published.signed_at) if published else (0, None)
    if not is_due(size=tree.size, signed_size=signed_size, signed_at=signed_at, now=now):
        return None
    signed = note.sign(checkpoint.text_of(tree), signer.key, timestamp=int(now.timestamp()))
    _keep(signer.last_file, signed)
    row = AuditCheckpoint(id=uuid7(now), origin=tree.origin, size=tree.size, root=tree.root, note=signed, signed_at=now)
    session.add(row)
    return queries.Checkpoint(id=row.id, size=row.size, root=row.root, note=row.note, signed_at=row.signed_at)


def _tree(session: Session) -> Tree:
    head = session.execute(select(AuditHead.origin, AuditHead.size, AuditHead.frontier)).one()
    return Tree(origin=head.origin, size=head.size, root=merkle.frontier_root(tiles.split(head.frontier)))


def _refuse_fork(
    session: Session, signer: CheckpointSigner, tree: Tree, published: queries.Checkpoint | None, witnessed: Sequence[str]
) -> None:
    """Raise errors.ForkRefused unless `tree` is this log, fits the stored hashes, and contains all that was signed."""
    _require(tree.origin == signer.key.name, "origin")
    notes = [published.note] if published else []
    if signer.last_file.exists():
        notes.append(signer.last_file.read_text(encoding="utf-8"))
    else:
        _require(published is None, "last_checkpoint_missing")
    try:
        signed = [checkpoint.parse(note.open_note(text, vkeys(signer)).text) for text in notes]
    except errors.BadNote as wrong:
        raise errors.ForkRefused(reason="signature") from wrong
    _require(all(old.origin == tree.origin for old in signed), "origin")
    try:
        _require(proofs.root_at(session, size=tree.size) == tree.root, "head")
    except errors.BadProof as wrong:
        raise errors.ForkRefused(reason="head") from wrong
    _require_contained(session, signed, tree, "")
    _require_contained(session, ours(signer, witnessed), tree, "witness_")


def ours(signer: CheckpointSigner, witnessed: Sequence[str]) -> list[Tree]:
    """Return what those of the notes state that this key signed; the rest says nothing about this log."""
    found = []
    for shown in witnessed:
        with contextlib.suppress(errors.BadNote):
            found.append(checkpoint.parse(note.open_note(shown, vkeys(signer)).text))
    return [old for old in found if old.origin == signer.key.name]


def _require_contained(session: Session, signed: Sequence[Tree], tree: Tree, kind: str) -> None:
    for old in signed:
        _require(old.size <= tree.size, f"{kind}shorter")
        _require(contains(session, old, tree), f"{kind}tree")


def contains(session: Session, old: Tree, tree: Tree) -> bool:
    """Say whether the stored tree `tree` begins with the whole of `old`."""
    if old.size == 0:
        return True
    try:
        path = proofs.consistency(session, old_size=old.size, new_size=tree.size)
        merkle.verify_consistency(old_size=old.size, new_size=tree.size, old_root=old.root, new_root=tree.root, proof=path)
    except errors.BadProof:
        return False
    return True


def _tell_of_time(session: Session, published: queries.Checkpoint | None, now: datetime) -> None:
    """Leave an entry when the clock went backwards since the newest checkpoint, or nobody signed for long; once for each checkpoint."""
    if published is None:
        return
    age = now - published.signed_at
    if age < -JUMP:
        _tell(session, _JUMP, int(-age.total_seconds()), published, now)
    elif age > GAP:
        _tell(session, _GAP, int(age.total_seconds() // 60), published, now)


def _tell(session: Session, action: str, count: int, published: queries.Checkpoint, now: datetime) -> None:
    told = queries.latest(session, filters=queries.Filter(action=action), limit=1)
    if not told or told[0].place.idx < published.size:
        entry = Entry(
            occurred_at=now,
            action=action,
            actor_kind="clock",
            object_kind="system" if action == _JUMP else "checkpoint",
            object_id=published.id,
            count=count,
            outcome="error",
        )
        record(session, entry)


def _require(holds: bool, reason: str) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise errors.ForkRefused(reason=reason)


def _alarm(session: Session, reason: str, now: datetime) -> None:
    lately = queries.Filter(action=_REFUSED, since=now - _ALARM_PAUSE)
    if not queries.latest(session, filters=lately, limit=1):
        entry = Entry(occurred_at=now, action=_REFUSED, actor_kind="clock", object_kind="checkpoint", outcome="error", reason=reason)
        record(session, entry)


def _keep(path: Path, text: str) -> None:
    """Replace the file at `path` so that the old or the new text is on disk, never half of it."""
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
