"""The house rules of scripts, held: each works below its roots, and knows no number of its own."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from tests.conftest import MakeAnalysis, MakeModel
from video_classifier.states import Status
from video_classifier.web import constants

# Those that a page loads, and those that these import.
SCRIPTS = {path.stem: path.read_text() for path in (settings.BASE_DIR / "static/js").glob("*.js")}
IMPORTED = {
    path.stem: path.read_text() for path in (settings.BASE_DIR / "static/js").glob("*/*.js")
}
TEMPLATES = {
    path.relative_to(settings.BASE_DIR / "templates").as_posix(): path.read_text()
    for path in (settings.BASE_DIR / "templates").rglob("*.html")
}
MODULES = re.compile(r'data-module="([\w -]*)"')
SCRIPT = re.compile(r"{% static 'js/([\w-]+)\.js' %}")
COMMENT = re.compile(r"^\s*//.*|\s// .*", re.MULTILINE)
STRING = re.compile(r'"[^"\n]*"|\'[^\'\n]*\'')
HOOK = re.compile(r"\[(data-[\w-]+)")
DATASET = re.compile(r"dataset\??\.(\w+)")
# Counting, halves, minutes, percent and its digits, and statuses of HTTP.
PLAIN = {"0", "1", "2", "3", "60", "100"}
PLAIN |= {"200", "300", "403", "404", "409", "410", "422", "429", "460", "500", "503", "507"}


def code(name: str) -> str:
    return COMMENT.sub("", (SCRIPTS | IMPORTED)[name])


def hooks(name: str) -> set[str]:
    """All attributes that a script looks for or writes, but for its root's own mark."""
    by_name = {
        "data-" + re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", each)
        for each in DATASET.findall(code(name))
    }
    return (by_name | set(HOOK.findall(code(name)))) - {"data-module"}


def test_each_script_has_its_root_and_each_root_its_script() -> None:
    roots = {
        name
        for html in TEMPLATES.values()
        for found in MODULES.findall(html)
        for name in found.split()
    }

    assert roots == set(SCRIPTS)


def test_what_is_imported_knows_no_page() -> None:
    assert IMPORTED
    assert [name for name in IMPORTED if re.search(r"document\.querySelector", code(name))] == []
    assert all(f"/{name}.js" in "".join(SCRIPTS.values()) for name in IMPORTED)


def test_a_script_looks_for_nothing_outside_its_roots() -> None:
    looking = re.compile(r"document\.querySelector(?:All)?\((.)(.*?)\1\)")
    allowed = {"live": {"[name=live]"}}  # the rows that components/live_rows.html asks for

    offenders = {
        (name, selector)
        for name in SCRIPTS
        for _, selector in looking.findall(code(name))
        if not selector.startswith(f'[data-module~="{name}"]')
        and selector not in allowed.get(name, ())
    }

    assert offenders == set()


def test_each_hook_belongs_to_one_script() -> None:
    owners = defaultdict(set)
    for name in SCRIPTS:
        for hook in hooks(name):
            owners[hook].add(name)
    shared = {"data-enhanced", "data-same-frame"}  # for styles, and of a root of two

    several = {hook: names for hook, names in owners.items() if len(names) > 1}

    assert {hook: names for hook, names in several.items() if hook not in shared} == {}


def test_every_hook_stands_in_a_template() -> None:
    html = "".join(TEMPLATES.values())
    styles = "".join(path.read_text() for path in (settings.BASE_DIR / "static").rglob("*.css"))
    by_bootstrap = {"data-bs-theme"}

    unknown = {
        hook
        for name in SCRIPTS
        for hook in hooks(name)
        if not re.search(rf"{hook}\b", html + styles)
    }

    assert unknown - by_bootstrap == set()


def test_scripts_know_no_numbers_of_their_own() -> None:
    """What Python knows, too, comes from web.constants in an attribute."""
    number = re.compile(r"(?<![\w.$#-])\d+(?:\.\d+)?(?![\w])")

    offenders = {
        (name, found)
        for name in SCRIPTS | IMPORTED
        for found in number.findall(STRING.sub("", code(name)))
        if found not in PLAIN
    }

    assert offenders == set()


@pytest.mark.parametrize("page", ["login", "web:upload", "web:history", "web:trash", "result"])
def test_a_page_loads_the_scripts_of_its_modules_and_no_others(
    client: Client, make_model: MakeModel, make_analysis: MakeAnalysis, page: str
) -> None:
    make_model()
    analysis = make_analysis(status=Status.DONE)
    address = analysis.get_absolute_url() if page == "result" else reverse(page)

    html = client.get(address).content.decode()

    modules = {name for found in MODULES.findall(html) for name in found.split()}
    assert set(re.findall(r'src="/static/js/([\w-]+)\.js"', html)) == modules


def test_no_template_names_a_script_that_is_not_there() -> None:
    named = {name for html in TEMPLATES.values() for name in SCRIPT.findall(html)}

    assert named == set(SCRIPTS)


def test_shared_constants_are_used_and_not_repeated() -> None:
    """Each of web.constants is used, and no template says how often it asks by itself."""
    names = {name for name in vars(constants) if name.isupper()} - {"SLACK"}
    html = "".join(TEMPLATES.values())
    python = "".join(
        path.read_text() for path in (settings.BASE_DIR / "video_classifier").rglob("*.py")
    )

    assert {name for name in names if f'constant "{name}"' not in html} <= {
        name for name in names if f"constants.{name}" in python
    }
    assert not re.search(r"every \d|data-[\w-]+=\"[\d.]+\"", html)
