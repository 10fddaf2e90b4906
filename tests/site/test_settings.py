"""The settings as a start of the site finds them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def start(code: str, data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from shoplift_site import settings\n{code}"],
        cwd=ROOT,
        env=os.environ | variables | {"DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("variable", "nonsense"), [("DEBUG", "maybe"), ("CLIP_MAX_BYTES", "100 MB"), ("RUNNER", "x")]
)
def test_nonsense_stops_the_start(tmp_path: Path, variable: str, nonsense: str) -> None:
    done = start("", tmp_path, **{variable: nonsense})

    assert done.returncode != 0
    assert f"The environment variable {variable} is “{nonsense}”" in done.stderr


@pytest.mark.parametrize("https", ["true", "false"])
def test_cookies_travel_over_https_alone_if_there_is_https(tmp_path: Path, https: str) -> None:
    done = start(
        "print(settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE,"
        " settings.SECURE_HSTS_SECONDS > 0, settings.SECURE_PROXY_SSL_HEADER is not None)",
        tmp_path,
        HTTPS=https,
    )

    assert set(done.stdout.split()) == {https.capitalize()}


def test_what_the_site_writes_is_for_its_owner(tmp_path: Path) -> None:
    data = tmp_path / "data"

    start("", data)

    assert data.stat().st_mode & 0o077 == 0
    assert sorted(entry.name for entry in data.iterdir()) == ["secret_key", "uploads"]
