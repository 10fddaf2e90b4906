"""People at work: a short run gives a table, and a request that fails is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.load import __main__ as script


def test_what_locust_counted_becomes_a_table(tmp_path: Path) -> None:
    stats = tmp_path / "load_stats.csv"
    stats.write_text(
        "Type,Name,Request Count,Failure Count,50%,95%,99%\n"
        "GET,history,8,1,40,90,95\n"
        ",Aggregated,8,1,40,90,95\n"
    )

    assert script._lines(stats)[1:] == [
        ["history", "8", "1", "40", "90", "95"],
        ["everything", "8", "1", "40", "90", "95"],
    ]


@pytest.mark.long
@pytest.mark.keras
def test_people_at_work_on_a_site_get_answers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "FIRST", 6)

    assert script.main(["--viewers", "2", "--uploaders", "1", "--minutes", "0.3"]) == 0

    printed = capsys.readouterr().out
    assert "| upload page |" in printed
    assert "| everything |" in printed
