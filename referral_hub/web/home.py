"""The first address: it leads on to where this member works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint

from referral_hub.gate.admits import public
from referral_hub.gate.caller import caller
from referral_hub.web.frame import home_url
from referral_hub.web.page import see_other

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

bp = Blueprint("home", __name__)


@bp.get("/")
@public
def show() -> Response:
    """Lead to the sign-in page, or to the first page of the member's own navigation."""
    return see_other(home_url(caller()))
