"""What stands before and after every view."""

from __future__ import annotations

import dataclasses
import io
import json

import pytest
from flask import Flask, request
from sqlalchemy import text

from referral_hub import errors
from referral_hub.app import create_app
from referral_hub.audit import queries as log_queries
from referral_hub.audit import whence
from referral_hub.gate import headers
from referral_hub.gate.admits import CONTENT, PUBLIC, SIGNED_IN, check_routes, public, routes_by_admission, signed_in_only
from referral_hub.gate.cookies import CookiePolicy
from referral_hub.gate.front import InMemoryRequest
from referral_hub.gate.house import own_path
from referral_hub.logs import configure_logs
from tests.gate.browser import SAME
from tests.vault.cheap import CHEAP


def test_every_route_stands_in_exactly_one_list(app):
    lists = routes_by_admission(app)
    everything = [endpoint for endpoints in lists.values() for endpoint in endpoints]
    assert sorted(everything) == sorted(app.view_functions)
    assert lists[PUBLIC] == [
        "enrolment.confirm", "enrolment.passphrase", "enrolment.second_factor", "enrolment.step", "enrolment.terms", "gate.healthz", "gate.metrics",
        "gate.readyz", "help.language", "help.show", "home.show", "leaving.quick_exit", "proofs.checkpoint", "proofs.consistency",
        "proofs.cosignature", "proofs.proof", "proofs.steady_checkpoint", "proofs.tile", "sign_in.begin", "sign_in.finish", "sign_in.first",
        "sign_in.second", "style.file",
    ]  # fmt: skip


def test_what_changes_something_declares_its_verb_or_is_public(app):
    lists = routes_by_admission(app)
    changing = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in rule.methods}
    assert not changing & set(lists[SIGNED_IN])
    assert changing - set(lists[PUBLIC]) <= set(lists[CONTENT])


def test_a_route_that_declares_nothing_or_twice_is_refused():
    bare = Flask("bare", static_folder=None)
    bare.add_url_rule("/x", "x", lambda: "x")
    with pytest.raises(RuntimeError, match="x"):
        check_routes(bare)
    with pytest.raises(ValueError, match="two"):
        public(signed_in_only(lambda: "x"))


@pytest.mark.parametrize("path", ["/masuk", "/bantuan", "/nowhere", "/akun", "/healthz", "/berkas/none"])
def test_headers_of_every_answer(client, path):
    answer = client.get(path)
    for name, value in headers.FIXED.items():
        assert answer.headers[name] == value
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert "Strict-Transport-Security" not in answer.headers
    assert "Content-Encoding" not in answer.headers


def test_secure_cookies_come_with_strict_transport(make_app, settings, hub_keys, clock):
    app = make_app(settings, clock=clock, kdf=CHEAP, hub_keys=hub_keys)
    answer = app.test_client().post("/bahasa", data={"language": "en", "back": "/masuk"}, headers=SAME)
    assert "max-age" in answer.headers["Strict-Transport-Security"]
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-hub-language=en;")
    assert all(part in cookie for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Strict"))
    assert "Domain" not in cookie


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site", "Origin": "http://hub.test"}, {"Origin": "null"}])
@pytest.mark.parametrize("path", ["/masuk", "/bahasa", "/keluar", "/nowhere"])
def test_a_form_of_another_site_is_refused(client, path, headers):
    answer = client.post(path, data={"language": "en"}, headers=headers)
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert "Ini bukan dari halaman Hub" in answer.get_data(as_text=True)


def test_an_older_browser_says_its_origin(client):
    assert client.post("/bahasa", data={"back": "/masuk"}, headers={"Origin": "http://hub.test"}).status_code == 303


@pytest.mark.usefixtures("trial")
@pytest.mark.parametrize(
    ("method", "headers"),
    [("get", {"Sec-Purpose": "prefetch"}), ("get", {"Sec-Fetch-Dest": "iframe"}), ("get", {"Range": "bytes=0-9"}), ("head", {}), ("get", {"Purpose": "prefetch"})],
)  # fmt: skip
def test_content_is_not_opened_ahead_of_time(network, entries, method, headers):
    count = len(entries())
    answer = getattr(network.admin.browser.client, method)("/trial/open", headers=headers)
    assert answer.status_code == 403
    assert len(entries()) == count
    assert network.admin.get("/trial/open").status == 200
    assert len(entries()) == count + 1


@pytest.mark.usefixtures("trial")
def test_the_foot_names_the_entry_of_the_page(network, entries):
    page = network.admin.get("/trial/open")
    number = entries() and len(entries()) - 1
    assert f"Yang Anda buka tercatat: entri {number}." in page.text
    assert "tercatat: entri" not in network.admin.get("/akun").text


def test_no_answer_leads_elsewhere():
    for path in ("//elsewhere.test", "https://elsewhere.test", "/\\elsewhere.test", "javascript:x", "", None, "/a\r\nX: y"):
        assert own_path(path) == "/"
    assert own_path("/rujukan/RJ-1?arah=masuk") == "/rujukan/RJ-1?arah=masuk"


def test_ready_while_database_log_and_key_are_there(client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_data(as_text=True)) == (200, "database ok\nlog ok\nhub_key ok\n")
    assert client.get("/healthz").status_code == 200


def test_without_the_hub_key_content_is_closed_and_help_stays_up(make_app, settings, hub_keys, clock):
    (settings.key_folder / "hub-ring").unlink()
    app = make_app(settings, clock=clock, cookies=CookiePolicy(secure=False, prefix=""), kdf=CHEAP)
    client = app.test_client()
    assert "hub_key unavailable" in client.get("/readyz").get_data(as_text=True)
    client.set_cookie("hub", "0" * 32 + "." + "A" * 43)
    assert client.get("/akun").status_code == 503
    assert client.post("/masuk", data={"sign_in-mail": "a@b.test", "sign_in-passphrase": "x y z"}, headers=SAME).status_code == 503
    assert client.get("/bantuan").status_code == 200
    assert client.get("/keluar-cepat").status_code == 303


def test_without_a_database_help_stays_up(make_app, settings, hub_keys, clock):
    from dataclasses import replace

    app = make_app(
        replace(settings, database_url="postgresql+psycopg://nobody@127.0.0.1:1/none"), clock=clock, cookies=CookiePolicy(secure=False, prefix=""),
        kdf=CHEAP, hub_keys=hub_keys,
    )  # fmt: skip
    client = app.test_client()
    client.set_cookie("hub", "0" * 32 + "." + "A" * 43)
    assert client.get("/readyz").get_data(as_text=True) == "database unavailable\nlog unavailable\nhub_key ok\n"
    assert client.get("/bantuan").status_code == 200
    assert client.get("/akun").status_code == 503
    assert client.get("/keluar-cepat").status_code == 303
    page = client.post("/masuk", data={"sign_in-mail": "a@b.test", "sign_in-passphrase": "geheim geheim"}, headers=SAME)
    assert page.status_code == 503
    assert "geheim" not in page.get_data(as_text=True)


def test_counts_are_for_whoever_holds_the_token(client):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    answer = client.get("/metrics", headers={"Authorization": "Bearer counted"})
    assert answer.status_code == 200
    assert 'hub_requests_total{endpoint="gate.metrics",status="404"} 2.0' in answer.get_data(as_text=True)


def test_the_log_line_names_the_endpoint_and_never_the_path(client):
    out = io.StringIO()
    configure_logs(out)
    client.get("/undangan/geheimes-token?x=y")
    line = json.loads(out.getvalue().splitlines()[-1])
    assert set(line) == {"event", "level", "timestamp", "method", "endpoint", "status", "ms", "request_id"}
    assert line["endpoint"] == "enrolment.step"
    assert "geheim" not in out.getvalue()


def test_parts_of_a_form_never_rest_on_a_disk(app):
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = 4_000_000
    head = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    body = head + b"x" * 2_000_000 + b"\r\n--cut--\r\n"
    with app.test_request_context("/x", method="POST", input_stream=io.BytesIO(body), content_length=len(body), content_type="multipart/form-data; boundary=cut"):
        assert isinstance(request._get_current_object(), InMemoryRequest)
        assert isinstance(request.files["file"].stream, io.BytesIO)


def test_production_takes_no_arrangement_of_the_demo(settings, hub_keys, clock):
    from dataclasses import replace

    production = replace(settings, profile="production")
    with pytest.raises(errors.BadSettings):
        create_app(production, clock=clock)
    with pytest.raises(errors.BadSettings):
        create_app(production, cookies=CookiePolicy(secure=False, prefix=""))


def test_one_request_at_a_time_passes_the_application(app):
    import threading

    inside, most = [0], [0]
    real = app.full_dispatch_request

    def watched():
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        try:
            return real()
        finally:
            inside[0] -= 1

    app.full_dispatch_request = watched
    threads = [threading.Thread(target=lambda: app.test_client().get("/bantuan")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == 1


def test_no_transaction_is_left_open_by_an_answer(network, session):
    network.admin.get("/akun")
    session.rollback()
    assert session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'")) == 0


def test_where_a_request_came_from_is_kept_under_the_hub_key_only(app, client, session, hub_keys):
    headers_of_phone = {**SAME, "User-Agent": "Telepon Tua 1.0"}
    client.post("/masuk", data={"sign_in-mail": "siapa@uji.test", "sign_in-passphrase": "bukan frasa sandi"}, headers=headers_of_phone)
    kept = session.execute(text("SELECT idx, ciphertext FROM audit_detail")).all()
    assert len(kept) == 1
    assert b"Telepon" not in kept[0].ciphertext
    moment = log_queries.peek(session, kept[0].idx).entry.occurred_at
    assert whence.open_detail(session, hub=hub_keys, sealed=kept[0].ciphertext, moment=moment) == b"127.0.0.1\nTelepon Tua 1.0"


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9")])
def test_only_a_trusted_proxy_says_who_calls(make_app, settings, hub_keys, session, proxies, address):
    behind = make_app(dataclasses.replace(settings, trusted_proxies=proxies), cookies=CookiePolicy(secure=False, prefix=""), kdf=CHEAP, hub_keys=hub_keys)
    form = {"sign_in-mail": "siapa@uji.test", "sign_in-passphrase": "bukan frasa sandi"}
    behind.test_client().post("/masuk", data=form, headers={**SAME, "X-Forwarded-For": "198.51.100.1, 203.0.113.9"})
    row = session.execute(text("SELECT idx, ciphertext FROM audit_detail")).one()
    moment = log_queries.peek(session, row.idx).entry.occurred_at
    assert whence.open_detail(session, hub=hub_keys, sealed=row.ciphertext, moment=moment).splitlines()[0].decode() == address
