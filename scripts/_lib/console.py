"""What scripts print: results on stdout, progress, warnings and errors on stderr."""

from __future__ import annotations

import os
from argparse import ArgumentParser, ArgumentTypeError, RawDescriptionHelpFormatter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

DETECTOR = Path("models_storage/person_detector")

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


def add_detector(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--detector",
        type=Path,
        default=DETECTOR,
        metavar="PATH",
        help="what finds people, for models that look at them: a folder of ours or an .onnx "
        "file (default: %(default)s)",
    )


def file_to_write(text: str) -> Path:
    """The type of an option: a file that can't be written is refused before hours of work."""
    path = Path(text)
    if path.is_dir():
        why = "it is a folder"
    elif not path.parent.is_dir():
        why = f"there is no folder {path.parent}"
    elif not os.access(path if os.access(path, os.F_OK) else path.parent, os.W_OK):
        why = "it is write-protected"
    else:
        return path
    msg = f"{path} can't be written: {why}."
    raise ArgumentTypeError(msg)


def folder_to_write(text: str) -> Path:
    """The same for a folder, which need not exist yet."""
    path = Path(text)
    there = next(place for place in (path, *path.absolute().parents) if os.access(place, os.F_OK))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        why = "is no folder" if not there.is_dir() else "is write-protected"
        msg = f"{path} can't be written: {there} {why}."
        raise ArgumentTypeError(msg)
    return path


class TerminalWatch:
    """Shows the work of ml/ on stderr: a bar for each task, a line for each result."""

    def __init__(self) -> None:
        self._bars: Progress | None = None

    @contextmanager
    def task(self, title: str, steps: int) -> Iterator[Callable[[], None]]:
        if self._bars is None:
            with self._outermost(title, steps) as advance:
                yield advance
            return
        bars = self._bars
        nested = bars.add_task(title, total=steps)
        try:
            yield lambda: bars.advance(nested)
        finally:
            bars.remove_task(nested)

    def report(self, result: object) -> None:
        err.print(str(result), markup=False, soft_wrap=True)

    def warn(self, sentence: str) -> None:
        warn(sentence)

    @contextmanager
    def _outermost(self, title: str, steps: int) -> Iterator[Callable[[], None]]:
        with _bars() as bars:
            self._bars, task = bars, bars.add_task(title, total=steps)
            try:
                yield lambda: bars.advance(task)
            finally:
                self._bars = None


watch = TerminalWatch()
progress = watch.task


def _bars() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
    )
