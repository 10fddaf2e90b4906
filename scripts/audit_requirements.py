"""Says which pinned requirements have known vulnerabilities, as far as the service knows them."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXAMPLE = """example:
  python -m scripts.audit_requirements requirements-serve.txt requirements-alerts.txt

Asks by pip-audit, which asks the package index. Exit code 1: something has a known vulnerability.
Where the service doesn't answer, or knows none of the packages, it prints “not checked”.
"""
PATIENCE = 10  # seconds for an answer
NOT_CHECKED = "{file}: not checked, as {reason}."
NO_ANSWER = "the service that knows of vulnerabilities doesn't answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Of a file of requirements."""

    checked: int
    skipped: int
    found: tuple[str, ...]  # a sentence each
    problem: str = ""  # why nothing was checked

    @classmethod
    def read(cls, text: str) -> Report:
        """What pip-audit prints as JSON; anything else is no answer."""
        try:
            rows: list[dict[str, Any]] = json.loads(text)["dependencies"]
        except (ValueError, KeyError, TypeError):
            return cls(checked=0, skipped=0, found=(), problem=NO_ANSWER)
        checked = [row for row in rows if "skip_reason" not in row]
        found = (
            f"{row['name']} {row['version']} has {each['id']}: {_better(each['fix_versions'])}"
            for row in checked
            for each in row["vulns"]
        )
        problem = NO_ANSWER if rows and not checked else ""
        skipped = len(rows) - len(checked)
        return cls(checked=len(checked), skipped=skipped, found=tuple(found), problem=problem)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _arguments(argv)
    worst = 0
    for file in arguments.files:
        report = Report.read(_asked(file))
        worst = max(worst, int(bool(report.found)))
        print(_sentence(file, report))
        for each in report.found:
            print(f"  {each}")
    return worst


def _asked(file: Path) -> str:
    """The versions are pinned and complete, so that nothing has to be resolved or installed."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(file)]
    options = ["--no-deps", "--disable-pip", "--format=json", "--progress-spinner=off"]
    patience = [f"--timeout={PATIENCE}"]
    done = subprocess.run(  # noqa: S603
        [*command, *options, *patience], capture_output=True, text=True, check=False
    )
    return done.stdout


def _better(versions: Sequence[str]) -> str:
    return f"mended in {', '.join(versions)}" if versions else "not mended yet"


def _sentence(file: Path, report: Report) -> str:
    if report.problem:
        return NOT_CHECKED.format(file=file, reason=report.problem)
    missed = f", {report.skipped} not checked" if report.skipped else ""
    return f"{file}: {report.checked} checked{missed}, {len(report.found)} vulnerabilities."


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=EXAMPLE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="pinned requirements")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
