"""What may change of what is shared, as the forms of a referral's page offer it: further sections, corrections, a new consent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import url_for

from referral_hub import access, protocol
from referral_hub.access import Verb
from referral_hub.gate.caller import actor, keys
from referral_hub.gate.house import now, session
from referral_hub.gate.speech import _
from referral_hub.protocol import package
from referral_hub.referrals import queries
from referral_hub.web import words
from referral_hub.web.amiss import label
from referral_hub.web.files import label as section_label
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

    from referral_hub.consent.facts import Consent
    from referral_hub.referrals.values import Detail, Event, Further, Referral
    from referral_hub.web.referral_steps import Around

EVENTS = frozenset({"ask_sections", "supply_sections", "revise", "renew_basis", "approve_forward"})
PURGE, NARROWED = "purge_due", "consent_narrowed"
MORE, AGAIN, FORWARD = "tambahan", "lanjut", "alih"  # what the survivor is asked for: further sections, that it goes on, another agency


def around(detail: Detail, before: Around, *, consent: str) -> Around:
    """Return `before` with what the forms about sections and consents need; `consent`: how the present one stands."""
    row = detail.referral
    if not EVENTS & set(detail.acts):
        return before
    found = queries.further(session(), actor=actor(), keys=keys(), now=now(), referral_id=row.id)
    if detail.side == "recipient":
        return replace(before, lists=before.lists | {"ask_sections-sections": _sections(found.possible)})
    agreed = frozenset().union(*(one.sections for one in found.bases))
    ready = [code for code in found.possible if code in found.filled & agreed]
    lists = {
        "supply_sections-sections": _sections(ready, hints=_hints(found, kind=before.kind, service=row.service)),
        "supply_sections-new_basis": _bases(one for one in found.bases if one.sections & set(ready)),
        "revise-sections": _sections(found.correctable),
        "renew_basis-new_basis": _bases(one for one in found.bases if one.id != row.consent_id),
    }
    first = _asking(row) | ({"revise": (url_for("correcting.form", number=row.number), _("Correct what is needed"))} if found.written else {})
    due = {"supply_sections"} if found.asked else set()
    due |= {"renew_basis"} if "basis_needed" in row.flags or consent not in {"covers", "not_needed"} else set()
    asked = set(found.asked) & set(ready)
    fitting = next((str(one.id) for one in found.bases if asked and asked <= one.sections), "")
    chosen = {"supply_sections-new_basis": fitting} if fitting else {}
    hints = _still_empty([code for code in found.asked if code in agreed - found.filled])
    return replace(before, lists=before.lists | lists, first=before.first | first, awaited=before.awaited | due, hints=before.hints | hints, chosen=chosen)


def _still_empty(sections: list[str]) -> dict[str, str]:
    if not sections:
        return {}
    return {"supply_sections": _("She has agreed. Still empty in the file: %(sections)s.", sections=", ".join(map(section_label, sections)))}


def _asking(row: Referral) -> dict[str, tuple[str, str]]:
    if Verb.CONSENT_GIVE not in access.acts_allowed(actor().roles):
        return {}
    return {
        event: (url_for("asking_again.ask", number=row.number, untuk=what), _("Ask the survivor"))
        for event, what in (("supply_sections", MORE), ("renew_basis", AGAIN), ("approve_forward", FORWARD))
    }


def _hints(found: Further, *, kind: str, service: str) -> dict[str, str]:
    usual = package.ceiling(kind, service)
    hints = {code: [_("asked for")] if code in found.asked else [] for code in found.possible}
    for code, said in hints.items():
        if code not in usual:
            said.append(_("more than usual"))
    return {code: " · ".join(said) for code, said in hints.items()}


def _sections(codes: Iterable[str], *, hints: Mapping[str, str] | None = None) -> tuple[Option, ...]:
    return tuple(Option(code, section_label(code), (hints or {}).get(code, "")) for code in codes)


def _bases(found: Iterable[Consent]) -> tuple[Option, ...]:
    """Return consents by their day and what they cover beside what always goes along."""
    always = package.sections_always()
    return tuple(
        Option(
            str(one.id),
            _(
                "Given %(day)s, until %(end)s: %(sections)s",
                day=words.day(one.given_at.date(), reader()),
                end=words.day(one.valid_until, reader()),
                sections=", ".join(section_label(code) for code in sorted(one.sections - always)),
            ),
        )
        for one in found
        if one.valid_until is not None
    )


def told(row: Referral, history: Iterable[Event], *, side: str, names: Mapping[UUID, str]) -> list[str]:
    """Return what has to be known about sections: who asked for which, and what the survivor took back while its copies are not yet deleted."""
    events = list(history)
    found = []
    if "sections_requested" in row.flags:
        last = next(event for event in reversed(events) if event.code == "ask_sections")
        about = {"sections": named(last), "reason": label("event_reasons", str(last.inputs["event_reason"]))}
        found.append(
            _("%(agency)s asks for: %(sections)s (%(reason)s). Ask the survivor first.", agency=names[row.to_agency], **about)
            if side == "sender"
            else _("Asked for: %(sections)s. %(agency)s asks the survivor first.", agency=names[row.from_agency], **about)
        )
    taken = taken_back(row, events)
    if taken:
        found.append(_no_longer(row, taken, side=side, names=names, hers=not any(e.code == NARROWED and "event_reason" in e.inputs for e in events)))
    return found


def _no_longer(row: Referral, taken: Iterable[str], *, side: str, names: Mapping[UUID, str], hers: bool) -> str:
    """Return which sections are shared no more. `hers`: she took them back; else a review found that they had no ground."""
    sections, agency = ", ".join(map(section_label, taken)), names[row.to_agency]
    if not hers and side == "recipient":
        return _("No longer shared: %(sections)s. This no longer opens for your agency; the rest goes on.", sections=sections)
    if not hers:
        return _("No longer shared: %(sections)s. It no longer opens for %(agency)s.", sections=sections, agency=agency)
    if side == "recipient":
        return _("The survivor has taken back: %(sections)s. This no longer opens for your agency; the rest goes on.", sections=sections)
    return _("The survivor has taken back: %(sections)s. It no longer opens for %(agency)s.", sections=sections, agency=agency)


def taken_back(row: Referral, events: Iterable[Event]) -> list[str]:
    """Return the sections whose deletion is due because she took just these back; none where it is due of everything, or not at all."""
    taken: list[str] = []
    life = protocol.current().lifecycle.events
    for event in events:
        if event.code == NARROWED:
            taken += [code for code in event.inputs["sections"] if code not in taken]
        elif event.code == "confirm_purge":
            taken = []
        elif PURGE in life[event.code].sets:
            return []
    return taken if PURGE in row.flags else []


def purging(row: Referral, events: Iterable[Event]) -> dict[str, str]:
    """Return what the form that confirms a deletion says, where it is about single sections."""
    taken = taken_back(row, events)
    if not taken:
        return {}
    sections = ", ".join(map(section_label, taken))
    return {"confirm_purge": _("What became of your copies of this: %(sections)s. Also on paper, in notes, on devices.", sections=sections)}


def named(event: Event) -> str:
    """Return the names of the sections of an event."""
    return ", ".join(section_label(code) for code in event.inputs.get("sections", ()))
