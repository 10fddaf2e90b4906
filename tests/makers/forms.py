"""Finds every form of the site by following its links, and fills it with what nobody expects."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import Resolver404, resolve

ENDING = (
    "delete",
    "purge",
    "remove",
    "revoke",
    "cancel",
    "bulk",
)  # routes after which rows are gone
MARK = "x-typed-in"  # as an element it would be in the page
FITTING = {  # by the type of an element that is typed into
    "text": "Some words",
    "textarea": "Some words",
    "search": "words",
    "number": "1",
    "date": "2026-11-26",
    "datetime-local": "2026-11-26T14:30",
    "time": "10:00",
    "email": "night@shop.example",
    "url": "https://shop.example/",
    "password": "correct horse battery",
}
MEANT = {  # by the name of a field whose type says too little
    "pattern": "camera*%Y%m%d_%H%M%S",
    "target": "night@shop.example",
    "closes_at": "20:00",
    "quiet_until": "06:00",
    "start": "0:01",
    "end": "0:02",
}
NASTY = (
    "",
    " ",
    "\0",
    "a\0b",
    "\r\nSet-Cookie: a=b",
    f"<{MARK}>",
    f'"><{MARK} ',
    "' OR 1=1 --",
    "{{ 7|add:7 }}{% now %}",
    "=1+1",
    "../../../etc/passwd",
    "%00%0a%s%n",
    "٣",  # a digit, for str.isdigit
    "½",
    "²",
    "\u202etxt.exe",
    "\U0001f600" * 40,
    "é" * 300,
    "x" * 20_000,
    "-1",
    "0",
    "1e999",
    "nan",
    "-inf",
    "9" * 30,
    "2147483648",
    "9223372036854775808",
    "0001-01-01",
    "9999-12-31T23:59",
    "2026-02-30",
    "24:60",
    "null",
    "[]",
    '{"a": [',
    "[[[0,0],[1e400,0],[0,1]]]",
    "on",
    "00000000-0000-0000-0000-000000000000",
)


@dataclass(slots=True, kw_only=True)
class FoundForm:
    """As a browser sees it."""

    page: str
    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)  # with values that it offers
    typed: dict[str, str] = field(default_factory=dict)  # fields that are typed into, and how
    files: set[str] = field(default_factory=set)

    @property
    def route(self) -> str:
        return resolve(urlsplit(self.action).path).route

    @property
    def key(self) -> tuple[object, ...]:
        """The same for forms that ask the same."""
        return (self.method, self.route, *sorted({*self.fields, *self.files}))

    def filled_well(self) -> dict[str, str]:
        """As somebody does who means it: with what it offers, and else with what fits."""
        return {
            name: next(filter(None, offered), "")
            or MEANT.get(name, "")
            or FITTING.get(self.typed.get(name, ""), "")
            for name, offered in self.fields.items()
        }

    def filled(self, chance: random.Random) -> dict[str, Any]:
        """Mostly one wrong value among good ones; else all are wrong."""
        names = sorted(self.fields)
        wrong = (
            set(names) if chance.random() < 0.3 else set(chance.sample(names, min(1, len(names))))
        )
        found: dict[str, Any] = {}
        for name in names:
            value = chance.choice(NASTY) if name in wrong else chance.choice(self.fields[name])
            if name in wrong and chance.random() < 0.1:
                continue  # it is missing
            found[name] = [value, chance.choice(NASTY)] if chance.random() < 0.05 else value
        for name in sorted(self.files):
            content = chance.choice((b"", b"\0" * 100, chance.randbytes(2000)))
            found[name] = SimpleUploadedFile(chance.choice(("a.mp4", "é.txt", "x" * 300)), content)
        return found


class _Reader(HTMLParser):
    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address
        self.links: list[str] = []
        self.forms: list[FoundForm] = []
        self._form: FoundForm | None = None
        self._select = ""
        self._by_id: dict[str, FoundForm] = {}
        self._beside: list[tuple[str, str, dict[str, str]]] = []  # of a form that they name

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attributes}
        if tag == "a" and told.get("href"):
            self.links.append(self._whole(told["href"]))
        elif tag == "form":
            self._form = FoundForm(
                page=self._address,
                action=self._whole(told.get("action") or told.get("hx-post") or ""),
                method=told.get("method", "get").lower(),
            )
            self.forms.append(self._form)
            self._by_id[told.get("id", "")] = self._form
        elif tag == "option" and self._select and self._form:
            self._form.fields[self._select].append(told.get("value", ""))
        elif tag in {"input", "select", "textarea", "button"}:
            if whose := told.get("form"):
                self._select = ""
                self._beside.append((whose, tag, told))
            else:
                self._field(self._form, tag, told)

    def close(self) -> None:
        super().close()
        for whose, tag, told in self._beside:
            self._field(self._by_id.get(whose), tag, told)

    def _field(self, form: FoundForm | None, tag: str, told: dict[str, str]) -> None:
        name = told.get("name", "")
        self._select = name if tag == "select" else ""
        if form is None or not name or name == "csrfmiddlewaretoken":
            return
        if told.get("type") == "file":
            form.files.add(name)
        else:
            form.fields.setdefault(name, []).append(told.get("value", ""))
            kind = told.get("type", "text") if tag == "input" else tag
            if kind in {*FITTING, "textarea"}:
                form.typed[name] = kind

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = ""

    def _whole(self, link: str) -> str:
        return urljoin(self._address, link)


class Walk:
    """The pages that links lead to, and the forms on them."""

    def __init__(self, client: Client, *starts: str) -> None:
        self._client = client
        self.pages: list[str] = []
        self.forms: dict[tuple[object, ...], FoundForm] = {}
        self._queue = deque(starts)
        self._seen: set[str] = set()
        self._routes: set[str] = set()
        while self._queue:
            self._visit(self._queue.popleft())

    def _visit(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.netloc or address in self._seen or not self._is_wanted(parts.path):
            return
        self._seen.add(address)
        text = read(self._client, address)
        if text is None:
            return
        self.pages.append(address)
        reader = _Reader(address)
        reader.feed(text)
        reader.close()
        self._queue.extend(link.partition("#")[0] for link in reader.links)
        for form in reader.forms:
            if _is_ours(form.action):
                self.forms.setdefault(form.key, form)

    def _is_wanted(self, path: str) -> bool:
        """One of each route: others differ in their keys alone."""
        try:
            route = resolve(path).route
        except Resolver404:
            return False
        is_new = route not in self._routes
        self._routes.add(route)
        return is_new


def _is_ours(address: str) -> bool:
    try:
        resolve(urlsplit(address).path)
    except Resolver404:
        return False
    return not urlsplit(address).netloc


def read(client: Client, address: str) -> str | None:
    """The text of a page; None of what is none."""
    answer = client.get(address)
    assert answer.status_code < 500, f"{address}: {answer.status_code}"
    if answer.streaming:
        deque(answer, maxlen=0)
    if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
        return None
    return str(answer.content.decode())


def send(client: Client, form: FoundForm, values: dict[str, Any]) -> int:
    """The status."""
    query = dict(parse_qsl(urlsplit(form.action).query))
    path = urlsplit(form.action).path
    if form.method == "get":
        answer = client.get(path, values)
    else:
        answer = client.post(path, values, query_params=query)
    if answer.streaming:
        deque(answer, maxlen=0)
    return int(answer.status_code)


def part_of(
    found: Iterable[FoundForm], number: int, parts: int, chance: random.Random
) -> list[FoundForm]:
    """In an order of chance, but what deletes something last."""
    shuffled = sorted(found, key=lambda form: repr(form.key))[number % parts :: parts]
    chance.shuffle(shuffled)
    return sorted(shuffled, key=lambda form: any(word in form.route for word in ENDING))
