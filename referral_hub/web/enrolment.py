"""Setting up an account: invitation and terms, passphrase, second factor; then the key of the agency, or waiting to be admitted.

Each step is one small POST that saves, so that the person can go on another day with the same link.
"""

from __future__ import annotations

import io
from functools import partial
from typing import TYPE_CHECKING

import segno
from flask import Blueprint, request, url_for
from markupsafe import Markup

from referral_hub import errors
from referral_hub.accounts import enrolment
from referral_hub.accounts.values import Step
from referral_hub.db import transact
from referral_hub.gate.acts import on_refusal
from referral_hub.gate.admits import public, signed_in_only
from referral_hub.gate.caller import device_cookie, forget_caller, signed_in, source
from referral_hub.gate.house import house, now, request_id, session
from referral_hub.gate.schemas import FormSchema, Problems, read_form, text, tick
from referral_hub.gate.speech import _
from referral_hub.web.frame import home_url
from referral_hub.web.page import page, see_other
from referral_hub.web.sign_in import signed_in_answer

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.accounts.values import Invitation

bp = Blueprint("enrolment", __name__)


class Terms(FormSchema):
    """Step 1."""

    terms = tick(required=True)


class NewPassphrase(FormSchema):
    """Step 2: the same words twice."""

    passphrase = text(longest=1024)
    passphrase_again = text(longest=1024)

    def untrimmed(self) -> tuple[str, ...]:
        """Blanks of a passphrase count."""
        return ("passphrase", "passphrase_again")


class OneTimeCode(FormSchema):
    """Step 3."""

    one_time_code = text(longest=12)


@bp.get("/undangan/<token>")
@public
def step(token: str) -> Response:
    """Show the step that comes next for this invitation; one that no longer holds says whom to ask."""
    return _step_page(token)


@bp.post("/undangan/<token>/ketentuan")
@public
def terms(token: str) -> Response:
    """Accept the terms of use."""
    on_refusal(lambda problems: _step_page(token, problems=problems))
    read_form(Terms())
    transact(session(), lambda s: enrolment.accept_terms(s, token=token, now=now(), request_id=request_id()))
    return see_other(url_for("enrolment.step", token=token))


@bp.post("/undangan/<token>/frasa")
@public
def passphrase(token: str) -> Response:
    """Choose the passphrase; the member's own key is made under it."""
    on_refusal(lambda problems: _step_page(token, problems=problems))
    chosen = chosen_passphrase()
    started = enrolment.choose_passphrase(
        session(), hub=house().hub, halves=house().halves, kdf=house().kdf, slots=house().turnstile, token=token, passphrase=chosen,
        source=source(), now=now(), request_id=request_id(),
    )  # fmt: skip
    response = see_other(url_for("enrolment.second_factor"))
    house().cookies.put(response, house().cookies.session, started.cookie)
    return response


def chosen_passphrase() -> str:
    """Return the new passphrase that was typed twice.

    Raises:
        errors.InputInvalid: the two differ (field `passphrase_again`, code not_the_same).
    """
    form = read_form(NewPassphrase())
    if form["passphrase"] != form["passphrase_again"]:
        raise errors.InputInvalid({"passphrase_again": ("not_the_same",)})
    return str(form["passphrase"])


@bp.get("/undangan/kode")
@public
def second_factor() -> Response:
    """Show the secret of the authenticator app, as text first and as a picture beside it."""
    return _code_page()


@bp.post("/undangan/kode")
@public
def confirm() -> Response:
    """Check the first code; the account is set up."""
    on_refusal(lambda problems: _code_page(problems=problems))
    form = read_form(OneTimeCode())
    done = enrolment.confirm(
        session(), hub=house().hub, halves=house().halves, cookie=_cookie(), code=form["one_time_code"], source=source(), now=now(),
        request_id=request_id(), device_cookie=device_cookie(), limits=house().limits,
    )  # fmt: skip
    forget_caller()
    return signed_in_answer(done, "/")


@bp.get("/menunggu")
@signed_in_only
def wait() -> Response:
    """Show the 24 digits that a colleague needs to hear; once admitted, lead on."""
    who = signed_in()
    if who.actor.state == "active":
        return see_other(home_url(who))
    return page("enrolment/wait.html", title=_("Almost done"), fingerprint=who.member.fingerprint)


def _step_page(token: str, *, problems: Problems | None = None) -> Response:
    try:
        found: Invitation = transact(session(), partial(enrolment.invitation, token=token, now=now(), cookie=_cookie()))
    except errors.NotFound:
        return page("enrolment/expired.html", title=_("Set up your account"), status=404)
    if found.step is Step.CODE:
        return see_other(url_for("enrolment.second_factor"))
    template = {Step.TERMS: "enrolment/terms.html", Step.PASSPHRASE: "enrolment/passphrase.html"}[found.step]
    return page(template, title=_("Set up your account"), problems=problems, token=token, invitation=found)


def _code_page(*, problems: Problems | None = None) -> Response:
    try:
        setup = transact(session(), partial(enrolment.second_factor, hub=house().hub, cookie=_cookie(), now=now()))
    except errors.NotSignedIn:
        return page("enrolment/again.html", title=_("Set up your account"), status=401)
    return page("enrolment/code.html", title=_("Set up your account"), problems=problems, secret=setup.secret, picture=picture_of(setup.uri))


def picture_of(address: str) -> Markup:
    """Return `address` as a QR code: an inline SVG without style, so that the page's policy lets it stand."""
    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="svg", xmldecl=False, svgns=False, scale=4, border=4, dark="#000", light="#fff")
    return Markup(out.getvalue().decode())  # noqa: S704 - made by segno from our own address


def _cookie() -> str:
    return request.cookies.get(house().cookies.session, "")
