"""Translations: English text is the message id, Indonesian stands in `translations/id/LC_MESSAGES/messages.po`.

The catalogue is compiled in memory when it is first needed, from the text file itself: no compiled file that could be
stale, missing from a checkout, or writable by the web process.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import request
from flask_babel import Babel, Domain, get_locale

from referral_hub.gate.caller import present_caller
from referral_hub.gate.house import house

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog
    from flask import Flask

LANGUAGES = ("id", "en")
FOLDER = Path(__file__).parent / "translations"


def read_catalog(language: str) -> Catalog:
    """Return the message catalogue of `language` as its text file has it."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


@cache
def make_catalog(language: str) -> NullTranslations:
    """Return the compiled translations of `language`; English is what the message ids say."""
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read_catalog(language))
    compiled.seek(0)
    return Translations(compiled)


class CatalogDomain(Domain):  # type: ignore[misc]
    """The translations of this request's language, from the catalogue in memory."""

    def get_translations(self) -> NullTranslations:
        """Return the translations of this request; none outside of one."""
        locale = get_locale()
        return NullTranslations() if locale is None else make_catalog(str(locale))


class CatalogBabel(Babel):  # type: ignore[misc]
    """Flask-Babel with the catalogue in memory."""

    domain_instance = CatalogDomain()


def language_of_request() -> str:
    """Return the language of this request: the member's own, else the browser's choice, else the default."""
    caller = present_caller()
    if caller is not None:
        return caller.actor.language if caller.actor.language in LANGUAGES else house().settings.default_language
    chosen = request.cookies.get(house().cookies.language, "")
    return chosen if chosen in LANGUAGES else house().settings.default_language


def install(app: Flask) -> None:
    """Translate the pages of `app`."""
    CatalogBabel().init_app(app, default_locale="id", locale_selector=language_of_request)
