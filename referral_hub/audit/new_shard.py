"""Beginning a new log where the old one cannot go on: an older dump was restored, and the signer refuses to sign a fork.

Never done by the program itself: an operator's explicit command, once it is certain that the lost entries do not come back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, text, update

from referral_hub import errors
from referral_hub.audit import merkle, queries, shard, signer, tiles
from referral_hub.audit.append import record
from referral_hub.audit.checkpoint import Tree
from referral_hub.audit.entry import Entry, is_code
from referral_hub.audit.records import AuditCheckpoint, AuditHead
from referral_hub.audit.shard import NewShard
from referral_hub.db import transact

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.audit.signer import CheckpointSigner

_SIGNER_LOCK = text("SELECT pg_advisory_xact_lock(727303)")
_CURED = frozenset({"shorter", "tree", "witness_shorter", "witness_tree", "last_checkpoint_missing", "signature"})


def begin(session: Session, *, signing: CheckpointSigner, origin: str, now: datetime, witnessed: Sequence[str] = ()) -> NewShard:
    """Begin the log `origin` after the refused one; return what its first entry names. Calls transact itself.

    `signing` is the signer of the former log. Afterwards the key files are renewed (`key_folder.renew_checkpoint` under `shard.mark`), and
    the setting `log_origin` gets the new name. As long as the former log's last checkpoint is not put away, the same again changes nothing.

    Raises:
        errors.BadSettings: the name is not the former one with something behind it, or fits in no entry.
        errors.RuleBroken: `nothing_lost`, the signer does not refuse. errors.ForkRefused: for a reason that a new log does not cure.
    """
    if not is_code(origin):
        raise errors.BadSettings(name="log_origin")
    return transact(session, lambda s: _begin(s, signing, origin, now, witnessed))


def _begin(session: Session, signing: CheckpointSigner, origin: str, now: datetime, witnessed: Sequence[str]) -> NewShard:
    session.execute(_SIGNER_LOCK)
    before = queries.latest(session, filters=queries.Filter(action=shard.ACTION), limit=1)
    head = session.execute(select(AuditHead.origin, AuditHead.size, AuditHead.frontier)).one()
    if before and before[0].place.origin == head.origin and shard.read(before[0].entry).former == _kept_origin(signing):
        return shard.read(before[0].entry)  # begun before, and interrupted
    base = head.origin.rpartition("/")[0] or head.origin
    if head.origin != signing.key.name or not origin.startswith(f"{base}/") or origin == head.origin:
        raise errors.BadSettings(name="log_origin")
    refused = signer.refusal(session, signer=signing, witnessed=witnessed)
    if refused is None:
        raise errors.RuleBroken("nothing_lost")
    reason = str(refused.facts["reason"])
    if reason not in _CURED:
        raise refused
    tree = Tree(head.origin, head.size, merkle.frontier_root(tiles.split(head.frontier)))
    known = _known(session, signing, witnessed)
    kept = [old.size for old in known if old.size <= tree.size and signer.contains(session, old, tree)]
    found = NewShard(head.origin, max(kept, default=0), max((old.size for old in known), default=0))
    session.execute(update(AuditHead).values(origin=origin))
    said = Entry(
        occurred_at=now, action=shard.ACTION, actor_kind="operator", object_kind="checkpoint", fields=shard.fields_of(found),
        count=found.lost_until - found.lost_from, reason=reason,
    )  # fmt: skip
    record(session, said)
    return found


def _known(session: Session, signing: CheckpointSigner, witnessed: Sequence[str]) -> list[Tree]:
    """Return every tree of the former log that this key is known to have signed, wherever that stands."""
    stored = session.scalars(select(AuditCheckpoint.note).where(AuditCheckpoint.origin == signing.key.name)).all()
    file = [signing.last_file.read_text(encoding="utf-8")] if signing.last_file.exists() else []
    return signer.ours(signing, [*stored, *file, *witnessed])


def _kept_origin(signing: CheckpointSigner) -> str:
    return signing.last_file.read_text(encoding="utf-8").partition("\n")[0] if signing.last_file.exists() else ""
