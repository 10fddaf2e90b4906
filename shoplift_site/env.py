"""Strict readers of environment variables: nonsense stops the start with a sentence."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
import tempfile
import zoneinfo
from contextlib import suppress
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

_env = environ.Env()

YEAR = timedelta(days=365)
DECADE = 10 * YEAR
_FLAGS = {"true": True, "false": False}

# A transaction takes the write lock at once: two can't both read and then both fail.
_SQLITE = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
# Nobody waits for ever: neither for a server that does not answer, nor for a lock.
# A server that is away is missed soon: a page says so within five seconds. So is a network that is
# cut, though a query that takes long is waited for.
_POSTGRESQL = {
    "connect_timeout": 4,
    "tcp_user_timeout": 5000,  # milliseconds until what was sent is received
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "options": "-c lock_timeout=20s",
}
_POOL = {"min_size": 1, "timeout": 4, "reconnect_timeout": 2}


# Settings with a secret in them. Each may instead be in the file that NAME_FILE names, as
# orchestrators mount them: an environment is seen by every process and in many a log.
SECRETS = frozenset(
    {
        "BROKER_URL",
        "DATABASE_URL",
        "EMAIL_URL",
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "STORAGE_URL",
    }
)


def text(name: str, default: str) -> str:
    if name in SECRETS and (file := _env.ENVIRON.get(f"{name}_FILE", "").strip()):
        return _from_file(name, Path(file).expanduser()) or default
    if _env.ENVIRON.get(name, "").startswith("$"):
        # django-environ would take it for another variable's name, and fall back silently.
        msg = f"The environment variable {name} has to begin with something else than “$”."
        raise ImproperlyConfigured(msg)
    return str(_env.str(name, default=default)).strip()


def _from_file(name: str, file: Path) -> str:
    """The only line of the file. What is wrong is said without what is in it.

    An empty variable beside it is none: a second compose file can empty one, and not take it away.
    """
    if _env.ENVIRON.get(name, "").strip():
        msg = f"Set either the environment variable {name} or {name}_FILE, but not both."
        raise ImproperlyConfigured(msg)
    try:
        found = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        _refuse(f"{name}_FILE", str(file), f"a file that can be read ({why})")
    if "\n" in found:
        _refuse(f"{name}_FILE", str(file), "a file with one line")
    return found


def words(name: str, default: list[str]) -> list[str]:
    """Separated by commas."""
    return [word.strip() for word in text(name, ",".join(default)).split(",") if word.strip()]


def networks(name: str, default: list[str]) -> list[str]:
    """As `words`, each a network in CIDR notation."""
    found = words(name, default)
    for each in found:
        try:
            ipaddress.ip_network(each)
        except ValueError:
            _refuse(name, each, "networks such as 192.168.1.0/24, separated by commas")
    return found


def flag(name: str, *, default: bool) -> bool:
    found = text(name, str(default)).lower()
    if found not in _FLAGS:
        _refuse(name, found, "true or false")
    return _FLAGS[found]


def choice(name: str, default: str, *, of: tuple[str, ...]) -> str:
    found = text(name, default)
    if found not in of:
        _refuse(name, found, " or ".join(of))
    return found


def whole(name: str, default: int, *, at_least: int = 1) -> int:
    found = text(name, str(default))
    if not found.isdecimal() or int(found) < at_least:
        _refuse(name, found, f"a whole number from {at_least} on")
    return int(found)


def share(name: str, default: float) -> float:
    found = text(name, str(default))
    try:
        value = float(found)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:  # also if it is no number
        _refuse(name, found, "a share from 0 to 1, as 0.1")
    return value


def seconds(name: str, default: int) -> timedelta:
    found = whole(name, default)
    if found > YEAR.total_seconds():
        _refuse(name, str(found), "at most a year, in seconds")
    return timedelta(seconds=found)


def days(name: str, default: int) -> timedelta:
    found = whole(name, default)
    if found > DECADE.days:
        _refuse(name, str(found), "at most ten years, in days")
    return timedelta(days=found)


def time_zone(name: str, default: str) -> str:
    found = text(name, default)
    try:
        zoneinfo.ZoneInfo(found)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        _refuse(name, found, "a time zone such as Europe/Berlin")
    return found


def path(name: str, default: Path) -> Path:
    found = Path(text(name, str(default))).expanduser()
    if not found.is_absolute():
        _refuse(name, str(found), "an absolute path")
    return found


def writable_folder(name: str, default: Path) -> Path:
    """As `path`, made if it isn't there yet, and in any case for its owner alone."""
    folder = made(name, path(name, default))
    for_its_owner_alone(folder)
    return folder


def for_its_owner_alone(*files: Path) -> None:
    """What is ours, and there; a folder that all may write, such as /tmp, is nobody's."""
    for file in files:
        with suppress(FileNotFoundError):
            found = file.stat()
            if found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
                file.chmod(found.st_mode & 0o700)


def database(name: str, default: Path, *, pool: int = 0) -> dict[str, Any]:
    """What Django has to know of the database at an address; without one, of SQLite's file.

    So many connections to PostgreSQL a process keeps at most, and its threads share them; with 0,
    or an address that says for how long each keeps its own, they share none.
    The refusal leaves out what was found: there is a password in it.
    """
    address = text(name, "")
    if not address:
        return _sqlite(default)
    scheme = address.partition("://")[0]
    if scheme in {"postgres", "postgresql", "sqlite"}:
        with suppress(ValueError):  # of a port
            found: dict[str, Any] = environ.Env.db_url_config(address)
            file = Path(found["NAME"])
            if scheme != "sqlite" and found["NAME"]:
                return _postgresql(found, pool)
            if scheme == "sqlite" and file.is_absolute() and file.parent.is_dir():
                return _sqlite(file)
    msg = (
        f"The environment variable {name} has to be postgres://USER:PASSWORD@HOST:PORT/NAME, or "
        "sqlite:// and the absolute path of a file in a folder that is there."
    )
    raise ImproperlyConfigured(msg)


def _postgresql(found: dict[str, Any], pool: int) -> dict[str, Any]:
    options = _POSTGRESQL | found.get("OPTIONS", {})
    if pool and "CONN_MAX_AGE" not in found:
        options |= {"pool": _POOL | {"max_size": pool}}
    return found | {"ENGINE": "shoplift_site.postgresql", "OPTIONS": options}


def broker(name: str, *, is_needed: bool) -> str:
    """The address of a Redis; "" if nobody says.

    The refusal leaves out what was found: there may be a password in it.
    """
    address = text(name, "")
    if not address and not is_needed:
        return ""
    with suppress(ValueError):  # of a port
        parts = urlsplit(address)
        number = parts.path.removeprefix("/")
        is_plain = parts.port != 0 and (not number or number.isdecimal())
        if parts.scheme in {"redis", "rediss"} and parts.hostname and is_plain:
            return address
    why = "" if address else " where RUNNER is celery"
    msg = (
        f"The environment variable {name} has to be redis://:PASSWORD@HOST:PORT/NUMBER, or "
        f"rediss:// for a server that speaks TLS{why}."
    )
    raise ImproperlyConfigured(msg)


_DISK = {"BACKEND": "django.core.files.storage.FileSystemStorage"}
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_OPTIONS = {"endpoint", "region", "public"}


def storage(name: str) -> dict[str, Any]:
    """What Django has to know of the storage at an address; without one, of the disk.

    The refusal leaves out what was found: there is a secret in it.
    """
    address = text(name, "")
    if not address:
        return _DISK
    with suppress(ValueError):  # of brackets in a host, of an option twice
        found = _bucket(urlsplit(address))
        if found is not None:
            return {"BACKEND": "video_classifier.integrations.bucket.Bucket", "OPTIONS": found}
    msg = (
        f"The environment variable {name} has to be s3://KEY:SECRET@BUCKET?endpoint=https://HOST, "
        "with %2F for a “/” in the key or the secret. Beside or instead of the endpoint there may "
        "be a region, and public=https://HOST if browsers reach the service by another address."
    )
    raise ImproperlyConfigured(msg)


def _bucket(parts: SplitResult) -> dict[str, str] | None:
    login, at, bucket = parts.netloc.rpartition("@")
    key, colon, secret = login.partition(":")
    options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    endpoint, region = options.get("endpoint", ""), options.get("region", "")
    if not endpoint and region:
        endpoint = f"https://s3.{region}.amazonaws.com"
    public = options.get("public", "").rstrip("/")
    is_whole = bool(
        parts.scheme == "s3" and at and colon and key and secret and _BUCKET.fullmatch(bucket)
    )
    is_plain = parts.path in {"", "/"} and not parts.fragment and options.keys() <= _OPTIONS
    hosts = _is_origin(endpoint.rstrip("/")) and (not public or _is_origin(public))
    if not (is_whole and is_plain and hosts and re.fullmatch(r"[a-z0-9-]*", region)):
        return None
    return {
        "key": unquote(key),
        "secret": unquote(secret),
        "bucket": bucket,
        "endpoint": endpoint.rstrip("/"),
        "region": region,
        "public": public,
    }


def origin_of(storage: dict[str, Any]) -> str:
    """Where browsers get what is stored, if not from the site itself; else ""."""
    options = storage.get("OPTIONS", {})
    return str(options.get("public") or options.get("endpoint", ""))


def email(name: str) -> dict[str, Any]:
    """Django's settings for the mail server at an address; without one nothing is sent.

    The refusal leaves out what was found: there is a password in it.
    """
    address = text(name, "")
    if not address:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    scheme = address.partition("://")[0]
    with suppress(ValueError, ImproperlyConfigured):  # of a port, of a scheme
        found: dict[str, Any] = environ.Env.email_url_config(address)
        of_server = scheme.startswith("smtp")
        if "OPTIONS" not in found and (found["EMAIL_HOST"] or not of_server):
            found["EMAIL_PORT"] = found["EMAIL_PORT"] or _MAIL_PORTS.get(scheme, 25)
            return {each: value for each, value in found.items() if value is not None}
    msg = (
        f"The environment variable {name} has to be smtp+tls://USER:PASSWORD@HOST:587, smtp+ssl:// "
        "for a server that speaks TLS from the start, or smtp:// without encryption."
    )
    raise ImproperlyConfigured(msg)


_MAIL_PORTS = {"smtp+tls": 587, "smtps": 587, "smtp+ssl": 465}


def mailbox(name: str, default: str) -> str:
    """An e-mail address, perhaps with a name before it."""
    found = text(name, default)
    account, at, domain = parseaddr(found)[1].rpartition("@")
    if not found.isprintable() or not account or not at or not domain:
        _refuse(name, found, "an e-mail address such as alerts@example.org")
    return found


def site(name: str) -> str:
    """How the site is reached from outside, without a slash at its end; "" if nobody says."""
    found = text(name, "").rstrip("/")
    if found and not _is_origin(found):
        _refuse(name, found, "an address such as https://clips.example.org")
    return found


def _is_origin(found: str) -> bool:
    parts = urlsplit(found)
    is_plain = found == f"{parts.scheme}://{parts.netloc}" and "@" not in parts.netloc
    return bool(parts.scheme in {"http", "https"} and parts.hostname and is_plain)


def _sqlite(file: Path) -> dict[str, Any]:
    return {
        "ENGINE": "shoplift_site.sqlite",
        "NAME": private_database(file),
        "OPTIONS": _SQLITE,
        "CONN_MAX_AGE": 10,  # seconds; to open one costs a quarter of a picture's time
    }


def private_database(file: Path) -> Path:
    """The file of an SQLite database, made if it isn't there yet, for its owner alone.

    SQLite gives its journals the permissions of the file.
    """
    os.close(os.open(file, os.O_RDONLY | os.O_CREAT, 0o600))
    for_its_owner_alone(*(file.with_name(file.name + end) for end in ("", "-wal", "-shm")))
    return file


def made(name: str, wanted: Path) -> Path:
    """The folder, made if it isn't there yet; `name` is the variable that put it there."""
    try:
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        _refuse(name, str(wanted), f"a folder that can be written ({error.strerror})")
    return wanted


def secret(name: str, *, kept_in: Path) -> str:
    """From the environment; otherwise generated once and kept in a file of our own."""
    return text(name, "") or _kept_secret(kept_in)


def _kept_secret(file: Path) -> str:
    if not file.exists():
        # Written aside and linked, so that of two processes that start together
        # one wins and nobody reads half a key. mkstemp files are the owner's alone.
        handle, aside = tempfile.mkstemp(dir=file.parent, prefix=file.name)
        with os.fdopen(handle, "w") as out:
            out.write(get_random_secret_key())
        with suppress(FileExistsError):
            os.link(aside, file)
        Path(aside).unlink()
    return file.read_text()


def _refuse(name: str, found: str, wanted: str) -> NoReturn:
    msg = f"The environment variable {name} is “{found}”, but has to be {wanted}."
    raise ImproperlyConfigured(msg)
