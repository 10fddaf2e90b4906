"""People at work on the site, for Locust: those who upload clips, and those who look at results.

Each one thinks for five seconds on average between two pages, and loads what a browser would load
with each: pictures, and once the style sheets and scripts.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import requests
from locust import HttpUser, between, task

from scripts._lib import material
from scripts.load.environment import KINDS, SESSIONS, VIDEOS

THINKING = between(2.5, 7.5)  # seconds
PICTURES = 8  # of a page, that a browser loads before somebody scrolls

_CLIPS = material.Files({kind: Path(os.environ[VIDEOS]) / f"{kind}.mp4" for kind in KINDS})
_KEYS = iter(Path(os.environ[SESSIONS]).read_text().split())
_RESULT = re.compile(r'href="(/results/[0-9a-f-]{36}/)[?"]')
_PICTURE = re.compile(r'src="(/(?:results|clips)/[^"]+\.jpg)"')
_ASSET = re.compile(r'(?:href|src)="(/static/[^"]+\.(?:css|js))"')


class Person(HttpUser):
    """Signed in, with one tab."""

    abstract = True
    wait_time = THINKING

    def on_start(self) -> None:
        self.client.cookies["sessionid"] = next(_KEYS)
        self.results: list[str] = []
        page = self.look("/", name="upload page")
        for address in sorted(set(_ASSET.findall(page))):
            self.client.get(address, name="style sheets and scripts")

    def look(self, address: str, *, name: str) -> str:
        """A page with its pictures."""
        answer: requests.Response = self.client.get(address, name=name)
        if found := _RESULT.findall(answer.text):
            self.results = found
        for picture in _PICTURE.findall(answer.text)[:PICTURES]:
            self.client.get(picture, name="pictures")
        return answer.text


class Viewer(Person):
    """A reviewer."""

    fixed_count = int(os.environ.get("VIEWERS", "0"))

    @task(4)
    def result(self) -> None:
        if self.results:
            self.look(random.choice(self.results), name="result")  # noqa: S311

    @task(3)
    def history(self) -> None:
        self.look("/history/", name="history")

    @task(2)
    def hints(self) -> None:
        self.look("/history/?hint=yes", name="history, hints")

    @task(2)
    def queue(self) -> None:
        self.look("/review/", name="review")

    @task(1)
    def overview(self) -> None:
        self.look("/dashboard/", name="dashboard")


class Uploader(Person):
    """An analyst: sends a clip, then looks what became of it and of those before."""

    fixed_count = int(os.environ.get("UPLOADERS", "0"))

    @task
    def upload(self) -> None:
        file = _CLIPS.make(random.choice(KINDS))  # noqa: S311
        answer = self.client.post(
            "/",
            {"model": material.MODEL},
            name="an upload",
            files={"clips": (file.name, file.content)},
            headers={"X-CSRFToken": self.client.cookies["csrftoken"], "HX-Request": "true"},
        )
        self.results = _RESULT.findall(answer.text)

    @task
    def see(self) -> None:
        if self.results:
            self.look(self.results[0], name="result")
        else:
            self.look("/", name="upload page")
