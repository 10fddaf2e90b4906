"""Counts the structure of the code: modules, packages, imports, circles, lengths.

The code is read and not run, so that any checkout can be measured beside another.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from scripts._lib import console, markdown

EXAMPLE = """example:
  python -m scripts.measure_structure --root before=../base --root now=. \\
      --write docs/architecture.md

Counted are video_classifier and scripts without migrations. An import is counted once for each
pair of modules, wherever in the module it is, but not if it is for type checking only. A package
is a folder with modules.
"""

ROOT = Path(__file__).parent.parent
NAME = "structure"  # of the marks in the page
PACKAGES = ("video_classifier", "scripts")

Graph = Mapping[str, set[str]]  # a module's imports, by dotted name


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """Of one checkout."""

    modules: int
    packages: int
    layers: int  # that import-linter holds
    imports_between_modules: int
    imports_between_packages: int  # pairs of packages
    import_circles: int  # strongly connected components of modules
    modules_in_circles: int
    imports_against_layers: int
    lines: int
    median_file: float  # lines
    longest_file: int
    longest_file_name: str
    functions: int
    median_function: float  # lines, decorators and docstring included
    longest_function: int
    longest_function_name: str


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    try:
        if arguments.write:
            markdown.check(arguments.write, NAME)
        measured = {name: measure(root) for name, root in arguments.root or [("now", ROOT)]}
    except (OSError, SyntaxError, ValueError, markdown.PageError) as error:
        console.complain(error)
        return 2
    if arguments.json:
        found = {name: asdict(structure) for name, structure in measured.items()}
        console.out.print_json(json.dumps(found))
        return 0
    table = _table(measured)
    console.out.print(table, markup=False, soft_wrap=True)
    if arguments.write:
        markdown.write(arguments.write, NAME, table)
    return 0


def measure(root: Path) -> Structure:
    """Of a checkout's root. Raises OSError, SyntaxError; ValueError if there is no such code."""
    sources = {_dotted(path.relative_to(root)): path for path in _files(root)}
    if not sources:
        msg = f"There is no code of {' or '.join(PACKAGES)} in {root}."
        raise ValueError(msg)
    trees = {name: ast.parse(path.read_bytes()) for name, path in sources.items()}
    folders = {name: _folder(name, path) for name, path in sources.items()}
    graph = {name: imports(tree, sources.keys()) - {name} for name, tree in trees.items()}
    layers = list(_layers(root))
    circles = circles_of(graph)
    files = {name: len(path.read_bytes().splitlines()) for name, path in sources.items()}
    lengths = {f"{name}.{key}": count for name in trees for key, count in _functions(trees[name])}
    file, function = max(files, key=files.__getitem__), max(lengths, key=lengths.__getitem__)
    edges = [(one, other) for one, others in graph.items() for other in others]
    return Structure(
        modules=len(sources),
        packages=len(set(folders.values())),
        layers=sum(len(rows) for _, rows in layers),
        imports_between_modules=len(edges),
        imports_between_packages=len(
            {(folders[a], folders[b]) for a, b in edges if folders[a] != folders[b]}
        ),
        import_circles=len(circles),
        modules_in_circles=sum(map(len, circles)),
        imports_against_layers=sum(_is_against(edge, layers) for edge in edges),
        lines=sum(files.values()),
        median_file=median(files.values()),
        longest_file=files[file],
        longest_file_name=file,
        functions=len(lengths),
        median_function=median(lengths.values()),
        longest_function=lengths[function],
        longest_function_name=function,
    )


def imports(tree: ast.Module, modules: Iterable[str]) -> set[str]:
    """The `modules` that a module imports when it runs; all by dotted name."""
    known = set(modules)
    named = {name for node in _running(tree) for name in _named(node)}
    return {module for name in named for module in [_module(name, known)] if module}


def circles_of(graph: Graph) -> list[set[str]]:
    """Sets of modules that import each other, directly or not: all strongly connected ones."""
    reached = {name: _reached(name, graph) for name in graph}
    circles = {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in graph
        if name in reached[name]
    }
    return [set(circle) for circle in circles]


def _reached(start: str, graph: Graph) -> set[str]:
    """By one import or more."""
    reached: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        if (name := waiting.pop()) not in reached:
            reached.add(name)
            waiting += graph[name]
    return reached


def _files(root: Path) -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _folder(name: str, path: Path) -> str:
    """The package that a module is in; a package is in itself."""
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those for type checking only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _module(name: str, known: set[str]) -> str | None:
    """The module that a name is or is in, if it is one of ours."""
    return name if name in known else next(iter({name.rpartition(".")[0]} & known), None)


def _functions(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Name and lines of each function and method, nested ones as well."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield f"{node.name}:{first}", (node.end_lineno or first) - first + 1


def _layers(root: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """Each container and its layers, from the top down, as import-linter has them."""
    linter = tomllib.loads((root / "pyproject.toml").read_text())["tool"].get("importlinter", {})
    for contract in linter.get("contracts", []):
        if contract["type"] == "layers":
            rows = [[name.strip(" ()") for name in row.split("|")] for row in contract["layers"]]
            yield from ((container, rows) for container in contract.get("containers", [""]))


def _is_against(edge: tuple[str, str], layers: Iterable[tuple[str, list[list[str]]]]) -> bool:
    """Whether a lower layer imports a higher one, or one beside it, in any of the contracts."""
    for container, rows in layers:
        level: dict[str, int] = defaultdict(
            lambda: -1, {name: number for number, row in enumerate(rows) for name in row}
        )
        one, other = (_child(module, container) for module in edge)
        if one != other and level[one] >= level[other] >= 0:
            return True
    return False


def _child(module: str, container: str) -> str:
    """The name of what is directly in the container and holds the module; empty if none does."""
    inside = module.removeprefix(f"{container}.")
    return "" if inside == module else inside.partition(".")[0]


def _table(measured: Mapping[str, Structure]) -> str:
    named = {
        "modules": "modules",
        "packages": "packages",
        "layers": "layers held by import-linter",
        "imports_between_modules": "imports between modules",
        "imports_between_packages": "pairs of packages with an import",
        "import_circles": "import circles",
        "modules_in_circles": "modules in circles",
        "imports_against_layers": "imports against the layers",
        "lines": "lines",
        "median_file": "median file, lines",
        "longest_file": "longest file, lines",
        "functions": "functions",
        "median_function": "median function, lines",
        "longest_function": "longest function, lines",
    }
    rows = [
        [title, *(f"{asdict(one)[name]:,g}" for one in measured.values())]
        for name, title in named.items()
    ]
    return markdown.table([["", *measured], *rows])


def _root(text: str) -> tuple[str, Path]:
    """`NAME=DIR`, or `DIR` alone."""
    name, _, folder = text.rpartition("=")
    return name or Path(folder).resolve().name, Path(folder)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("measure_structure", __doc__, EXAMPLE)
    parser.add_argument(
        "--root",
        type=_root,
        action="append",
        metavar="[NAME=]DIR",
        help="a checkout, and what to call it; several are put side by side (default: this one)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with names of the longest")
    parser.add_argument(
        "--write", type=console.file_to_write, metavar="PAGE", help="put the table into it"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
