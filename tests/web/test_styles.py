"""The house rules of stylesheets, held: whose styles are where, and none that nobody uses.

A block is a class with all that hangs on it: `score-meter`, `score-meter__bar`,
`score-meter--small`. A rule belongs to the block that its selector names first: a container may
say how what is in it looks there.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

CSS = settings.BASE_DIR / "static" / "css"
TEMPLATES = settings.BASE_DIR / "templates"
STYLES = sorted(CSS.rglob("*.css"))
PARTS = [path for path in STYLES if path.is_relative_to(CSS / "components")]
PARTS += [path for path in STYLES if path.is_relative_to(CSS / "pages")]
OWNED = [*PARTS, CSS / "layout.css", *sorted((CSS / "elements").glob("*.css"))]

COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
PRELUDE = re.compile(r"([^{};]+)\{")
COMMA = re.compile(r",(?![^()]*\))")
CLASS = re.compile(r"\.([a-zA-Z][\w-]*)")
BY_OTHERS = {"bi", "errorlist", "htmx-request"}  # an icon's, Django's and htmx's


def named(path: Path) -> str:
    return path.relative_to(CSS).as_posix()


def selectors(path: Path) -> Iterator[str]:
    for prelude in PRELUDE.findall(COMMENT.sub("", path.read_text())):
        if not prelude.strip().startswith(("@", "to", "from")):
            yield from map(str.strip, COMMA.split(prelude))


def block(name: str) -> str:
    return re.split(r"__|--", name)[0]


def blocks(path: Path) -> set[str]:
    """Those whose rules are in this file."""
    firsts = (CLASS.search(selector) for selector in selectors(path))
    return {block(first[1]) for first in firsts if first} - BY_OTHERS


def template_of(path: Path) -> Path:
    """components/score-meter.css -> components/score_meter.html; pages/trash/row.css -> _row."""
    stem = path.stem.replace("-", "_")
    if path.parent.name == "components":
        return TEMPLATES / "components" / f"{stem}.html"
    folder = TEMPLATES / "video_classifier" / path.parent.name
    part = folder / f"_{stem}.html"
    return part if part.exists() else folder / f"{stem}.html"


def classes(template: Path) -> set[str]:
    """All in its `class` attributes; `*` stands for what is put in."""
    found: set[str] = set()
    for value in re.findall(r'class="((?:{%.*?%}|[^"])*)"', template.read_text()):
        found |= set(re.sub(r"{{.*?}}", "*", re.sub(r"{%.*?%}", " ", value)).split())
    return found


USED = {path: classes(path) for path in sorted(TEMPLATES.rglob("*.html"))}
OURS = {path: used for path, used in USED.items() if not path.is_relative_to(TEMPLATES / "admin")}


def test_a_part_of_the_styles_is_named_as_its_template() -> None:
    assert PARTS
    assert [named(path) for path in PARTS if not template_of(path).exists()] == []


def test_each_block_has_its_styles_in_one_file() -> None:
    homes = defaultdict(set)
    for path in OWNED:
        for each in blocks(path):
            homes[each].add(named(path))

    assert {each: found for each, found in homes.items() if len(found) > 1} == {}


def test_what_a_part_styles_stands_in_its_template() -> None:
    offenders = {
        named(path): strange
        for path in PARTS
        if (strange := blocks(path) - {block(name) for name in USED[template_of(path)]})
    }

    assert offenders == {}


def test_what_several_templates_show_is_no_part_of_one() -> None:
    offenders = {
        (each, template.name): named(path)
        for path in PARTS
        for each in blocks(path)
        for template, used in OURS.items()
        if template != template_of(path) and each in {block(name) for name in used}
    }

    assert offenders == {}


def test_every_class_that_is_styled_is_used() -> None:
    patterns = [
        re.compile(re.escape(name).replace(r"\*", ".+")) for used in OURS.values() for name in used
    ]
    styled = {name for path in OWNED for text in selectors(path) for name in CLASS.findall(text)}

    unused = {name for name in styled if not any(each.fullmatch(name) for each in patterns)}

    assert unused - BY_OTHERS == set()


def test_every_class_that_is_used_is_styled() -> None:
    bootstrap = Path(finders.find("js-lib-bootstrap5/css/bootstrap.min.css") or "")
    styled = set(CLASS.findall(bootstrap.read_text()))
    styled |= {name for path in STYLES for text in selectors(path) for name in CLASS.findall(text)}

    plain = {name for used in OURS.values() for name in used if "*" not in name} - styled

    assert plain == set()


def test_no_file_draws_in_another() -> None:
    drawing = re.compile(r"@import|url\(")

    assert [named(path) for path in STYLES if drawing.search(path.read_text())] == []


def test_colors_are_named_in_the_tokens_alone() -> None:
    raw = re.compile(
        r"#[0-9a-f]{3,8}\b(?=[;\s,)])|\b(?:rgb|hsl|oklch)a?\(|:\s*(?:white|black|red)\b"
    )

    assert {named(path) for path in STYLES if raw.search(path.read_text())} == {"tokens.css"}


def test_every_token_that_is_used_is_defined() -> None:
    text = "".join(path.read_text() for path in STYLES)
    defined = set(re.findall(r"(--[\w-]+):", text))

    assert set(re.findall(r"var\((--[\w-]+)", text)) <= defined
