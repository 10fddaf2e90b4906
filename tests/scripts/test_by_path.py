"""The duplicate check runs by its path, from any folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.makers import videos

SCRIPT = Path(__file__).parents[2] / "scripts/duplicate_videos_check.py"


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def test_runs_by_path_from_another_folder(tmp_path: Path) -> None:
    for name in ("shop lifters/1.mp4", "non shop lifters/2.mp4"):
        (tmp_path / "Shop DataSet" / name).parent.mkdir(parents=True)
        videos.write(tmp_path / "Shop DataSet" / name, 40)

    done = run("Shop DataSet", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert "LABEL CONFLICT, exact: " in done.stdout


@pytest.mark.parametrize(("arguments", "code"), [((), 2), (("--help",), 0)])
def test_says_how_to_call_it(tmp_path: Path, arguments: tuple[str, ...], code: int) -> None:
    done = run(*arguments, cwd=tmp_path)

    text = done.stdout + done.stderr
    assert done.returncode == code
    assert "python scripts/duplicate_videos_check.py clips" in text
    assert "shop lifters" in text
    assert "Traceback" not in text
