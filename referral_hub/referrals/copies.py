"""How copies in the recipient's own file follow their referral (lifecycle.yaml, rules: copies)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub import errors, protocol
from referral_hub.cases import copying as own_files
from referral_hub.cases import queries as cases

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from referral_hub.cases.facts import Copy
    from referral_hub.protocol.lifecycle import Life
    from referral_hub.referrals.firing import Act
    from referral_hub.referrals.scope import Found

DESTROYED, NOTHING_KEPT = "destroyed", "nothing_kept"  # purge_statements.yaml
GIVES_BACK = "un_accept"  # whoever accepted by mistake keeps no copy
PURGE = "purge_due"


def follow(session: Session, act: Act, found: Found, *, event: str, after: Life) -> None:
    """Let copies follow an event of their referral, inside it: what deletion falls due for is held, what was accepted by mistake ends.

    Copies of sections that stay granted are left alone (consent_narrowed); access_ends leaves all alone.
    """
    if event == GIVES_BACK:
        copied = cases.copies_of(session, referral_id=found.row.id)
        own_files.destroy(session, actor=act.actor, keys=act.keys, copies_=copied, now=act.now)
    elif PURGE in protocol.current().event(event).sets and PURGE in after.flags:
        own_files.hold(session, referral_id=found.row.id, leave=frozenset() if after.grant == "revoked" else after.sections)


def settle(session: Session, act: Act, found: Found, *, statement: str) -> Mapping[str, Any]:
    """Do with held copies what the recipient declares (purge_statements.yaml): destroy them, or keep them under the article it named.

    Returns further facts of the entry: the sections that were destroyed.
    """
    if statement == DESTROYED:
        gone = own_files.destroy(session, actor=act.actor, keys=act.keys, copies_=held(session, found), now=act.now)
        return {"sections": gone} if gone else {}
    own_files.release(session, referral_id=found.row.id)
    return {}


def check_statement(session: Session, found: Found, *, statement: str) -> None:
    """Refuse "nothing was kept" while a copy that was to be deleted is there. Raises errors.RuleBroken: `copies_remain`."""
    if statement == NOTHING_KEPT and held(session, found):
        raise errors.RuleBroken("copies_remain")


def held(session: Session, found: Found) -> list[Copy]:
    """Return the copies of a referral that wait for what its recipient declares."""
    return [copy for copy in cases.copies_of(session, referral_id=found.row.id) if copy.held]
