"""Copies in the recipient's own file, as the referral's page shows them: to the sender what was copied, to the recipient what may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from referral_hub import access
from referral_hub.access import Verb
from referral_hub.cases import queries as cases
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import session
from referral_hub.web.files import label
from referral_hub.web.forms import Option

if TYPE_CHECKING:
    from referral_hub.cases.facts import Lookalike
    from referral_hub.referrals.values import Detail

GRANTED = frozenset({"full", "read_only"})


@dataclass(frozen=True)
class Copied:
    """What was copied (names of sections; `held`: those closed until somebody says what becomes of it), into which own file, and what may be yet.

    `file` is empty at the sender, who is not told it. `alike`: files that may be of the same person; then nothing was copied.
    """

    sections: tuple[str, ...]
    held: tuple[str, ...]
    file: str
    options: tuple[Option, ...]
    alike: tuple[Lookalike, ...] = ()


def view_of(detail: Detail, *, alike: tuple[Lookalike, ...] = ()) -> Copied:
    """Return the copies of a referral as this reader may see and make them."""
    made = cases.copies_of(session(), referral_id=detail.referral.id)
    own = cases.aliases(session(), case_ids={copy.case_id for copy in made}, agency_id=signed_in().agency.id) if detail.side == "recipient" else {}
    code = next((alias.code for alias in own.values()), "")
    done = {copy.section for copy in made}
    offered = [one.code for one in detail.sections if one.state == "open" and one.code not in done] if may_copy(detail) else []
    return Copied(
        tuple(label(copy.section) for copy in made), tuple(label(copy.section) for copy in made if copy.held), code, tuple(Option(one, label(one)) for one in offered), alike
    )  # fmt: skip


def may_copy(detail: Detail) -> bool:
    """Tell whether this member may copy from the referral: who handles it, while it opens, and works with files here."""
    allowed = access.acts_allowed(actor().roles)
    handles = detail.referral.handler in {None, actor().member_id}
    return detail.side == "recipient" and detail.grant in GRANTED and handles and {Verb.CASE_COPY_SECTIONS.value, Verb.CASE_LIST.value} <= allowed
