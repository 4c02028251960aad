"""One request works at a time; a derivation lets the next one in."""

from __future__ import annotations

import threading
import time

import pytest

from referral_hub import errors
from referral_hub.gate.turnstile import Turnstile, places_for


def in_threads(count, work):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_requests_pass_one_at_a_time():
    turnstile, inside, most = Turnstile(), [0], [0]

    def request(_environ, _start):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.01)
        inside[0] -= 1
        return [b""]

    in_threads(4, lambda _n: turnstile.guard(request)({}, None))
    assert most[0] == 1


def test_a_derivation_stops_no_other_request():
    turnstile, derived, served = Turnstile(), threading.Event(), threading.Event()

    def work(n):
        with turnstile.passing():
            if n == 0:
                with turnstile.aside():
                    assert served.wait(timeout=10), "the other request waited for the derivation"
                derived.set()
            else:
                served.set()

    in_threads(2, work)
    assert derived.is_set()


def test_after_a_derivation_the_request_has_the_turnstile_again():
    turnstile = Turnstile()
    with turnstile.passing():
        with turnstile.aside():
            pass
        assert not turnstile._lock.acquire(blocking=False)
    assert turnstile._lock.acquire(blocking=False)


def test_no_place_in_time_is_unavailable_and_gives_the_turnstile_back():
    turnstile = Turnstile(places=1, patience=0.05)
    release = threading.Event()
    holder = threading.Thread(target=lambda: _hold(turnstile, release))
    holder.start()
    time.sleep(0.05)
    with turnstile.passing():
        with pytest.raises(errors.Unavailable) as refused, turnstile.aside():
            pass
        assert refused.value.code == "at_capacity"
        assert not turnstile._lock.acquire(blocking=False)
    release.set()
    holder.join(timeout=5)


def _hold(turnstile, release):
    with turnstile.aside():
        release.wait(timeout=10)


def test_an_error_inside_leaves_nothing_locked():
    turnstile = Turnstile()
    with pytest.raises(ZeroDivisionError), turnstile.passing(), turnstile.aside():
        _ = 1 / 0
    assert turnstile._lock.acquire(blocking=False)
    assert turnstile._places.acquire(blocking=False)


@pytest.mark.parametrize(("workers", "cores", "places"), [(2, 2, 1), (2, 8, 4), (4, 2, 1), (1, 3, 3)])
def test_places_are_the_share_of_cores_of_one_worker(workers, cores, places):
    assert places_for(workers=workers, cores=cores) == places
