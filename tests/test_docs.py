"""The documents agree with the code and with each other."""

from __future__ import annotations

import re
import tokenize
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands

from scripts import train
from video_classifier.ml.serving import bundle

ROOT = Path(__file__).parent.parent
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(ROOT.glob("docs/**/*.md")),
    *sorted(ROOT.glob("models_storage/**/*.md")),
    *sorted(ROOT.glob("notebooks/**/*.md")),
]
WIDEST = 130  # characters of a line of prose; tables, code and links can't be broken
LINK = re.compile(r"\]\(([^)\s]+)\)")
OPTION = re.compile(r"--[a-z][a-z-]*")
READ = re.compile(r'env\.\w+\(\s*"([A-Z_]+)"')
DOCUMENTED = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)


def test_every_setting_is_documented_and_nothing_else_is() -> None:
    read = READ.findall((ROOT / "shoplift_site/settings.py").read_text(encoding="utf-8"))
    documented = DOCUMENTED.findall((ROOT / "docs/settings.md").read_text(encoding="utf-8"))

    assert documented == sorted(set(read))


def test_each_promise_of_security_has_its_test() -> None:
    text = (ROOT / "docs/security.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (?!promise|---)(.+) \|$", text, re.MULTILINE)

    without = [row for row in rows if not re.search(r"\| `tests/[^`|]+`(, `tests/[^`|]+`)*$", row)]
    gone = [
        f"{file}::{name}"
        for file, name in re.findall(r"`(tests/\S+\.py)::(\w+)`", text)
        if f"def {name}(" not in (ROOT / file).read_text(encoding="utf-8")
    ]

    assert len(rows) > 40
    assert (without, gone) == ([], [])


def test_every_option_of_training_is_documented_and_nothing_else_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        train.main(["--help"])
    lines = capsys.readouterr().out.splitlines()
    rows = (ROOT / "docs/training-reference.md").read_text(encoding="utf-8").splitlines()

    offered = [option for line in lines for option in _offered(line)]
    documented = [
        option
        for row in rows
        if row.startswith("| `--")
        for option in OPTION.findall(row.split("|")[1])
    ]

    assert sorted(documented) == sorted(offered)


def _offered(line: str) -> list[str]:
    """The options that a line of argparse's help begins with, --help aside."""
    if not re.match(r"  -", line):
        return []
    names = line[2:].split("  ", maxsplit=1)[0]  # the explanation stands two spaces after
    return [option for option in OPTION.findall(names) if option != "--help"]


def test_every_link_between_pages_leads_somewhere() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {link}"
        for page in PAGES
        for link in LINK.findall(_without_code(page.read_text(encoding="utf-8")))
        if not re.match(r"[a-z]+:", link) and not _leads_somewhere(page, link)
    ]

    assert not broken


def _leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists() or ROOT not in (target, *target.parents):
        return False
    return not anchor or anchor in _anchors(target.read_text(encoding="utf-8"))


def _anchors(text: str) -> set[str]:
    """As GitHub makes them from headings, and those set by hand."""
    headings = re.findall(r"^#+ (.+)$", _without_blocks(text), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


def _without_code(text: str) -> str:
    return re.sub(r"`[^`\n]+`", "", _without_blocks(text))


def _without_blocks(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def test_every_page_is_in_the_index_once() -> None:
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")

    pages = sorted(page.name for page in ROOT.glob("docs/*.md") if page.name != "README.md")
    listed = re.findall(r"^\| \[[^\]]+\]\((\S+\.md)\) \|", index, re.MULTILINE)

    assert sorted(listed) == pages


def test_a_word_of_the_glossary_has_one_meaning() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    words = re.findall(r'<a id="([^"]+)">', text)

    assert [word for word, times in Counter(words).items() if times > 1] == []


def test_the_glossary_spells_names_as_the_code_does() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    defined = text.split("## Planned")[0]
    cells = [row.split("|")[-2] for row in defined.splitlines() if row.startswith("| <a")]
    names = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

    assert names
    assert sorted(names - set(_names_in_the_code())) == []


def test_the_code_uses_no_word_that_the_glossary_rules_out() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    rows = text.split("## Words that are not used")[1].splitlines()
    ruled_out = {word for row in rows if row.startswith("| `") for word in _quoted(row)}

    used = {
        f"{name} ({file.relative_to(ROOT)})"
        for name, file in _names_in_the_code().items()
        if ruled_out.intersection(_parts(name))
    }

    assert ruled_out
    assert not used


def _quoted(row: str) -> list[str]:
    return re.findall(r"`(\w+)`", row.split("|")[1])


def _parts(name: str) -> list[str]:
    """The words of a name: those of `_openTrack_at` are open, track and at."""
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


@cache
def _names_in_the_code() -> dict[str, Path]:
    """Identifiers, modules and packages, each with a file that has it."""
    found: dict[str, Path] = {}
    for file in (*ROOT.glob("video_classifier/**/*.py"), *ROOT.glob("scripts/**/*.py")):
        with tokenize.open(file) as source:
            tokens = tokenize.generate_tokens(source.readline)
            names = {token.string for token in tokens if token.type == tokenize.NAME}
        found |= dict.fromkeys(names | {file.stem, file.parent.name}, file)
    return found


def test_commands_in_the_docs_exist() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    ours = set(re.findall(r"manage\.py ([a-z_]+)", text)) - set(get_commands())
    scripts = {
        name
        for name in re.findall(r"(?:-m |`)scripts\.([a-z0-9_]+)", text)
        if not (ROOT / "scripts" / name).with_suffix(".py").is_file()
        and not (ROOT / "scripts" / name / "__main__.py").is_file()
    }

    assert (ours, scripts) == (set(), set())


def test_prose_is_wrapped() -> None:
    too_wide = [
        f"{page.relative_to(ROOT)}:{number}"
        for page in PAGES
        if page.name != "CHANGELOG.md"  # its lines come from many branches at once
        for number, line in _prose(page)
        if len(line) > WIDEST
    ]

    assert not too_wide


def _prose(page: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines outside code, tables, pictures and what scripts write."""
    in_code = in_figures = False
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            in_code = not in_code
        elif line.startswith("<!-- "):
            in_figures = line.endswith(": begin -->")
        elif not in_code and not in_figures and not line.startswith(("|", "![")):
            yield number, line


def test_no_entry_of_the_changelog_is_there_twice() -> None:
    entries = re.findall(
        r"^- .+(?:\n  .+)*", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert [entry for entry, times in Counter(entries).items() if times > 1] == []


def test_the_newest_version_of_the_changelog_is_the_projects() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    versions = re.findall(r"^## (\S+) - \d{4}-\d{2}-\d{2}$", changelog, re.MULTILINE)
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)

    assert project["version"] == versions[0]
    assert [heading for heading in headings if heading != "Unreleased"] == versions


@pytest.mark.parametrize("file", ["requirements-serve.txt", "requirements-gpu.txt"])
def test_what_is_installed_for_one_purpose_is_of_the_same_version_for_all(file: str) -> None:
    pins = {name: pinned(name) for name in ("requirements.txt", file)}

    shared = {pin.partition("==")[0] for pin in pins["requirements.txt"]} & {
        pin.partition("==")[0] for pin in pins[file]
    }

    assert "openvino" in shared
    for each in shared:
        versions = [
            {pin for pin in found if pin.startswith(f"{each}==")} for found in pins.values()
        ]
        assert versions[0] == versions[1]


def pinned(file: str) -> set[str]:
    """Names with versions, without the platforms they are for."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    return {line.partition(" ;")[0] for line in lines if "==" in line and line[0] not in " #"}


@pytest.mark.parametrize("model", bundle.names(ROOT / "models_storage"))
def test_the_readme_promises_no_more_than_pages_do(model: str) -> None:
    metrics = bundle.read_card(ROOT / "models_storage" / model).metrics
    worse = {
        name: min(
            figure.value
            for key in (name, f"{name}_by_recording")
            if (figure := metrics.get(key)) is not None and figure.value is not None
        )
        for name in ("recall", "specificity", "auc")
    }
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    row = re.search(
        rf"^\| `{model}`.*?\|.*?\| ([\d.]+) .*?\| ([\d.]+) .*?\|.*?\| ([\d.]+) ",
        readme,
        re.MULTILINE,
    )

    assert row is not None
    recall, hints, auc = map(float, row.groups())
    assert recall <= round(100 * worse["recall"])
    assert hints >= round(100 * (1 - worse["specificity"]))
    assert auc <= round(worse["auc"], 2)
