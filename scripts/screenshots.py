"""Makes the pictures of pages in docs/screenshots anew.

The site is started as shipped, on 127.0.0.1, with data of its own in a temporary folder. The result
page shows the clip that is given, as the default model sees it; all other pages show clips that are
drawn, and made-up answers to them. Look at each picture before you keep it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import cv2
import numpy as np
from playwright.sync_api import Browser, Error, Page, sync_playwright

from scripts._lib import chromium, console
from scripts._lib.site_under_test import Site, SiteError
from video_classifier.ml.contracts import Image

EXAMPLE = """example:
  python -m scripts.screenshots ../shared/data/surveillance_no_theft/nofi060.mp4
"""
MODEL = "i3d_person"
NAME = "cafe.mp4"  # of the clip that is given, as the page has it
PATIENCE = 300.0  # seconds for its analysis
SIZES = {1440: 900, 360: 740}
SCHEMES = ("light", "dark")
SHRUNK = {1440: 3, 360: 2}  # times, on a sheet
COLUMNS = {1440: 4, 360: 8}
TITLE = 24  # pixels
_FURNISH = "import django; django.setup(); from scripts._lib import demo; demo.furnish()"
_MIDDLE = (
    "document.querySelector('video').currentTime = document.querySelector('video').duration / 2"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """A page, and what is done there before it is taken."""

    name: str
    address: str
    do: Callable[[Page], None] | None = None


class ShownSite(Site):
    def furnish(self) -> None:
        self._run("-c", _FURNISH)

    def result(self) -> str:
        """The address of the latest result of the clip that was given."""
        query = "SELECT a.id FROM video_classifier_analysis a JOIN video_classifier_clip c"
        ((key,),) = self.rows(f"{query} ON c.id = a.clip_id WHERE c.name = '{NAME}'")
        return f"/results/{UUID(key)}/"

    def hint(self) -> str:
        """The address of the page of a hint that waits."""
        waits = "FROM video_classifier_event WHERE waits_for <> '' ORDER BY score DESC LIMIT 1"
        ((key, number),) = self.rows(f"SELECT analysis_id, number {waits}")
        return f"/results/{UUID(key)}/events/{number}/"

    def case(self) -> str:
        ((key,),) = self.rows("SELECT id FROM video_classifier_case ORDER BY opened_at LIMIT 1")
        return f"/cases/{UUID(key)}/"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    clip, out = arguments.clip, arguments.out
    try:
        chromium.path()  # before minutes of work
        content = clip.read_bytes()
        out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as folder:
            made = _take(Path(folder), content, out)
    except (Error, OSError, SiteError, chromium.MissingError) as error:
        console.complain(error)
        return 2
    for path in made:
        console.out.print(f"{path}: {path.stat().st_size / 1000:.0f} kB", highlight=False)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("screenshots", __doc__, EXAMPLE)
    parser.add_argument(
        "clip",
        type=Path,
        help="shown on the result page: one that may be published, with its source",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("docs/screenshots"), help="the folder (%(default)s)"
    )
    return parser.parse_args(argv)


def _take(folder: Path, clip: bytes, out: Path) -> list[Path]:
    site = ShownSite(folder, REVIEW_BLIND="0")  # a look without a hint has no boxes
    site.start()
    sheets = [(width, scheme) for width in SIZES for scheme in SCHEMES]
    try:
        with console.progress("Pictures", len(sheets) + 2) as advance:
            return list(_made(site, clip, out, sheets, advance))
    finally:
        site.stop()


def _made(
    site: ShownSite,
    clip: bytes,
    out: Path,
    sheets: Sequence[tuple[int, str]],
    advance: Callable[[], None],
) -> Iterator[Path]:
    site.sign_in()
    _analyze(site, clip)
    site.furnish()
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for take in (_result, _desk):
            yield take(browser, site, out)
            advance()
        for width, scheme in sheets:
            yield _sheet(browser, site, out, width, scheme)
            advance()


def _analyze(site: ShownSite, clip: bytes) -> None:
    """Raises SiteError if that doesn't come to an end."""
    site.upload(NAME, clip, model=MODEL)
    until = time.monotonic() + PATIENCE
    while site.unfinished():
        if time.monotonic() > until:
            msg = f"The clip is not analyzed after {PATIENCE:.0f} s."
            raise SiteError(msg)
        time.sleep(0.5)


def _page(browser: Browser, site: Site, width: int, height: int, scheme: str) -> Page:
    """Signed in, without motion."""
    page = browser.new_page(
        base_url=site.address,
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )
    page.context.add_cookies(
        [
            {"name": each.name, "value": str(each.value), "url": site.address}
            for each in site.browser.cookies
        ]
    )
    return page


def _result(browser: Browser, site: ShownSite, out: Path) -> Path:
    page = _page(browser, site, 1200, 1350, "light")
    page.goto(site.result())
    page.wait_for_load_state("networkidle")
    _show_boxes(page)
    return _kept(page, out / "result.jpg", quality=85)


def _desk(browser: Browser, site: ShownSite, out: Path) -> Path:
    page = _page(browser, site, 1200, 760, "light")
    page.goto("/review/")
    _show_boxes(page)
    return _kept(page, out / "review.png")


def _kept(page: Page, path: Path, *, quality: int | None = None) -> Path:
    page.screenshot(path=path, quality=quality)
    page.context.close()
    return path


def _show_boxes(page: Page) -> None:
    """Halfway, where players of the same clip look alike."""
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2")
    page.evaluate(_MIDDLE)
    page.wait_for_function("() => !document.querySelector('video').seeking")
    page.wait_for_selector(".boxes .box")


def _answer(page: Page) -> None:
    page.get_by_role("button", name="False alarm").click()
    page.locator("#answered").get_by_text("Saved:").wait_for()


def _help(page: Page) -> None:
    page.keyboard.press("?")


def _shots(site: ShownSite) -> Iterator[Shot]:
    """The answer comes last, as it changes what waits."""
    hint = site.hint()
    yield Shot(name="upload", address="/")
    yield Shot(name="history", address="/history/")
    yield Shot(name="result", address=hint.partition("events/")[0], do=_show_boxes)
    yield Shot(name="event", address=hint, do=_show_boxes)
    yield Shot(name="review", address="/review/", do=_show_boxes)
    yield Shot(name="what waits", address="/review/waiting/")
    yield Shot(name="shortcuts", address="/review/", do=_help)
    yield Shot(name="cases", address="/cases/")
    yield Shot(name="case", address=site.case())
    yield Shot(name="dashboard", address="/dashboard/")
    yield Shot(name="cameras", address="/cameras/")
    yield Shot(name="new hints", address="/alerts/news/")
    yield Shot(name="alerts", address="/alerts/")
    yield Shot(name="audit log", address="/audit/")
    yield Shot(name="trash", address="/trash/")
    yield Shot(name="preferences", address="/accounts/preferences/")
    yield Shot(name="second factor", address="/accounts/second-factor/")
    yield Shot(name="sessions", address="/accounts/sessions/")
    yield Shot(name="API keys", address="/accounts/keys/")
    yield Shot(name="not found", address="/nothing/here/")
    yield Shot(name="answered", address="/review/", do=_answer)


def _sheet(browser: Browser, site: ShownSite, out: Path, width: int, scheme: str) -> Path:
    page = _page(browser, site, width, SIZES[width], scheme)
    taken: list[tuple[str, Image]] = []
    for shot in _shots(site):
        page.goto(shot.address)
        page.wait_for_load_state("networkidle")
        if shot.do is not None:
            shot.do(page)
        png = np.frombuffer(page.screenshot(), np.uint8)
        taken.append((shot.name, np.asarray(cv2.imdecode(png, cv2.IMREAD_COLOR), np.uint8)))
    page.context.close()
    path = out / f"pages-{width}-{scheme}.png"
    sheet = tiled(taken, columns=COLUMNS[width], shrink=SHRUNK[width])
    cv2.imwrite(str(path), sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return path


def tiled(pictures: Sequence[tuple[str, Image]], *, columns: int, shrink: int) -> Image:
    """All of one size side by side, each so many times smaller below its name; BGR, 0 to 255."""
    height, width = (size // shrink for size in pictures[0][1].shape[:2])
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + TITLE), columns * width, 3), 96, np.uint8)
    for number, (name, picture) in enumerate(pictures):
        row, column = divmod(number, columns)
        top, left = row * (height + TITLE), column * width
        small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        sheet[top + TITLE : top + TITLE + height, left : left + width] = small
        place, white = (left + 4, top + TITLE - 7), (255, 255, 255)
        cv2.putText(sheet, name, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, white, 1, cv2.LINE_AA)
    return sheet


if __name__ == "__main__":
    sys.exit(main())
