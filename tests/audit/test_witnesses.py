"""Witnesses of the log: what they sign is kept, what they refuse too, and nothing that they do stalls anything."""

import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from referral_hub import errors
from referral_hub.audit import asking, checkpoint, note, queries, signer, witnesses
from referral_hub.audit.checkpoint import Tree
from referral_hub.audit.note import Signer
from referral_hub.db import transact
from tests.audit.conftest import NOW, ORIGIN, entry, fill
from tests.audit.conftest import add as append
from tests.audit.standing import Standing, sending, waiting
from tests.audit.test_signer import restore
from tests.witness.logs import GrownLog

MINUTE = timedelta(minutes=1)


@pytest.fixture
def clock():
    class Clock:
        moment = NOW

        def __call__(self):
            return self.moment

        def move(self, span):
            self.moment += span
            return self.moment

    return Clock()


@pytest.fixture
def standing(tmp_path, checkpoint_signer):
    (tmp_path / "witnesses").mkdir()
    made = Standing(tmp_path / "witnesses", signer.vkeys(checkpoint_signer)[0])
    with made.servers:
        yield made


@pytest.fixture
def hub(log, worker, checkpoint_signer, clock):
    """The log with its signer and its collector, at the clock's moment."""

    class Hub:
        def grow(self, count=3):
            fill(log, count, start=queries.size(log))
            log.rollback()

        def sign(self, **options):
            return signer.tend(worker, signer=checkpoint_signer, now=clock(), **options)

        def collect(self, policy, seconds=1.0):
            witnesses.collect(worker, policy=policy, now=clock(), seconds=seconds)
            worker.rollback()
            log.rollback()
            return {row.name: row for row in self.state().rows}

        def state(self):
            found = queries.witnesses(log)
            log.rollback()
            return found

        def told(self, action):
            found = queries.latest(log, filters=queries.Filter(action=action))
            log.rollback()
            return found

    return Hub()


def test_three_witnesses_one_with_two_keys(hub, standing, clock, log):
    for name, ml_dsa in (("a", False), ("b", True), ("c", False)):
        standing.witness(name, clock=clock, ml_dsa=ml_dsa)
    policy = standing.policy("group all-of-them all a b b-pq c", "quorum all-of-them")
    hub.grow()
    signed = hub.sign()
    clock.move(timedelta(seconds=4))
    rows = hub.collect(policy)
    assert {name: (row.size, row.delay, row.behind_since, row.failure) for name, row in rows.items()} == {
        name: (3, timedelta(seconds=4), None, "") for name in ("a", "b", "b-pq", "c")
    }
    state = hub.state()
    assert (state.quorum, state.reached_at) == (signed, clock())
    assert (state.is_witnessed(2), state.is_witnessed(3), state.seen(2), state.seen(3)) == (True, False, 4, 0)
    shown = signed.note + "".join(queries.cosignatures(log, signed.id))
    assert len(note.open_note(shown, [standing.log_vkey, *policy.witness_vkeys()]).signatures) == 5


def test_growth_is_proven_and_a_lost_answer_is_made_good(hub, standing, clock, owner):
    """The witness has seen more of the log than we remember: its 409 tells how much."""
    standing.witness("a", clock=clock)
    policy = standing.policy("quorum a")
    for size in (300, 520, 700):
        hub.grow(size - hub_size(hub))
        clock.move(MINUTE)
        hub.sign()
        assert hub.collect(policy)["a"].size == size
    owner("DELETE FROM audit_quorum")
    owner("DELETE FROM audit_cosignature")
    assert hub.collect(policy)["a"].size == 700
    hub.grow()
    clock.move(MINUTE)
    hub.sign()
    owner("DELETE FROM audit_quorum")
    owner("DELETE FROM audit_cosignature")
    row = hub.collect(policy)["a"]
    assert (row.size, row.failure, row.refusals) == (703, "", 0)


def hub_size(hub):
    found = hub.state().quorum
    return found.size if found else 0


def test_one_that_is_down_keeps_the_others_not_waiting(hub, standing, clock):
    standing.witness("a", clock=clock)
    standing.bad("slow", waiting(30))
    standing.bad("drip", lambda c: [c.sendall(b"H") or time.sleep(0.05) for _ in range(600)])
    standing.bad("huge", sending(200, b"x" * 5_000_000))
    standing.bad("gone", lambda _: None)
    policy = standing.policy("group some any a slow drip huge gone", "quorum some")
    hub.grow()
    hub.sign()
    started = time.monotonic()
    rows = hub.collect(policy, seconds=1.0)
    assert time.monotonic() - started < 20
    assert {name: row.failure for name, row in rows.items()} == {"a": "", "slow": "slow", "drip": "slow", "huge": "too_large", "gone": "unreachable"}
    assert hub.state().is_witnessed(0)


def test_who_failed_is_left_alone_for_a_minute(hub, standing, clock):
    asked = []
    standing.bad("bad", lambda connection: (asked.append(1), sending(500, b"")(connection)))
    policy = standing.policy("quorum bad")
    hub.grow()
    hub.sign()
    for _ in range(3):
        assert hub.collect(policy)["bad"].failure == "status_500"
    assert len(asked) == 1
    clock.move(MINUTE)
    hub.collect(policy)
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (sending(200, b""), "signatures"),
        (sending(200, b"thank you\n"), "signature_line"),
        (sending(200, b"\xff\xfe"), "malformed"),
        (sending(404, b"who?\n"), "status_404"),
        (sending(409, b"many\n"), "status_409"),
        (sending(409, b"1\n"), "status_409"),
        (sending(302, b""), "status_302"),
    ],
)
def test_answers_that_are_none(hub, standing, clock, answer, failure):
    standing.bad("bad", answer)
    hub.grow()
    hub.sign()
    assert hub.collect(standing.policy("quorum bad"))["bad"].failure == failure
    assert not hub.state().is_witnessed(0)
    assert hub.told("checkpoint.witness_refused") == ()


def test_a_signature_by_another_key_is_no_signature(hub, standing, clock):
    standing.witness("a", clock=clock, listed_seed=5)
    hub.grow()
    hub.sign()
    row = hub.collect(standing.policy("quorum a"))["a"]
    assert (row.size, row.failure) == (0, "unknown_key")


def test_a_signature_over_another_tree_is_no_signature(hub, standing, clock, tmp_path):
    text_of_another = checkpoint.text_of(Tree(ORIGIN, 3, bytes(32)))
    witness = Signer("a.witness.test", bytes([77]) * 32)
    standing.bad("a", sending(200, note.signature_line(text_of_another, witness, timestamp=1).encode()))
    hub.grow()
    hub.sign()
    assert hub.collect(standing.policy("quorum a"))["a"].failure == "signature"


def test_a_refusal_is_evidence_and_told_once_an_hour(hub, standing, clock, owner):
    """The witness has seen a fork of this log: it refuses, and that is kept."""
    witness = standing.witness("a", clock=clock)
    policy = standing.policy("quorum a")
    hub.grow(20)
    hub.sign()
    assert witness.add_checkpoint(GrownLog(20).body(0), now=1).status == 200
    row = hub.collect(policy)["a"]
    assert (row.failure, row.refusals, row.size) == ("refused_422", 1, 0)
    (told,) = hub.told("checkpoint.witness_refused")
    assert (told.entry.reason, told.entry.fields, told.entry.outcome) == ("status_422", (row.key,), "error")
    for _ in range(3):
        clock.move(2 * MINUTE)
        hub.sign()
        hub.collect(policy)
    assert len(hub.told("checkpoint.witness_refused")) == 1
    clock.move(60 * MINUTE)
    hub.sign()
    hub.collect(policy)
    assert len(hub.told("checkpoint.witness_refused")) == 2
    assert owner("SELECT count(*) FROM audit_refusal").scalar_one() == 2


def test_a_witness_that_claims_to_have_seen_more_is_kept_as_evidence(hub, standing, clock):
    standing.bad("liar", sending(409, b"999999999\n", b"text/x.tlog.size"))
    hub.grow()
    hub.sign()
    row = hub.collect(standing.policy("quorum liar"))["liar"]
    assert (row.failure, row.refusals) == ("refused_409", 1)
    clock.move(MINUTE)
    hub.grow()
    assert hub.sign() is not None  # a claim without a signature stops nobody


def test_lateness_is_told_once_until_it_is_over(hub, standing, clock, owner):
    standing.bad("bad", sending(503, b""))
    policy = standing.policy("quorum bad")
    hub.grow()
    hub.sign()
    for minutes in (0, 14):
        clock.move(minutes * MINUTE)
        hub.collect(policy)
    assert hub.told("checkpoint.witness_late") == ()
    for minutes in (1, 1, 30):
        clock.move(minutes * MINUTE)
        row = hub.collect(policy)["bad"]
    assert row.behind_since == NOW
    (told,) = hub.told("checkpoint.witness_late")
    assert (told.entry.reason, told.entry.fields) == ("status_503", (row.key,))
    newest = hub.sign()
    cosign(owner, newest, row.key)
    assert hub.collect(policy)["bad"].behind_since is None
    hub.grow()
    clock.move(MINUTE)
    hub.sign()
    clock.move(15 * MINUTE)
    hub.collect(policy)
    assert len(hub.told("checkpoint.witness_late")) == 2


def cosign(owner, signed, key):
    owner("INSERT INTO audit_cosignature VALUES (:id, :key, 'x', now(), now())", id=signed.id, key=key)


def test_a_new_witness_is_not_late_for_what_was_before_it(hub, standing, clock):
    hub.grow()
    hub.sign()
    clock.move(60 * MINUTE)
    standing.bad("new", sending(503, b""))
    row = hub.collect(standing.policy("quorum new"))["new"]
    assert row.behind_since == clock()
    assert hub.told("checkpoint.witness_late") == ()


def test_who_is_no_longer_in_the_policy_is_no_longer_shown(hub, standing, clock):
    standing.witness("a", clock=clock)
    first = standing.policy("quorum a")
    hub.grow()
    hub.sign()
    hub.collect(first)
    standing.lines.clear()
    standing.witness("b", clock=clock)
    assert set(hub.collect(standing.policy("quorum b"))) == {"b"}
    assert set(hub.collect(first)) == {"a"}


def test_without_a_policy_there_is_nobody(hub):
    assert hub.state() == queries.Witnesses((), None, None)


def test_a_witness_that_comes_by_itself(hub, standing, clock, session):
    """The web role keeps what it brings, the worker finds the quorum."""
    witness = standing.witness("a", clock=clock, url=False)
    policy = standing.policy("quorum a")
    hub.grow(20)
    signed = hub.sign()
    hub.collect(policy)
    body = b"old 0\n\n" + signed.note.encode()
    lines = witness.add_checkpoint(body, now=int(clock().timestamp())).body

    def bring(cosigned):
        return transact(session, lambda s: witnesses.accept(s, policy=policy, cosigned=cosigned, now=clock()))

    assert bring(signed.note + lines) == 1
    assert bring(signed.note + lines) == 0
    assert hub.collect(policy)["a"].size == 20
    assert hub.state().is_witnessed(19)
    with pytest.raises(errors.BadNote):
        bring(signed.note)
    foreign = GrownLog(7).note()
    with pytest.raises(errors.NotFound):
        bring(foreign + note.signature_line(foreign.rpartition("\n\n")[0] + "\n", _signer_of(witness), timestamp=1))


def _signer_of(witness):
    return witness._keys.signers[0][1]


def test_witnesses_who_come_at_different_moments_get_the_same_checkpoint(hub, clock, log):
    clock.move(timedelta(minutes=-1, seconds=-NOW.second, microseconds=-NOW.microsecond))  # 01:29:00
    hub.grow()
    first = hub.sign()
    assert queries.steady_checkpoint(log, now=clock()) == first  # there is no older one
    for _ in range(4):
        clock.move(timedelta(seconds=30))
        hub.grow()
        last = hub.sign()
    assert last.signed_at.minute == 31
    shown = queries.steady_checkpoint(log, now=clock())
    assert shown.signed_at.minute == 29
    assert queries.steady_checkpoint(log, now=clock() + 3 * MINUTE) == shown
    assert queries.steady_checkpoint(log, now=clock() + 4 * MINUTE) == last


def test_a_restored_database_with_its_file_is_refused_by_what_a_witness_shows(hub, standing, clock, owner, checkpoint_signer):
    """Database and key folder both came back from an older copy; only the witness remembers."""
    standing.witness("a", clock=clock)
    policy = standing.policy("quorum a")
    hub.grow(10)
    hub.sign()
    older = checkpoint_signer.last_file.read_text(encoding="utf-8")
    hub.grow(10)
    clock.move(MINUTE)
    hub.sign()
    hub.collect(policy)
    owner("DELETE FROM audit_quorum")
    owner("DELETE FROM audit_cosignature")
    restore(owner, 10)
    checkpoint_signer.last_file.write_text(older, encoding="utf-8")
    shown = asking.witnessed(policy, origin=ORIGIN)
    assert len(shown) == 1
    clock.move(MINUTE)
    for grown, reason in ((0, "witness_shorter"), (300, "witness_tree")):
        fill_from(hub, grown)
        with pytest.raises(errors.ForkRefused) as failure:
            hub.sign(witnessed=shown)
        assert failure.value.facts["reason"] == reason
    (told,) = hub.told("checkpoint.fork_refused")
    assert told.entry.reason == "witness_shorter"


def fill_from(hub, count):
    if count:
        hub.grow(count)


def test_what_no_key_of_ours_signed_stops_nobody(hub, standing, clock):
    standing.bad("liar", sending(200, GrownLog(900, key=Signer(ORIGIN, bytes(32))).note().encode()))
    standing.bad("mute", waiting(30))
    hub.grow()
    shown = asking.witnessed(standing.policy("quorum none"), origin=ORIGIN, seconds=0.5)
    assert len(shown) == 1
    assert hub.sign(witnessed=[*shown, "nonsense"]) is not None


@pytest.mark.parametrize("text", ["nonsense\n", "", None])
def test_a_policy_that_cannot_be_read_is_a_bad_setting(tmp_path, text):
    if text is not None:
        (tmp_path / "policy").write_text(text, encoding="utf-8")
    with pytest.raises(errors.BadSettings) as failure:
        witnesses.policy_at(str(tmp_path / "policy"))
    assert failure.value.facts["name"] == "witness_policy"
    assert witnesses.policy_at("") is None


def test_a_name_that_no_entry_could_hold_is_a_bad_setting(tmp_path):
    vkey = Signer("saksi–lbh.test", bytes(32)).vkey(note.COSIGNATURE_V1)
    (tmp_path / "policy").write_text(f"witness a {vkey}\nquorum a\n", encoding="utf-8")
    with pytest.raises(errors.BadSettings):
        witnesses.policy_at(str(tmp_path / "policy"))


def test_rights(hub, session, worker, standing, clock):
    """The web keeps cosignatures and nothing else; nobody changes what was kept."""
    standing.bad("bad", sending(422, b"no\n"))
    hub.grow()
    hub.sign()
    hub.collect(standing.policy("quorum bad"))
    for statement in ("DELETE FROM audit_refusal", "UPDATE audit_refusal SET status = 0", "DELETE FROM audit_quorum", "DELETE FROM audit_witness", "UPDATE audit_cosignature SET line = ''"):
        for role in (session, worker):
            with pytest.raises(Exception, match="permission denied"):
                role.execute(text(statement))
            role.rollback()
    with pytest.raises(Exception, match="permission denied"):
        session.execute(text("UPDATE audit_witness SET failure = ''"))
    session.rollback()


def test_an_append_is_not_held_up_by_a_collection_under_way(hub, standing, clock, log):
    """While a witness keeps us waiting no transaction is open and no lock is held."""
    import threading

    standing.bad("slow", waiting(30))
    hub.grow()
    hub.sign()
    policy = standing.policy("quorum slow")
    thread = threading.Thread(target=hub_collect_alone, args=(hub, policy))
    thread.start()
    time.sleep(0.3)
    append(log, entry())
    assert thread.is_alive()
    thread.join()


def hub_collect_alone(hub, policy):
    hub.collect(policy, seconds=5)
