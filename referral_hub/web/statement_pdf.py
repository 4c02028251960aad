"""A released disclosure statement as PDF: the words of its page, and a leaf for whoever checks it. Fonts are those of every reader; nothing is fetched.

Made by ReportLab, which is loaded only here and only when a PDF is made: a worker that makes none does not carry it.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from referral_hub.gate.speech import _, ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from referral_hub.web.subject import Paper, Told

_MARGIN = 48
_ROOM = 90
_INK, _LINE = "#1c2430", "#b9c0c9"
_WIDTHS = (0.14, 0.27, 0.24, 0.21, 0.14)
_LEAF_WIDTHS = (0.16, 0.84)


@dataclass(frozen=True)
class Proofs:
    """What the statement rests on: each entry's index and leaf hash, the signed checkpoint with its cosignatures ("" while none covers it), where proofs are."""

    leaves: Sequence[tuple[int, bytes]]
    checkpoint: str
    address: str


def render(paper: Paper, proofs: Proofs) -> bytes:
    """Return the PDF. The same statement printed at the same moment gives the same bytes."""
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import PageBreak, SimpleDocTemplate

    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=A4, leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN, title=_("Who saw and received your data"), author=paper.agency,
        lang=paper.language, invariant=1,
    )  # fmt: skip
    made = _Maker(document.width)
    story = [*_front(made, paper), PageBreak(), *_annex(made, proofs)]
    document.build(story, onFirstPage=_foot(paper), onLaterPages=_foot(paper))
    return out.getvalue()


def _front(made: _Maker, paper: Paper) -> list[Any]:
    found = [
        *made.head(_("Who saw and received your data"), 1),
        made.text(f"{paper.agency} · {paper.alias} · {paper.approved}"),
        made.text(_("You have the right to know this (Law 27 of 2022, article 32). It is taken from the access log, where every access is recorded before anything is shown.")),
        *made.head(_("Who saw or received something")),
        made.lines(paper.seen) if paper.seen else made.text(_("Nobody.")),
    ]
    if paper.done:
        found += [*made.head(_("What else was done")), made.lines(paper.done)]
    if paper.refused:
        found.append(made.text(ngettext("%(num)s attempt was refused; nothing was shown.", "%(num)s attempts were refused; nothing was shown.", paper.refused)))
    found += [*made.head(_("How to check this")), *map(made.text, (paper.check, paper.complaint)), made.small(paper.released)]
    return found


def _annex(made: _Maker, proofs: Proofs) -> list[Any]:
    found = [
        *made.head(_("For whoever checks this"), 1),
        made.text(_("Each line is one entry: its number and its hash. The address below gives the proof that this hash stands in the signed log under this number.")),
        made.code(proofs.address + "/log/proof/" + _("NUMBER")),
    ]
    if proofs.checkpoint:
        found += [*made.head(_("The signed checkpoint")), made.code(proofs.checkpoint)]
    return [*found, *made.head(_("Entry numbers")), made.leaves(proofs.leaves)]


def _foot(paper: Paper) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 8)
        canvas.drawString(_MARGIN, _MARGIN / 2, f"{paper.alias} · {paper.approved}")
        canvas.drawRightString(document.pagesize[0] - _MARGIN, _MARGIN / 2, str(canvas.getPageNumber()))
        canvas.restoreState()

    return draw


class _Maker:
    """Makes the pieces of the paper: headings, paragraphs, tables, code."""

    def __init__(self, width: float) -> None:
        from reportlab.lib.styles import ParagraphStyle

        self.width = width
        self.plain = ParagraphStyle("plain", fontName="Helvetica", fontSize=10, leading=14, spaceAfter=6, textColor=_INK)
        self.cell = ParagraphStyle("cell", parent=self.plain, fontSize=8.5, leading=11, spaceAfter=0)
        self.mono = ParagraphStyle("mono", parent=self.plain, fontName="Courier", fontSize=7.5, leading=10, wordWrap="CJK")
        self.heads = {
            1: ParagraphStyle("h1", parent=self.plain, fontName="Helvetica-Bold", fontSize=16, leading=20, spaceAfter=8),
            2: ParagraphStyle("h2", parent=self.plain, fontName="Helvetica-Bold", fontSize=12, leading=16, spaceBefore=8, spaceAfter=4),
        }

    def _paragraph(self, words: str, style: Any) -> Any:
        from reportlab.platypus import Paragraph

        return Paragraph(escape(words).replace("\n", "<br/>"), style)

    def head(self, words: str, level: int = 2) -> list[Any]:
        """Return a heading that does not stand alone at the foot of a page."""
        from reportlab.platypus import CondPageBreak

        return [CondPageBreak(_ROOM), self._paragraph(words, self.heads[level])]

    def text(self, words: str) -> Any:
        return self._paragraph(words, self.plain)

    def small(self, words: str) -> Any:
        return self._paragraph(words, self.cell)

    def code(self, words: str) -> Any:
        return self._paragraph(words.rstrip("\n"), self.mono)

    def lines(self, lines: Sequence[Told]) -> Any:
        heads = [_("Day"), _("Who"), _("What"), _("Sections"), _("Entry numbers")]
        rows = [[one.day, one.who, one.what, one.sections or "–", one.entries] for one in lines]
        return self._table([heads, *rows], _WIDTHS, self.cell)

    def leaves(self, leaves: Sequence[tuple[int, bytes]]) -> Any:
        return self._table([[_("Entry"), _("Leaf hash")], *([str(idx), leaf.hex()] for idx, leaf in leaves)], _LEAF_WIDTHS, self.mono)

    def _table(self, rows: list[list[str]], shares: Sequence[float], style: Any) -> Any:
        from reportlab.platypus import Table

        cells = [[self._paragraph(text, style if number else self.cell) for text in row] for number, row in enumerate(rows)]
        ruled = [("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE), ("LINEBELOW", (0, 0), (-1, 0), 1, _INK), ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 2)]
        return Table(cells, colWidths=[share * self.width for share in shares], repeatRows=1, style=ruled)
