"""What a form may carry: marshmallow schemas whose complaints are codes, and the door to the protocol's own sections.

The words for a code stand in `web/forms.py`; here nothing makes sentences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import request
from marshmallow import EXCLUDE, Schema, ValidationError, fields, pre_load, validate

from referral_hub import errors
from referral_hub.protocol import forms
from referral_hub.protocol.values import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from referral_hub.protocol.forms import Context, Validated

_CODES: dict[str, Any] = {"required": "required", "null": "required", "invalid": "not_a_code", "invalid_uuid": "not_known", "validator_failed": "not_a_code"}


@dataclass(frozen=True)
class Problems:
    """What is amiss with a form: codes for each field, the refusal's own code, and who was faster, when."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code: str = ""
    wait: int = 0
    who: str = ""
    when: datetime | None = None

    def of(self, name: str) -> str:
        """Return the first code for the field `name`, or nothing."""
        return (self.fields.get(name) or ("",))[0]

    def prefixed(self, prefix: str) -> Problems:
        """Return the same with `prefix` before the names of fields that lack it: how a form calls them."""
        named = {name if name.startswith(prefix) else prefix + name: codes for name, codes in self.fields.items()}
        return Problems(named, self.code, self.wait, self.who, self.when)

    def __bool__(self) -> bool:
        """Say whether anything is amiss."""
        return bool(self.fields or self.code)

    def __len__(self) -> int:
        """Count the fields that need attention; a refusal without fields counts as one."""
        return len(self.fields) or int(bool(self.code))


def problems_of(refusal: errors.HubError) -> Problems:
    """Return a refusal as problems of a form: by field where it names fields, else by its code, with the seconds to wait."""
    if isinstance(refusal, errors.InputInvalid):
        return Problems(refusal.fields)
    who, when = str(refusal.facts.get("who", "")), refusal.facts.get("when")
    return Problems(code=refusal.code, wait=int(str(refusal.facts.get("retry_after", 0))), who=who, when=when if isinstance(when, datetime) else None)


class FormSchema(Schema):
    """A form of the web: unknown fields are left alone, an empty field counts as not given."""

    class Meta:
        """The act id and the version travel beside the fields."""

        unknown = EXCLUDE

    @pre_load
    def drop_empty(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        """Take blanks off both ends, signs that turn the direction off everywhere, and leave out what is empty."""
        trimmed = {name: value.translate(DIRECTIONS).strip() if isinstance(value, str) and name not in self.untrimmed() else value for name, value in data.items()}
        return {name: value for name, value in trimmed.items() if value not in ("", [])}

    def untrimmed(self) -> Collection[str]:
        """Name the fields whose blanks count, such as a passphrase."""
        return ()


def text(*, required: bool = True, longest: int = 200, **kwargs: Any) -> fields.String:
    """Return a field of one line."""
    limit = validate.Length(max=longest, error="too_long")
    return fields.String(required=required, validate=limit, error_messages=_CODES, **kwargs)


def one_of(allowed: Collection[str], *, required: bool = True, **kwargs: Any) -> fields.String:
    """Return a field that takes one of the codes `allowed`."""
    return fields.String(required=required, validate=validate.OneOf(list(allowed), error="not_a_code"), error_messages=_CODES, **kwargs)


def several(allowed: Collection[str], *, required: bool = True) -> fields.List[Any]:
    """Return a field that takes one or more of the codes `allowed`."""
    return fields.List(one_of(allowed), required=required, error_messages=_CODES)


def number(*, required: bool = False) -> fields.Integer:
    """Return a field that takes a whole number of at most nine digits."""
    fits = validate.Range(max=999_999_999, error="too_large")
    return fields.Integer(required=required, validate=fits, error_messages=_CODES | {"invalid": "not_a_number", "too_large": "too_large"})


def uuid(*, required: bool = True) -> fields.UUID:
    """Return a field that takes a row id."""
    return fields.UUID(required=required, error_messages=_CODES)


def tick(*, required: bool = False) -> fields.Boolean:
    """Return a tick; a required one must be ticked."""
    asked: dict[str, Any] = {"required": True, "validate": validate.Equal(comparable=True, error="not_ticked"), "error_messages": _CODES | {"required": "not_ticked"}} if required else {"load_default": False, "error_messages": _CODES}
    return fields.Boolean(truthy={"yes", "on"}, falsy={"no"}, **asked)


def form_of(**named: fields.Field[Any]) -> FormSchema:
    """Return a form made of `named` fields, where the answers that fit are known only now."""
    made = FormSchema.from_dict(dict(named))()
    if not isinstance(made, FormSchema):
        raise TypeError
    return made


def read_form(schema: FormSchema) -> dict[str, Any]:
    """Return the fields of this request's form as `schema` reads them.

    Raises:
        errors.InputInvalid: fields → codes.
    """
    given: dict[str, Any] = {}
    for own_name, kind in schema.fields.items():
        name = kind.data_key or own_name
        given[name] = request.form.getlist(name) if isinstance(kind, fields.List) else request.form.get(name, "")
    try:
        return dict(schema.load(given))
    except ValidationError as amiss:
        raise errors.InputInvalid(_codes(amiss.messages)) from None


def _codes(messages: Any) -> dict[str, tuple[str, ...]]:
    return {str(name): tuple(_leaves(found)) for name, found in messages.items()}


def _leaves(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [leaf for inner in found.values() for leaf in _leaves(inner)]
    return [str(leaf) for leaf in found]


def section_input(section: str, *, context: Context, only: Collection[str] | None = None, prefix: str = "") -> Validated:
    """Return a section of the protocol's form as this request carries it, checked by the protocol (never raises on content)."""
    values = forms.parse_form(section, request.form, timezone=context.timezone, prefix=prefix)
    return forms.validate_section(section, values, context=context, only=only)
