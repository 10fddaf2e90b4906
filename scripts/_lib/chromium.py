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


def path() -> str:
    """Of the program. Raises MissingError."""
    found = shutil.which("chromium")
    if found is None:
        msg = "There is no chromium to drive; on Debian: apt-get install chromium."
        raise MissingError(msg)
    return found


def launch(playwright: Playwright) -> Browser:
    """Raises MissingError."""
    return playwright.chromium.launch(executable_path=path(), args=_QUIET)
