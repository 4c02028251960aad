"""Law 9 and the stolen-data test: what is in a dump, in logs and files, and what opens with which keys (VAULT.md, The promise).

The first test tells the whole story through the pages with a random mark in every field and then looks for the marks everywhere. The others
give a thief ever more keys, and at the end an old backup.
"""

from __future__ import annotations

import base64
import io
import logging
import re
import tempfile
from pathlib import Path

import pytest
import yaml
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from referral_hub import errors
from referral_hub.accounts.records import MemberRow
from referral_hub.cases.rules import sections_of_person
from referral_hub.db import transact
from referral_hub.logs import configure_logs
from referral_hub.vault import formats, tombstones
from referral_hub.vault import member as members
from referral_hub.vault.grants import SEALED_COLUMNS, OpenGrant, sealed_from
from referral_hub.vault.hub import HubKeys, HubSecret, Use
from referral_hub.vault.kdf import unlock
from referral_hub.vault.keyring import Keyring
from referral_hub.vault.member import MemberKey
from referral_hub.vault.records import SHARES, GrantRow, ReleaseRow
from tests.factories import Network
from tests.house import thief
from tests.house.marks import Marks, leaks
from tests.house.source import ROOT
from tests.house.story import Told
from tests.referrals.story import DAY, HOUR, IDENTITY, NOW, Story
from tests.vault.cheap import CHEAP
from tests.vault.world import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ENOUGH = 55  # marks that people really read again; fewer would mean that the test looks for what was never kept


# --- law 9 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", range(4))
def test_the_search_finds_a_mark_in_whatever_form_it_is_stored(before):
    marks = Marks()
    text = "a" * before + marks.word("field") + "z"
    forms = [text.encode(), text.encode().hex().encode(), base64.b64encode(text.encode()), base64.urlsafe_b64encode(text.encode()), text.encode("utf-16")]
    for form in forms:
        assert leaks(marks.typed, b"INSERT " + form + b"\n") != {}
    assert leaks(marks.typed, b"INSERT " + bytes(100)) == {}


def test_no_mark_of_any_field_is_in_dump_logs_or_files(network, session, admin_url, database, tmp_path, monkeypatch, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    lines = io.StringIO()
    configure_logs(lines)
    marks = Marks()
    told = Told(network, marks, clear_text=clear_words(admin_url, database))
    read = the_whole_story(told)
    secrets_of_people(told)
    assert sum(mark in read for mark in marks.typed.values()) >= ENOUGH
    session.rollback()

    dumped = thief.dump(admin_url, database)
    assert b"SM-" in dumped
    assert leaks(marks.typed, dumped) == {}
    everything = "\n".join([lines.getvalue(), caplog.text, *capfd.readouterr(), server_log(admin_url)])
    assert "referrals.section" in everything
    assert leaks(marks.typed, everything.encode()) == {}
    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert any("tombstones" in name for name in files)
    assert {name: found for name, content in files.items() if (found := leaks(marks.typed, content))} == {}


def the_whole_story(told):
    """Everything from the file to the withdrawal, and every way in which typed words come back; return all that was read."""
    told.sign_in(told.sari)
    told.open_file()
    told.fill_file()
    read = "".join(told.sari.get(f"/kasus/{told.alias}/bagian/{section}").html for section in sections_of_person())
    refused_forms(told)
    told.sari.get(f"/kasus/{told.alias}/persetujuan")
    assert told.sari.send("/hitung$", allowed="yes").status == 200
    told.draft()
    told.write_needs()
    told.choose_package()
    told.agree()
    assert told.send().status == 200
    told.sign_in(told.santi)
    told.open_preview()
    told.santi.send("/tolak$", decline_reason="no_capacity", note=told.marks.word("decline.note"))
    told.accept()
    read += "".join(page.html for page in told.read_all(told.santi).values())
    read += own_file(told)
    told.serve()
    read += told.santi.get(f"/rujukan/{told.number}/catatan").html
    told.sign_in(told.sari)
    told.withdraw_consent()
    return read


def own_file(told):
    """The recipient copies everything into a file of its own, reads it there, and finds it by its words."""
    santi = told.santi
    page = santi.get(f"/rujukan/{told.number}")
    page = santi.send("/salin$", copy=re.findall(r'name="copy" value="([a-z_]+)"', page.html))
    assert page.status == 200, page.text
    places = [link for link in page.links if "/salinan/" in link or re.search(r"/bagian/[a-z_]+$", link)]
    read = "".join(santi.get(place).html for place in places)
    santi.get("/kasus")
    assert "SM-" in santi.send("/kasus/cari$", words=told.marks.typed["identity.nik"]).text
    return read


def refused_forms(told):
    """Too long, sent twice with other words, against a newer version, and by somebody whose session is over: nothing typed stays behind."""
    sari, marks, path = told.sari, told.marks, f"/kasus/{told.alias}/bagian/chronology"
    sari.get(f"{path}/ubah")
    form = sari.page.form("bagian/chronology$")
    long = marks.word("refused.long") + "x" * 5000
    assert sari.browser.post(path, form.filled(**{"chronology.do_not_ask": long})).status == 422
    assert sari.browser.post(path, form.filled(**{"chronology.narrative": marks.word("act.first")})).status == 200
    assert sari.browser.post(path, form.filled(**{"chronology.narrative": marks.word("act.other")})).status == 422
    stale = form.filled(**{"chronology.narrative": marks.word("stale")}, act_id="7c9e6679-7425-40de-944b-e07fc1f90ae7")
    assert sari.browser.post(path, stale).status == 409
    told.network.clock.move(minutes=20)
    assert sari.browser.post(path, form.filled(**{"chronology.narrative": marks.word("signed_out")})).status == 401
    sari.browser.post("/nowhere", {"note": marks.word("nowhere")})
    sari.sign_in()


def secrets_of_people(told):
    """Mails, names, passphrases, second factors, cookies and recovery codes are marks as well."""
    for person in (told.sari, told.lead, told.santi, told.auditor, told.network.admin):
        name = person.mail
        told.marks.keep(f"mail of {name}", person.mail)
        told.marks.keep(f"name of {name}", "Contoh " + person.mail.partition("@")[0])
        told.marks.keep(f"passphrase of {name}", person.passphrase)
        told.marks.typed[f"second factor of {name}"] = person.secret.hex()
        cookie = person.browser.client._cookies[("localhost", "/", "hub")].value
        told.marks.keep(f"cookie of {name}", cookie.partition(".")[2])
    for agency in (told.uptd, told.legal):
        told.marks.keep(f"recovery code of {agency.code}", agency.recovery_code)


def clear_words(admin_url, database):
    """Words that stand in clear by agreement: names of tables and columns, rules, and every list but those of sealed fields."""
    lists = ROOT / "config" / "protocol"
    sealed = ("field_codes", "violence_types", "simfoni_", "tip_", "wording_hints", "glossary", "scenarios", "sections", "section_matrix")
    files = [f for f in sorted(lists.glob("*.yaml")) if not f.stem.startswith(sealed)] + sorted((ROOT / "policies").glob("*.cedar"))
    return thief.dump(admin_url, database, "--schema-only").decode() + "".join(f.read_text(encoding="utf-8") for f in files)


def server_log(admin_url):
    """The database server's own log, where it lies beside its socket on this machine."""
    file = Path(str(make_url(admin_url).query.get("host", ""))) / "log"
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""


# --- keys without the hub, the hub without keys -----------------------------------------------------------------------------------


@pytest.fixture
def people(session, tmp_path):
    """A referral that legal aid has accepted, with real keys of both agencies."""
    network = Network(session, tmp_path, now=NOW)
    uptd, lbh = network.agency("uptd", "social_services"), network.agency("lbh", "legal")
    network.offer(lbh, "legal_consult")
    story = Story(session, network, uptd, lbh, network.member(uptd, "social_worker"), network.member(lbh, "lawyer"))
    story.accepted()
    story.at(story.santi, 3 * HOUR).section("safe_contact")
    story.at(story.santi, 3 * HOUR).copy_sections(referral_id=story.id, sections=["identity", "needs"])
    return story


EVERYTHING = {("copy", "own"), ("case", "own"), ("draft", "own"), ("referral", "own"), ("referral", "preview"), ("referral", "full")}
HUB_LOCKED = {("member", "name_locked"), ("release", "locked"), ("hub_secret", "locked")}


def test_without_the_hub_key_no_key_of_members_or_agencies_opens_anything(people, admin_url, database, tmp_path):
    hub = people.network.hub
    with thief.restored(admin_url, thief.dump(admin_url, database)) as stolen:
        assert opened(stolen, hub, people) == EVERYTHING  # the attack itself works: with the hub key it opens all
        assert opened(stolen, World.ring(tmp_path / "of-the-thief", hub), people) == set()
        assert no_share_opens(stolen, people)
        assert not any(readable(World.ring(tmp_path / "another", hub), stolen))


def test_a_search_token_is_no_word_without_both_halves_of_its_key(people, admin_url, database, tmp_path):
    """NIKs can be tried one by one: who has the agency's key but not the hub's secret, or the other way round, finds none of them in the dump."""
    hub, words = people.network.hub, [("nik", IDENTITY["nik"]), ("name", "contoh melati")]
    stolen_ring, sari, uptd = World.ring(tmp_path / "of-the-thief", hub), people.sari, people.uptd.id
    with thief.restored(admin_url, thief.dump(admin_url, database)) as stolen:
        kept = {token.bytes for token in stolen.scalars(text("SELECT token FROM case_index"))}
        assert set(sari.keys.index_tokens(stolen, uptd, words)) <= kept  # the attack itself works with both
        assert not set(Keyring(stolen_ring, sari.id, sari.keys.member_key).index_tokens(stolen, uptd, words)) & kept
        operator = HubKeys.load(tmp_path / "keys", stolen, profile="test")
        assert not {operator.token(secret, label, word) for secret in HubSecret for label, word in words} & kept
        with pytest.raises(errors.HubError):
            Keyring(operator, sari.id, MemberKey.generate()).index_tokens(stolen, uptd, words)


def opened(stolen, hub, people):
    return {
        what for person in (people.sari, people.santi)
        for what in thief.opened_by(stolen, hub, person.keys.member_key, member_id=person.id, now=NOW)
    }  # fmt: skip


def no_share_opens(stolen, people):
    """Below the program's own functions: the grant keys are had, the release secrets are guessed from all that the dump holds."""
    hub, tried = people.network.hub, 0
    query = select(*SEALED_COLUMNS).join(ReleaseRow, ReleaseRow.grant_id == GrantRow.id)
    for row in stolen.execute(query).all():
        sealed = sealed_from(row)
        holder = people.sari if sealed.grant.agency_id == people.uptd.id else people.santi
        bundle = holder.keys.bundle(stolen, sealed.grant.agency_id, sealed.grant.epoch)
        known = sealed.open(hub, bundle)
        shares = stolen.execute(select(SHARES).where(SHARES.c.grant_id == sealed.grant.id)).all()
        guesses = (b"", bytes(32), sealed.release_locked, sealed.release_locked[-32:], sealed.grant.id.bytes, hub.hub_id, known.key)
        for share in shares:
            assert known.open_share(share.wrapped, part=share.part, revision=share.revision)
            for guess in guesses:
                tried += 1
                with pytest.raises(errors.CannotOpen):
                    OpenGrant(sealed.grant, hub.hub_id, known.key, guess).open_share(share.wrapped, part=share.part, revision=share.revision)
    return tried > 100


def readable(hub, session):
    """Whether the name of each member opens under this hub key."""
    for member in session.scalars(select(MemberRow)).all():
        try:
            hub.unlock(Use.NAMES, member.name_locked, "member", member.id, "name")
        except errors.CannotOpen:
            yield False
        else:
            yield True


def test_with_the_hub_key_and_no_member_key_only_hub_locked_columns_open(people, admin_url, database, tmp_path):
    with thief.restored(admin_url, thief.dump(admin_url, database)) as stolen:
        operator = HubKeys.load(tmp_path / "keys", stolen, profile="test")
        assert all(readable(operator, stolen))
        for person in (people.sari, people.santi):
            assert thief.opened_by(stolen, operator, MemberKey.generate(), member_id=person.id, now=NOW) == set()
        assert thief.locked_columns(stolen) == HUB_LOCKED


def test_what_is_locked_for_the_hub_is_what_was_agreed(network, session, hub_keys):
    """After people have enrolled, the columns that begin as locked values are those of clear_metadata.yaml, hub_locked, and no other."""
    session.rollback()
    agreed = yaml.safe_load((ROOT / "config" / "protocol" / "clear_metadata.yaml").read_text(encoding="utf-8"))["hub_locked"]
    encrypted = {item["code"] for item in agreed if item["how"] == "encrypted"}
    listed = yaml.safe_load((ROOT / "tests" / "house" / "technical_columns.yaml").read_text(encoding="utf-8"))
    allowed = {(table, column) for table, found in listed.items() for column, item in found.get("clear", {}).items() if item in encrypted}
    found = thief.locked_columns(session)
    assert {("member", c) for c in ("name_locked", "mail_locked", "verifier_locked", "key_wrap", "totp_locked")} <= found
    assert found - allowed <= {("hub_secret", "locked"), ("audit_detail", "ciphertext"), ("audit_detail_key", "wrapped")}


def test_with_the_hub_key_and_no_passphrase_no_member_key_opens(network, session, hub_keys):
    session.rollback()
    row = session.scalars(select(MemberRow).where(MemberRow.key_wrap.is_not(None))).first()
    facts = {"member_id": row.id, "method": "passphrase", "public": row.public_key}
    right = unlock(network.admin.passphrase, salt=row.kdf_salt, parameters=CHEAP)
    assert members.open_key(hub_keys, row.key_wrap, unlock=right, **facts)
    inner = hub_keys.unlock(Use.ACCOUNT, row.key_wrap, "member", row.id, "key", "passphrase")
    assert inner[:2] == formats.header(formats.SECRET)
    for guess in ("", row.code, network.admin.mail, network.admin.passphrase + " "):
        with pytest.raises(errors.CannotOpen):
            members.open_key(hub_keys, row.key_wrap, unlock=unlock(guess, salt=row.kdf_salt, parameters=CHEAP), **facts)


# --- an old backup ---------------------------------------------------------------------------------------------------------------------


def test_a_restored_old_dump_does_not_bring_a_destroyed_grant_back(people, admin_url, database):
    old, hub, santi = thief.dump(admin_url, database), people.network.hub, people.santi
    people.at(people.sari).withdraw_consent(consent_id=people.row().consent_id)
    assert {("referral", "full"), ("referral", "preview")} <= grants_of(old, admin_url, hub, santi)
    assert grants_of(thief.dump(admin_url, database), admin_url, hub, santi) == set()
    with thief.restored(admin_url, old) as back:
        assert transact(back, lambda s: tombstones.replay(s, file=hub.tombstone_file)) == 2
        opened_again = thief.opened_by(back, hub, santi.keys.member_key, member_id=santi.id, now=NOW)
        assert opened_again == {("copy", "own")}  # held in the database only, until the recipient says what becomes of it
        sari = people.sari
        assert ("referral", "own") in thief.opened_by(back, hub, sari.keys.member_key, member_id=sari.id, now=NOW)


def test_a_restored_old_dump_does_not_bring_a_destroyed_copy_back(people, admin_url, database):
    old, hub, santi = thief.dump(admin_url, database), people.network.hub, people.santi
    people.at(people.sari, DAY).withdraw_consent(consent_id=people.row().consent_id)
    people.at(santi, 2 * DAY).on("confirm_purge", purge_statement="destroyed")
    assert ("copy", "own") in grants_of(old, admin_url, hub, santi)
    with thief.restored(admin_url, old) as back:
        transact(back, lambda s: tombstones.replay(s, file=hub.tombstone_file))
        assert ("copy", "own") not in thief.opened_by(back, hub, santi.keys.member_key, member_id=santi.id, now=NOW)


def test_the_service_opens_a_restored_database_only_after_the_replay(people, admin_url, database, tmp_path):
    old, hub = thief.dump(admin_url, database), people.network.hub
    people.at(people.sari).withdraw_consent(consent_id=people.row().consent_id)
    tombstones.require_replayed(people.session, file=hub.tombstone_file)
    with thief.restored(admin_url, old) as back:
        assert refusal(back, hub.tombstone_file) == "restore_not_replayed"
        transact(back, lambda s: tombstones.replay(s, file=hub.tombstone_file))
        assert refusal(back, hub.tombstone_file) == ""
        tombstones.write_pending(back, file=tmp_path / "elsewhere")
        assert refusal(back, tmp_path / "lost") == "tombstones_missing"


def refusal(session, file):
    """The code with which the service would stay closed."""
    try:
        tombstones.require_replayed(session, file=file)
    except errors.Unavailable as closed:
        return closed.code
    return ""


def grants_of(dumped, admin_url, hub, person):
    with thief.restored(admin_url, dumped) as session:
        return thief.opened_by(session, hub, person.keys.member_key, member_id=person.id, now=NOW)
