"""Words beside the events: messages that both agencies read, and notes that only the own agency can open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, audit
from referral_hub.access import Verb
from referral_hub.referrals import rules, scope
from referral_hub.referrals.threads import MESSAGE, note_object
from referral_hub.vault import notes, parts
from referral_hub.vault.grants import ObjectKind
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.referrals.values import Referral
    from referral_hub.vault.keyring import Keyring


def send_message(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, message: str, request_id: str = ""
) -> Referral:
    """Write a message into the thread of a referral; both agencies read it. `message.send`. The referral itself stays as it is.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.InputInvalid: `message`.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="update")
    decision = access.require(actor, Verb.MESSAGE_SEND, found.target(actor, now=now))
    text = rules.required_text("message", message)
    row = found.row
    own, other = (row.from_agency, row.to_agency) if found.side == "sender" else (row.to_agency, row.from_agency)
    written = parts.revisions(session, object_kind=ObjectKind.THREAD, object_id=row.id)
    number = sum(part.startswith(MESSAGE) for part in written) + 1
    notes.seal_note(
        session, keys=keys, agency_id=own, other_agency_id=other, referral_id=row.id, part=f"{MESSAGE}{number}", content=Plain.of({"text": text}),
        now=now,
    )  # fmt: skip
    facts = found.entry_facts() | {"object_kind": "message"}
    audit.record(session, audit.entry_for(actor, Verb.MESSAGE_SEND, now=now, decision=decision, request_id=request_id, **facts))
    return scope.snapshot(row, side=found.side)


def write_note(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, referral_id: uuid.UUID, note: str, request_id: str = ""
) -> Referral:
    """Write a note that only the own agency can open: it is sealed under a grant of its own. `note.write`.

    Raises:
        errors.NotFound, errors.NotAllowed; errors.InputInvalid: `internal_note`.
    """
    found = scope.find(session, actor=actor, hub=keys.hub, referral_id=referral_id, lock="update")
    decision = access.require(actor, Verb.NOTE_WRITE, found.target(actor, now=now))
    text = rules.required_text("internal_note", note)
    own = found.row.from_agency if found.side == "sender" else found.row.to_agency
    place = note_object(referral_id, own)
    number = len(parts.revisions(session, object_kind=ObjectKind.NOTE, object_id=place)) + 1
    contents = {f"note.{number}": Plain.of({"text": text})}
    parts.seal_parts(session, keys=keys, agency_id=own, object_kind=ObjectKind.NOTE, object_id=place, contents=contents, now=now)
    facts = found.entry_facts() | {"object_kind": "note"}
    audit.record(session, audit.entry_for(actor, Verb.NOTE_WRITE, now=now, decision=decision, request_id=request_id, **facts))
    return scope.snapshot(found.row, side=found.side)
