"""The one place that commits.

`transact` runs a unit of work in the shape that every act, opening, list and refusal has: work, flush, the last
steps (the log append, which takes its lock after every other), commit, and then what may only happen once the
commit is durable (tickets, outboxes). Nothing else in the program commits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from referral_hub import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session

T = TypeVar("T")

_LAST_STEPS = "referral_hub.last_steps"
_AFTERWARDS = "referral_hub.afterwards"
_REPEATABLE = frozenset({"40001", "40P01"})
_LOCK_TIMEOUT = "55P03"
ATTEMPTS = 3


def before_commit(session: Session, step: Callable[[Session], None]) -> None:
    """Register a last step of this transaction; it runs after the flush, in order of registration."""
    session.info.setdefault(_LAST_STEPS, []).append(step)


def after_commit(session: Session, step: Callable[[], None]) -> None:
    """Register what happens once the commit is durable; forgotten when the transaction rolls back."""
    session.info.setdefault(_AFTERWARDS, []).append(step)


def transact(session: Session, work: Callable[[Session], T], *, attempts: int = ATTEMPTS) -> T:
    """Run `work(session)` as one transaction and return its result.

    A serialisation failure or deadlock repeats the whole unit, at most `attempts` times in all.

    Raises:
        errors.Unavailable: the log's lock was not had in time, or the database went away; nothing is to be shown.
    """
    for attempt in range(1, attempts + 1):
        _forget(session)
        try:
            result = _once(session, work)
        except (OperationalError, InterfaceError, DBAPIError) as failure:
            _roll_back(session)
            if _state(failure) in _REPEATABLE and attempt < attempts:
                continue
            if _is_outage(failure):
                raise errors.Unavailable("log_unavailable", retry_after=5) from failure
            raise
        except BaseException:
            _roll_back(session)
            raise
        for step in session.info.pop(_AFTERWARDS, []):
            step()
        return result
    raise errors.Unavailable("log_unavailable", retry_after=1)


def _once(session: Session, work: Callable[[Session], T]) -> T:
    result = work(session)
    session.flush()
    for step in session.info.pop(_LAST_STEPS, []):
        step(session)
    session.commit()
    return result


def _roll_back(session: Session) -> None:
    _forget(session)
    try:
        session.rollback()
    except (OperationalError, InterfaceError):
        session.invalidate()


def _forget(session: Session) -> None:
    session.info.pop(_LAST_STEPS, None)
    session.info.pop(_AFTERWARDS, None)


def _state(failure: DBAPIError) -> str | None:
    return getattr(failure.orig, "sqlstate", None)


def _is_outage(failure: DBAPIError) -> bool:
    state = _state(failure)
    return state is None or failure.connection_invalidated or state == _LOCK_TIMEOUT or state[:2] in {"08", "53", "57"}
