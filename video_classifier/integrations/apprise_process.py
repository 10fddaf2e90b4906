"""`python -m`: sends one message by Apprise, or checks an address, and ends.

The order comes by the standard input. The answer is a word a line; the last one counts. There are
no settings, no secrets but the address, and no database. What Apprise may do is watched by an audit
hook of Python's, past which no library gets: it connects to no machine that alerts may not reach,
whatever a name resolves to and wherever a redirect leads, reads no file but libraries, writes none,
and starts no program.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import mimetypes
import os
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apprise
from apprise.attachment.memory import AttachMemory

from video_classifier.integrations import reach
from video_classifier.ml.isolation import confinement

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 2**30  # bytes of address space
START_SECONDS = 60  # in which it begins, or ends by itself

_CONNECTIONS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_PROGRAMS = {
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn"),
    *("os.fork", "os.forkpty", "pty.spawn"),
}
_CHANGES = {"os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A message for an address, or without one an address to be checked."""

    address: str
    networks: Sequence[str]
    seconds: float
    message: dict[str, str] | None

    @classmethod
    def read(cls, text: str) -> Order:
        given = json.loads(text)
        return cls(
            address=given["address"],
            networks=given["networks"],
            seconds=float(given.get("seconds", 10.0)),
            message=given.get("message"),
        )


class Guard:
    """An audit hook: it sees what libraries do, however they do it."""

    def __init__(self, networks: Sequence[str]) -> None:
        self._networks = networks
        self._libraries = _libraries()
        self.has_refused_a_machine = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _CONNECTIONS:
            self._check_machine(arguments[1])
        elif event == "open":
            self._check_file(*arguments[:3])
        elif event in _PROGRAMS or event in _CHANGES:
            raise PermissionError(event)

    def _check_machine(self, address: object) -> None:
        if address is None:  # of a socket that is connected, which was checked then
            return
        try:
            ip = ipaddress.ip_address(address[0])  # type: ignore[index]
            if reach.is_allowed(ip, self._networks, or_public=True):
                return
        except (TypeError, ValueError):  # of another family, or a name
            pass
        self.has_refused_a_machine = True
        raise PermissionError

    def _check_file(self, path: object, mode: object, flags: object) -> None:
        if isinstance(path, int) or path == os.devnull:
            return
        writes = bool(set(str(mode or "")) & set("wax+"))
        writes = writes or (isinstance(flags, int) and bool(flags & _WRITING))
        found = os.path.realpath(os.fsdecode(path))  # type: ignore[arg-type]
        if writes or not found.startswith(self._libraries):
            raise PermissionError


def _libraries() -> tuple[str, ...]:
    """The folders of all that may be read. The site's own is not among them, but its code is."""
    listed = {os.path.realpath(each) for each in sys.path if each}
    installed = {os.path.realpath(each) for each in (sys.prefix, sys.base_prefix)}
    folders = (listed | installed | {str(ROOT / "video_classifier")}) - {str(ROOT), os.sep}
    zones = os.path.realpath("/usr/share/zoneinfo")
    return tuple(f"{each}{os.sep}" for each in sorted(folders | {zones}))


def answer(order: Order, guard: Guard, say: Callable[[str], object]) -> str:
    """A word, for integrations.apprise to make a sentence of."""
    asset = apprise.AppriseAsset(app_id="shoplift", async_mode=False, storage_mode="memory")
    service = apprise.Apprise.instantiate(order.address, asset=asset)
    if service is None:
        return "invalid"
    if order.message is None:
        return "valid"
    service.retry = 0  # there are our own
    sender = apprise.Apprise(asset=asset)
    sender.add(service)
    say("sending")
    # Nothing else bounds all that it does. Nobody catches the signal, so it ends the process.
    signal.setitimer(signal.ITIMER_REAL, order.seconds)
    if sender.notify(**_arguments(service, order.message)):
        return "sent"
    return "not allowed" if guard.has_refused_a_machine else "failed"


def _arguments(service: Any, message: dict[str, str]) -> dict[str, Any]:
    subject, text = message["subject"], message["text"]
    if len(subject) + len(text) > service.body_maxlen:  # a text message costs by its length
        subject, text = "", f"{subject} {message['link']}".strip()
    snapshot = base64.b64decode(message["snapshot"])
    attached = None
    if snapshot and service.attachment_support:
        attached = AttachMemory(content=snapshot, name="snapshot.jpg", mimetype="image/jpeg")
    return {"title": subject, "body": text, "body_format": "text", "attach": attached}


def main() -> None:
    order = Order.read(sys.stdin.read())
    signal.alarm(START_SECONDS)
    confinement.limit(memory=MEMORY)
    say = _answering()
    mimetypes.init(files=[])  # or it would read those of the system
    guard = Guard(order.networks)
    sys.addaudithook(guard)
    say(answer(order, guard, say))


def _answering() -> Callable[[str], object]:
    """Writes the answer. What else is printed, by whatever library, is no part of it."""
    out, sys.stdout = sys.stdout, sys.stderr

    def say(text: str) -> None:
        print(text, file=out, flush=True)

    return say


if __name__ == "__main__":
    main()
