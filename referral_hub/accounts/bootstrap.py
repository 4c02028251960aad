"""The first step of a network: its secretariat, and the invitation of its administrator (operator's command line, DECISIONS 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub.accounts.actions import invite
from referral_hub.accounts.rules.roles import ADMINISTRATOR, NETWORK_ADMIN
from referral_hub.directory import actions as directory

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.accounts.values import Link
    from referral_hub.directory.facts import Agency, NewAgency
    from referral_hub.vault.keyring import Keyring


def found_network(
    session: Session, *, actor: Actor, keys: Keyring, now: datetime, request_id: str = "", agency: NewAgency, name: str, mail: str
) -> tuple[Agency, Link]:
    """Make the network's agency and invite its administrator, who may invite the auditors and keep the agencies. Two entries.

    The administrator's roles are network_admin and agency_admin; the caller prints the link once.

    Raises:
        errors.NotAllowed: `actor` is no operator. errors.InputInvalid: field → codes.
    """
    made = directory.create_agency(session, actor=actor, now=now, request_id=request_id, agency=agency)
    roles = (NETWORK_ADMIN, ADMINISTRATOR)
    link = invite(session, actor=actor, keys=keys, now=now, request_id=request_id, agency_id=made.id, roles=roles, name=name, mail=mail)
    return made, link
