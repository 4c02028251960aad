"""Saving a section of the own file: validated, sealed as a new revision, and the few clear facts that rules need are written beside it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from referral_hub import access, audit, errors
from referral_hub.access import Verb
from referral_hub.cases import copies, index, reading, rules, scope, statistics
from referral_hub.cases.facts import Saved
from referral_hub.protocol import forms
from referral_hub.vault import parts
from referral_hub.vault.grants import ObjectKind
from referral_hub.vault.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy.orm import Session

    from referral_hub.access import Actor, Decision
    from referral_hub.cases.records import CaseRow
    from referral_hub.cases.scope import Found
    from referral_hub.protocol.forms import Validated
    from referral_hub.vault.keyring import Keyring

Person = dict[str, dict[str, Any]]


def edit_section(
    session: Session,
    *,
    actor: Actor,
    keys: Keyring,
    case_id: uuid.UUID,
    section: str,
    values: Mapping[str, Any],
    version: int,
    now: datetime,
    request_id: str = "",
    keep: Collection[str] = (),
    only: Collection[str] | None = None,
    known: Mapping[str, Collection[str]] | None = None,
    as_other: bool = False,
) -> Saved:
    """Seal a section of the own file as a new revision, with one `case.edit` entry that names it.

    `values` as in `protocol.forms`. `version`: the revision of this section that the form showed, 0 for an empty one. `keep`: fields whose
    stored value stays (sensitive ones that the form did not show); `only` makes it a partial form, which leaves all other fields as they are.
    `known`: codes that the form could offer, as for `forms.Context`; a companion must be one of `known["user"]`.
    Profile, identity and the sections that conditions ask about are opened for it in memory; nothing of them is shown.
    Where another file of the agency has the same NIK, phone or name, nothing is saved: `Saved.alike` names it, with one
    `case.duplicate_check` entry instead, until somebody says that it is another person (`as_other`).
    With her yes to being counted, her statistical record is made or replaced in the same transaction (`case.stat_record`).

    Raises:
        errors.NotFound: no such case at the agency, or no section of the person. errors.NotAllowed: the policy refused.
        errors.StaleVersion: another revision was saved meanwhile (`who`: member code, `when`).
        errors.RuleBroken: the section does not apply to this case (`guard_failed`); the file is closed (`wrong_state`).
        errors.InputInvalid: every field that is wrong or missing, as "section.field". errors.CannotOpen: what is stored does not verify.
    """
    found, decision = _begin(session, actor=actor, keys=keys, case_id=case_id, section=section, version=version)
    asked = rules.sections_read_with(section)
    stored, _ = reading.open_now(session, keys=keys, agency_id=found.case.agency_id, case_id=case_id, sections=asked, now=now)
    context = forms.Context(now=now, timezone=actor.timezone, sections=stored, known=known or {})
    checked = _checked(section, values, stored=stored.get(section, {}), context=context, keep=keep, only=only)
    contents = _with_age(section, checked.values, stored=stored, context=context)
    new = _new_words(section, before=stored, after=stored | contents)
    if new and not as_other and (alike := index.lookalikes(session, found, actor=actor, keys=keys, words=new, now=now, request_id=request_id)):
        return Saved(found.case, section, version, {}, alike)
    revisions = _seal(session, found.row, keys=keys, contents=contents, now=now)
    write_facts(session, found.row, section, checked.values, person=stored | contents, actor=actor, now=now)
    if section in rules.INDEXED:
        index.rewrite(session, keys=keys, row=found.row, person=stored | contents)
    after = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id)
    facts = after.facts | {"object_version": after.case.version, "sections": (section,)}
    audit.record(session, audit.entry_for(actor, Verb.CASE_EDIT, now=now, decision=decision, request_id=request_id, **facts))
    statistics.follow(session, actor=actor, keys=keys, case_id=case_id, decision=decision, now=now, request_id=request_id)
    return Saved(after.case, section, revisions[section], checked.warnings)


def _new_words(section: str, *, before: Person, after: Person) -> frozenset[tuple[str, str]]:
    """Return the words that the search finds after this saving and did not before."""
    return rules.search_words(after) - rules.search_words(before) if section in rules.INDEXED else frozenset()


def _seal(session: Session, row: CaseRow, *, keys: Keyring, contents: Person, now: datetime) -> dict[str, int]:
    """Seal sections where they lie: what is written on a copy ends with the copy. Return their revisions."""
    homes, revisions = copies.homes(session, row.id, lock="update"), {}
    for section, fields in contents.items():
        home = homes.get(section)
        kind, place = (home.object_kind, home.object_id) if home else (ObjectKind.CASE, row.id)
        sealed = parts.seal_parts(session, keys=keys, agency_id=row.agency_id, object_kind=kind, object_id=place, contents={section: Plain.of(fields)}, now=now)
        revisions[section] = sealed[section].revision
    return revisions


def _begin(session: Session, *, actor: Actor, keys: Keyring, case_id: uuid.UUID, section: str, version: int) -> tuple[Found, Decision]:
    """Find and lock the case, decide, and see that the form is not stale."""
    if section not in rules.sections_of_person():
        raise errors.NotFound
    found = scope.find(session, hub=keys.hub, actor=actor, case_id=case_id, lock="update", sections=frozenset({section}))
    decision = access.require(actor, Verb.CASE_EDIT, found.target)
    if not rules.may_write(access.abilities(actor.roles), section):
        raise errors.NotAllowed("role_lacks_ability", decision.rule_ids)
    rules.check_open(found.case)
    _expect_revision(session, case_id, section, version)
    return found, decision


def _expect_revision(session: Session, case_id: uuid.UUID, section: str, version: int) -> None:
    home = copies.homes(session, case_id).get(section)
    stored = home.state if home else None
    if (stored.revision if stored else 0) == version:
        return
    if stored is None:
        raise errors.StaleVersion
    raise errors.StaleVersion(who=scope.member_code(session, stored.author), when=stored.at)


def _checked(
    section: str,
    values: Mapping[str, Any],
    *,
    stored: Mapping[str, Any],
    context: forms.Context,
    keep: Collection[str],
    only: Collection[str] | None,
) -> Validated:
    """Return the whole section as it will be sealed, or raise RuleBroken or InputInvalid with every field that is amiss."""
    if not forms.section_applies(section, context=context):
        raise errors.RuleBroken("guard_failed")
    kept = {code: value for code, value in stored.items() if code in keep or (only is not None and code not in only)}
    checked = forms.validate_section(section, {**values, **kept}, context=context, only=None if only is None else {*only, *kept})
    problems = {f"{section}.{code}": codes for code, codes in checked.problems.items()}
    companion = checked.values.get("companion")
    if companion is not None and companion not in context.known.get("user", ()):
        problems |= {f"{section}.companion": ("not_known",)}
    if problems:
        raise errors.InputInvalid(problems)
    return checked


def _with_age(section: str, values: dict[str, Any], *, stored: Person, context: forms.Context) -> Person:
    """Return the sections to seal: the one saved, and the profile too where a new birth date changes whether she is a child."""
    contents = {section: values}
    profile = stored.get("profile")
    if section == "identity" and profile is not None:
        again = forms.validate_section(
            "profile", profile, context=forms.Context(context.now, context.timezone, sections={"identity": values})
        )
        if again.values.get("is_child") != profile.get("is_child"):
            contents["profile"] = profile | {"is_child": again.values.get("is_child")}
    return contents


def write_facts(
    session: Session, row: CaseRow, section: str, values: Mapping[str, Any], *, person: Person, actor: Actor, now: datetime
) -> None:
    """Write what may stand in clear (VAULT.md, "Written at sealing") and move the version."""
    row.version += 1
    row.last_activity = rules.local_day(now, actor.timezone)
    row.minor = bool(person.get("profile", {}).get("is_child", row.minor))
    row.second_person_needed = rules.needs_second_person(section, values, was=row.second_person_needed)
    row.retention_until = rules.keep_until(last=row.last_activity, minor=row.minor, person=person)
    if section == rules.SAFE_CONTACT:
        row.companion_id = uuid.UUID(values["companion"]) if "companion" in values else None
    session.flush()
