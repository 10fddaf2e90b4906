"""Lines of the log bear the ids of the request, clip and segment that they are about."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from shoplift_site import logs
from tests.conftest import MakeAnalysis
from video_classifier.models import Segment
from video_classifier.services import log_ids, segments

ROOT = Path(__file__).parent.parent.parent


class Lines(logging.Handler):
    """Keeps what would be written."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logs.JsonFormatter())
        self.found: list[dict[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def test_a_line_is_one_object_with_its_traceback(lines: Lines) -> None:
    try:
        raise ValueError("two\nlines")  # noqa: EM101, TRY301
    except ValueError:
        logging.getLogger("shoplift").exception("“%s” broke", "till")

    (line,) = lines.found
    assert line["message"] == "“till” broke"
    assert (line["level"], line["logger"]) == ("ERROR", "shoplift")
    assert line["time"].endswith("+00:00")
    assert "ValueError: two\nlines" in line["traceback"]


def test_ids_add_up_and_end(lines: Lines) -> None:
    with log_ids.of(clip="c"):
        with log_ids.of(segment=3):
            logging.getLogger("shoplift").warning("both")
        logging.getLogger("shoplift").warning("one")

    both, one = lines.found
    assert (both["clip"], both["segment"], one["clip"]) == ("c", "3", "c")
    assert "segment" not in one
    assert log_ids.current() == {}


def test_a_request_has_an_id_in_its_answer_and_in_its_lines(stranger: Client, lines: Lines) -> None:
    first, second = stranger.get("/nowhere.php"), stranger.get("/healthz")

    assert len(first["X-Request-ID"]) == 32
    assert first["X-Request-ID"] != second["X-Request-ID"]


def test_a_line_about_an_answer_bears_the_id_of_its_request(client: Client, lines: Lines) -> None:
    answer = client.get("/results/nowhere/")

    (line,) = [each for each in lines.found if each["message"].startswith("Not Found")]
    assert line["request"] == answer["X-Request-ID"]


@pytest.mark.parametrize(
    ("proxies", "sent", "is_taken"),
    [(1, "edge-1.a_B", True), (0, "edge-1.a_B", False), (1, "a\tb", False), (1, "x" * 65, False)],
    ids=["of a proxy", "of a stranger", "with a tab", "too long"],
)
def test_only_a_trusted_proxys_id_is_taken(
    stranger: Client, settings: Settings, proxies: int, sent: str, *, is_taken: bool
) -> None:
    settings.TRUSTED_PROXIES = proxies

    answer = stranger.get("/healthz", headers={"X-Request-ID": sent})

    assert (answer["X-Request-ID"] == sent) is is_taken


def test_lines_of_an_analysis_bear_its_clip_and_segment(
    make_analysis: MakeAnalysis, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    analysis = make_analysis()
    monkeypatch.setattr(segments, "_predictor", lambda _: 1 / 0)

    segments.run_next(worker="one")

    (failure,) = [each for each in lines.found if "traceback" in each]
    segment = Segment.objects.get(analysis=analysis)
    assert failure["message"] == f"analysis {analysis.pk} failed"
    assert (failure["clip"], failure["segment"]) == (str(analysis.clip_id), str(segment.pk))


def test_what_the_web_server_says_itself_is_json_if_it_is_to_be(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('no site')", encoding="utf-8")
    own = {
        "LOG_FORMAT": "json",
        "DATA_DIR": str(tmp_path),
        "PORT": "0",
        "PYTHONPATH": str(tmp_path),
    }
    command = (sys.executable, "-m", "gunicorn", "--config", "python:shoplift_site.gunicorn")

    done = subprocess.run(
        [*command, "broken"],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode != 0
    said = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert any("no site" in each.get("traceback", "") for each in said), done.stderr
