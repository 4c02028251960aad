"""What a step does that goes without the survivor's consent: one records on what ground, a supervisor signs in a session of her own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.consent.facts import Disclosure
from referral_hub.directory import queries as directory
from referral_hub.referrals import actions

if TYPE_CHECKING:
    from referral_hub.accounts.values import Caller
    from referral_hub.cli.demo.scenarios.player import Turn


def without_consent(turn: Turn) -> None:
    """Record on what ground it goes without consent; a supervisor of the same agency signs second. Alone it is refused."""
    given, kind = turn.inputs, turn.who.actor.agency_kind
    agency = directory.agency(turn.session, given["agency"])
    ground = protocol.current().ground(given["rule"])
    service = next(code for code in ground.services if protocol.current().service(code).purpose == given["purpose"])
    disclosure = Disclosure(
        agency_id=agency.id, service=service, recipient_kind=agency.kind, ground=ground.code, law_article="Pasal contoh, nomor 1/2026", sections=frozenset(given["sections"]),
        contact_allowed=False, facts="Alasan contoh.", told=True, why_not="",
    )  # fmt: skip
    made = turn.do(actions.record_disclosure, case_id=turn.player.told.cases[turn.who.agency.code], disclosure=disclosure)
    turn.do(actions.countersign_consent, by=turn.who if given["signers"] == 1 else _supervisor(turn, kind), consent_id=made.id)
    turn.player.told.consents[given["id"]] = made.id


def _supervisor(turn: Turn, kind: str) -> Caller:
    """Return a member of the same agency, another person, who may sign second."""
    stage, own = turn.player.stage, turn.who.agency.code
    able = [code for code, role in protocol.current().roles.items() if "approve" in role.can and role.kind == kind]
    there = (stage.caller(own, stage.people.first(own, role)) for role in able)
    return next(found for found in there if found.member.id != turn.who.member.id)
