"""The score curve and the player that it leads, as a browser finds them."""

from __future__ import annotations

from playwright.sync_api import Locator, Page

from tests.browser.waiting import becomes, wait_for_parts


def slider(page: Page) -> Locator:
    return page.get_by_role("slider", name="Score over time")


def now(page: Page) -> float:
    """The player's moment, in seconds."""
    return float(page.evaluate("document.querySelector('[data-player]').currentTime"))


def expect_now(page: Page, seconds: object) -> None:
    """That the player comes to that moment, which may be an approximation."""
    becomes(page, lambda: now(page), seconds)


def place(page: Page, share: float) -> tuple[float, float]:
    """Where the mouse finds that share of the curve's width."""
    wait_for_parts(page)
    box = slider(page).bounding_box()
    assert box is not None
    return box["x"] + share * box["width"], box["y"] + box["height"] / 2
