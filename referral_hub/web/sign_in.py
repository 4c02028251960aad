"""Signing in, in two pages (DECISIONS 7), and signing in again for what asks for it.

A member whose session ended while typing gets the sign-in form with the typed fields carried along in that one answer;
they travel from page to page as hidden fields, and are sent on once the member is in (307). The server keeps nothing.
The forms' own fields are named `sign_in-…`, so that they meet no carried field.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, current_app, redirect, request, url_for
from werkzeug.exceptions import HTTPException

from referral_hub.access import Verb
from referral_hub.accounts import sessions, signin
from referral_hub.accounts.values import Next
from referral_hub.db import transact
from referral_hub.gate.acts import on_refusal
from referral_hub.gate.admits import admits, public, signed_in_only
from referral_hub.gate.caller import device_cookie, forget_caller, source
from referral_hub.gate.house import house, now, own_path, request_id, session
from referral_hub.gate.kept import carried_fields
from referral_hub.gate.origin import SAFE_METHODS
from referral_hub.gate.schemas import FormSchema, Problems, read_form, text
from referral_hub.gate.speech import _
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.accounts.values import SignedIn

bp = Blueprint("sign_in", __name__)

OWN = "sign_in-"
TO = OWN + "to"
DEVICE_LASTS = 180 * 86_400
SEND_AGAIN = 307


class First(FormSchema):
    """Page 1."""

    mail = text(data_key=OWN + "mail", longest=320)
    passphrase = text(data_key=OWN + "passphrase", longest=1024)

    def untrimmed(self) -> tuple[str, ...]:
        """Blanks of a passphrase count."""
        return (OWN + "passphrase",)


class Second(FormSchema):
    """Page 2."""

    code = text(data_key=OWN + "code", longest=12)


class Again(Second):
    """Signing in again: both factors on one page."""

    passphrase = text(data_key=OWN + "passphrase", longest=1024)

    def untrimmed(self) -> tuple[str, ...]:
        """Blanks of a passphrase count."""
        return (OWN + "passphrase",)


@bp.get("/masuk")
@public
def first() -> Response:
    """Show the first page of signing in."""
    return first_page(own_path(request.args.get("ke")), [])


@bp.post("/masuk")
@public
def begin() -> Response:
    """Check mail and passphrase; the answer is the same whichever was wrong, and whoever it was."""
    to, carried = _target(), _carried()
    on_refusal(lambda problems: first_page(to, carried, problems=problems, mail=request.form.get(OWN + "mail", "")))
    form = read_form(First())
    started = signin.begin_sign_in(session(), mail=form["mail"], passphrase=form["passphrase"], device_cookie=device_cookie(), **_slow())
    response = second_page(to, carried) if carried else see_other(url_for("sign_in.second", ke=to if to != "/" else None))
    house().cookies.put(response, house().cookies.session, started.cookie)
    return response


@bp.get("/masuk/kode")
@public
def second() -> Response:
    """Show the second page to whoever has passed the first; anybody else begins there."""
    _pending()
    return second_page(own_path(request.args.get("ke")), [])


@bp.post("/masuk/kode")
@public
def finish() -> Response:
    """Check the second factor and begin the session."""
    to, carried = _target(), _carried()
    on_refusal(lambda problems: second_page(to, carried, problems=problems))
    form = read_form(Second())
    done = signin.finish_sign_in(session(), cookie=_session_cookie(), code=form["code"], device_cookie=device_cookie(), limits=house().limits, **_quick())
    forget_caller()
    return signed_in_answer(done, to, send_again=bool(carried))


@bp.get("/masuk/lagi")
@signed_in_only
def again() -> Response:
    """Ask for both factors once more."""
    return _again_page(own_path(request.args.get("ke")))


@bp.post("/masuk/lagi")
@admits(Verb.SESSION_REAUTH)
def sign_in_again() -> Response:
    """Renew the session's strength, with a new id and secret."""
    to = _target()
    on_refusal(lambda problems: _again_page(to, problems=problems))
    form = read_form(Again())
    done = signin.reauthenticate(
        session(), cookie=_session_cookie(), passphrase=form["passphrase"], code=form["code"], device_cookie=device_cookie(),
        limits=house().limits, **_slow(),
    )
    forget_caller()
    return signed_in_answer(done, to)


def first_page(to: str, carried: list[tuple[str, str]], *, problems: Problems | None = None, mail: str = "") -> Response:
    """Make the first page; with `carried` fields it says that what was typed is still here."""
    return page("sign_in/first.html", title=_("Sign in"), problems=_own(problems), to=to, carried=carried, mail=mail, own=OWN)


def second_page(to: str, carried: list[tuple[str, str]], *, problems: Problems | None = None) -> Response:
    """Make the second page."""
    return page("sign_in/second.html", title=_("Sign in"), problems=_own(problems), to=to, carried=carried, own=OWN)


def _again_page(to: str, *, problems: Problems | None = None) -> Response:
    return page("sign_in/again.html", title=_("Sign in again"), problems=_own(problems), to=to, own=OWN)


def _own(problems: Problems | None) -> Problems | None:
    return problems.prefixed(OWN) if problems else None


def signed_out(path: str, carried: list[tuple[str, str]]) -> Response:
    """Answer a request of nobody: a reading one goes to the sign-in page, a sending one gets it with what was typed (401)."""
    if request.method in SAFE_METHODS:
        return see_other(url_for("sign_in.first", ke=path if path != "/" else None))
    response = first_page(path, carried)
    response.status_code = 401
    return response


def signed_in_answer(done: SignedIn, to: str, *, send_again: bool = False) -> Response:
    """Answer a finished sign-in: both cookies, and on to `to`, or to what this member has to do first."""
    steps = {Next.FOUND: "agency.key", Next.CONFIRM_RECOVERY: "agency.key_code", Next.WAIT: "enrolment.wait"}
    if done.next in steps:
        response = see_other(url_for(steps[done.next]))
    elif send_again:
        response = redirect(to, SEND_AGAIN)
    else:
        response = see_other(to)
    house().cookies.put(response, house().cookies.session, done.cookie)
    house().cookies.put(response, house().cookies.device, done.device_cookie, max_age=DEVICE_LASTS)
    return response


def _pending() -> None:
    transact(session(), lambda s: sessions.pending(s, cookie=_session_cookie(), now=now()))


def _session_cookie() -> str:
    return request.cookies.get(house().cookies.session, "")


def _quick() -> dict[str, Any]:
    return {"hub": house().hub, "halves": house().halves, "source": source(), "now": now(), "request_id": request_id()}


def _slow() -> dict[str, Any]:
    return _quick() | {"kdf": house().kdf, "slots": house().turnstile}


def _target() -> str:
    """Return where the form leads on to; a form that is to be sent again leads only where a form can be sent."""
    to = own_path(request.form.get(TO))
    if not _carried():
        return to
    try:
        current_app.url_map.bind("").match(to.partition("?")[0], method="POST")
    except HTTPException:
        return "/"
    return to


def _carried() -> list[tuple[str, str]]:
    return carried_fields()
