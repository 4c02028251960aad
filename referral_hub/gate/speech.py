"""Words of this request's language. English text is the message id; the catalogue stands in the web front."""

from __future__ import annotations

import flask_babel


def _(text: str, **values: object) -> str:
    """Return `text` in this request's language, `%(name)s` filled from `values`."""
    return str(flask_babel.gettext(text, **values))


def language() -> str:
    """Return the language of this request: `id` or `en`; `id` outside of one."""
    return str(flask_babel.get_locale() or "id")
