"""Leaving: quick exit, and signing out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for

from referral_hub import errors
from referral_hub.access import Verb
from referral_hub.accounts import sessions
from referral_hub.db import transact
from referral_hub.gate.admits import admits, public
from referral_hub.gate.caller import caller, signed_in
from referral_hub.gate.house import house, now, request_id, session
from referral_hub.gate.origin import came_from_elsewhere
from referral_hub.logs import log
from referral_hub.web.page import see_other

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.accounts.values import Caller

bp = Blueprint("leaving", __name__)


@bp.get("/keluar-cepat")
@public
def quick_exit() -> Response:
    """Lead out to the agency's public page at once; end the session, and change the cookie so that kept pages are dropped.

    It leads out whatever happens: with no session, with a session that is over, with no database. A page of another
    site that points here leads out as well, but ends nobody's session.
    """
    target = house().settings.exit_url
    if came_from_elsewhere(request.headers):
        return see_other(target)
    try:
        who = caller()
        if who is not None:
            target = who.agency.exit_url or target
            _end(who)
    except errors.HubError as closed:
        log.warning("exit", code=closed.code)
    response = see_other(target)
    house().cookies.drop(response, house().cookies.session)
    return response


@bp.post("/keluar")
@admits(Verb.SESSION_SIGN_OUT)
def sign_out() -> Response:
    """End this session and go to the sign-in page; the browser drops what it kept of us."""
    _end(signed_in())
    response = see_other(url_for("sign_in.first"))
    house().cookies.drop(response, house().cookies.session)
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _end(who: Caller) -> None:
    transact(session(), lambda s: sessions.sign_out(s, actor=who.actor, session_id=who.session_id, now=now(), request_id=request_id()))
