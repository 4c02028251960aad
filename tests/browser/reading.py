"""A page as it was sent, read without a browser: its links, anchors, words by language, and what the policy of content would stop."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What people wrote or named themselves stands in these: it has no language of the house.
THEIRS = {"lines", "say", "thread", "id", "code", "place"}


@dataclass
class Read:
    """What a page holds."""

    title: str = ""
    lang: str = ""
    links: list[str] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)
    sheets: list[str] = field(default_factory=list)
    inline: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    headings: int = 0
    shape: set[str] = field(default_factory=set)


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.read, self.open = Read(), []

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag not in VOID:
            classes = set((said.get("class") or "").split())
            self.open.append((tag, said.get("lang"), bool(classes & THEIRS) or tag in {"svg", "textarea", "option", "style"}))
        self._note(tag, said)

    def handle_startendtag(self, tag, attrs):
        self._note(tag, dict(attrs))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        tags = [one[0] for one in self.open]
        if "title" in tags and "svg" not in tags:
            self.read.title += data
        elif data.strip() and "body" in tags and self._is_ours():
            self.read.words.append(re.sub(r"\s+", " ", data.strip()))

    def _is_ours(self):
        """Tell whether this is a text of the house in the page's own language."""
        theirs = any(theirs for _tag, _lang, theirs in self.open)
        return not theirs and next((lang for _tag, lang, _theirs in reversed(self.open) if lang), "") == self.read.lang

    def _note(self, tag, said):
        read = self.read
        read.shape.add(f"{tag}.{said.get('class', '')}")
        if tag == "html":
            read.lang = said.get("lang", "")
        if tag == "link":
            read.sheets.append(said["href"])
        if tag == "a" and said.get("href"):
            read.links.append(said["href"])
        if "id" in said:
            (read.twice if said["id"] in read.ids else read.ids).add(said["id"])
        if tag == "h1":
            read.headings += 1
        if tag in {"script", "style"} or "style" in said or any(name.startswith("on") for name in said):
            read.inline.append(f"<{tag} {' '.join(said)}>")


def read_page(html):
    """Return what the HTML of a page holds."""
    reader = _Reader()
    reader.feed(html)
    return reader.read
