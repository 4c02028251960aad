"""The rights of a survivor, checked one by one (survivor_rights.yaml). Which are met stands sealed in her file; what is not answered is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import errors, protocol
from referral_hub.access import Verb
from referral_hub.cases import acting, rules
from referral_hub.vault import parts
from referral_hub.vault.grants import ObjectKind
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.cases.facts import Case
    from referral_hub.vault.keyring import Keyring

UNMET = "unmet"


def set_rights(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID,
    states: Mapping[str, str],
    version: int,
    now: datetime,
    request_id: str = "",
) -> Case:
    """Seal how it stands with her rights: right to state (right_states); rights left out or empty are not known. `case.rights`.

    Raises:
        errors.NotFound: no such case at the agency. errors.NotAllowed: the policy refused. errors.StaleVersion: the row changed meanwhile.
        errors.InputInvalid: a state or right that its list does not have, as field `rights.<code>`. errors.RuleBroken: the file is closed.
    """
    found, decision = acting.begin(session, actor=actor, keys=keys, case_id=case_id, verb=Verb.CASE_RIGHTS, version=version)
    content = checked(states)
    parts.seal_parts(
        session, keys=keys, agency_id=found.case.agency_id, object_kind=ObjectKind.CASE, object_id=case_id,
        contents={rules.RIGHTS: Plain.of(content)}, now=now,
    )  # fmt: skip
    return acting.changed(session, found, actor=actor, keys=keys, verb=Verb.CASE_RIGHTS, decision=decision, now=now, request_id=request_id)


def checked(states: Mapping[str, str]) -> dict[str, str]:
    """Return the answers that were given. Raises errors.InputInvalid: `rights.<code>`."""
    book = protocol.current()
    listed, answers = book.codelist("survivor_rights"), book.codelist("right_states")
    given = {right: state for right, state in states.items() if state}
    amiss = {f"rights.{right}": ("not_a_code",) for right, state in given.items() if right not in listed or state not in answers}
    if amiss:
        raise errors.InputInvalid(amiss)
    return given


def unmet(states: Mapping[str, str]) -> tuple[str, ...]:
    """Return the rights that are not met yet, in the order of the list."""
    return tuple(item.code for item in protocol.current().codelist("survivor_rights") if states.get(item.code) == UNMET)
