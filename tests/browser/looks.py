"""What a page has to be: without a barrier that axe knows, and no wider than the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.browser.waiting import wait_for_parts

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HEIGHTS = {360: 740, 768: 1024, 1440: 900}  # of a phone, a tablet, a desk

# Of what axe judges the width changes what is shown or stacked, and the scheme colors alone: all
# its rules at each width in one scheme are all its rules in each scheme at one width.
JUDGED: dict[int, Literal["light", "dark"]] = {360: "light", 1440: "dark"}

# To bring all that axe looked at out of the browser takes longer than to look.
_RUN = """async (exclude) => {
  const options = { resultTypes: ["violations"] };
  const { violations } = await axe.run(exclude.length ? { exclude } : document, options);
  const named = ({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`);
  return violations.flatMap(named);
}"""
# The page's script hears of the scheme later than its style does; some pages have none.
_IS_SHOWN = "scheme => [undefined, scheme].includes(document.documentElement.dataset.bsTheme)"
_TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll(".table-frame")]
  .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)
  .map(({ tagName, scrollWidth, clientWidth }) => `${tagName}: ${scrollWidth} in ${clientWidth}`)
"""


def barriers(page: Page, *, exclude: Sequence[str] = ()) -> list[str]:
    """What axe finds, by all its rules, as "rule: element"."""
    if page.evaluate("typeof axe") == "undefined":  # once for each document, as it is large
        page.evaluate(AXE_SCRIPT)
    found: list[str] = page.evaluate(_RUN, list(exclude))
    return found


def too_wide(page: Page) -> list[str]:
    """What scrolls sideways: the page, or a table in it."""
    found: list[str] = page.evaluate(_TOO_WIDE)
    return found


def faults_of(
    page: Page,
    name: str,
    pictures: Path | str | None = None,
    *,
    widths: Iterable[int] = HEIGHTS,
    exclude: Sequence[str] = (),
) -> dict[str, list[str]]:
    """What is wrong with a page at each width; of the usual ones pictures, if they are wanted."""
    found: dict[str, list[str]] = {}
    wait_for_parts(page)
    for width in widths:
        page.set_viewport_size({"width": width, "height": HEIGHTS.get(width, 740)})
        where = found.setdefault(f"{name}, {width}", too_wide(page))
        if pictures is not None and width in HEIGHTS:
            _take(page, Path(pictures) / f"{name}-{width}")
        if width in JUDGED:
            show(page, JUDGED[width])
            where += barriers(page, exclude=exclude)
    return {where: wrong for where, wrong in found.items() if wrong}


def show(page: Page, scheme: Literal["light", "dark"]) -> None:
    """Without motion: a button on its way to another scheme has too little contrast."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_function(_IS_SHOWN, arg=scheme)


def _take(page: Page, stem: Path) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    for scheme in SCHEMES:
        show(page, scheme)
        page.screenshot(path=f"{stem}-{scheme}.png", full_page=True)
