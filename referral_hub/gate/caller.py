"""Who calls: the session cookie turned into a member with an opened keyring, once per request and only when asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import g, request
from sqlalchemy.exc import InterfaceError, OperationalError

from referral_hub import errors
from referral_hub.accounts import sessions
from referral_hub.accounts.values import Source
from referral_hub.audit.whence import seal
from referral_hub.db import transact
from referral_hub.gate.house import house, now, session

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor
    from referral_hub.accounts.values import Caller
    from referral_hub.vault.keyring import Keyring

BROWSER_KEPT = 160  # characters of what a browser says of itself
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"), ("Mac OS X", "Mac"), ("Linux", "Linux"))


def caller() -> Caller | None:
    """Return who calls, or None: nobody, or a session that is over.

    Raises:
        errors.Unavailable: the hub's keys or the database are not there.
    """
    if "hub_caller" not in g:
        g.hub_caller = _resumed()
    return cast("Caller | None", g.hub_caller)


def _resumed() -> Caller | None:
    cookie = request.cookies.get(house().cookies.session)
    if not cookie:
        return None
    try:
        found = sessions.resume(session(), hub=house().hub, halves=house().halves, cookie=cookie, now=now(), limits=house().limits)
    except errors.NotSignedIn:
        session().rollback()
        return None
    except (OperationalError, InterfaceError) as outage:
        session().invalidate()
        raise errors.Unavailable("log_unavailable", retry_after=5) from outage
    if found.touched:
        transact(session(), lambda _session: None)
    return found


def known_caller() -> Caller | None:
    """Return the caller if this request has already asked, without asking: for frames of pages that need nobody."""
    return cast("Caller | None", g.get("hub_caller"))


def present_caller() -> Caller | None:
    """Return who calls, for the frame and the language of a page; nobody while keys or database are not there.

    Help and error pages stay up without them, and ask once only.
    """
    if "hub_unasked" in g:
        return None
    try:
        return caller()
    except errors.Unavailable:
        g.hub_unasked = True
        return None


def forget_caller() -> None:
    """Let the rest of this request look anew: the session began or ended in it."""
    g.pop("hub_caller", None)


def signed_in() -> Caller:
    """Return who calls.

    Raises:
        errors.NotSignedIn: nobody, or a session that is over.
    """
    found = caller()
    if found is None:
        raise errors.NotSignedIn
    return found


def actor() -> Actor:
    """Return the facts of who calls, for policy and log; raises `errors.NotSignedIn`."""
    return signed_in().actor


def keys() -> Keyring:
    """Return the keyring of who calls; raises `errors.NotSignedIn`."""
    return signed_in().keys


def source() -> Source:
    """Return where this request comes from: address, and the device in two words for the member's own session list."""
    agent = request.headers.get("User-Agent", "")
    words = (next((name for mark, name in table if mark in agent), "") for table in (_BROWSERS, _SYSTEMS))
    device = " · ".join(word for word in words if word)
    return Source(address=request.remote_addr or "", device=device)


def whence(session: Session, moment: datetime) -> bytes:
    """Return client address and browser of this request, sealed for an entry of `moment`."""
    plain = f"{request.remote_addr}\n{request.headers.get('User-Agent', '')[:BROWSER_KEPT]}".encode()
    return seal(session, hub=house().hub, plain=plain, moment=moment)


def device_cookie() -> str | None:
    """Return the cookie of a known device, if this browser has one."""
    return request.cookies.get(house().cookies.device)
