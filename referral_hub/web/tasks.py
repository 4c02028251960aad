"""The work list: what needs this member, what waits for others, and a kind count of what was completed (PAGES.md 3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from referral_hub import access
from referral_hub.access import Verb
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import keyless, read
from referral_hub.gate.admits import acting, admits
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import session
from referral_hub.gate.speech import _
from referral_hub.referrals import queries
from referral_hub.review import queries as review
from referral_hub.web.lines import Card, SecondLookCard, card_of, second_look_of
from referral_hub.web.page import page

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.referrals.values import SecondLook, SecondLooks, WorkList

bp = Blueprint("tasks", __name__)

ON_CALL = "on_call"


@bp.get("/tugas")
@admits(Verb.REFERRAL_LIST, Verb.STATS_VIEW, Verb.AUDIT_READ)
def show() -> Response:
    """Show the tasks of this member; numbers alone to whoever sees no referrals, and to who reads the log what went without consent."""
    allowed = access.acts_allowed(actor().roles)
    if not allowed & {Verb.REFERRAL_LIST, Verb.STATS_VIEW}:
        return _quiet(reads_log=Verb.AUDIT_READ in allowed)
    acting(Verb.REFERRAL_LIST if Verb.REFERRAL_LIST in allowed else Verb.STATS_VIEW)
    work: WorkList = read(queries.work_list)
    needs_you, waiting = cards_of(work)
    return page(
        "tasks/show.html", title=_("Your tasks"), work=work, needs_you=needs_you, waiting=waiting, second_looks=_looks(work.second_looks, may_read=True), on_call=_is_on_call(),
        may_send=Verb.REFERRAL_CREATE in allowed, may_list=Verb.REFERRAL_PREVIEW_READ in allowed or Verb.REFERRAL_CREATE in allowed,
    )  # fmt: skip


def _quiet(*, reads_log: bool) -> Response:
    """Show, to who sees no referrals, that nothing waits; to who reads the log, what went without consent."""
    looks: tuple[SecondLook, ...] = ()
    if reads_log:
        acting(Verb.AUDIT_READ)
        found: SecondLooks = read(keyless(queries.without_consent))
        looks = found.looks
    findings = review.open_findings(session(), agency_id=signed_in().agency.id) if reads_log else 0
    return page("tasks/quiet.html", title=_("Your tasks"), reads_log=reads_log, findings=findings, second_looks=_looks(looks, may_read=False))


def _looks(looks: tuple[SecondLook, ...], *, may_read: bool) -> list[SecondLookCard]:
    names = directory.names(session(), {agency for look in looks for agency in (look.agency, look.to_agency)})
    return [second_look_of(look, names, may_read=may_read) for look in looks]


def cards_of(work: WorkList) -> tuple[list[Card], list[Card]]:
    """Return the cards of both groups; what is late stands first, as the room sorts it."""
    names = directory.names(session(), {line.other_agency for line in (*work.needs_you, *work.waiting)})
    return [card_of(line, names) for line in work.needs_you], [card_of(line, names) for line in work.waiting]


def _is_on_call() -> bool:
    """Say whether the member holds the post of the officer on call. Until when is agreed between people and not kept here."""
    return actor().member_id in directory.duty(session(), signed_in().agency.id).get(ON_CALL, ())
