"""Every auditor page: it tells how far the log is witnessed, and where nobody witnesses it, that its operator could rewrite it (G/N22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from referral_hub.audit import coverage
from referral_hub.gate.house import session
from referral_hub.web.page import page

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.audit.coverage import Coverage


def desk_page(template: str, *, stands: Coverage | None = None, **values: Any) -> Response:
    """Make a page whose template extends `log/desk.html`; `stands` where the view has read it already. Values as of `page`."""
    return page(template, stands=stands or coverage.read(session()), **values)
