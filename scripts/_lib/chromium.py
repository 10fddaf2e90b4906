"""The installed Chromium, as scripts and tests start it."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright


class MissingError(Exception):
    """It is not installed."""


# Chromium calls home otherwise, and finds neither a GPU nor a sandbox in a container.
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# The shell has no window around its pages, which takes half of the processor's time.
_PROGRAMS = ("chromium-headless-shell", "chromium")


def path() -> str:
    """Of the program. Raises MissingError."""
    found = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if found is None:
        msg = "There is no Chromium to drive; on Debian: apt-get install chromium-headless-shell."
        raise MissingError(msg)
    return found


def launch(playwright: Playwright) -> Browser:
    """Raises MissingError."""
    return playwright.chromium.launch(executable_path=path(), args=_QUIET)
