"""Signals that end a process, heard by a program of a few lines."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.servers import ROOT
from video_classifier.services.ending import Ending

PATIENCE = 60
PROGRAM = """
import time
from video_classifier.services.ending import Ending
ending = Ending()
print("ready", flush=True)
ending.wait()
print("told", flush=True)
time.sleep(600)
"""


@pytest.fixture
def program() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_is_heard_and_a_second_one_ends_the_process(
    program: subprocess.Popen[str], number: signal.Signals
) -> None:
    assert program.stdout is not None
    assert program.stdout.readline() == "ready\n"
    program.send_signal(number)
    assert program.stdout.readline() == "told\n"

    program.send_signal(number)

    assert program.wait(PATIENCE) == -number


@pytest.fixture
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_another_thread_can_announce_it() -> None:
    ending = Ending()
    threading.Timer(0.01, ending.announce).start()

    ending.wait()
