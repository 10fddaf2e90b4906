"""What cameras are answered when they ask for a password."""

from __future__ import annotations

import re
import time

import pytest

from video_classifier.watching.authorization import Authorization

MUFASA = ("Mufasa", "Circle of Life")


def header(*challenges: str, who: tuple[str, str] = MUFASA) -> str:
    known = Authorization(*who)
    assert known.challenged(challenges)
    return known.header("GET", "/dir/index.html") or ""


def test_says_nothing_before_it_is_asked() -> None:
    assert Authorization("me", "secret").header("GET", "/") is None


def test_basic() -> None:
    said = header('Basic realm="x"', who=("Aladdin", "open sesame"))

    assert said == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="  # the example of RFC 7617


def test_the_digest_of_the_first_standard() -> None:
    said = header('Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e", opaque="5ccc"')

    assert re.search(r'response="[0-9a-f]{32}"', said)
    assert 'opaque="5ccc"' in said
    assert "qop" not in said


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_the_standard(
    monkeypatch: pytest.MonkeyPatch, algorithm: str, expected: str
) -> None:
    """RFC 7616, 3.9.1."""
    own = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr("secrets.token_hex", lambda _: own)

    said = header(
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f'algorithm={algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )

    assert f'response="{expected}"' in said
    assert "nc=00000001" in said


def test_prefers_the_digest() -> None:
    assert header('Basic realm="x"', 'Digest realm="x", nonce="1"').startswith("Digest")


@pytest.mark.parametrize("asked", ['Digest realm="x", nonce="1", algorithm=SHA-512', "Bearer", ""])
def test_says_if_it_can_t_answer(asked: str) -> None:
    assert not Authorization("me", "secret").challenged([asked])


def test_shows_no_password() -> None:
    known = Authorization("me", "secret")
    known.challenged(["Basic"])

    assert "secret" not in repr(known)


def test_a_challenge_without_end_keeps_nobody_waiting() -> None:
    known = Authorization(*MUFASA)
    began = time.monotonic()

    assert not known.challenged(["Digest " + "x" * 65_000] * 5)

    assert time.monotonic() - began < 2
