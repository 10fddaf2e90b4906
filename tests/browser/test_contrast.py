"""The roles of the design's colors, as the browser mixes them."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TEXTS = ("text", "text-muted", "accent", "tone-hint", "tone-success", "tone-failed")
GROUNDS = ("canvas", "surface", "raised", "hover")
TEXT_PAIRS = [*product(TEXTS, GROUNDS), ("on-accent", "accent"), ("surface", "tone-failed")]
EDGE_PAIRS = [*product(("border-strong", "focus"), ("canvas", "surface"))]

PIXELS = """roles => roles.map((role) => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(--${role})`;
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = getComputedStyle(probe).color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
})"""


def luminance(pixel: list[int]) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in pixel[:3])
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_edges_can_be_made_out(browser: Browser, site: str, scheme: str) -> None:
    page = browser.new_page(base_url=site, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/accounts/login/")
    roles = sorted({role for pair in (*TEXT_PAIRS, *EDGE_PAIRS) for role in pair})
    pixels = dict(zip(roles, page.evaluate(PIXELS, roles), strict=True))

    def contrast(one: str, other: str) -> float:
        dark, bright = sorted(luminance(pixels[role]) for role in (one, other))
        return (bright + 0.05) / (dark + 0.05)

    faint = {pair for pair in TEXT_PAIRS if contrast(*pair) < 4.5}
    faint |= {pair for pair in EDGE_PAIRS if contrast(*pair) < 3}
    assert faint == set()
