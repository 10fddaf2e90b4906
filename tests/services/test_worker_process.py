"""What a process does that is a worker and nothing else."""

from __future__ import annotations

import threading

import pytest

from video_classifier.services import housekeeping, worker
from video_classifier.services.worker_process import WorkerProcess

PATIENCE = 60.0  # seconds


@pytest.fixture
def tidied(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    done = threading.Event()
    monkeypatch.setattr(housekeeping, "tidy_if_due", done.set)
    return done


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


@pytest.mark.django_db(transaction=True)
def test_a_sweep_tidies_up_and_does_no_job(
    monkeypatch: pytest.MonkeyPatch, tidied: threading.Event
) -> None:
    looked = threading.Event()
    kinds: list[object] = []

    def step(**how: object) -> bool:
        kinds.append(how["kinds"])
        looked.set()
        return False

    monkeypatch.setattr(worker, "step", step)
    process = WorkerProcess(kinds=["sweep"])

    process.start()

    assert tidied.wait(PATIENCE)
    assert looked.wait(PATIENCE)
    assert "sender" not in names()
    process.stop()
    assert "worker" not in names()
    assert kinds[0] == []


@pytest.mark.django_db(transaction=True)
def test_who_sends_alerts_alone_does_no_job_and_hears_no_bell() -> None:
    process = WorkerProcess(kinds=["alerts"])

    process.start()
    process.ring()

    assert "sender" in names()
    assert "worker" not in names()
    process.stop()
