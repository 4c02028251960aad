"""Help, and the language of this browser. Both stay up while nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, request

from referral_hub.gate.admits import public
from referral_hub.gate.cookies import YEAR
from referral_hub.gate.house import house, own_path
from referral_hub.gate.speech import _
from referral_hub.web.catalog import LANGUAGES
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

bp = Blueprint("help", __name__)


@bp.get("/bantuan")
@public
def show() -> Response:
    """Show what to do when signing in, reading or sending does not work."""
    return page("help.html", title=_("Help"))


@bp.post("/bahasa")
@public
def language() -> Response:
    """Keep the language chosen in this browser; a member's own setting goes before it (account.language)."""
    response = see_other(own_path(request.form.get("back")))
    chosen = request.form.get("language", "")
    if chosen in LANGUAGES:
        house().cookies.put(response, house().cookies.language, chosen, max_age=YEAR)
    return response
