"""What the survivor of a scenario answers: the form of the step, filled with the words of the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.consent import rules as consents
from referral_hub.consent.facts import BEST_INTEREST, Giving, Shown
from referral_hub.directory import queries as directory

if TYPE_CHECKING:
    from referral_hub.accounts.values import Caller
    from referral_hub.cli.demo.scenarios.player import Turn

SAID_BY_CHILD = "Ingin aman, dan ingin Kakak menemani."


def giving_of(turn: Turn, *, by: Caller | None = None) -> Giving:
    """Return the answer of a step that records consent, to the text of its form as the page would show it."""
    given, book, who = turn.inputs, protocol.current(), by or turn.who
    agency = directory.agency(turn.session, given["agency"])
    service = next(code for code in book.services if book.service(code).purpose == given["purpose"] and agency.kind in book.service(code).kinds)
    stats = bool(turn.player.scenario["given"].get("consent", {}).get("stats_allowed"))
    contact = bool(turn.player.scenario["given"].get("safe_contact", {}).get("contact_allowed"))
    until = consents.suggested_until(consents.local_day(turn.now, who.actor.timezone))
    child = turn.player.scenario["given"]["profile"]["is_child"]
    guardian = turn.player.scenario["given"].get("child_guardian", {})
    shown = Shown(
        form=given["form"], text_language="id", from_agency=who.agency.name, to_agency=agency.name, agency_id=agency.id, purpose=given["purpose"],
        sections=tuple(given["sections"]), valid_until=until, onward=False, contact=contact, stats=stats,
        guardian_relation=guardian.get("guardian_relation", ""), child_view=SAID_BY_CHILD if child else "",
        reason="Terduga pelaku." if given["form"] == BEST_INTEREST else "Diminta penerima.", options=SAID_BY_CHILD if child else "",
    )  # fmt: skip
    witness = (turn.player.member(given["witness"]).member.id,) if "witness" in given else ()
    return Giving(
        agency_id=agency.id, service=service, purpose=given["purpose"], sections=frozenset(given["sections"]), excluded_fields=(), restrictions="",
        use_limits=frozenset(), onward_allowed=False, contact_allowed=contact, stats_allowed=stats, valid_until=until, given_by=given["given_by"],
        method=given.get("method", "written"), language="id", given_at=turn.now, copy_given="given", witness=witness, shown=shown,
        text_shown=consents.wording(shown).shown, assent="yes" if child else "",
    )  # fmt: skip
