"""A browser without scripts: follows pages as a person does, fills in the forms that a page has, and sends what browsers send."""

from __future__ import annotations

import re
from html.parser import HTMLParser

BYTES = ("application/octet-stream", "application/pdf")
SAME = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Dest": "document"}


class Form:
    """One form of a page: where it goes, and its fields with the values they stand with."""

    def __init__(self, action):
        self.action, self.fields = action, []

    def filled(self, **values):
        kept = [(n, v) for n, v in self.fields if n not in values]
        for name, value in values.items():
            kept += [(name, one) for one in (value if isinstance(value, list) else [value])]
        data = {}
        for name, value in kept:
            data.setdefault(name, []).append(value)
        return data


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.forms, self.titles, self.headings, self.links, self.text = [], [], [], [], []
        self._form = self._select = self._area = self._into = None

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self._form = Form(a.get("action", ""))
            self.forms.append(self._form)
        elif tag == "input" and self._form and a.get("name"):
            if a.get("type") not in {"radio", "checkbox"} or "checked" in a:
                self._form.fields.append((a["name"], a.get("value", "on")))
        elif tag == "select":
            self._select = a.get("name")
        elif tag == "option" and self._select and self._form:
            have = [n for n, _ in self._form.fields]
            if "selected" in a or self._select not in have:
                self._form.fields = [(n, v) for n, v in self._form.fields if n != self._select] + [(self._select, a.get("value", ""))]
        elif tag == "textarea":
            self._area = (a.get("name"), [])
        elif tag == "a" and a.get("href"):
            self.links.append(a["href"])
        if tag in {"title", "h1"}:
            self._into = self.titles if tag == "title" else self.headings
            self._into.append("")

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = None
        elif tag == "textarea" and self._area:
            if self._form and self._area[0]:
                self._form.fields.append((self._area[0], "".join(self._area[1]).lstrip("\n")))
            self._area = None
        elif tag in {"title", "h1"}:
            self._into = None

    def handle_data(self, data):
        self.text.append(data)
        if self._into is not None:
            self._into[-1] += data
        if self._area:
            self._area[1].append(data)


class Page:
    """What came back: status, headers, text, forms, links."""

    def __init__(self, response):
        self.response, self.status, self.headers = response, response.status_code, response.headers
        self.html = response.get_data(as_text=True) if (response.content_type or "") not in BYTES else ""
        self._read = _Reader()
        if "html" in (response.content_type or ""):
            self._read.feed(self.html)

    forms = property(lambda self: self._read.forms)
    links = property(lambda self: self._read.links)
    title = property(lambda self: self._read.titles[0].strip())
    heading = property(lambda self: " ".join(self._read.headings[0].split()))
    text = property(lambda self: " ".join(" ".join(self._read.text).split()))

    def form(self, action):
        return next(f for f in self.forms if re.search(action, f.action))


class Browser:
    """One person's browser."""

    def __init__(self, app, *, agent="Mozilla/5.0 (Android 14) Firefox/128.0"):
        self.client = app.test_client()
        self.agent = agent
        self.page = None

    def __deepcopy__(self, memo):
        """The same cookies and page in a browser of its own, at the application that `memo` has in place of this one."""
        made = Browser(memo[id(self.client.application)], agent=self.agent)
        made.client._cookies = dict(self.client._cookies)
        made.page = self.page
        return made

    def get(self, path, *, follow=True, **headers):
        return self._took(self.client.get(path, headers=SAME | {"User-Agent": self.agent} | headers), follow)

    def post(self, path, data, *, follow=True, headers=SAME, **more):
        return self._took(self.client.post(path, data=data, headers=dict(headers) | {"User-Agent": self.agent}, **more), follow)

    def send(self, action, *, follow=True, **values):
        """Fill in and send the form of the present page whose action matches."""
        form = self.page.form(action)
        return self.post(form.action, form.filled(**values), follow=follow)

    def _took(self, response, follow):
        if follow and response.status_code in {302, 303} and response.location.startswith("/"):
            return self.get(response.location)
        self.page = Page(response)
        return self.page
