"""The counts of a small tree are those that anybody counts by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import measure_structure
from scripts.measure_structure import ROOT, circles_of, measure

LAYERS = """
[[tool.importlinter.contracts]]
type = "layers"
containers = ["video_classifier"]
layers = ["top", "left | (right)", "bottom"]
"""

FILES = {
    "video_classifier/__init__.py": "",
    "video_classifier/top.py": "from video_classifier import bottom\n",
    "video_classifier/left/__init__.py": "",
    "video_classifier/left/a.py": "from video_classifier.left.b import f\n",
    "video_classifier/left/b.py": (
        "def f():\n    from video_classifier.left import a\n    return a\n"
    ),
    "video_classifier/right.py": "import video_classifier.left.a\nimport os\n",
    "video_classifier/bottom.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from video_classifier import top\n"
    ),
    "video_classifier/migrations/0001.py": "import video_classifier.top\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "pyproject.toml").write_text(LAYERS)
    return tmp_path


def test_modules_packages_and_their_imports_are_counted(tree: Path) -> None:
    found = measure(tree)

    assert (found.modules, found.packages) == (7, 2)
    assert found.imports_between_modules == 4  # top, a, b and right; none for type checking
    assert found.imports_between_packages == 1  # right imports left
    assert (found.layers, found.imports_against_layers) == (3, 1)  # right is beside left
    assert (found.functions, found.longest_function) == (1, 3)
    assert found.longest_function_name == "video_classifier.left.b.f:1"


def test_a_circle_is_found_through_imports_in_functions(tree: Path) -> None:
    found = measure(tree)

    assert (found.import_circles, found.modules_in_circles) == (1, 2)


def test_two_circles_that_touch_are_one() -> None:
    graph = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"b"}, "e": {"a"}, "f": set()}

    assert circles_of(graph) == [{"a", "b", "c", "d"}]


def test_this_checkout_keeps_its_layers() -> None:
    found = measure(ROOT)

    assert found.imports_against_layers == 0
    assert found.packages > 10


def test_checkouts_are_put_side_by_side(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- structure: begin -->\n<!-- structure: end -->\n")
    roots = ["--root", f"before={tree}", "--root", f"now={tree}"]

    assert measure_structure.main([*roots, "--write", str(page)]) == 0

    assert "|  | before | now |" in page.read_text()
    assert "| modules | 7 | 7 |" in capsys.readouterr().out


def test_json_names_the_longest(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert measure_structure.main(["--root", str(tree), "--json"]) == 0

    (found,) = json.loads(capsys.readouterr().out).values()
    assert found["longest_file_name"].startswith("video_classifier.")


def test_a_folder_without_code_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert measure_structure.main(["--root", str(tmp_path)]) == 2

    assert "There is no code of video_classifier or scripts" in capsys.readouterr().err
