"""What is known of requirements' vulnerabilities, and what nobody could ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import audit_requirements

FINE = {"name": "django", "version": "5.2.19", "vulns": []}
BAD = {
    "name": "pillow",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["12.0"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
UNKNOWN = {"name": "av", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("rows", "code", "told"),
    [
        ([FINE, UNKNOWN], 0, "a.txt: 1 checked, 1 not checked, 0 vulnerabilities.\n"),
        ([UNKNOWN], 0, f"a.txt: not checked, as {audit_requirements.NO_ANSWER}.\n"),
        (
            [FINE, BAD],
            1,
            "a.txt: 2 checked, 2 vulnerabilities.\n"
            "  pillow 1.0 has PYSEC-1: mended in 12.0\n"
            "  pillow 1.0 has PYSEC-2: not mended yet\n",
        ),
        (None, 0, f"a.txt: not checked, as {audit_requirements.NO_ANSWER}.\n"),
    ],
)
def test_says_what_was_checked_and_what_was_found(
    rows: list[object] | None,
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = "" if rows is None else json.dumps({"dependencies": rows, "fixes": []})
    monkeypatch.setattr(audit_requirements, "_asked", lambda _: answer)

    assert audit_requirements.main(["a.txt"]) == code
    assert capsys.readouterr().out == told


def test_a_file_that_names_nothing_asks_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "none.txt"
    file.write_text("")

    assert audit_requirements.main([str(file)]) == 0
    assert "0 vulnerabilities" in capsys.readouterr().out
