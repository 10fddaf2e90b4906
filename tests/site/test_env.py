"""Nonsense in the environment stops the start with a sentence that names the variable."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from shoplift_site import env

NAME = "SHOPLIFT_TEST"

READERS: dict[str, Callable[[], object]] = {
    "flag": lambda: env.flag(NAME, default=False),
    "whole": lambda: env.whole(NAME, 7),
    "seconds": lambda: env.seconds(NAME, 60),
    "choice": lambda: env.choice(NAME, "thread", of=("thread", "none")),
    "time_zone": lambda: env.time_zone(NAME, "UTC"),
    "path": lambda: env.path(NAME, Path("/srv")),
    "words": lambda: env.words(NAME, ["localhost"]),
    "networks": lambda: env.networks(NAME, ["10.0.0.0/8"]),
    "text": lambda: env.text(NAME, "standard"),
    "mailbox": lambda: env.mailbox(NAME, "noreply@localhost"),
    "site": lambda: env.site(NAME),
}


@pytest.mark.parametrize(
    ("reader", "default"),
    [
        ("flag", False),
        ("whole", 7),
        ("seconds", timedelta(seconds=60)),
        ("choice", "thread"),
        ("time_zone", "UTC"),
        ("path", Path("/srv")),
        ("words", ["localhost"]),
        ("networks", ["10.0.0.0/8"]),
        ("text", "standard"),
        ("mailbox", "noreply@localhost"),
        ("site", ""),
    ],
)
def test_what_is_not_set_is_the_default(reader: str, default: object) -> None:
    assert READERS[reader]() == default


@pytest.mark.parametrize(
    ("reader", "given", "value"),
    [
        ("flag", "True", True),
        ("flag", "false", False),
        ("whole", "20", 20),
        ("seconds", "5", timedelta(seconds=5)),
        ("choice", "none", "none"),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
        ("path", "/data", Path("/data")),
        ("words", "a.example, b.example,", ["a.example", "b.example"]),
        ("networks", "127.0.0.0/8, fd00::/8", ["127.0.0.0/8", "fd00::/8"]),
        ("networks", "192.168.1.20", ["192.168.1.20"]),
        ("text", " conv3d ", "conv3d"),
        ("mailbox", "Clips <alerts@example.org>", "Clips <alerts@example.org>"),
        ("site", "https://clips.example.org/", "https://clips.example.org"),
        ("site", "http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_what_is_set_is_read(
    monkeypatch: pytest.MonkeyPatch, reader: str, given: str, value: object
) -> None:
    monkeypatch.setenv(NAME, given)

    assert READERS[reader]() == value


@pytest.mark.parametrize(
    ("reader", "nonsense"),
    [
        ("flag", "maybe"),
        ("flag", ""),
        ("whole", "many"),
        ("whole", "0"),
        ("whole", "-1"),
        ("whole", "1.5"),
        ("seconds", "1m"),
        ("choice", "celery"),
        ("seconds", "99999999999999999"),
        ("time_zone", "Europe"),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../etc/passwd"),
        ("path", "relative/path"),
        ("networks", "192.168.1.0/33"),
        ("networks", "192.168.1.7/24"),
        ("networks", "localhost"),
        ("mailbox", "alerts"),
        ("mailbox", "@example.org"),
        ("site", "clips.example.org"),
        ("site", "ftp://clips.example.org"),
        ("site", "https://"),
        ("site", "https://clips.example.org/path"),
        ("site", "https://ada:x@clips.example.org"),
    ],
)
def test_nonsense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, reader: str, nonsense: str
) -> None:
    monkeypatch.setenv(NAME, nonsense)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} is “.*has to be"):
        READERS[reader]()


def test_a_dollar_sign_is_not_taken_for_another_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "$ecret")

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} has to begin") as caught:
        env.text(NAME, "")

    assert "ecret" not in str(caught.value)


def test_without_an_address_the_database_is_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "50 % off?.sqlite3"

    found = env.database(NAME, file)

    assert (found["ENGINE"], found["NAME"]) == ("shoplift_site.sqlite", file)
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_file_of_the_database_can_be_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, f"sqlite:///{tmp_path}/other.sqlite3")

    found = env.database(NAME, tmp_path / "db.sqlite3")

    assert found["NAME"] == tmp_path / "other.sqlite3"
    assert found["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert [file.name for file in tmp_path.iterdir()] == ["other.sqlite3"]


def test_the_database_can_be_postgresql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = "postgres://ada:100%25@db.example.org:5433/clips?sslmode=require&conn_max_age=60"
    monkeypatch.setenv(NAME, address)

    found = env.database(NAME, tmp_path / "db.sqlite3")

    assert found["ENGINE"] == "shoplift_site.postgresql"
    assert (found["USER"], found["PASSWORD"], found["NAME"]) == ("ada", "100%", "clips")
    assert (found["HOST"], found["PORT"], found["CONN_MAX_AGE"]) == ("db.example.org", 5433, 60)
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["connect_timeout"] == 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "pool", "most"), [("", 7, 7), ("", 0, None), ("?conn_max_age=60", 7, None)]
)
def test_threads_share_connections_unless_each_is_to_keep_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, pool: int, most: int | None
) -> None:
    monkeypatch.setenv(NAME, f"postgres://ada:secret@db.example.org/clips{words}")

    found = env.database(NAME, tmp_path / "db.sqlite3", pool=pool)

    assert found["OPTIONS"].get("pool", {}).get("max_size") == most


@pytest.mark.parametrize(
    "address",
    [
        "db.sqlite3",
        "sqlite:///db.sqlite3",
        "sqlite:////nowhere/db.sqlite3",
        "sqlite://:memory:",
        "mysql://ada:secret@127.0.0.1/clips",
        "postgres://ada:secret@127.0.0.1:port/clips",
        "postgres://ada:secret@127.0.0.1",
        "secret",
    ],
)
def test_an_address_of_no_database_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    monkeypatch.setenv(NAME, address)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} has to be postgres://") as caught:
        env.database(NAME, tmp_path / "db.sqlite3")

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["redis://:secret@127.0.0.1:6379/2", "rediss://redis.local"])
def test_a_broker_is_a_redis(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv(NAME, address)

    assert env.broker(NAME, is_needed=True) == address


@pytest.mark.parametrize(
    "address",
    [
        "secret",
        "amqp://ada:secret@127.0.0.1",
        "redis://",
        "redis://:secret@127.0.0.1:port/0",
        "redis://:secret@127.0.0.1:6379/first",
    ],
)
def test_what_is_no_broker_is_refused_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(NAME, address)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} has to be redis://") as caught:
        env.broker(NAME, is_needed=False)

    assert "secret" not in str(caught.value)


def test_a_broker_is_asked_for_where_it_is_needed() -> None:
    assert env.broker(NAME, is_needed=False) == ""
    with pytest.raises(ImproperlyConfigured, match="where RUNNER is celery"):
        env.broker(NAME, is_needed=True)


def test_a_folder_to_write_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    made = env.writable_folder(NAME, tmp_path / "new" / "data")

    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ImproperlyConfigured, match=NAME):
        env.writable_folder(NAME, tmp_path / "file" / "data")


def test_a_secret_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "secret_key"

    first = env.secret(NAME, kept_in=file)

    assert len(first) >= 50
    assert env.secret(NAME, kept_in=file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_secret_that_is_set_is_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(NAME, "told")

    assert env.secret(NAME, kept_in=tmp_path / "secret_key") == "told"
    assert list(tmp_path.iterdir()) == []


def test_those_who_start_together_share_one_secret(tmp_path: Path) -> None:
    start = threading.Barrier(8)
    found: list[str] = []

    def read() -> None:
        start.wait()
        found.append(env.secret(NAME, kept_in=tmp_path / "secret_key"))

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "secret_key"]


def test_without_an_address_no_e_mail_is_sent() -> None:
    assert env.email(NAME) == {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("smtp+tls://ada:100%25@mail.example", {"EMAIL_PORT": 587, "EMAIL_USE_TLS": True}),
        ("smtp+ssl://ada:100%25@mail.example", {"EMAIL_PORT": 465, "EMAIL_USE_SSL": True}),
        ("smtp://ada:100%25@mail.example:2525", {"EMAIL_PORT": 2525}),
    ],
)
def test_a_mail_server_has_an_address(
    monkeypatch: pytest.MonkeyPatch, address: str, found: dict[str, object]
) -> None:
    monkeypatch.setenv(NAME, address)

    settings = env.email(NAME)

    expected = {"EMAIL_HOST": "mail.example", "EMAIL_HOST_PASSWORD": "100%", **found}
    assert settings | expected == settings


@pytest.mark.parametrize(
    "address",
    [
        *("mail.example", "smtp://", "imap://ada:pa55word@mail.example"),
        *(
            "smtp://ada:pa55word@mail.example:x",
            "smtp://ada:pa55word@mail.example?timeout=pa55word",
        ),
    ],
)
def test_a_wrong_address_of_a_mail_server_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv(NAME, address)

    with pytest.raises(ImproperlyConfigured, match=f"{NAME} has to be smtp") as caught:
        env.email(NAME)

    assert "pa55word" not in str(caught.value)


# Secrets from files


def test_a_secret_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "secret"
    file.write_text("$violet harbour\n")
    monkeypatch.delenv("SECRET_KEY", raising=False)
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))

    assert env.secret("SECRET_KEY", kept_in=tmp_path / "kept") == "$violet harbour"
    monkeypatch.setenv("SECRET_KEY", "")  # as a second compose file empties it
    assert env.secret("SECRET_KEY", kept_in=tmp_path / "kept") == "$violet harbour"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (None, "a file that can be read (No such file or directory)"),
        (b"violet\nharbour", "a file with one line"),
        (b"\xffviolet", "a file that can be read (it is no text)"),
    ],
)
def test_a_file_without_a_secret_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, wanted: str
) -> None:
    file = tmp_path / "database"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))

    with pytest.raises(ImproperlyConfigured) as refusal:
        env.database("DATABASE_URL", tmp_path / "db.sqlite3")

    assert "DATABASE_URL_FILE" in str(refusal.value)
    assert wanted in str(refusal.value)
    assert "violet" not in str(refusal.value)


def test_a_secret_has_one_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMAIL_URL", "smtp://ada:violet@mail.example.org")
    monkeypatch.setenv("EMAIL_URL_FILE", str(tmp_path / "email"))

    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL or EMAIL_URL_FILE") as refusal:
        env.email("EMAIL_URL")

    assert "violet" not in str(refusal.value)


def test_settings_without_secrets_come_from_the_environment_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "nowhere"))

    assert env.text(NAME, "standard") == "standard"


# The storage


@pytest.mark.parametrize(
    ("given", "options"),
    [
        (
            "s3://key:a%2Fb@clips?endpoint=https://s3.example.org/&region=eu-de",
            {"endpoint": "https://s3.example.org", "region": "eu-de", "public": ""},
        ),
        (
            "s3://key:a%2Fb@clips?region=eu-central-1",
            {
                "endpoint": "https://s3.eu-central-1.amazonaws.com",
                "region": "eu-central-1",
                "public": "",
            },
        ),
        (
            "s3://key:a%2Fb@clips?endpoint=http://s3:9000&public=https://files.example.org",
            {"endpoint": "http://s3:9000", "region": "", "public": "https://files.example.org"},
        ),
    ],
)
def test_a_bucket_has_its_address(
    monkeypatch: pytest.MonkeyPatch, given: str, options: dict[str, str]
) -> None:
    monkeypatch.setenv(NAME, given)

    found = env.storage(NAME)

    assert found["OPTIONS"] == {"key": "key", "secret": "a/b", "bucket": "clips"} | options
    assert env.origin_of(found) == (options["public"] or options["endpoint"])


def test_without_a_bucket_files_are_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)

    assert env.storage(NAME)["BACKEND"].endswith("FileSystemStorage")
    assert env.origin_of(env.storage(NAME)) == ""


@pytest.mark.parametrize(
    "nonsense",
    [
        "https://key:hidden@clips?region=eu-de",
        "s3://clips?region=eu-de",
        "s3://key:hidden@clips",
        "s3://key:hidden@clips?endpoint=ftp://s3.example.org",
        "s3://key:hidden@clips?endpoint=https://s3.example.org/path",
        "s3://key:hidden@clips/folder?region=eu-de",
        "s3://key:hidden@Clips?region=eu-de",
        "s3://key:hid/den@clips?region=eu-de",
        "s3://key:hidden@clips?region=eu-de&acl=public",
        "s3://key:hidden@clips?region=eu-de;x",
    ],
)
def test_another_address_of_a_bucket_is_refused_without_its_secret(
    monkeypatch: pytest.MonkeyPatch, nonsense: str
) -> None:
    monkeypatch.setenv(NAME, nonsense)

    with pytest.raises(ImproperlyConfigured) as refused:
        env.storage(NAME)

    assert NAME in str(refused.value)
    assert "hidden" not in str(refused.value)
