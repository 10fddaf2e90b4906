"""The servers that tests start answer, are gone afterwards, and are missed without a red test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from tests import servers

PASSES = "def test_one() -> None:\n    pass\n"
# What pytest does, and nothing else.
STARTER = """
import subprocess, sys
served = subprocess.Popen([sys.executable, "-m", "tests.servers"], stdin=subprocess.PIPE)
served.wait()
"""


def answers(address: str) -> bool:
    try:
        psycopg.connect(address.replace("/shoplift", "/postgres")).close()
    except psycopg.OperationalError:
        return False
    return True


def comes_true(claim: Callable[[], bool]) -> bool:
    until = time.monotonic() + 20
    while not claim() and time.monotonic() < until:
        time.sleep(0.05)
    return claim()


@pytest.fixture
def starter(installed: None) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER], cwd=servers.ROOT, stdout=subprocess.PIPE, text=True
    ) as started:
        yield started
        started.kill()


@pytest.mark.usefixtures("installed")
def test_postgresql_answers_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # PostgreSQL may have an account of its own
        monkeypatch.setattr("tempfile.tempdir", folder)

        with servers.postgresql() as address:
            assert answers(address)
            assert not answers(address.replace("@", "x@"))  # another password

        assert not answers(address)
        assert list(Path(folder).iterdir()) == []


def test_postgresql_ends_with_who_started_it_even_if_killed(
    starter: subprocess.Popen[str],
) -> None:
    assert starter.stdout is not None
    address = starter.stdout.readline().strip()
    assert answers(address)

    starter.kill()

    assert comes_true(lambda: not answers(address))


def run_without_postgresql(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(PASSES, encoding="utf-8")
    script = (
        "import pathlib, sys, pytest; from tests import servers; "
        f"servers.DEBIAN = pathlib.Path({str(folder)!r}); "
        "sys.exit(pytest.main(sys.argv[1:]))"
    )
    options = ("-p", "tests.servers", "-p", "no:django", "-c", "/dev/null", "-rs", str(folder))
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment.pop(servers.WORKER, None)
    return subprocess.run(
        [sys.executable, "-c", script, *options],
        cwd=servers.ROOT,
        env=environment | {"PATH": ""} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_postgresql_its_tests_are_skipped_and_say_why(tmp_path: Path) -> None:
    done = run_without_postgresql(tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 skipped" in done.stdout
    assert "PostgreSQL's initdb and postgres are neither on the PATH nor in" in done.stdout


def test_where_everything_has_to_be_tested_a_missing_postgresql_is_an_error(tmp_path: Path) -> None:
    done = run_without_postgresql(tmp_path, CI="true")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "PostgreSQL's initdb and postgres are neither" in done.stderr
