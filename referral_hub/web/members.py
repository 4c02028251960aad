"""Members of the own agency: invite, admit to the key, suspend, let go, change roles, replace a lost passphrase.

Administrators see no case here or elsewhere. Who holds the key may admit; who administers may do the rest; each page shows
its member only the acts that the member's roles allow, and the policy decides each of them again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, url_for

from referral_hub import access, errors, protocol
from referral_hub.access import Verb
from referral_hub.accounts import actions, queries
from referral_hub.accounts.values import State
from referral_hub.gate.acts import act, form_version, on_refusal
from referral_hub.gate.admits import about, admits, signed_in_only
from referral_hub.gate.caller import actor, signed_in
from referral_hub.gate.house import house, session
from referral_hub.gate.schemas import FormSchema, Problems, form_of, one_of, read_form, several, text
from referral_hub.gate.speech import _
from referral_hub.web import offers
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from werkzeug.wrappers import Response

    from referral_hub.accounts.values import Member

bp = Blueprint("members", __name__)

LANGUAGES = ("id", "en")
ZONES = {"Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}


class Fingerprint(FormSchema):
    """What the newcomer read out."""

    fingerprint = text(longest=60)


@bp.get("/anggota")
@signed_in_only
def everyone() -> Response:
    """Show the state of the agency key first, then the members."""
    who = signed_in()
    may_look()
    members = queries.members(session(), agency_id=who.agency.id)
    people = queries.persons(session(), hub=house().hub, member_ids=[m.id for m in members])
    return page(
        "members/everyone.html", title=_("Members"), members=members, people=people, may_invite=_may(Verb.MEMBER_INVITE),
        checklist=queries.checklist(session(), hub=house().hub, agency_id=who.agency.id), printed=queries.latest_print(session(), agency_id=who.agency.id),
        may_renew=who.actor.holds_key and _may(Verb.KEY_EPOCH_ROTATE), renewal_due=queries.rotation_due(session(), agency_id=who.agency.id),
        stale=offers.stale_count(),
    )  # fmt: skip


@bp.get("/anggota/undang")
@signed_in_only
def invite_form() -> Response:
    """Show the form of an invitation."""
    may_look()
    return invite_page()


@bp.post("/anggota/undang")
@admits(Verb.MEMBER_INVITE)
def invite() -> Response:
    """Invite a member; the link is shown once, on this answer."""
    on_refusal(lambda problems: invite_page(problems=problems))
    agency_id = signed_in().agency.id
    form = read_form(invitation_form(signed_in().agency.kind))
    done = act(partial(actions.invite, agency_id=agency_id, **form), result=lambda link: link.member.id)
    return link_page(done.value.token if done.value else None, done.value.member if done.value else None, reset=False)


@bp.get("/anggota/<code>")
@signed_in_only
def one(code: str) -> Response:
    """Show one member and what may be done."""
    return member_page(code)


@bp.post("/anggota/<code>/akui")
@admits(Verb.KEY_ADMIT)
def admit(code: str) -> Response:
    """Admit a member to the agency key: the typed digits must be those that the program shows the newcomer."""
    on_refusal(lambda problems: member_page(code, problems=problems))
    return _do(code, actions.admit, **read_form(Fingerprint()))


@bp.post("/anggota/<code>/tangguhkan")
@admits(Verb.MEMBER_SUSPEND)
def suspend(code: str) -> Response:
    """Suspend a member: sessions end now."""
    return _do(code, actions.suspend)


@bp.post("/anggota/<code>/akhiri")
@admits(Verb.MEMBER_DISABLE)
def leave(code: str) -> Response:
    """End a membership: sessions end and shares of the key are deleted now."""
    return _do(code, actions.leave)


@bp.post("/anggota/<code>/peran")
@admits(Verb.MEMBER_ROLE_CHANGE)
def change_roles(code: str) -> Response:
    """Change a member's roles; an administrator with a key role is only proposed."""
    on_refusal(lambda problems: member_page(code, problems=problems))
    return _do(code, actions.change_roles, roles=read_form(form_of(roles=several(roles_of(signed_in().agency.kind))))["roles"])


@bp.post("/anggota/<code>/setujui")
@admits(Verb.MEMBER_SECOND_APPROVAL)
def approve_roles(code: str) -> Response:
    """Approve proposed roles as the second person."""
    return _do(code, actions.approve_roles)


@bp.post("/anggota/<code>/atur-ulang")
@admits(Verb.ACCOUNT_RESET)
def reset(code: str) -> Response:
    """Replace a lost passphrase: the link is shown once, on this answer."""
    member = _member(code)
    done = act(partial(actions.reset, member_id=member.id, version=form_version()), result=lambda made: made.member.id)
    return link_page(done.value.token if done.value else None, member, reset=True)


def _do(code: str, verb: Callable[..., Any], **more: Any) -> Response:
    member = _member(code)
    act(partial(verb, member_id=member.id, version=form_version(), **more))
    return see_other(url_for("members.one", code=member.code))


def _member(code: str) -> Member:
    may_look()
    member = queries.member_by_code(session(), agency_id=signed_in().agency.id, code=code)
    about("member", member.id)
    return member


def may_look() -> None:
    """Refuse whoever neither administers members nor admits them to the key.

    Raises:
        errors.NotAllowed: role_lacks_ability.
    """
    if not access.abilities(actor().roles) & {"manage_users", "admit_keys", "escalations"}:
        raise errors.NotAllowed("role_lacks_ability")


def _may(verb: Verb) -> bool:
    return verb.value in access.acts_allowed(actor().roles)


def roles_of(kind: str) -> list[str]:
    """Return the codes of the roles at an agency of `kind`."""
    return [role.code for role in _roles(kind)]


def _roles(kind: str) -> tuple[access.Role, ...]:
    return access.roles_for(kind, case_data=protocol.current().kind(kind).case_data)


def invitation_form(kind: str) -> FormSchema:
    """Return the form of an invitation to an agency of `kind`."""
    return form_of(
        name=text(longest=200),
        mail=text(longest=320),
        phone=text(required=False, longest=30),
        code=text(required=False, longest=8),
        roles=several(roles_of(kind)),
        language=one_of(LANGUAGES),
        timezone=one_of(list(ZONES)),
    )


def invite_page(*, problems: Problems | None = None, kind: str = "", agency_name: str = "", action: str = "") -> Response:
    """Make the form of an invitation, for the own agency or for the one that the network just created."""
    return page(
        "members/invite.html", title=_("Invite a member"), problems=problems, roles=role_options(kind or signed_in().agency.kind),
        languages=(Option("id", "Bahasa Indonesia"), Option("en", "English")), zones=[Option(k, v) for k, v in ZONES.items()],
        agency_name=agency_name, action=action or url_for("members.invite"),
    )  # fmt: skip


def role_options(kind: str) -> list[Option]:
    """Return the roles at an agency of `kind` to choose from."""
    return [Option(role.code, role.en if reader().language == "en" else role.id) for role in _roles(kind)]


def member_page(code: str, *, problems: Problems | None = None) -> Response:
    """Make the page of one member."""
    member = _member(code)
    people = queries.persons(session(), hub=house().hub, member_ids=[member.id])
    allowed = {verb.value for verb in Verb if verb.value in access.acts_allowed(actor().roles)}
    return page(
        "members/one.html", title=member.code, problems=problems, member=member, person=people.get(member.id), allowed=allowed,
        is_self=member.id == actor().member_id, roles=role_options(signed_in().agency.kind), waits=member.state is State.WAITING,
        holds_key=actor().holds_key,
    )  # fmt: skip


def link_page(token: str | None, member: Member | None, *, reset: bool) -> Response:
    """Make the page with the link of an invitation, shown once; a form sent again shows no link."""
    base = house().settings.public_url.rstrip("/")
    link = base + url_for("enrolment.step", token=token) if token else None
    return page("members/link.html", title=_("Invitation"), link=link, member=member, reset=reset)
