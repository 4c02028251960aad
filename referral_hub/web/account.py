"""The member's own account: who I am, sessions, passphrase, language and zone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, request, url_for

from referral_hub import access
from referral_hub.access import Verb
from referral_hub.accounts import actions, queries, sessions, signin
from referral_hub.db import transact
from referral_hub.gate.acts import act, on_refusal
from referral_hub.gate.admits import admits, signed_in_only
from referral_hub.gate.caller import signed_in
from referral_hub.gate.house import house, now, own_path, request_id, session
from referral_hub.gate.schemas import FormSchema, Problems, one_of, read_form, text, uuid
from referral_hub.gate.speech import _
from referral_hub.web.enrolment import chosen_passphrase
from referral_hub.web.forms import Option
from referral_hub.web.frame import further
from referral_hub.web.members import LANGUAGES, ZONES
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.accounts.values import Caller

bp = Blueprint("account", __name__)


class Settings(FormSchema):
    """What a member chooses."""

    language = one_of(LANGUAGES)
    timezone = one_of(list(ZONES))


class Present(FormSchema):
    """The present passphrase."""

    present_passphrase = text(longest=1024)

    def untrimmed(self) -> tuple[str, ...]:
        """Blanks of a passphrase count."""
        return ("present_passphrase",)


class Which(FormSchema):
    """One of the member's own sessions."""

    session = uuid()


@bp.get("/akun")
@signed_in_only
def show() -> Response:
    """Show the account."""
    return account_page()


@bp.post("/akun/setelan")
@admits(Verb.ACCOUNT_SETTINGS)
def settings() -> Response:
    """Keep language and time zone."""
    on_refusal(lambda problems: account_page(problems=problems))
    act(partial(actions.change_settings, **read_form(Settings())))
    return see_other(url_for("account.show"))


@bp.post("/akun/bahasa")
@admits(Verb.ACCOUNT_SETTINGS)
def language() -> Response:
    """Change the language from the foot of a page, and return to that page."""
    chosen = request.form.get("language", "")
    zone = signed_in().member.timezone
    if chosen in LANGUAGES:
        act(partial(actions.change_settings, language=chosen, timezone=zone))
    return see_other(own_path(request.form.get("back")))


@bp.post("/akun/sesi")
@admits(Verb.SESSION_END)
def end_session() -> Response:
    """End one of the own sessions."""
    which = read_form(Which())["session"]
    transact(session(), partial(sessions.end, actor=signed_in().actor, session_id=which, now=now(), request_id=request_id()))
    return see_other(url_for("account.show"))


@bp.post("/akun/sesi/lain")
@admits(Verb.SESSION_END)
def end_others() -> Response:
    """End all sessions but this one."""
    who = signed_in()
    transact(session(), partial(sessions.end_others, actor=who.actor, session_id=who.session_id, now=now(), request_id=request_id()))
    return see_other(url_for("account.show"))


@bp.get("/akun/frasa")
@signed_in_only
def passphrase_form() -> Response:
    """Show the form of a new passphrase."""
    return _passphrase_page()


@bp.post("/akun/frasa")
@admits(Verb.ACCOUNT_PASSPHRASE_CHANGE)
def change_passphrase() -> Response:
    """Change the passphrase; the other sessions end."""
    on_refusal(lambda problems: _passphrase_page(problems=problems))
    present, new = read_form(Present())["present_passphrase"], chosen_passphrase()
    signin.change_passphrase(
        session(), hub=house().hub, halves=house().halves, kdf=house().kdf, slots=house().turnstile,
        cookie=request.cookies.get(house().cookies.session, ""), present=present, new=new,
        now=now(), request_id=request_id(), limits=house().limits,
    )  # fmt: skip
    return see_other(url_for("account.show"))


def account_page(*, problems: Problems | None = None) -> Response:
    """Make the page of the account."""
    who = signed_in()
    own = transact(session(), partial(sessions.own, actor=who.actor, session_id=who.session_id, now=now()))
    return page(
        "account/show.html", title=_("Account"), problems=problems, member=who.member, agency=who.agency, sessions=own,
        to_admit=_waiting(who), further=further(who), languages=(Option("id", "Bahasa Indonesia"), Option("en", "English")), zones=[Option(k, v) for k, v in ZONES.items()],
    )  # fmt: skip


def _waiting(who: Caller) -> int | None:
    """Count the colleagues who wait to be admitted; None for whoever cannot admit."""
    if not who.actor.holds_key or "admit_keys" not in access.abilities(who.actor.roles):
        return None
    return len(queries.to_admit(session(), agency_id=who.agency.id))


def _passphrase_page(*, problems: Problems | None = None) -> Response:
    return page("account/passphrase.html", title=_("Passphrase"), problems=problems)
