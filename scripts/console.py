"""How the scripts talk: results on stdout, progress and complaints on stderr."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

out = Console(highlight=False)
err = Console(highlight=False, stderr=True)


def complain(error: object) -> None:
    err.print(str(error), style="red", markup=False, soft_wrap=True)


def warn(warning: object) -> None:
    err.print(str(warning), style="yellow", markup=False, soft_wrap=True)


def parser(script: str, description: str | None, example: str) -> ArgumentParser:
    """For `python -m scripts.<script>`, whose --help ends with an example."""
    return ArgumentParser(
        prog=f"python -m scripts.{script}",
        description=description,
        epilog=example,
        formatter_class=RawDescriptionHelpFormatter,
    )


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[], None]]:
    """Shows a bar on stderr; the function it gives moves the bar on by one."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as bar:
        task = bar.add_task(title, total=total)
        yield lambda: bar.advance(task)
