"""One referral as a card of the work list or a row of a list: clear words, nothing that was opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import url_for

from referral_hub import access
from referral_hub.access import Verb
from referral_hub.gate.caller import actor
from referral_hub.gate.house import now
from referral_hub.gate.speech import _
from referral_hub.referrals import rules
from referral_hub.web import words
from referral_hub.web.amiss import label
from referral_hub.web.files import service_name
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from referral_hub.referrals.values import Line, SecondLook
    from referral_hub.web.words import Deadline

OPEN_STATES = frozenset({"requested", "received", "accepted", "on-hold", "in-progress"})
# Lets a member see more of a referral than its line.
FURTHER = frozenset({Verb.REFERRAL_PREVIEW_READ, Verb.SECTION_READ, Verb.REFERRAL_CREATE})
# What is awaited -> the words of its deadline (macro `due`) for the side whose turn it is, and for the other.
OWN_TURN = {"accept": "answer", "start": "contact", "update": "news"}
OTHERS_TURN = {"accept": "answered", "start": "first_service", "update": "news"}


@dataclass(frozen=True)
class Card:
    """A referral in a list. `url` is empty for whoever sees lines only; `due` is the nearest deadline, `due_kind` its words; `news` is not yet read."""

    number: str
    url: str
    title: str
    alias: str
    urgency: str
    service: str
    agency: str
    state: str
    text: str
    due: Deadline | None
    due_kind: str
    handler: UUID | None
    news: str = ""


@dataclass(frozen=True)
class SecondLookCard:
    """Something decided without the survivor, in words; `url` is empty for whoever may not read why, `sender` where it is not the own agency."""

    url: str
    alias: str
    what: str
    basis: str
    agency: str
    sender: str
    due: str
    late: bool


def second_look_of(look: SecondLook, names: Mapping[UUID, str], *, may_read: bool) -> SecondLookCard:
    """Return one of these in words; the law and the reasons are sealed and stand in none."""
    steps = {"sign": _("waits for the second signature"), "review": _("to be reviewed"), "done": _("reviewed or ended")}
    own = look.agency == actor().agency_id
    day = words.day(look.review_on, reader())
    return SecondLookCard(
        url=url_for("second_signer.show", code=look.alias, consent_id=look.consent_id) if may_read else "",
        alias=look.alias,
        what=steps[look.step],
        basis=label("legal_bases", look.basis) if look.basis != "consent" else label("consent_forms", look.form),
        agency=names.get(look.to_agency, ""),
        sender="" if own else names.get(look.agency, ""),
        due=_("review by %(day)s", day=day),
        late=look.late,
    )


def card_of(line: Line, names: Mapping[UUID, str]) -> Card:
    """Return one line of a list in words; `names` are those of the other agencies."""
    return Card(
        number=line.number,
        url=_url(line) if FURTHER & access.acts_allowed(actor().roles) else "",
        title=_title(line),
        alias=line.alias,
        urgency=line.urgency,
        service=service_name(line.service),
        agency=names.get(line.other_agency, ""),
        state=label("states", line.state),
        text="" if line.awaited == "send" else awaited_text(line),
        due=words.deadline(line.due, now=now()) if line.due else None,
        due_kind=due_kind(line.awaited, side=line.side),
        handler=line.handler,
        news=_news(line.news),
    )


def _news(event: str) -> str:
    """Return what came from the other side and is not yet read; it names no section."""
    words_of = {
        "revise": _("Corrected, not yet read by you"),
        "supply_sections": _("Further sections, not yet read by you"),
        "refuse_sections": _("Further sections are not shared"),
        "ask_sections": _("Further sections are asked for"),
    }
    return words_of.get(event, "")


def _title(line: Line) -> str:
    if line.state != "draft":
        return _("Survivor")
    return _("Draft to sign: Survivor") if line.awaited == "approve" else _("Continue draft: Survivor")


def _url(line: Line) -> str:
    """Return where the next step is: of a draft that waits for this member's signature, the last look before sending."""
    if line.state != "draft":
        return url_for("referrals.show", number=line.number)
    return url_for("drafts.check" if line.awaited == "approve" else "drafts.tasks", number=line.number)


def due_kind(awaited: str, *, side: str) -> str:
    """Return which words a deadline has for this side (macro `due`)."""
    return OWN_TURN.get(awaited, "answer") if rules.needs(awaited, side=side) else OTHERS_TURN.get(awaited, "answered")


def awaited_text(line: Line) -> str:
    """Return what is awaited, as the side that reads it says it."""
    recipient = {
        "accept": _("opened, your answer is awaited") if line.state == "received" else _("your answer is awaited"),
        "start": _("accepted, service not yet begun"),
        "update": _("in service, news from you is awaited"),
        "answer": _("the sender's answer is awaited"),
        "resume": _("on the waiting list"),
        "confirm_cancel": _("the sender asks to end it"),
        "answer_dispute": _("the sender asks about the outcome"),
        "confirm_purge": _("taken back in part, copies of it are to be deleted") if line.state in OPEN_STATES else _("access has ended, copies are to be deleted"),
    }
    sender = {
        "accept": _("opened, not yet answered") if line.state == "received" else _("sent, not yet opened"),
        "start": _("accepted, service not yet begun"),
        "update": _("in service"),
        "answer": _("your answer is awaited"),
        "resume": _("on the waiting list"),
        "confirm_cancel": _("asked to end it"),
        "approve": _("your approval is awaited"),
        "sent_back": _("sent back to you"),
        "approval": _("the supervisor's approval is awaited"),
        "choose_other": _("declined: look for another way together"),
    }
    return (sender if line.side == "sender" else recipient).get(line.awaited, label("states", line.state))
