"""What a question is asked about, as people type it: referral number, alias, member code with agency, days. In: texts; out: ids and moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from referral_hub import errors
from referral_hub.accounts import queries as members
from referral_hub.cases import queries as cases
from referral_hub.directory import queries as directory
from referral_hub.referrals import queries as referrals
from referral_hub.review.questions.shape import Given

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from sqlalchemy.orm import Session

UNKNOWN, MALFORMED = "not_known", "malformed"
MOST_DIGITS = 18


class _Unknown(Exception):
    """Nothing goes by this name."""


class Namer:
    """Turns typed texts into what they name, for somebody of one agency (None: an operator) in one zone."""

    def __init__(self, session: Session, *, agency_id: UUID | None, zone: tzinfo) -> None:
        """Take where to look things up, whose own agency may be left out of a name, and the zone that days are meant in."""
        self.session, self.agency_id, self.zone = session, agency_id, zone

    def given(self, typed: Mapping[str, str]) -> Given:
        """Return what `typed` (names of `Given` → texts) means; empty texts are left out.

        Raises:
            errors.InputInvalid: by field: not_known, malformed.
        """
        found: dict[str, Any] = {}
        amiss: dict[str, tuple[str, ...]] = {}
        for name, text in typed.items():
            if not text.strip():
                continue
            try:
                found[name] = self._readers()[name](text.strip())
            except (_Unknown, errors.NotFound):
                amiss[name] = (UNKNOWN,)
            except (ValueError, OverflowError):  # no such moment, or none that a calendar reaches
                amiss[name] = (MALFORMED,)
        if amiss:
            raise errors.InputInvalid(amiss)
        return Given(**found)

    def _readers(self) -> Mapping[str, Callable[[str], Any]]:
        return {
            "referral": lambda text: referrals.id_of(self.session, number=text),
            "subject": self.subject,
            "member": self._member,
            "agency": lambda text: directory.agency(self.session, text).id,
            "since": self._day,
            "until": lambda text: self._day(text) + timedelta(days=1),
            "moment": self._moment,
            "size": _number,
            "root": lambda text: text,
        }

    def subject(self, text: str) -> UUID:
        """Return the log's id of a survivor: typed as it stands in entries, or as the alias of an agency (`SM-…`, `agency/SM-…`)."""
        try:
            return UUID(text)
        except ValueError:
            agency_id, code = self._at(text)
        case_id = cases.case_of_alias(self.session, agency_id=agency_id, code=code)
        return cases.alias_for(self.session, case_id=case_id, agency_id=agency_id).id

    def _member(self, text: str) -> UUID:
        agency_id, code = self._at(text)
        return members.member_by_code(self.session, agency_id=agency_id, code=code.upper()).id

    def _at(self, text: str) -> tuple[UUID, str]:
        """Return agency and code of `agency/code`; without a slash, of the own agency."""
        agency, slash, code = text.rpartition("/")
        if slash:
            return directory.agency(self.session, agency.strip()).id, code.strip()
        if self.agency_id is None:
            raise _Unknown
        return self.agency_id, code.strip()

    def _day(self, text: str) -> datetime:
        return datetime.combine(date.fromisoformat(text), time(), self.zone).astimezone(UTC)

    def _moment(self, text: str) -> datetime:
        typed = datetime.fromisoformat(text)
        return (typed if typed.tzinfo else typed.replace(tzinfo=self.zone)).astimezone(UTC)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise ValueError
    return int(text)
