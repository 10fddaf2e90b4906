"""What `manage.py check` finds: models that can't be used, settings that can't be right."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004
from django.core.files.storage import InvalidStorageError, storages
from django.db import DatabaseError, connections

from video_classifier.services import catalog, sandbox


@register
def models_are_usable(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    choices = _choices()
    if not choices:
        return [
            Warning(
                f"There is no model in {settings.MODELS_STORAGE}.",
                hint="Train one with `python -m scripts.train`, or set MODELS_STORAGE.",
                id="video_classifier.W001",
            )
        ]
    return list(_problems(choices))


def _choices() -> tuple[catalog.Choice, ...]:
    """Before the first migration, or without the storage, rows know of no model."""
    try:
        return catalog.available()
    except (DatabaseError, InvalidStorageError):  # of which there is a message of its own
        return catalog.available_here()


def _problems(choices: tuple[catalog.Choice, ...]) -> Iterator[CheckMessage]:
    names = {choice.name for choice in choices}
    if settings.DEFAULT_MODEL not in names:
        yield Error(
            f"There is no model “{settings.DEFAULT_MODEL}”, the default.",
            hint=f"Set DEFAULT_MODEL to one of: {', '.join(sorted(names))}.",
            id="video_classifier.E001",
        )
    for choice in choices:
        if choice.name == settings.DEFAULT_MODEL and choice.problem:
            yield Error(choice.problem, id="video_classifier.E002")
        elif choice.problem:
            yield Warning(choice.problem, id="video_classifier.W002")


@register
def heartbeat_fits_the_lease(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    if settings.ANALYSIS_HEARTBEAT < settings.ANALYSIS_LEASE / 2:
        return []
    return [
        Error(
            "ANALYSIS_HEARTBEAT has to be shorter than half of ANALYSIS_LEASE.",
            hint="Otherwise one late heartbeat makes a healthy run look dead.",
            id="video_classifier.E003",
        )
    ]


@register
def data_folder_is_writable(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    if settings.DATA_DIR.is_dir() and os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        return []
    return [
        Error(
            f"The folder {settings.DATA_DIR} can't be written.",
            hint="Set DATA_DIR to a folder that belongs to the user who runs the site.",
            id="video_classifier.E004",
        )
    ]


@register(Tags.database)
def database_answers(databases: Sequence[str] | None, **_: Any) -> list[CheckMessage]:
    """Asked with `manage.py check --database default`."""
    return [problem for name in databases or () if (problem := _silence(name))]


def _silence(name: str) -> CheckMessage | None:
    # Of its own, since a pool says only that it had none to lend.
    probe = connections[name].copy()
    probe.settings_dict["OPTIONS"].pop("pool", None)
    try:
        probe.ensure_connection()
    except DatabaseError as error:
        return Error(
            f"The database can't be reached: {error}",
            hint="Start it, or set DATABASE_URL to one that answers.",
            id="video_classifier.E005",
        )
    else:
        return None
    finally:
        probe.close()


@register
def storage_is_installed(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    try:
        storages["default"]
    except InvalidStorageError:
        return [
            Error(
                "STORAGE_URL is set, but what speaks to the storage is not installed.",
                hint="Install it: pip install -r requirements-storage.txt",
                id="video_classifier.E007",
            )
        ]
    return []


@register
def proxies_are_counted(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    if settings.TRUSTED_PROXIES or not settings.HTTPS:
        return []
    return [
        Warning(
            "HTTPS is true, so there is a proxy in front, but TRUSTED_PROXIES is 0.",
            hint="Count the proxies. Else all have one address, and one guesser locks all out.",
            id="video_classifier.W003",
        )
    ]


@register
def messages_have_links(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    if settings.SITE_URL or not settings.EMAIL_URL:
        return []
    return [
        Warning(
            "EMAIL_URL is set, but SITE_URL isn't.",
            hint="Say how people reach the site, or its messages have no links.",
            id="video_classifier.W004",
        )
    ]


@register
def children_are_confined(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    if not sandbox.lacks():
        return []
    return [
        Warning(
            sandbox.lacks(),
            hint="Run the site on Linux, on x86-64 or ARM64, with a kernel that has seccomp.",
            id="video_classifier.W005",
        )
    ]


@register
def celery_is_installed(
    app_configs: Sequence[AppConfig] | None,
    **_: Any,
) -> list[CheckMessage]:
    if settings.RUNNER != "celery" or find_spec("celery"):
        return []
    return [
        Error(
            "RUNNER is celery, but Celery isn't installed.",
            hint="Install requirements-celery.txt, or set RUNNER to none and start `run_worker`.",
            id="video_classifier.E006",
        )
    ]
