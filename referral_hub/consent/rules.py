"""What makes a consent, and what it covers. Pure. Sources: consent_rules.yaml, consent_forms.yaml; UU 27/2022 art. 20-26, 40."""

from __future__ import annotations

import calendar
import hashlib
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from referral_hub import errors, protocol
from referral_hub.consent import givers
from referral_hub.consent.facts import Child, Consent, Giving, Shown, Standing, Validated
from referral_hub.protocol import consent_text, forms

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection, Mapping

    from referral_hub.protocol.consent_text import ConsentText

# consent_rules.yaml, limits and givers; a test holds these against the list.
LONGEST_MONTHS = 12
SUGGESTED_MONTHS = 6
BY_CONSENT = "consent"


def wording(shown: Shown) -> ConsentText:
    """Return the exact text for a page, filled in, with the version of its wording and the digest of what is shown.

    Raises:
        errors.InputInvalid: something that the form needs is missing. errors.NotFound: no such form.
    """
    values = {
        "from_agency": shown.from_agency,
        "to_agency": shown.to_agency,
        "sections": shown.sections,
        "purpose": shown.purpose,
        "excluded": shown.excluded,
        "blocked": shown.blocked,
        "onward": shown.onward,
        "contact": shown.contact,
        "stats": shown.stats,
        "valid_until": shown.valid_until,
        "reason": shown.reason,
        "guardian_relation": shown.guardian_relation,
        "child_view": shown.child_view,
        "options": shown.options,
        "legal_basis": shown.legal_basis,
        "law_article": shown.law_article,
        "told": shown.told,
        "further": shown.further,
    }
    return consent_text.render(shown.form, shown.text_language, values)


def validate(
    giving: Giving,
    *,
    now: datetime,
    timezone: str,
    worker: uuid.UUID,
    minor: bool,
    known: Mapping[str, Collection[str]] | None = None,
    child: Child | None = None,
) -> Validated:
    """Check an answer of the survivor and split it: the ledger's clear columns, and what only a seal may hold.

    In: what the page took in; the member who records it; whether the case is a child's, and then `child`, the facts of her own file that
    decide who may speak for her; `known` as for `forms.Context`, so that a witness is somebody. Out: `clear` without ids, signers and times of the row; `sealed` with the fields of section `consent` that are not clear.

    Raises:
        errors.RuleBroken: another basis than consent is recorded as a disclosure (`second_signer_needed`); a child of whom nothing is known
            (`no_consent`), or whose guardian is a suspect and would consent (`guardian_is_suspect`).
        errors.InputInvalid: every field that is wrong or missing, as "consent.field".
    """
    if giving.basis != BY_CONSENT:
        raise errors.RuleBroken("second_signer_needed")
    if minor and child is None:
        raise errors.RuleBroken("no_consent")
    context = forms.Context(now=now, timezone=timezone, known=known or {})
    checked = forms.validate_section("consent", _fields(giving), context=context, only=_ASKED)
    problems = {f"consent.{code}": codes for code, codes in checked.problems.items()}
    amiss = givers.check(giving, child if minor else None)
    for name, code in [*amiss, *_broken(giving, now=now, today=local_day(now, timezone), worker=worker)]:
        problems[name] = (*problems.get(name, ()), code)
    text = _text_of(giving, problems)
    if problems or text is None:
        raise errors.InputInvalid(problems)
    said = {"assent": giving.assent, "child_view": giving.shown.child_view.strip(), "reason": giving.shown.reason, "options": giving.shown.options}
    sealed = {code: checked.values[code] for code in _SEALED if code in checked.values}
    sealed |= {"further": sorted(giving.further)} if giving.further else {}
    return Validated(_clear(giving, text), sealed | {code: value for code, value in said.items() if value and minor})


def check_refusal(*, purpose: str, language: str) -> None:
    """Check the few codes that the record of a no carries.

    Raises:
        errors.InputInvalid: a code that its list does not have (not_a_code), as "consent.field".
    """
    lists = {"consent.scope_purpose": ("purposes", purpose), "consent.language": ("languages", language)}
    problems = {name: ("not_a_code",) for name, (codes, code) in lists.items() if code not in protocol.current().codelist(codes)}
    if problems:
        raise errors.InputInvalid(problems)


def covers(consent: Consent | None, *, agency_id: uuid.UUID, purpose: str, sections: Collection[str], on: date) -> Standing:
    """Tell how a consent stands towards giving `sections` to one agency for one purpose on a day (the local one of whoever gives).

    A consent of another agency, or one that waits for its second signer, is none at all; one that was taken back or has ended says so before its scope is looked at.
    """
    if consent is None or consent.valid_until is None or consent.scope_agency != agency_id or on < consent.given_at.astimezone(UTC).date():
        return Standing.LACKS
    if not consent.is_signed:
        return Standing.LACKS
    if consent.withdrawn_at is not None:
        return Standing.WITHDRAWN
    if on > consent.valid_until:
        return Standing.ENDED
    if consent.purpose != purpose or not consent.sections.issuperset(sections):
        return Standing.SCOPE
    return Standing.COVERS


def digest(consent: Consent) -> bytes:
    """Return the SHA-256 of what is agreed, for the manifest of a sending: the clear columns in canonical JSON, without the withdrawal.

    `sections` are those that stand, so that what she took back makes another digest.
    """
    facts = {name: _plain(value) for name, value in vars(consent).items() if name not in _LATER}
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).digest()


def check_narrowing(consent: Consent, sections: Collection[str]) -> None:
    """Refuse to take back what cannot be taken back on its own.

    Raises:
        errors.InputInvalid: `sections`: none (required), not in this consent or always shared (not_known), or everything (all_of_them).
    """
    always = protocol.current().matrix.always
    code = "required" if not sections else "not_known" if not frozenset(sections) <= consent.sections - always else ""
    if not code and frozenset(sections) >= consent.sections - always:
        code = "all_of_them"
    if code:
        raise errors.InputInvalid({"sections": (code,)})


def suggested_until(today: date) -> date:
    """Return the end that the page suggests: six months on (limits.suggested_validity)."""
    return _months_after(today, SUGGESTED_MONTHS)


def longest_until(today: date) -> date:
    """Return the last possible end: one year on (limits.longest_validity)."""
    return _months_after(today, LONGEST_MONTHS)


def local_day(now: datetime, timezone: str) -> date:
    """Return the calendar day at `now` (aware) in a zone of timezones.yaml."""
    return now.astimezone(ZoneInfo(timezone)).date()


_ASKED = (
    "legal_basis", "scope_sections", "scope_excluded_fields", "scope_purpose", "restrictions", "use_limits", "onward_allowed",
    "contact_allowed", "stats_allowed", "valid_until", "given_by", "method", "form", "witness", "language", "given_at", "copy_given",
)  # fmt: skip
_LATER = frozenset({"withdrawn_at", "taken_back", "reviewed_at", "reviewer"})  # what happens to a consent after it was given
_SEALED = ("scope_excluded_fields", "restrictions", "witness")


def _fields(giving: Giving) -> dict[str, Any]:
    """Return the answer as values of the form's section `consent`; what is empty is unanswered."""
    values: dict[str, Any] = {
        "legal_basis": giving.basis,
        "scope_sections": sorted(giving.sections),
        "scope_excluded_fields": sorted(giving.excluded_fields),
        "scope_purpose": giving.purpose,
        "restrictions": giving.restrictions,
        "use_limits": sorted(giving.use_limits),
        "onward_allowed": giving.onward_allowed,
        "contact_allowed": giving.contact_allowed,
        "stats_allowed": giving.stats_allowed,
        "valid_until": giving.valid_until.isoformat(),
        "given_by": giving.given_by,
        "method": giving.method,
        "form": giving.shown.form,
        "witness": sorted(str(member) for member in giving.witness),
        "language": giving.language,
        "given_at": giving.given_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "copy_given": giving.copy_given,
    }
    return {code: value for code, value in values.items() if value not in ("", [])}


def _broken(giving: Giving, *, now: datetime, today: date, worker: uuid.UUID) -> list[tuple[str, str]]:
    """Return what the form's own checks cannot know, as pairs of field and code."""
    book = protocol.current()
    purpose = book.codelist("purposes").get(giving.purpose)
    service = book.services.get(giving.service)
    last = longest_until(local_day(giving.given_at, "UTC"))
    checks = {
        ("consent.scope_purpose", "not_of_the_service"): service is None or service.purpose != giving.purpose,
        ("consent.scope_purpose", "not_consentable"): purpose is not None and not purpose.facts.get("consentable"),
        ("consent.valid_until", "in_past"): giving.valid_until < today,
        ("consent.valid_until", "too_far"): giving.valid_until > last,
        ("consent.given_at", "in_future"): giving.given_at > now,
        ("consent.method", "required"): not giving.method,
        ("consent.witness", "same_person"): worker in giving.witness,
        ("consent.language", "required"): not giving.language,
        ("consent.copy_given", "required"): not giving.copy_given,
    }
    return [place for place, is_broken in checks.items() if is_broken]


def _text_of(giving: Giving, problems: dict[str, tuple[str, ...]]) -> ConsentText | None:
    """Return the text that was shown, or note why it is not what is recorded: nothing is recorded that was not read out."""
    shown = giving.shown
    try:
        text = wording(shown)
    except (errors.InputInvalid, errors.NotFound):
        problems["consent.form_version"] = ("text_changed",)
        return None
    differs = (
        text.shown != giving.text_shown
        or (shown.agency_id, shown.purpose) != (giving.agency_id, giving.purpose)
        or not frozenset(shown.sections) >= giving.sections
        or not frozenset(giving.excluded_fields) >= frozenset(shown.excluded)
        or not frozenset(shown.further) >= frozenset(giving.further)
        or any(name.partition(".")[0] not in giving.sections for name in giving.further)
        or shown.valid_until < giving.valid_until
        or (shown.onward, shown.contact, shown.stats) != (giving.onward_allowed, giving.contact_allowed, giving.stats_allowed)
    )
    if differs:
        problems["consent.form_version"] = ("text_changed",)
    return text


def _clear(giving: Giving, text: ConsentText) -> dict[str, Any]:
    return {
        "basis": giving.basis,
        "scope_agency": giving.agency_id,
        "purpose": giving.purpose,
        "sections": sorted(giving.sections | protocol.current().matrix.always),
        "use_limits": sorted(giving.use_limits),
        "onward_allowed": giving.onward_allowed,
        "contact_allowed": giving.contact_allowed,
        "stats_allowed": giving.stats_allowed,
        "valid_until": giving.valid_until,
        "given_by": giving.given_by,
        "method": giving.method,
        "language": giving.language,
        "form": giving.shown.form,
        "form_version": text.version,
        "given_at": giving.given_at,
        "copy_given": giving.copy_given,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | tuple):
        return sorted(str(item) for item in value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value if isinstance(value, bool) or value is None else str(value)


def _months_after(day: date, months: int) -> date:
    """Return the same day of a later month, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
