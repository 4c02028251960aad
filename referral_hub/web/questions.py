"""The auditors' questions: what waits for an explanation, the numbered questions, an answer with its picture, the access review sheet (PAGES.md 3.18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from flask import request

from referral_hub import access
from referral_hub.access import Verb
from referral_hub.audit import reading
from referral_hub.directory import queries as directory
from referral_hub.gate.acts import keyless, on_refusal, read
from referral_hub.gate.admits import acting, admits, signed_in_only
from referral_hub.gate.caller import actor
from referral_hub.gate.house import now, session
from referral_hub.gate.speech import _
from referral_hub.review import answers, queries, requests, sheet
from referral_hub.review import questions as asked_for
from referral_hub.review.naming import Namer
from referral_hub.review.questions.shape import PERIOD
from referral_hub.web import answer_page, desk_words, pictures
from referral_hub.web.desk import desk_page
from referral_hub.web.forms import Option
from referral_hub.web.frame import reader
from referral_hub.web.log import bp

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from referral_hub.gate.schemas import Problems
    from referral_hub.review.answers import Answer
    from referral_hub.review.questions import Question

__all__ = ["bp"]

DAYS = 30
CSV = "csv"
PLACES = 4  # of the number of a part


@dataclass(frozen=True)
class Asked:
    """One question on the page: its words, what it cannot tell, and its fields."""

    number: int
    text: str
    limit: str
    parameters: tuple[str, ...]


@bp.get("/jejak/pertanyaan")
@admits(Verb.AUDIT_READ)
def questions() -> Response:
    """Show what waits for an explanation, and the questions in their groups."""
    desk = read(keyless(queries.desk))
    texts = desk_words.groups()
    groups = [(texts[group], [_asked(q) for q in asked_for.every() if q.group == group]) for group in asked_for.GROUPS]
    overdue = requests.overdue(session(), actor=actor(), now=now())
    names = directory.names(session(), {one.agency_id for one in desk.waiting if one.agency_id} | set(overdue))
    return desk_page(
        "log/questions.html", title=_("Questions"), desk=desk, groups=groups, rules=desk_words.rules(), names=names, overdue=overdue, everything=reading.sees_all(actor()),
    )  # fmt: skip


@bp.get("/jejak/pertanyaan/<int:number>/isian")
@signed_in_only
def question_form(number: int) -> Response:
    """Show the fields of one question, with the last thirty days where it asks for a period."""
    question = asked_for.question(number)
    typed = _period({}) if set(PERIOD) <= set(question.needs) else {}
    return desk_page("log/ask.html", title=desk_words.questions()[number], asked=_asked(question), typed=typed, agencies=_agencies())


@bp.get("/jejak/pertanyaan/<int:number>")
@admits(Verb.AUDIT_ASK)
def ask(number: int) -> Response:
    """Ask one question: as a page, or with `bentuk=csv` as a file."""
    question = asked_for.question(number)
    typed = {name: text for name in question.parameters if (text := request.args.get(name, "").strip())}
    if set(PERIOD) <= set(question.needs):
        typed = _period(typed)
    on_refusal(lambda problems: _again(question, typed, problems))
    answers.sight(actor(), Verb.AUDIT_ASK)  # who may not ask is not told what is known
    given = Namer(session(), agency_id=actor().agency_id, zone=reader().tzinfo).given(typed)
    part = request.args.get("bagian", "")
    answer = read(keyless(partial(answers.ask, number=number, given=given, part=int(part) if part.isdecimal() and len(part) < PLACES else 1)))
    if request.args.get("bentuk") == CSV:
        return answer_page.as_csv([name for name, _kind in answer.columns], answer.rows, filename=f"hub-{number}.csv")
    return _shown(question, typed, answer)


@bp.get("/jejak/tinjauan")
@admits(Verb.AUDIT_ASK, Verb.MEMBER_ACCESS_REVIEW)
def access_review() -> Response:
    """Show who can open what and why, who has not come for long, who holds each agency's key."""
    acting(Verb.AUDIT_ASK if "audit_read" in _abilities() else Verb.MEMBER_ACCESS_REVIEW)
    found = read(keyless(partial(sheet.sheet, agency=request.args.get("agency", ""))))
    if request.args.get("bentuk") == CSV:
        return answer_page.as_csv(sheet.COLUMNS, found.lines(), filename="hub-access-review.csv")
    return desk_page(
        "log/sheet.html", title=_("Access review"), sheet=found, reach=desk_words.reach(), remarks=desk_words.remarks(), states=desk_words.member_states(),
        agency=request.args.get("agency", ""), agencies=_agencies(), is_auditor="audit_read" in _abilities(),
    )  # fmt: skip


def _abilities() -> frozenset[str]:
    return access.abilities(actor().roles)


def _agencies() -> list[Option]:
    return [Option(one.code, one.name) for one in directory.agencies(session())] if reading.sees_all(actor()) else []


def _asked(question: Question) -> Asked:
    return Asked(question.number, desk_words.questions()[question.number], desk_words.limits().get(question.number, ""), question.parameters)


def _period(typed: dict[str, str]) -> dict[str, str]:
    """Return what was typed with the last thirty days where no day was."""
    today = now().astimezone(reader().tzinfo).date()
    return {"since": f"{today - timedelta(days=DAYS)}", "until": f"{today}"} | typed


def _shown(question: Question, typed: dict[str, str], answer: Answer) -> Response:
    asked = _asked(question)
    heads = desk_words.columns()
    rows = answer_page.Cells(answer.columns, answer.rows).table()
    marked = [answer_page.attention(answer.columns, row) for row in answer.rows]
    return desk_page(
        "log/answer.html", title=asked.text, asked=asked, typed=typed, answer=answer, heads=[heads[name] for name, _kind in answer.columns],
        rows=list(zip(rows, marked, strict=True)), picture=pictures.picture(answer), crossing=pictures.crossing(answer), agencies=_agencies(),
    )  # fmt: skip


def _again(question: Question, typed: dict[str, str], problems: Problems) -> Response:
    asked = _asked(question)
    return desk_page("log/ask.html", title=asked.text, status=422, asked=asked, typed=typed, problems=problems, agencies=_agencies())
