"""Words of this request's language. English text is the message id; the catalogue stands in the web front."""

from __future__ import annotations

import flask_babel


def _(text: str, **values: object) -> str:
    """Return `text` in this request's language, `%(name)s` filled from `values`."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, num: int) -> str:
    """Return the message for a number, `%(num)s` filled, in this request's language."""
    return str(flask_babel.ngettext(one, many, num))


def language() -> str:
    """Return the language of this request: `id` or `en`; `id` outside of one."""
    return str(flask_babel.get_locale() or "id")
