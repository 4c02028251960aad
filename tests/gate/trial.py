"""Routes that fail in every way there is, and one that opens, so that the gate can be seen at work."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request
from sqlalchemy.exc import OperationalError

from referral_hub import audit, errors
from referral_hub.access import Verb
from referral_hub.gate.acts import act, on_refusal, opened
from referral_hub.gate.admits import about, acting, admits, public, signed_in_only
from referral_hub.gate.schemas import FormSchema, read_form, text
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from referral_hub.audit import Ticket

bp = Blueprint("trial", __name__)

OBJECT = uuid.UUID("01234567-89ab-7cde-8f01-23456789abcd")
DONE = uuid.UUID("11111111-2222-4333-8444-555555555555")
WHEN = datetime(2026, 11, 23, 19, 1, tzinfo=UTC)
FAILURES = {
    "not_allowed": errors.NotAllowed("role_lacks_ability", ("needs-the-ability",)),
    "reauth": errors.NotAllowed("reauth_needed", ("identity-asks-again",)),
    "not_found": errors.NotFound(),
    "conflict": errors.NotFound(reason="conflict_of_interest"),
    "race": errors.LostRace(who="Perawat PR-07", when=WHEN, event="accept"),
    "stale": errors.StaleVersion(who="PS-02", when=WHEN),
    "wrong_state": errors.RuleBroken("wrong_state"),
    "not_built": errors.RuleBroken("not_built", event="dispute"),
    "no_consent": errors.RuleBroken("no_consent"),
    "unavailable": errors.Unavailable("log_unavailable", retry_after=7),
    "outage": OperationalError("SELECT 1", {}, ConnectionError("Sari Wulandari")),
    "at_capacity": errors.Unavailable("at_capacity", retry_after=2),
    "throttled": errors.Throttled(retry_after=40),
    "tampered": errors.CannotOpen(),
    "fault": ZeroDivisionError("Sari Wulandari lahir di Bandung"),
}


@dataclass
class Read:
    ticket: Ticket


class Reason(FormSchema):
    reason = text(longest=20)


def _entry(verb, s, *, actor, keys, now, request_id):
    return Read(audit.record(s, audit.entry_for(actor, verb, now=now, request_id=request_id)))


@bp.get("/trial/open")
@admits(Verb.REFERRAL_PREVIEW_READ)
def opening():
    opened(partial(_entry, Verb.REFERRAL_PREVIEW_READ), lambda read: read.ticket.index)
    return page("help.html")


@bp.get("/trial/tampered")
@admits(Verb.SECTION_READ)
def tampered():
    def reveal(_read):
        raise errors.CannotOpen

    opened(partial(_entry, Verb.SECTION_READ), reveal)


@bp.get("/trial/broken")
@admits(Verb.SECTION_READ)
def broken():
    opened(partial(_entry, Verb.SECTION_READ), lambda _read: 1 / 0)


@bp.route("/trial/fail/<how>", methods=["GET", "POST"])
@admits(Verb.REFERRAL_ACCEPT, Verb.REFERRAL_DECLINE)
def fail(how):
    about("referral", OBJECT, subject=DONE)
    if request.args.get("verb"):
        acting(Verb.REFERRAL_DECLINE)
    raise FAILURES[how]


@bp.get("/trial/named/<which>")
@admits(Verb.SECTION_READ)
def named(which):
    about("referral", partial(_finding, which))
    raise FAILURES["not_found"]


def _finding(which):
    if which == "nobody":
        raise errors.NotFound
    return OBJECT


@bp.post("/trial/act")
@admits(Verb.REFERRAL_DECLINE)
def do():
    on_refusal(lambda problems: page("account/passphrase.html", title="Contoh", problems=problems))
    form = read_form(Reason())
    done = act(partial(_act, reason=form["reason"]), result=lambda _value: DONE)
    return see_other(f"/trial/done/{done.id}?repeated={done.repeated}")


def _act(s, *, reason, **facts):
    if reason == "race":
        raise FAILURES["race"]
    if reason == "consent":
        raise FAILURES["no_consent"]
    return _entry(Verb.REFERRAL_DECLINE, s, **facts)


@bp.post("/trial/again/<how>")
@admits(Verb.REFERRAL_DECLINE)
def again(how):
    on_refusal(lambda _problems: _fail(how))
    raise errors.InputInvalid({"reason": ("required",)})


def _fail(how):
    raise FAILURES[how]


@bp.get("/trial/form")
@signed_in_only
def form():
    raise FAILURES["not_allowed"]


@bp.get("/trial/public")
@public
def for_all():
    return page("help.html")
