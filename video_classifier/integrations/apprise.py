"""Messages by Apprise, which speaks to a hundred services, in a child process.

Apprise follows redirects, reads files that addresses name, and has no time limit over all. So it
runs where it can't do harm (apprise_process), and is ended when its time is up.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from video_classifier.integrations.messages import (
    TIME_OUT,
    Message,
    NotSentError,
    PerhapsSentError,
    WrongTargetError,
)

ROOT = Path(__file__).resolve().parents[2]  # where `python -m` finds this package
CHILD = "video_classifier.integrations.apprise_process"
LONGEST = 1000  # characters of an address
START_SECONDS = 20.0  # for Apprise to be loaded, on a server that has much else to do
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH")

# None that stays on this machine, sends e-mail, or is a webhook in another form: the site has
# those. None that needs a file of the server, either.
SCHEMES = {
    "bark": "Bark",
    "barks": "Bark",
    "bulksms": "BulkSMS",
    "clicksend": "ClickSend",
    "d7sms": "D7 Networks",
    "discord": "Discord",
    "flock": "Flock",
    "gchat": "Google Chat",
    "gotify": "Gotify",
    "gotifys": "Gotify",
    "hassio": "Home Assistant",
    "hassios": "Home Assistant",
    "line": "Line",
    "matrix": "Matrix",
    "matrixs": "Matrix",
    "mmost": "Mattermost",
    "mmosts": "Mattermost",
    "msgbird": "MessageBird",
    "nctalk": "Nextcloud Talk",
    "nctalks": "Nextcloud Talk",
    "ntfy": "ntfy",
    "ntfys": "ntfy",
    "opsgenie": "Opsgenie",
    "pagerduty": "PagerDuty",
    "plivo": "Plivo",
    "pover": "Pushover",
    "prowl": "Prowl",
    "rocket": "Rocket.Chat",
    "rockets": "Rocket.Chat",
    "signal": "Signal",
    "signals": "Signal",
    "sinch": "Sinch",
    "slack": "Slack",
    "sns": "Amazon SNS",
    "spush": "Simplepush",
    "tgram": "Telegram",
    "threema": "Threema",
    "twilio": "Twilio",
    "vonage": "Vonage",
    "webex": "Webex",
    "whatsapp": "WhatsApp",
    "workflows": "Microsoft Teams",
    "wxteams": "Webex",
    "zulip": "Zulip",
}

NOT_INSTALLED = (
    "Other services need Apprise, which isn't installed here. An administrator of the site "
    "installs requirements-alerts.txt."
)
NO_ADDRESS = "Type the address of the service as Apprise has it, such as ntfys://TOPIC."
TOO_LONG = f"The address is too long: there may be {LONGEST} characters."
STRANGE_SIGNS = "There is a space or an invisible sign in the address. Type it again."
WRONG_SCHEME = (
    "This service isn't on the list of those that may be used: docs/alerts.md has it. For e-mail "
    "and webhooks there are channels of their own."
)
WRONG_ADDRESS = (
    "Apprise can't read the address. Check it for a typo; the form that the service needs is in "
    "Apprise's documentation."
)
CHECK_FAILED = "The address could not be checked in time. Try again."
NOT_ALLOWED = (
    "The service is on a machine outside the internet, or on the server itself. An administrator "
    "of the site can add its network to the setting ALERT_NETWORKS."
)
FAILED = (
    "The service didn't take the message, or can't be reached. Check the address, and whether its "
    "password or token is still valid."
)
SILENT = "The service didn't answer in time, so nobody knows whether the message arrived."
NOT_STARTED = "Apprise did not start in time: the server is very busy. Nothing was sent."


def is_installed() -> bool:
    return importlib.util.find_spec("apprise") is not None


def scheme_of(text: str) -> str:
    return text.strip().partition("://")[0].lower()


def check(text: str) -> None:
    """What somebody typed; nothing is sent. Raises WrongTargetError."""
    text = text.strip()
    if not text:
        raise WrongTargetError(NO_ADDRESS)
    if len(text) > LONGEST:
        raise WrongTargetError(TOO_LONG)
    if not text.isprintable() or " " in text:
        raise WrongTargetError(STRANGE_SIGNS)
    if "://" not in text or scheme_of(text) not in SCHEMES:
        raise WrongTargetError(WRONG_SCHEME)
    if not is_installed():
        raise WrongTargetError(NOT_INSTALLED)
    outcome = _outcome({"address": text, "networks": []}, START_SECONDS)
    if outcome != "valid":
        raise WrongTargetError(WRONG_ADDRESS if outcome == "invalid" else CHECK_FAILED)


def send(
    address: str, message: Message, *, networks: Sequence[str], seconds: float = TIME_OUT
) -> None:
    """Raises NotSentError. Networks are those that are allowed beside the internet.

    The seconds count from when Apprise begins to send; it takes some to be loaded.
    """
    if not is_installed():
        raise NotSentError(NOT_INSTALLED, is_final=True)
    if scheme_of(address) not in SCHEMES:
        raise NotSentError(WRONG_SCHEME, is_final=True)
    snapshot = base64.b64encode(message.snapshot or b"").decode()
    said = {
        "subject": message.subject,
        "text": message.text,
        "link": message.link,
        "snapshot": snapshot,
    }
    order = {"address": address, "networks": [*networks], "message": said, "seconds": seconds}
    outcome = _outcome(order, START_SECONDS + seconds)
    if outcome != "sent":
        raise _error(outcome)


def _error(outcome: str) -> NotSentError:
    if outcome in _FINAL:
        return NotSentError(_FINAL[outcome], is_final=True)
    if outcome == SENDING:  # and then nothing more
        return PerhapsSentError(SILENT)
    return NotSentError(FAILED if outcome == "failed" else NOT_STARTED)


SENDING = "sending"
_FINAL = {"invalid": WRONG_ADDRESS, "not allowed": NOT_ALLOWED}


def _outcome(order: dict[str, object], seconds: float) -> str:
    """The child's last word; "" if it said nothing."""
    # By its input: what is on a command line or in an environment others may see.
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=_environment(),
        start_new_session=True,
    )
    try:
        said, _ = child.communicate(json.dumps(order).encode(), timeout=seconds)
    except subprocess.TimeoutExpired as late:
        said = late.output or b""
    finally:
        _end(child)
    return next(reversed(said.decode(errors="replace").splitlines()), "")


def _environment() -> dict[str, str]:
    """No secrets, no proxies, and no passwords that a file in HOME may have for the machine."""
    found = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return found | {"NETRC": os.devnull, "PYTHONDONTWRITEBYTECODE": "1"}


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
