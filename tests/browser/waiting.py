"""Waiting for what Playwright has no assertion for: frames, answers and workers may all be late."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Page, expect

Found = TypeVar("Found")

PATIENCE = 60.0  # seconds
PAUSE = 50.0  # milliseconds


def becomes(page: Page, read: Callable[[], Found], expected: object) -> None:
    """Waits until what is read equals what is expected, which may be an approximation."""
    end = time.monotonic() + PATIENCE
    while (found := read()) != expected and time.monotonic() < end:
        page.wait_for_timeout(PAUSE)
    assert found == expected


def until(page: Page, happened: Callable[[], Found]) -> Found:
    """What it returns as soon as that is something; the page's events are heard meanwhile."""
    end = time.monotonic() + PATIENCE
    while not (found := happened()):
        assert time.monotonic() < end
        page.wait_for_timeout(PAUSE)
    return found


def wait_for_parts(page: Page) -> None:
    """Until what comes after its page is there: it moves, what is below it."""
    expect(page.locator("[hx-trigger=load][hx-swap=outerHTML]")).to_have_count(0)
