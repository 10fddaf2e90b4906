"""The figures that are made of looks at a site's memory."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from scripts import measure_memory
from scripts.measure_memory import MEGABYTE, Look


@pytest.mark.parametrize(
    ("grown", "figures"),
    [
        (lambda _: 0, ("100", "100", "100", "+0")),
        (lambda minute: 2 * minute, ("130", "192", "198", "+120")),
    ],
)
def test_what_grows_has_a_slope_and_the_beginning_does_not_count(
    grown: Callable[[int], int], figures: tuple[str, ...]
) -> None:
    looks = [
        Look(
            seconds=60.0 * minute,
            memory={
                "web server": (100 + grown(minute)) * MEGABYTE,
                "workers": (5000 if minute < 10 else 0) * MEGABYTE,  # while libraries load
            },
        )
        for minute in range(50)
    ]

    rows = {row[0]: row[1:] for row in measure_memory.rows(looks)}

    assert rows["web server"] == rows["all"] == figures
    assert rows["workers"] == ("0", "0", "0", "+0")


def test_each_process_has_its_kind() -> None:
    commands = {
        "python -m gunicorn shoplift_site.wsgi": "web server",
        "python manage.py run_worker": "workers",
        "python -m video_classifier.ml.serving.decoder_process 4": "children that decode",
        "/usr/lib/postgresql/15/bin/postgres -D data": "PostgreSQL",
        "sleep 5": "others",
    }

    assert {each: measure_memory._kind(each) for each in commands} == commands
