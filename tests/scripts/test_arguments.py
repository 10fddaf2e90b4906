"""Parsed arguments stay in `main`: everything else takes values with types."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.makers.footage import ROOT

SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))


def takers(source: str) -> Iterator[str]:
    """The functions with a parameter that is an argparse.Namespace."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            arguments = node.args
            for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                if one.annotation and "Namespace" in ast.unparse(one.annotation):
                    yield f"{getattr(node, 'name', 'lambda')} takes {one.arg}"


def leaks(source: str) -> Iterator[str]:
    """The calls that pass on what `main` parsed, whole."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            passed = (*node.args, *(keyword.value for keyword in node.keywords))
            if any(isinstance(one, ast.Name) and one.id == "arguments" for one in passed):
                yield f"line {node.lineno} passes on arguments"


def test_no_namespace_leaves_main() -> None:
    found = {
        str(path.relative_to(ROOT)): offenses
        for path in SCRIPTS
        if (offenses := [*takers(path.read_text()), *leaks(path.read_text())])
    }

    assert not found


def test_notices_a_namespace_that_does() -> None:
    source = "def _run(arguments: argparse.Namespace) -> None: ...\n_run(arguments)\n"

    assert [*takers(source), *leaks(source)] == [
        "_run takes arguments",
        "line 2 passes on arguments",
    ]


def test_each_script_is_looked_at() -> None:
    assert Path("scripts/train.py") in {path.relative_to(ROOT) for path in SCRIPTS}
