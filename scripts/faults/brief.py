"""Tries a few chosen faults on each set-up, the three beside each other: what CI has time for.

Each set-up is a process of its own, `python -m scripts.faults`, and the network is made once for
all. Limits are generous: what is late on a busy machine is not wrong. Ends with 0 if nothing was
wrong; else with 1, after what went wrong and the ends of the logs. A set-up whose programs are not
installed here is left out, which is said; in CI that is wrong, too.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts._lib import console, material
from scripts._lib.site_under_test import ROOT
from scripts.faults.storage import Storage

EXAMPLE = """example:
  python -m scripts.faults.brief --setup sqlite --setup celery
"""
# Of each what it has alone, and what broke something before.
CHOSEN: Mapping[str, Sequence[str]] = {
    "sqlite": ("web", "child", "freeze", *(("full", "reads") if Storage.is_possible() else ())),
    "postgres": ("all", "stalled", "backup"),
    "celery": ("storage", "broker"),
}
WITHIN = 400.0  # seconds in which all work has to end after a fault
LONGEST = 1500.0  # seconds of a whole run: only something that hangs takes so long
NOT_POSSIBLE = 2  # the exit code of a set-up that could not be tried
FAREWELL = 60.0  # seconds to take a site down


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The faults of a set-up."""

    setup: str
    process: subprocess.Popen[bytes]
    output: Path


def main(argv: Sequence[str] | None = None) -> int:
    setups = _arguments(argv).setup or list(CHOSEN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that nothing is left running
    with TemporaryDirectory(prefix="faults-") as folder, ExitStack() as stack:
        Path(folder).chmod(0o755)  # PostgreSQL has an account of its own
        made = material.make(Path(folder, "made"))
        runs = [_begin(each, made, Path(folder, f"{each}.txt"), stack) for each in setups]
        until = time.monotonic() + LONGEST
        with console.progress("Breaking", len(runs)) as advance:
            codes = []
            for each in runs:
                codes.append(_code(each, until))
                advance()
        return max(_judged(run, code) for run, code in zip(runs, codes, strict=True))


def _begin(setup: str, made: Path, output: Path, stack: ExitStack) -> Run:
    kinds = CHOSEN[setup]
    words = ("--setup", setup, "--kills", str(len(kinds)), "--only", ",".join(kinds))
    limits = ("--within", str(WITHIN), "--no-rests", "--made", str(made))
    live = () if setup == "sqlite" else ("--no-live",)  # one camera is enough
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603  (our own command)
            [sys.executable, "-m", "scripts.faults", *words, *limits, *live],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    stack.callback(_end, process)
    return Run(setup=setup, process=process, output=output)


def _code(run: Run, until: float) -> int | None:
    """None if it had to be ended."""
    try:
        return run.process.wait(max(until - time.monotonic(), 0.0))
    except subprocess.TimeoutExpired:
        _end(run.process)
        return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """In good order, in which it ends its site, too."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(FAREWELL)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _judged(run: Run, code: int | None) -> int:
    kinds = ", ".join(CHOSEN[run.setup])
    if code == 0:
        console.out.print(f"{run.setup}: {kinds}: nothing was lost, doubled or stuck.")
        return 0
    said = run.output.read_text(errors="replace").strip()
    if code == NOT_POSSIBLE and "CI" not in os.environ:
        why = said.splitlines()[-1] if said else "no reason was given"
        console.warn(f"{run.setup}: not tried here: {why}")
        return 0
    console.err.print(said, markup=False, soft_wrap=True)
    what = "did not end" if code is None else "went wrong" if code == 1 else f"ended with {code}"
    console.complain(f"{run.setup}: {kinds}: it {what}; what it said is above.")
    return 1


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = console.parser("faults.brief", __doc__, EXAMPLE)
    parser.add_argument(
        "--setup", action="append", choices=CHOSEN, help="may be given again (default: all)"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
