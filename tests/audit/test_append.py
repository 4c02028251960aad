"""The append through a real PostgreSQL: what is durable, in order, counted, and nothing else."""

import threading
import time
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from referral_hub import audit, errors
from referral_hub.audit import entry as entries
from referral_hub.audit import fsck, merkle, queries, tiles, whence
from referral_hub.audit.append import name_log
from referral_hub.db import transact
from tests.audit.conftest import BUDI, LEGAL, NOW, ORIGIN, OTHER, RAISED, REFERRAL, SARI, SURVIVOR, add, entry, fill


def test_a_ticket_tells_its_place_only_after_the_commit(log):
    seen = []

    def work(session):
        ticket = audit.record(session, entry())
        seen.append(ticket.durable)
        with pytest.raises(errors.NotDurable):
            _ = ticket.index
        with pytest.raises(errors.NotDurable):
            ticket.require_durable()
        return ticket

    ticket = transact(log, work)
    assert seen == [False]
    assert ticket.durable
    assert ticket.index == 0
    stored = queries.peek(log, 0)
    assert stored.leaf_hash == ticket.leaf_hash
    assert stored.entry == entry()
    assert stored.place.origin == ORIGIN


def test_the_stored_bytes_are_the_hashed_ones(log, owner):
    ticket = add(log, entry())[0]
    payload = owner("SELECT payload FROM audit_entry").scalar_one()
    assert merkle.leaf_hash(payload) == ticket.leaf_hash
    assert owner("SELECT frontier FROM audit_head").scalar_one() == ticket.leaf_hash


def test_entries_of_one_transaction_stand_in_order_with_exact_counters(log):
    add(log, entry())
    withdrawal = [entry(action=a, actor_id=BUDI) for a in ("consent.withdraw", "referral.consent_withdrawn", "referral.access_withdrawn")]
    tickets = add(log, *withdrawal)
    assert [t.index for t in tickets] == [1, 2, 3]
    places = [queries.peek(log, i).place for i in range(4)]
    assert [(p.subject_seq, p.subject_prev) for p in places] == [(1, None), (2, 0), (3, 1), (4, 2)]
    assert [(p.actor_seq, p.actor_prev) for p in places] == [(1, None), (1, None), (2, 1), (3, 2)]
    assert [(p.agency_seq, p.agency_prev) for p in places] == [(1, None), (2, 0), (3, 1), (4, 2)]


def test_a_list_page_carries_aliases_and_advances_no_subject(log):
    add(log, entry(), entry(action="referral.list", page=True, subjects=(SURVIVOR, OTHER), count=2), entry())
    page = queries.peek(log, 1)
    assert page.entry.subjects == (SURVIVOR, OTHER)
    assert page.place.subject_seq is None
    assert queries.peek(log, 2).place.subject_seq == 2


def test_clock_and_unknown_have_counters_of_their_own(log, owner):
    add(
        log,
        entry(actor_kind="clock", actor_id=None, agency_id=None, subjects=()),
        entry(actor_kind="unknown", actor_id=None, agency_id=None, subjects=()),
    )
    assert owner("SELECT kind, key FROM audit_counter ORDER BY key").all() == [("actor", "clock"), ("actor", "unknown")]


def test_a_refusal_is_an_entry(log):
    add(log, entry(outcome="deny", reason="conflict_of_interest", subjects=()))
    assert queries.latest(log, filters=queries.Filter(outcome="deny"))[0].entry.reason == "conflict_of_interest"


def test_a_rollback_leaves_no_entry_and_no_gap(log):
    add(log, entry())
    promised = []

    def fails(session):
        promised.append(audit.record(session, entry()))
        raise errors.RuleBroken("wrong_state")

    with pytest.raises(errors.RuleBroken):
        transact(log, fails)
    assert not promised[0].durable
    ticket = add(log, entry())[0]
    assert ticket.index == 1
    assert fsck.check(log, vkeys=()) == []


def test_a_repeated_unit_leaves_one_entry(log):
    tries = []

    def deadlocks_once(session):
        ticket = audit.record(session, entry())
        tries.append(ticket)
        if len(tries) == 1:
            session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '40P01'; END $$"))
        return ticket

    ticket = transact(log, deadlocks_once)
    assert [t.durable for t in tries] == [False, True]
    assert ticket.index == 0
    assert queries.size(log) == 1


def test_a_bad_entry_is_refused_before_anything_waits(log):
    with pytest.raises(entries.BadEntry):
        add(log, entry(reason="Ibu Sari tinggal di Jalan Merdeka"))
    assert queries.size(log) == 0


def test_an_act_that_nobody_agreed_on_is_refused(log):
    with pytest.raises(entries.BadEntry) as refused:
        add(log, entry(action="referral.peep"))
    assert refused.value.facts["field"] == "action"


def test_every_agreed_act_is_recorded(log):
    from referral_hub import protocol

    acts = list(protocol.current().codelist("audit_events"))
    add(log, *(entry(action=act.code, page=act.code in entries.PAGE_ACTIONS) for act in acts))
    assert queries.size(log) == len(acts) > 150
    log.rollback()
    assert fsck.check(log, vkeys=()) == []


def test_an_index_that_is_taken_is_never_taken_again(log, owner):
    add(log, entry())
    owner("UPDATE audit_head SET size = 0, frontier = ''")
    with pytest.raises(errors.Unavailable):
        add(log, entry())
    assert queries.size(log) == 0


def test_details_stand_apart_from_the_tree(log, owner):
    whence.attach(log, lambda _session, moment: f"sealed for {moment:%Y-%m}".encode())
    add(log, entry(action="session.sign_in"))
    assert owner("SELECT idx, month::text, ciphertext FROM audit_detail").all() == [(0, "2026-11-01", b"sealed for 2026-11")]
    assert b"sealed" not in owner("SELECT payload FROM audit_entry").scalar_one()


@pytest.mark.parametrize("size", [255, 256, 257, 700])
def test_full_tiles_are_written_when_they_fill(log, owner, size):
    fill(log, size)
    leaves = owner("SELECT leaf_hash FROM audit_entry ORDER BY idx").scalars().all()
    stored = owner("SELECT level, n, hashes, root FROM audit_tile ORDER BY n").all()
    assert [(t.level, t.n) for t in stored] == [(0, n) for n in range(size // 256)]
    for tile in stored:
        mine = leaves[tile.n * 256 : tile.n * 256 + 256]
        assert tiles.split(tile.hashes) == mine
        assert tile.root == merkle.root(mine)
    assert merkle.frontier_root(tiles.split(owner("SELECT frontier FROM audit_head").scalar_one())) == merkle.root(leaves)


def test_a_tile_of_the_second_level_is_made_of_the_roots_below(log, owner, monkeypatch):
    roots = [merkle.leaf_hash(i.to_bytes(2)) for i in range(255)]
    for n, root in enumerate(roots):
        owner("INSERT INTO audit_tile (level, n, hashes, root) VALUES (0, :n, :hashes, :root)", n=n, hashes=bytes(8192), root=root)
    frontier = []
    for size, root in enumerate(roots):
        merkle.append(frontier, size, root)
    leaf = merkle.leaf_hash(b"a leaf that stands for the last tile")
    edge = []
    for i in range(255):
        owner(
            "INSERT INTO audit_entry (idx, leaf_hash, payload, occurred_at, actor_kind, action, object_kind, subjects, basis, outcome, reason)"
            " VALUES (:idx, :leaf, '', now(), 'clock', 'system.start', 'system', '{}', '', 'allow', '')",
            idx=255 * 256 + i,
            leaf=leaf,
        )
        merkle.append(edge, i, leaf)
    owner("UPDATE audit_head SET size = :size, frontier = :frontier", size=65535, frontier=b"".join([*frontier, *edge]))
    ticket = add(log, entry())[0]
    last = merkle.root([*[leaf] * 255, ticket.leaf_hash])
    upper = owner("SELECT n, hashes, root FROM audit_tile WHERE level = 1").one()
    assert (upper.n, tiles.split(upper.hashes), upper.root) == (0, [*roots, last], merkle.root([*roots, last]))


def test_without_the_lock_nothing_is_written(log, owner_engine):
    with owner_engine.begin() as holder:
        holder.execute(text("SELECT pg_advisory_xact_lock(727302)"))
        started = time.monotonic()

        def work(session):
            session.execute(text("CREATE TEMPORARY TABLE changed (x int)"))
            return audit.record(session, entry())

        with pytest.raises(errors.Unavailable) as refused:
            transact(log, work)
        waited = time.monotonic() - started
    assert refused.value.code == "log_unavailable"
    assert 1.8 < waited < 30
    assert queries.size(log) == 0
    assert log.scalar(text("SELECT to_regclass('pg_temp.changed')")) is None


def test_a_waiting_append_goes_on_after_the_holder(log, engine):
    """What waits for the lock reads the head that the holder left, not the one from before the wait."""
    entered, leave = threading.Event(), threading.Event()

    def hold():
        with Session(engine) as other:

            def work(session):
                audit.record(session, entry(actor_id=BUDI))
                session.execute(text("SELECT pg_advisory_xact_lock(727302)"))
                entered.set()
                leave.wait(5)

            transact(other, work)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(5)
    threading.Timer(0.3, leave.set).start()
    ticket = add(log, entry())[0]
    holder.join()
    assert ticket.index == 1
    assert fsck.check(log, vkeys=()) == []


def test_a_lost_head_is_not_appended_to(log, owner):
    owner("DELETE FROM audit_head")
    try:
        with pytest.raises(errors.Unavailable):
            add(log, entry())
    finally:
        owner("INSERT INTO audit_head (id, origin, size, frontier) VALUES (1, '', 0, '')")


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET reason = 'x'", "DELETE FROM audit_entry", "TRUNCATE audit_entry", "DELETE FROM audit_tile",
                                       "UPDATE audit_tile SET root = hashes", "DELETE FROM audit_counter", "INSERT INTO audit_checkpoint SELECT * FROM audit_checkpoint",
                                       "UPDATE audit_checkpoint SET size = 0", "DELETE FROM audit_detail"])  # fmt: skip
def test_the_web_role_cannot_rewrite_the_log(log, statement):
    add(log, entry())
    with pytest.raises(ProgrammingError, match="permission denied"):
        log.execute(text(statement))


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET reason = 'x'", "DELETE FROM audit_entry", "DELETE FROM audit_checkpoint",
                                       "SELECT ciphertext FROM audit_detail", "SELECT wrapped FROM audit_detail_key"])  # fmt: skip
def test_the_worker_cannot_rewrite_the_log_or_read_detail(log, worker, statement):
    with pytest.raises(ProgrammingError, match="permission denied"):
        worker.execute(text(statement))


def test_the_worker_appends(log, worker):
    ticket = add(worker, entry(actor_kind="clock", actor_id=None, agency_id=None))[0]
    assert ticket.index == 0


def test_a_log_with_entries_keeps_its_name(log):
    add(log, entry())
    transact(log, lambda s: name_log(s, origin=ORIGIN))
    with pytest.raises(errors.BadSettings):
        transact(log, lambda s: name_log(s, origin="another.test/log"))


def test_entry_for_takes_the_facts_of_actor_and_decision(log):
    from referral_hub.access import Actor, Decision, Verb

    actor = Actor(
        kind="member", member_id=SARI, agency_id=RAISED, agency_kind="social", agency_code="UPTD", code="PS-02", roles=frozenset({"supervisor", "case_worker"}),
        state="active", holds_key=True, strength="full", auth_method="passphrase", session_digest="ef" * 16, language="id", timezone="Asia/Jakarta",
    )  # fmt: skip
    denied = Decision(allowed=False, rule_ids=("no-conflict",), policy_digest="aa" * 32, reason="conflict_of_interest")
    made = audit.entry_for(actor, Verb.REFERRAL_ACCEPT, now=NOW, decision=denied, object_kind="referral", object_id=REFERRAL)
    assert (made.outcome, made.reason, made.rule_ids) == ("deny", "conflict_of_interest", ("no-conflict",))
    assert (made.roles, made.referral_id, made.page) == (("case_worker", "supervisor"), REFERRAL, False)
    assert audit.entry_for(actor, Verb.REFERRAL_LIST, now=NOW).page
    add(log, made)
    assert queries.peek(log, 0).entry == made


def test_a_subject_of_another_agency_has_its_own_counter(log):
    add(log, entry(), entry(agency_id=LEGAL, subjects=(OTHER,), actor_id=uuid.UUID(int=3)))
    assert queries.peek(log, 1).place.subject_seq == 1
