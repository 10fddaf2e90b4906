"""What is sealed can be read with the key alone, and nothing else of it is seen."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from video_classifier.services import secrets
from video_classifier.services.secrets import LostKeyError

ADDRESS = "rtsp://ada:päss@192.168.1.20/stream1"


def test_what_is_sealed_comes_back() -> None:
    assert secrets.unseal(secrets.seal(ADDRESS)) == ADDRESS


def test_a_seal_shows_nothing_and_is_another_each_time() -> None:
    first, second = secrets.seal(ADDRESS), secrets.seal(ADDRESS)

    assert first != second
    assert not [part for part in ("ada", "192.168", "stream1") if part in first + second]


def test_an_earlier_key_still_opens(settings: Settings) -> None:
    sealed = secrets.seal(ADDRESS)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another one"

    assert secrets.unseal(sealed) == ADDRESS


def test_what_is_sealed_now_needs_no_earlier_key(settings: Settings) -> None:
    settings.SECRET_KEY_FALLBACKS = ["an old one"]
    sealed = secrets.seal(ADDRESS)
    settings.SECRET_KEY_FALLBACKS = []

    assert secrets.unseal(sealed) == ADDRESS


def test_without_its_key_it_is_refused_with_what_to_do(settings: Settings) -> None:
    sealed = secrets.seal(ADDRESS)
    settings.SECRET_KEY = "another one"

    with pytest.raises(LostKeyError, match="SECRET_KEY_FALLBACKS, or type the address again"):
        secrets.unseal(sealed)


@pytest.mark.parametrize("damaged", ["", "x", "gAAAAA", "\N{SNOWMAN}", ADDRESS])
def test_what_is_no_seal_is_refused(damaged: str) -> None:
    with pytest.raises(LostKeyError):
        secrets.unseal(damaged)


def test_a_seal_that_was_changed_is_refused() -> None:
    sealed = secrets.seal(ADDRESS)
    changed = sealed[:40] + ("A" if sealed[40] != "A" else "B") + sealed[41:]

    with pytest.raises(LostKeyError):
        secrets.unseal(changed)
