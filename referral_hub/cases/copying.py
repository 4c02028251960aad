"""What the referrals room asks of this one when its recipient copies sections into a file of its own, or says what became of them.

The entry is that of the referrals room's act. Content is handed over in memory, inside that act's transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import access, errors
from referral_hub.access import Verb
from referral_hub.cases import conflicts, copies, editing, index, opening, reading, rules, scope
from referral_hub.cases.copies import hold, release
from referral_hub.cases.records import CaseRow, CopyRow
from referral_hub.db import uuid7
from referral_hub.vault import parts
from referral_hub.vault.grants import ObjectKind
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from typing import Any

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.cases.facts import Case, Copy, Lookalike
    from referral_hub.vault.keyring import Keyring

__all__ = ["alike", "destroy", "hold", "keep", "release"]


def alike(session: Session, *, actor: Actor, keys: Keyring, person: Mapping[str, Mapping[str, Any]]) -> tuple[Lookalike, ...]:
    """Return the agency's files that the words of these sections find: before a new one is opened for somebody who has one. No entry."""
    return index.alike_files(session, actor=actor, keys=keys, words=rules.search_words(person))


def keep(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID | None,
    referral_id: uuid.UUID,
    from_case: uuid.UUID,
    revisions: Mapping[str, int],
    contents: Mapping[str, Mapping[str, Any]],
    minor: bool,
    protected: bool,
    now: datetime,
) -> Case:
    """Seal sections of a referral as copies in a file of the actor's agency, in a new one where `case_id` is None; return the file.

    `revisions`: which revision of each section it is. The caller holds the lock of the referral's row. A copy of an older one is replaced.
    A child stays one, and a protected survivor protected, whichever sections were copied; who must never meet the file that they come from
    (`from_case`) does not meet this one either.

    Raises:
        errors.NotFound: no such file at the agency. errors.NotAllowed: the policy refused to open or to change the file.
        errors.RuleBroken: `wrong_state`: the file is closed, another file has copies of this referral already, or a section was copied in
        this revision before, or is held.
    """
    conflicts.hold_list(session, case_id=from_case)
    found = _file(session, actor=actor, keys=keys, case_id=case_id, now=now)
    row = found.row
    before = {copy.section: copy for copy in copies.of_referral(session, referral_id, lock="update")}
    for section, copy in before.items():
        if copy.case_id != row.id or (section in contents and (copy.held or copy.revision >= revisions[section])):
            raise errors.RuleBroken("wrong_state")
    for section, fields in contents.items():
        place = _row(session, before.get(section), case_id=row.id, referral_id=referral_id, section=section, revision=revisions[section], now=now)
        plain = {section: Plain.of(dict(fields))}
        parts.seal_parts(session, keys=keys, agency_id=row.agency_id, object_kind=ObjectKind.COPY, object_id=place, contents=plain, now=now)
    row.minor, row.protected = row.minor or minor, row.protected or protected
    conflicts.carry_over(session, from_case=from_case, to_case=row.id)
    _follow(session, row, actor=actor, keys=keys, now=now)
    return scope.find(session, hub=keys.hub, actor=actor, case_id=row.id).case


def destroy(session: Session, *, actor: Actor, keys: Keyring, copies_: Collection[Copy], now: datetime) -> tuple[str, ...]:
    """Destroy copies with their keys; what a file is found by follows what is left of it. Return their sections.

    Raises:
        errors.CannotOpen: what is left does not verify.
    """
    gone = copies.destroy(session, hub=keys.hub, copies=copies_, now=now)
    for case_id in sorted({copy.case_id for copy in copies_}):
        row = session.get_one(CaseRow, case_id, populate_existing=True)
        _follow(session, row, actor=actor, keys=keys, now=now)
    return gone


def _file(session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID | None, now: datetime) -> scope.Found:
    if case_id is None:
        return opening.new_file(session, actor=actor, keys=keys, now=now)[0]
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="update")
    access.require(actor, Verb.CASE_EDIT, found.target)
    rules.check_open(found.case)
    return found


def _row(
    session: Session, copy: Copy | None, *, case_id: uuid.UUID, referral_id: uuid.UUID, section: str, revision: int, now: datetime
) -> uuid.UUID:
    if copy is not None:
        session.get_one(CopyRow, copy.id).revision = revision
        return copy.id
    row = CopyRow(id=uuid7(now), case_id=case_id, referral_id=referral_id, section=section, revision=revision)
    session.add(row)
    session.flush()
    return row.id


def _follow(session: Session, row: CaseRow, *, actor: Actor, keys: Keyring, now: datetime) -> None:
    """Write what stands in clear beside the sections as they are now: child, second person, how long it is kept, what finds it."""
    asked = (*rules.PERSON, *rules.INDEXED, "safety")
    person, _ = reading.open_now(session, keys=keys, agency_id=row.agency_id, case_id=row.id, sections=asked, now=now)
    editing.write_facts(session, row, "safety", person.get("safety", {}), person=person, actor=actor, now=now)
    index.rewrite(session, keys=keys, row=row, person=person)
