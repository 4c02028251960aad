"""Every role calls every content route: on another agency's things, and at home on what the role has no ability for.

The answer is 403 or 404 in every case, never 200 and never 500; it leaves exactly one entry, outcome deny, under a verb of the route; and
nothing has changed. The roles come from agency_roles.yaml, the routes from the program: a new one of either is tried without being named.
"""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import text

from referral_hub import access, protocol
from referral_hub.gate.admits import CONTENT, routes_by_admission
from referral_hub.gate.cookies import CookiePolicy
from tests.gate.conftest import START
from tests.house.scene import SERVICES, Scene, calls
from tests.house.watch import Watch, verbs_of
from tests.vault.cheap import CHEAP

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

# The own session and account are everybody's; the policy says so by `is_self`.
OWN = {
    "account.change_passphrase", "account.end_others", "account.end_session", "account.language", "account.settings", "leaving.sign_out",
    "sign_in.sign_in_again",
}  # fmt: skip
REFUSED = {403, 404}
SHARED = ("agency_admin", "agency_head", "data_protection_officer")  # roles of every kind, tried at one
BOOKKEEPING = ("audit_", "session", "throttle", "device", "alembic", "procrastinate_")


def cases():
    """(kind whose agency is visited, kind of the visitors, roles)."""
    book = protocol.current()
    for kind in (item.code for item in book.codelist("agency_kinds")):
        roles = [r.code for r in access.roles_for(kind, case_data=book.kind(kind).case_data)]
        own = roles if kind == "social_services" else [r for r in roles if r not in SHARED]
        yield pytest.param(kind if kind in SERVICES else "social_services", kind, own, id=kind)


@pytest.fixture
def app(make_app, settings, clock):
    """The application before it has keys: the scene makes them."""
    return make_app(settings, clock=clock, cookies=CookiePolicy(secure=False, prefix=""), kdf=CHEAP)


@pytest.mark.parametrize(("kind", "visitors", "roles"), list(cases()))
def test_nobody_gets_in_where_he_has_no_business(app, session, engine, tmp_path, kind, visitors, roles):
    scene = Scene(app, session, tmp_path, kind=kind, now=START)
    things = scene.furnish()
    table = calls(things)
    content = set(routes_by_admission(app)[CONTENT]) - OWN
    assert content == set(table), "content routes without a call in tests/house/scene.py"
    watch = Watch(app, engine)
    the_things_are_there(scene, table, watch)
    home = scene.ours if visitors == kind else scene.network.agency("rumah", visitors)
    far = scene.theirs if visitors == kind else scene.network.agency("jauh", visitors)
    tried, amiss, stands = 0, [], Picture(engine)
    for role in roles:
        able = {endpoint for endpoint in table if verbs_of(app, endpoint) & access.acts_allowed(frozenset({role}))}
        for agency in (home, far):
            person = scene.network.member(agency, role, code=f"QQ-{tried:04}")
            browser = scene.browser(person, now=START)
            stands.taken_anew()
            for endpoint, (path, form, of_agency) in table.items():
                if endpoint not in able or (of_agency and agency is not scene.ours):
                    tried += 1
                    amiss += [f"{role} of {agency.code}: {what}" for what in complaints(watch, stands, browser, path, form)]
    assert amiss == []
    assert tried > len(table) * len(roles)


def the_things_are_there(scene, table, watch):
    """Whoever may read them does: otherwise every refusal below would be that of an address which leads nowhere."""
    browser, acts = scene.browser(scene.lead, now=START), access.acts_allowed(scene.lead.actor.roles)
    for endpoint, (path, form, of_agency) in table.items():
        if form is None and of_agency and verbs_of(scene.app, endpoint) & acts:
            assert browser.get(path, follow=False).status == 200, (endpoint, browser.page.text)
    assert all(len(seen.entries) == 1 for seen in watch.seen)


def complaints(watch, stands, browser, path, form):
    """Call, and return what was not as a refusal has to be."""
    if form is None:
        browser.get(path, follow=False)
    else:
        browser.post(path, {"act_id": str(uuid4()), "version": "1"} | form, follow=False)
    seen = watch.seen[-1]
    if seen.endpoint == "tasks.show" and seen.status == 200:
        return [] if seen.entries == () else [str(seen)]  # says that there is nothing to see, and shows nothing
    found = []
    if seen.status not in REFUSED:
        found.append(str(seen))
    elif len(seen.entries) != 1 or not is_refusal(watch.app, seen):
        found.append(f"wrong entries: {seen}")
    if stands.taken_anew():
        found.append(f"something changed: {seen}")
    return found


def is_refusal(app, seen):
    action, outcome, reason = seen.entries[0]
    return outcome == "deny" and bool(reason) and action in verbs_of(app, seen.endpoint)


class Picture:
    """Where each row of each table stands and which transaction wrote it: any change shows, and it costs little."""

    def __init__(self, engine):
        self.engine, self.last = engine, None
        with engine.connect() as connection:
            tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).all()
        asked = [t for t in tables if not t.startswith(BOOKKEEPING)]
        self.query = text(" UNION ALL ".join(f"SELECT '{t}', count(*), sum(hashtext(ctid::text || xmin::text)) FROM \"{t}\"" for t in asked))

    def taken_anew(self):
        """Look again; return whether anything changed since the last look."""
        with self.engine.connect() as connection:
            before, self.last = self.last, {tuple(row) for row in connection.execute(self.query)}
        return self.last != before
