"""What an event carries: which inputs must be there, and which codes are offered at this event and to this kind of recipient."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from referral_hub import errors
from referral_hub.protocol.loader import current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from referral_hub.protocol.shapes import Event, Input, Item

EVENT_FACTS = ("for", "ends")
KIND_FACTS = ("kind", "kinds")


@cache
def choices(event: str, name: str, *, recipient_kind: str = "") -> tuple[Item, ...]:
    """Return the codes that a coded input offers at an event, for a recipient of this kind where it is known.

    Raises:
        errors.NotFound: an unknown event, or an input without a code list.
    """
    current().event(event)
    held = current().lifecycle.inputs.get(name)
    codes = current().codelist(held.codelist if held else "")
    return tuple(item for item in codes if not _misfit(item, event, recipient_kind))


def check_inputs(event: Event, inputs: Mapping[str, Any], *, recipient_kind: str = "") -> None:
    """Check the inputs of an event.

    Raises:
        errors.InputInvalid: missing_input, with the codes of each field: required, bad_type, not_a_code, not_for_event, not_for_kind.
        errors.RuleBroken: the refusal that the input names (redirect_needed).
    """
    amiss: dict[str, tuple[str, ...]] = {}
    for name in event.needs:
        held = current().lifecycle.inputs[name]
        code = _amiss(held, event, inputs, recipient_kind)
        if code == "required" and held.refusal != "missing_input":
            raise errors.RuleBroken(held.refusal, input=name)
        if code:
            amiss[name] = (code,)
    if amiss:
        raise errors.InputInvalid(amiss)


def _amiss(held: Input, event: Event, inputs: Mapping[str, Any], kind: str) -> str:
    value = inputs.get(held.code)
    if _is_missing(value) or (held.must and value is not True):
        return "required" if _is_wanted(held, inputs) else ""
    if held.type == "bool":
        return "" if isinstance(value, bool) else "bad_type"
    if held.type == "code":
        return _amiss_code(held, value, event, kind)
    if held.type == "multi":
        rows = value if isinstance(value, (list, tuple, set, frozenset)) else [None]
        return next((code for row in rows if (code := _amiss_code(held, row, event, kind))), "")
    return ""


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, (list, tuple, set, frozenset)) and not value)


def _is_wanted(held: Input, inputs: Mapping[str, Any]) -> bool:
    if held.required_if is None:
        return True
    name, fact = held.required_if
    item = current().codelist(current().lifecycle.inputs[name].codelist).get(str(inputs.get(name)))
    return item is not None and bool(item.facts.get(fact))


def _amiss_code(held: Input, value: Any, event: Event, kind: str) -> str:
    item = current().codelist(held.codelist).get(value) if isinstance(value, str) else None
    return "not_a_code" if item is None else _misfit(item, event.code, kind)


def _misfit(item: Item, event: str, kind: str) -> str:
    for fact in EVENT_FACTS:
        if fact in item.facts and event not in item.facts[fact]:
            return "not_for_event"
    for fact in KIND_FACTS:
        kinds = item.facts.get(fact, "any")
        if kind and kinds != "any" and kind not in kinds:
            return "not_for_kind"
    return ""
