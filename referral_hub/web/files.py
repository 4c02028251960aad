"""What the pages of files, drafts and referrals share: finding a file by its code, and the words for codes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from referral_hub import protocol
from referral_hub.cases.aliases import aliases, case_of_alias
from referral_hub.gate.admits import about
from referral_hub.gate.caller import signed_in
from referral_hub.gate.house import session
from referral_hub.gate.speech import _
from referral_hub.web import words
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from flask import Flask

    from referral_hub.directory.facts import Found


def case_id_of(code: str) -> UUID:
    """Return the id of the file that the own agency knows by `code`, and name it for a refusal's entry. Raises errors.NotFound."""
    case_id = case_of_alias(session(), agency_id=signed_in().agency.id, code=code)
    about("case", aliases(session(), case_ids=[case_id], agency_id=signed_in().agency.id)[case_id].id)
    return case_id


def label(section: str) -> str:
    """Return the name of a section in the reader's language."""
    return protocol.current().section(section).label(reader().language)


def options(codelist: str) -> tuple[Option, ...]:
    """Return the codes of a list with their words."""
    return tuple(Option(item.code, item.label(reader().language)) for item in protocol.current().codelist(codelist))


def service_name(code: str) -> str:
    """Return the short name of a service: lists, heads and notices name no kind of harm (PAGES.md section 8)."""
    service = protocol.current().service(code)
    return service.short_label(reader().language)


def service_token(code: str) -> str:
    """Return a short word that stands for a service in an address: an address in a browser's history names no kind of harm."""
    return hashlib.sha256(f"service {code}".encode()).hexdigest()[:8]


def service_of(token: str) -> str | None:
    """Return the code of the service that `token` stands for, or None."""
    return next((code for code in protocol.current().services if service_token(code) == token), None)


def capacity_text(found: Found) -> str:
    """Return how much room a service has, with the age of that fact."""
    since = found.service.capacity_as_of
    if found.capacity == "unknown" or since is None:
        return _("Not known (last %(day)s)", day=words.day(since.date(), reader())) if since else _("Capacity not known")
    said = {"available": _("Space"), "limited": _("Limited"), "none": _("Full")}.get(found.capacity, found.capacity)
    return _("%(capacity)s (as of %(day)s)", capacity=said, day=words.day(since.date(), reader()))


def count_text(count: str) -> str:
    """Return a count in words: exact, or more than so many (a count stops there)."""
    return _("more than %(number)s", number=count.removesuffix("+")) if count.endswith("+") else count


def bring_text(codes: Iterable[str]) -> str:
    """Return the documents to bring, in words."""
    return ", ".join(protocol.current().label("document_types", code, reader().language) for code in codes)


def misfit_text(codes: Iterable[str]) -> str:
    """Return why an agency does not fit, in words."""
    texts = {
        "sex": _("Not for this sex"),
        "age": _("Not for this age"),
        "closed": _("Temporarily closed"),
        "language": _("Does not work in this language"),
        "access": _("Lacks this accessibility or interpreter"),
        "not_now": _("Not open at this hour"),
    }
    return ", ".join(texts[code] for code in codes)


def field_names(names: Iterable[str]) -> list[str]:
    """Return fields ("identity.religion") in words, each with its section, in the order of the form."""
    asked = frozenset(names)
    return [
        f"{label(section.code)}: {field.label(reader().language)}"
        for section in protocol.current().sections.values()
        for field in section.fields.values()
        if field.name in asked
    ]


def consent_text(standing: str) -> str:
    """Return how a consent stands, in words."""
    return {
        "covers": _("Given, and it stands"),
        "ended": _("Has ended"),
        "withdrawn": _("Withdrawn"),
        "scope": _("Does not cover all of this"),
    }.get(standing, _("Not yet"))


def install(app: Flask) -> None:
    """Give the templates of `app` the words of codes."""
    app.jinja_env.globals.update(
        service_label=service_name,
        section_label=label,
        capacity_text=capacity_text,
        bring_text=bring_text,
        count_text=count_text,
        misfit_text=misfit_text,
        consent_text=consent_text,
    )
