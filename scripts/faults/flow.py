"""People and programs that upload without a pause, and remember what they were promised.

Three ways: the form of a page (whose answer may be lost, and which is not sent again), tus (which
goes on where it stopped), and the API with an idempotency key (which is sent again until it is
answered).
"""

from __future__ import annotations

import base64
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from scripts._lib import material
from scripts._lib.material import File, Files
from scripts.faults.setups import Setup

WAYS = ("form", "tus", "api")
KINDS = ("bright", "dark", "avi", "recording")
SHARES = (4, 3, 1, 1)
PAUSE = 0.3  # seconds, at most, between two files
AGAIN = 0.3  # seconds, and then twice as many, until something is tried again
SLOWEST = 3.0
MOST = 60  # files between two pauses: a fault that takes long on a busy machine piles up no work
PATIENCE = 45.0  # seconds in which one file may be tried
ANSWER = 20.0  # seconds that an answer may take
# A request whose server was killed counts as being worked on for ten minutes.
CONFLICTS = 3
PIECES = 3  # of a file that comes by tus
TUS = {"Tus-Resumable": "1.0.0"}
OK = range(200, 300)


@dataclass(slots=True, kw_only=True)
class Sent:
    """A file, and what the site said of it."""

    file: File
    way: str
    is_confirmed: bool = False
    is_over: bool = False
    came: int = 0  # bytes that tus has confirmed
    answers: Counter[str] = field(default_factory=Counter)


class Flow:
    """Uploads from several threads while it is open."""

    def __init__(  # noqa: PLR0913
        self,
        site: Setup,
        files: Files,
        *,
        seed: int,
        uploaders: int = 3,
        pause: float = PAUSE,
        most: int = MOST,
    ) -> None:
        self.sent: list[Sent] = []
        self._most, self._left = most, 0
        self._site, self._files, self._pause = site, files, pause
        self._address = f"http://127.0.0.1:{site.front.port}"
        self._open = threading.Event()
        self._beginning = threading.Lock()
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._upload, args=(random.Random(seed + n),), daemon=True)  # noqa: S311
            for n in range(uploaders)
        ]
        for each in self._threads:
            each.start()

    def open(self) -> None:
        with self._beginning:
            self._left = self._most
        self._open.set()

    def pause(self) -> None:
        """Waits until what is on its way has an answer, or is given up."""
        with self._beginning:
            self._open.clear()
        while any(not each.is_over for each in list(self.sent)):
            time.sleep(0.05)

    def end(self) -> None:
        self._ended.set()
        self._open.set()
        for each in self._threads:
            each.join(PATIENCE)

    def send(self, kind: str, way: str) -> Sent:
        """One file, now."""
        sent = Sent(file=self._files.make(kind), way=way)
        self.sent.append(sent)
        self._send(self._session(), sent)
        return sent

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.cookies.update(self._site.browser.cookies)
        return session

    def _send(self, session: requests.Session, sent: Sent) -> None:
        ways = {"form": self._by_form, "tus": self._by_tus, "api": self._by_api}
        try:
            ways[sent.way](session, sent)
        except requests.RequestException as error:
            sent.answers[type(error).__name__] += 1
        finally:
            sent.is_over = True

    def _upload(self, lots: random.Random) -> None:
        session = self._session()
        while self._open.wait() and not self._ended.is_set():
            (kind,) = lots.choices(KINDS, SHARES)
            sent = Sent(file=self._files.make(kind), way=lots.choice(WAYS))
            with self._beginning:
                if not self._open.is_set():
                    continue
                is_one_more = self._left > 0
                if is_one_more:
                    self._left -= 1
                    self.sent.append(sent)
            if is_one_more:
                self._send(session, sent)
            time.sleep(lots.uniform(0, self._pause))

    def _by_form(self, session: requests.Session, sent: Sent) -> None:
        answer = session.post(
            self._address,
            {"model": self._model},
            files={"clips": (sent.file.name, sent.file.content)},
            headers=self._token(session) | {"HX-Request": "true"},
            timeout=ANSWER,
        )
        sent.answers[str(answer.status_code)] += 1
        sent.is_confirmed = answer.status_code == requests.codes.ok

    def _by_api(self, _: requests.Session, sent: Sent) -> None:
        headers = {
            "Authorization": f"Bearer {self._site.key}",
            "Idempotency-Key": str(uuid.uuid4()),
        }

        def ask() -> requests.Response:
            return requests.post(
                f"{self._address}/api/v1/clips",
                files={"file": (sent.file.name, sent.file.content)},
                headers=headers,
                timeout=ANSWER,
            )

        sent.is_confirmed = _asked(ask, sent, conflicts=CONFLICTS) is not None

    def _by_tus(self, session: requests.Session, sent: Sent) -> None:
        """Asks after each failure how much is there, as the page's script does."""
        headers = TUS | self._token(session)
        told = {"filename": sent.file.name, "model": self._model}
        said = ",".join(f"{k} {base64.b64encode(v.encode()).decode()}" for k, v in told.items())
        new = headers | {"Upload-Length": str(len(sent.file.content)), "Upload-Metadata": said}
        # Without an answer nobody knows where it is, and it is given up: it expires.
        made = session.post(f"{self._address}/uploads/", headers=new, timeout=ANSWER)
        sent.answers[str(made.status_code)] += 1
        if made.status_code != requests.codes.created:
            return
        place = self._address + "/uploads/" + made.headers["Location"].partition("/uploads/")[2]
        size = len(sent.file.content)
        step = -(-size // PIECES)
        while sent.came < size:

            def ask() -> requests.Response:
                where = session.head(place, headers=headers, timeout=ANSWER)
                if where.status_code not in OK or int(where.headers["Upload-Offset"]) == size:
                    return where
                offset = int(where.headers["Upload-Offset"])
                return session.patch(
                    place,
                    sent.file.content[offset : offset + step],
                    headers=headers
                    | {
                        "Upload-Offset": str(offset),
                        "Content-Type": "application/offset+octet-stream",
                    },
                    timeout=ANSWER,
                )

            answer = _asked(ask, sent)
            if answer is None:
                return
            sent.came = int(answer.headers["Upload-Offset"])
        sent.is_confirmed = True

    @property
    def _model(self) -> str:
        return material.MODEL

    def _token(self, session: requests.Session) -> dict[str, str]:
        return {"X-CSRFToken": session.cookies.get("csrftoken") or ""}


def _asked(
    ask: Callable[[], requests.Response], sent: Sent, *, conflicts: int = 1000
) -> requests.Response | None:
    """The first answer that says yes, of as many tries as there is time for."""
    until, pause = time.monotonic() + PATIENCE, AGAIN
    while time.monotonic() < until:
        try:
            answer = ask()
        except requests.RequestException as error:
            sent.answers[type(error).__name__] += 1
        else:
            sent.answers[str(answer.status_code)] += 1
            if answer.status_code in OK:
                return answer
            if sent.answers["409"] >= conflicts:
                return None
        time.sleep(pause)
        pause = min(pause * 2, SLOWEST)
    return None
