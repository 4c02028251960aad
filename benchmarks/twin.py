"""The tuned twin: the same pages from the same server and database without any promise.

Same Flask, templates and words, same granian, pool and driver. The session is found by one joined select, the referral by one joined select,
content lies in clear, one unhashed access row is written through Core, commit. No sealing, no policy, no tree, no throttle, no form versions,
no repeats, no request log. Whatever the product does beyond this is the price that the benchmark tells.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, abort, current_app, g, request, url_for
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from referral_hub import errors, protocol, web
from referral_hub.access import Actor
from referral_hub.accounts import queries as members
from referral_hub.accounts.sessions import Cookie
from referral_hub.app import WEB
from referral_hub.clock import SystemClock
from referral_hub.db import uuid7
from referral_hub.db.engine import make_engine
from referral_hub.directory import queries as directory
from referral_hub.gate.cookies import CookiePolicy
from referral_hub.gate.headers import add_headers
from referral_hub.gate.house import EXTENSION, House, now
from referral_hub.gate.speech import _
from referral_hub.gate.turnstile import Turnstile, places_for
from referral_hub.logs import configure_logs
from referral_hub.referrals import scope
from referral_hub.referrals.queries import lines as listing
from referral_hub.referrals.records import ReferralRow
from referral_hub.vault import kdf, totp
from referral_hub.vault.hub import HubKeys
from referral_hub.vault.kdf import KdfParameters
from referral_hub.vault.sessions import ServerHalves
from referral_hub.web import referral_page
from referral_hub.web.files import label, options
from referral_hub.web.forms import Option
from referral_hub.web.lines import card_of
from referral_hub.web.page import page, see_other

if TYPE_CHECKING:
    import uuid

    from referral_hub.settings import Settings

bp = Blueprint("twin", __name__)
ENGINE = "twin.engine"

TABLES = """
CREATE TABLE plain_part (owner uuid, section text, content jsonb, PRIMARY KEY (owner, section));
CREATE TABLE plain_sent (owner uuid, section text, content jsonb, PRIMARY KEY (owner, section));
CREATE TABLE plain_access (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz, member_id uuid, agency_id uuid, action text, referral_id uuid, sections text[], count int);
CREATE TABLE plain_account (mail text PRIMARY KEY, member_id uuid, salt bytea, verifier bytea, secret bytea, last_step bigint);
GRANT ALL ON plain_part, plain_sent, plain_access, plain_account TO hub_web;
"""

SESSION = text("""
SELECT s.secret_digest, s.last_seen, s.expires_at, m.id, m.agency_id, m.code, m.roles, m.state, m.language, m.timezone, a.name, a.kind, a.code
FROM session s JOIN member m ON m.id = s.member_id JOIN agency a ON a.id = m.agency_id WHERE s.id = :id AND s.purpose = 'full'
""")
SECTION = text("""
SELECT r.id, r.number, r.state, r.version, al.code, p.content
FROM referral r JOIN alias al ON al.case_id = r.case_id AND al.agency_id = :agency JOIN plain_part p ON p.owner = r.id AND p.section = :section
WHERE r.number = :number AND (r.to_agency = :agency OR r.from_agency = :agency)
""")
DRAFT = text("""
SELECT r.id, r.version, p.section, p.content FROM referral r JOIN plain_part p ON p.owner = r.id
WHERE r.number = :number AND r.from_agency = :agency AND r.state = 'draft'
""")
ACCESS = text("""
INSERT INTO plain_access (at, member_id, agency_id, action, referral_id, sections, count) VALUES (:at, :member, :agency, :action, :referral, :sections, :count)
""")
SENT = text("INSERT INTO plain_sent (owner, section, content) VALUES (:owner, :section, CAST(:content AS jsonb))")
SENDING = text("UPDATE referral SET state = 'requested', sent_at = :at, sending = 1, version = version + 1 WHERE id = :id AND version = :version")
EVENT = text("""
INSERT INTO referral_event (referral_id, seq, code, side, actor_kind, actor_id, actor_code, at, inputs)
VALUES (:id, :seq, 'send', 'sender', 'member', :member, :code, :at, '{}')
""")
ACCOUNT = text("SELECT member_id, salt, verifier FROM plain_account WHERE mail = :mail")
PENDING = text("""
SELECT s.id, s.secret_digest, p.member_id, p.secret, p.last_step FROM session s JOIN plain_account p ON p.member_id = s.member_id
WHERE s.id = :id AND s.purpose = 'sign_in' FOR UPDATE OF p
""")
BEGUN = text("""
INSERT INTO session (id, member_id, secret_digest, key_wrap, purpose, auth_method, wrong_codes, created_at, last_seen, expires_at, device)
VALUES (:id, :member, :digest, '', :purpose, 'plain', 0, :at, :at, CAST(:at AS timestamptz) + interval '8 hours', '')
""")
USED = text("UPDATE plain_account SET last_step = :step WHERE member_id = :member")
ENDED = text("DELETE FROM session WHERE id = :id")


def create_twin(settings: Settings, *, workers: int) -> Flask:
    """Return the twin's application on the database of `settings`."""
    configure_logs()
    app = Flask("twin", root_path=str(WEB), static_folder=None, template_folder="templates")
    app.config.update(MAX_CONTENT_LENGTH=settings.max_body_bytes, MAX_FORM_MEMORY_SIZE=settings.max_body_bytes)
    turnstile = Turnstile(places=places_for(workers=workers))
    engine = make_engine(settings.database_url)
    with Session(engine) as session:
        hub = HubKeys.load(settings.key_folder, session)
    app.extensions[ENGINE] = engine
    app.extensions[EXTENSION] = House(
        settings=settings,
        clock=SystemClock(),
        halves=ServerHalves.load(settings.session_folder, require_tmpfs=False),
        kdf=KdfParameters(),
        cookies=CookiePolicy(),
        turnstile=turnstile,
        hub_keys=hub,
    )
    web.install(app)
    app.register_blueprint(bp)
    app.add_url_rule("/healthz", view_func=lambda: Response("ok\n"))
    app.after_request(partial(add_headers, secure=True))
    app.register_error_handler(errors.Unavailable, lambda _failure: Response(status=503))  # no place for a derivation, as in the product
    protocol.current()
    app.wsgi_app = turnstile.guard(app.wsgi_app)  # type: ignore[method-assign]
    return app


def _engine() -> Engine:
    engine: Engine = current_app.extensions[ENGINE]
    return engine


def _cookie() -> Cookie:
    return Cookie.parse(request.cookies.get(CookiePolicy().session, ""))


def _signed_in(connection: Any) -> Any:
    """Find who calls by one joined select, and put them where the frame of every page looks."""
    cookie = _cookie()
    row = connection.execute(SESSION, {"id": cookie.id}).one_or_none()
    if row is None or not hmac.compare_digest(row[0], hashlib.sha256(cookie.secret).digest()) or row[2] <= now():
        abort(401)
    actor = Actor(
        kind="member", member_id=row[3], agency_id=row[4], agency_kind=row[11], agency_code=row[12], code=row[5], roles=frozenset(row[6]),
        state=row[7], holds_key=True, strength="full", auth_method="plain", session_digest="", language=row[8], timezone=row[9],
    )  # fmt: skip
    g.hub_caller = SimpleNamespace(actor=actor, agency=SimpleNamespace(id=row[4], name=row[10], kind=row[11]), idle_until=row[2], ends_at=row[2])
    return actor


def _access(connection: Any, actor: Actor, action: str, *, referral: uuid.UUID | None = None, sections: tuple[str, ...] = (), count: int = 1) -> None:
    facts = {"action": action, "referral": referral, "sections": list(sections), "count": count}
    connection.execute(ACCESS, {"at": now(), "member": actor.member_id, "agency": actor.agency_id, **facts})


@bp.get("/twin/rujukan/<number>/bagian/<section>")
def section(number: str, section: str) -> Response:
    """Show one section."""
    with _engine().connect() as connection:
        actor = _signed_in(connection)
        row = connection.execute(SECTION, {"number": number, "section": section, "agency": actor.agency_id}).one_or_none()
        if row is None:
            abort(404)
        _access(connection, actor, "section.read", referral=row[0], sections=(section,))
        connection.commit()
    part = SimpleNamespace(code=section, **row[5])
    facts = referral_page.section_facts(part)  # type: ignore[arg-type]
    return page("referrals/section.html", number=row[1], section=section, label=label(section), withheld=[], facts=facts)


@bp.post("/twin/rujukan/<number>/kirim")
def send(number: str) -> Response:
    """Send a draft: its six parts are read and inserted as they are."""
    if request.form.get("read_block") != "yes":
        abort(422)
    with _engine().connect() as connection:
        actor = _signed_in(connection)
        rows = connection.execute(DRAFT, {"number": number, "agency": actor.agency_id}).all()
        if not rows or rows[0][1] != int(request.form["version"]):
            abort(409)
        owner, version = rows[0][0], rows[0][1]
        connection.execute(SENT, [{"owner": owner, "section": row[2], "content": json.dumps(row[3])} for row in rows])
        connection.execute(SENDING, {"id": owner, "version": version, "at": now()})
        connection.execute(EVENT, {"id": owner, "seq": version + 1, "member": actor.member_id, "code": actor.code, "at": now()})
        _access(connection, actor, "referral.send", referral=owner, sections=tuple(row[2] for row in rows))
        connection.commit()
    return see_other(url_for("referrals.show", number=number))


@bp.get("/twin/rujukan")
def lists() -> Response:
    """Show the incoming list: the product's own query, its counts, names and page."""
    with Session(_engine(), expire_on_commit=False) as session:
        actor = _signed_in(session)
        house: House = current_app.extensions[EXTENSION]
        listing.plan_for_this_agency(session)
        scoped = scope.addressed_to(actor, hub=house.hub)
        query = listing.select_lines(actor).where(scoped).order_by(ReferralRow.id.desc()).limit(26)
        lines = listing.lines_of(session, query, actor=actor, now=now())
        shown = lines[:25]
        count = listing.counted(session, scoped)
        counts = {"in": count, "out": listing.counted(session, scope.sent_by(actor, hub=house.hub))}
        _access(session, actor, "referral.list", count=len(shown))
        here = directory.agencies(session, ids={line.other_agency for line in shown})
        names = {one.id: one.name for one in here}
        colleagues = members.members(session, agency_id=actor.agency_id)
        session.commit()
    found = SimpleNamespace(lines=shown, next=f"0.{shown[-1].id.hex}" if len(lines) > len(shown) else None, count=count)
    states = [option for option in options("states") if option.value != "draft"]
    return page(
        "referrals/lists.html", title=_("Referrals"), side="masuk", found=found, cards=[card_of(line, names) for line in shown], asked={},
        counts=counts, codes={m.id: m.code for m in colleagues}, states=states, urgencies=options("urgency_sla"),
        colleagues=[Option(m.code, m.code) for m in colleagues], others=[Option(one.code, one.name) for one in here],
        sorts=[Option("newest", _("Newest first")), Option("urgency", _("By urgency")), Option("deadline", _("By deadline"))],
    )  # fmt: skip


@bp.post("/twin/masuk")
def begin() -> Response:
    """Page 1 of signing in: the same derivation, one row."""
    house: House = current_app.extensions[EXTENSION]
    with _engine().connect() as connection:
        row = connection.execute(ACCOUNT, {"mail": request.form["sign_in-mail"]}).one()
    with house.turnstile.aside():
        unlock = kdf.unlock(request.form["sign_in-passphrase"], salt=row.salt, parameters=house.kdf)
    if not hmac.compare_digest(unlock.verifier, row.verifier):
        abort(422)
    with _engine().connect() as connection:
        cookie = _begin(connection, row.member_id, purpose="sign_in")
        connection.commit()
    return _with_cookie(see_other(url_for("sign_in.second")), cookie)


@bp.post("/twin/masuk/kode")
def finish() -> Response:
    """Page 2 of signing in: the code, one row."""
    cookie = _cookie()
    with _engine().connect() as connection:
        row = connection.execute(PENDING, {"id": cookie.id}).one()
        step = totp.accept(row.secret, request.form["sign_in-code"], now=now(), last_step=row.last_step)
        if step is None or not hmac.compare_digest(row.secret_digest, hashlib.sha256(cookie.secret).digest()):
            abort(422)
        connection.execute(USED, {"step": step, "member": row.member_id})
        connection.execute(ENDED, {"id": row.id})
        made = _begin(connection, row.member_id, purpose="full")
        connection.execute(
            ACCESS, {"at": now(), "member": row.member_id, "agency": None, "action": "session.sign_in", "referral": None, "sections": [], "count": 1}
        )
        connection.commit()
    return _with_cookie(see_other("/"), made)


def _begin(connection: Any, member_id: uuid.UUID, *, purpose: str) -> Cookie:
    cookie = Cookie(uuid7(now()), kdf.new_salt() + kdf.new_salt())
    digest = hashlib.sha256(cookie.secret).digest()
    connection.execute(BEGUN, {"id": cookie.id, "member": member_id, "digest": digest, "purpose": purpose, "at": now()})
    return cookie


def _with_cookie(response: Response, cookie: Cookie) -> Response:
    policy = CookiePolicy()
    policy.put(response, policy.session, cookie.text())
    return response
