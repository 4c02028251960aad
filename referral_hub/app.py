"""The web application: one factory that joins settings, database, gate and pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from referral_hub import errors, protocol, web
from referral_hub.access import policy_digest
from referral_hub.clock import Clock, SystemClock
from referral_hub.db.engine import engine_options
from referral_hub.db.server import MIGRATIONS
from referral_hub.gate import front, problems
from referral_hub.gate.admits import check_routes
from referral_hub.gate.body import received
from referral_hub.gate.cookies import CookiePolicy
from referral_hub.gate.house import EXTENSION, House, db
from referral_hub.gate.turnstile import Turnstile, places_for
from referral_hub.logs import configure_logs
from referral_hub.vault.kdf import KdfParameters
from referral_hub.vault.sessions import ServerHalves
from referral_hub.web.sign_in import signed_out

if TYPE_CHECKING:
    from referral_hub.settings import Settings
    from referral_hub.vault.hub import HubKeys

WEB = Path(__file__).parent / "web"


class Application(Flask):
    """Flask, which would write message and traceback of a fault that happens while a failure is answered."""

    def log_exception(self, exc_info: Any) -> None:
        """Write kind and place only, like any other fault."""
        problems.log_fault(exc_info[1])


def create_app(
    settings: Settings,
    *,
    clock: Clock | None = None,
    cookies: CookiePolicy | None = None,
    kdf: KdfParameters | None = None,
    hub_keys: HubKeys | None = None,
    halves: ServerHalves | None = None,
    workers: int = 1,
) -> Flask:
    """Return the web application for `settings`.

    Args:
        settings: one frozen set (settings.load).
        clock: the source of now; the machine's by default. A held clock is given by demo and tests only.
        cookies: how cookies are named and guarded; `__Host-` and Secure by default.
        kdf: parameters of the derivation; those of the settings by default. Cheaper ones are given by demo and tests only.
        hub_keys: the hub's keys; read from their folder when first needed by default.
        halves: the server halves of sessions; read from the session folder by default.
        workers: how many processes serve, for the share of cores a derivation may take.

    Raises:
        errors.BadSettings: a setting that does not go with this profile.
        RuntimeError: a route that declares no admission.
    """
    cookies = cookies or CookiePolicy()
    _refuse_demo_arrangements(settings, clock=clock, cookies=cookies, kdf=kdf)
    configure_logs()
    app = _bare_app(settings)
    turnstile = Turnstile(places=places_for(workers=workers))
    app.extensions[EXTENSION] = House(
        settings=settings,
        clock=clock or SystemClock(),
        halves=halves or ServerHalves.load(settings.session_folder, require_tmpfs=settings.profile == "production"),
        kdf=kdf or KdfParameters(iterations=settings.argon2_iterations, memory_kib=settings.argon2_memory_kib),
        cookies=cookies,
        turnstile=turnstile,
        hub_keys=hub_keys,
    )
    front.install(app)
    problems.install(app, signed_out=signed_out)
    web.install(app)
    check_routes(app)
    protocol.current()
    policy_digest()
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]
    app.wsgi_app = received(turnstile.guard(app.wsgi_app), limit=settings.max_body_bytes)  # type: ignore[method-assign]
    return app


def _bare_app(settings: Settings) -> Flask:
    """Return Flask with its database; never in debug mode, whatever the environment says, because its pages show values."""
    app = Application("referral_hub", root_path=str(WEB), static_folder=None, template_folder="templates")
    app.config.update(
        DEBUG=False,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(),
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        MAX_FORM_MEMORY_SIZE=settings.max_body_bytes,
        TRAP_HTTP_EXCEPTIONS=False,
    )
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS))
    return app


def _refuse_demo_arrangements(settings: Settings, *, clock: Clock | None, cookies: CookiePolicy, kdf: KdfParameters | None) -> None:
    """Refuse in production what only demo and tests may have: a held clock, other cookies, a derivation of their own.

    Raises:
        errors.BadSettings: name of what does not belong.
    """
    unfit = {"cookies": not cookies.secure or cookies.prefix != "__Host-", "clock": clock is not None, "kdf": kdf is not None}
    for name, given in unfit.items():
        if settings.profile == "production" and given:
            raise errors.BadSettings(name=name)
