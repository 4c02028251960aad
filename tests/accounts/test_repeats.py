"""An act is done once: repeated, raced, reused, forgotten after a day."""

import dataclasses
import threading
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from referral_hub import errors
from referral_hub.accounts import repeats, tidying
from referral_hub.db import transact
from tests.accounts.world import OPERATOR

KEY = uuid.UUID(int=7)


@pytest.fixture
def somebody():
    return dataclasses.replace(OPERATOR, kind="member", member_id=uuid.uuid4())


def once(network, actor, *, session=None, result=None, **changes):
    """Do an act whose result is `result`; return what a repetition is told."""
    inputs = {"key": KEY, "route": "referral.accept", "digest_of": {"handler": "PS-02", "note": "rahasia"}} | changes

    def act(s):
        earlier = repeats.once(s, hub=network.hub, actor=actor, now=network.clock.now, **inputs)
        if earlier is None and result is not None:
            repeats.settle(s, actor=actor, key=inputs["key"], result_id=result)
        return earlier

    return transact(session or network.session, act)


def test_the_same_again_gives_the_first_result(network, somebody):
    result = uuid.uuid4()
    assert once(network, somebody, result=result) is None
    assert once(network, somebody, result=uuid.uuid4()) == result
    assert once(network, somebody, digest_of={"note": "rahasia", "handler": "PS-02"}) == result


@pytest.mark.parametrize("other", [{"digest_of": {"handler": "PS-03"}}, {"route": "referral.decline"}, {"digest_of": b"x"}])
def test_another_input_under_the_same_key_is_refused(network, somebody, other):
    once(network, somebody, result=uuid.uuid4())
    with pytest.raises(errors.KeyReused):
        once(network, somebody, **other)


def test_keys_of_two_actors_never_meet(network, somebody):
    once(network, somebody, result=uuid.uuid4())
    stranger = dataclasses.replace(somebody, member_id=uuid.uuid4())
    assert once(network, stranger) is None
    assert once(network, OPERATOR) is None


def test_an_act_that_failed_may_be_tried_again(network, somebody):
    def fails(s):
        repeats.once(s, hub=network.hub, actor=somebody, key=KEY, route="r", digest_of=b"", now=network.clock.now)
        raise errors.RuleBroken("wrong_state")

    with pytest.raises(errors.RuleBroken):
        transact(network.session, fails)
    assert once(network, somebody, route="r", digest_of=b"") is None


def test_an_act_without_a_result_is_told_from_a_new_one(network, somebody):
    once(network, somebody)
    assert once(network, somebody) == repeats.NOBODY


def test_of_two_at_once_one_acts_and_the_other_gets_its_result(network, somebody, engine):
    results, start = [], threading.Barrier(4)

    def several():
        with Session(engine, expire_on_commit=False) as own:
            start.wait()
            made = uuid.uuid4()
            earlier = once(network, somebody, session=own, result=made)
            results.append(earlier or made)

    threads = [threading.Thread(target=several) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len(set(results)) == 1


def test_only_a_keyed_digest_of_the_input_is_kept(network, somebody):
    once(network, somebody)
    row = network.session.execute(text("SELECT * FROM act")).mappings().one()
    assert "rahasia" not in repr(dict(row))
    assert len(row["digest"]) == 16
    network.session.rollback()


def test_sets_and_times_have_one_form(network, somebody):
    once(network, somebody, digest_of={"sections": {"b", "a"}, "at": network.clock.now})
    assert once(network, somebody, digest_of={"at": network.clock.now, "sections": {"a", "b"}}) == repeats.NOBODY


@pytest.mark.parametrize("key", ["", "x" * 129])
def test_a_key_has_a_length(network, somebody, key):
    with pytest.raises(errors.InputInvalid):
        once(network, somebody, key=key)


def test_keys_are_forgotten_after_a_day(network, somebody):
    once(network, somebody)
    network.clock.pass_(hours=23)
    transact(network.session, lambda s: tidying.sweep(s, now=network.clock.now))
    assert once(network, somebody) == repeats.NOBODY
    network.clock.pass_(hours=1)
    transact(network.session, lambda s: tidying.sweep(s, now=network.clock.now))
    assert once(network, somebody) is None
