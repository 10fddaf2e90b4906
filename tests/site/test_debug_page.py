"""What the page about an exception, which DEBUG turns on, must not show."""

from __future__ import annotations

from django.test import RequestFactory
from django.views.debug import technical_500_response
from pytest_django import Settings

from shoplift_site import env
from shoplift_site.errors import ReporterFilter

MAIL = "smtp+tls://ada:open-sesame@mail.example"
ADDRESS = "postgres://shoplift:open-sesame@127.0.0.1:5432/shoplift"
BUCKET = "s3://key:open-sesame@clips?region=eu-de"


BROKER = "redis://:open-sesame@127.0.0.1:6379/0"


def test_it_hides_the_passwords_of_database_mail_server_storage_and_broker(
    rf: RequestFactory, settings: Settings
) -> None:
    """`runserver` hands the whole environment to every request."""
    settings.BROKER_URL = BROKER
    request = rf.get(
        "/",
        DATABASE_URL=ADDRESS,
        EMAIL_URL=MAIL,
        STORAGE_URL=BUCKET,
        BROKER_URL=BROKER,
        LANG="C.UTF-8",
    )

    html = technical_500_response(request, ZeroDivisionError, ZeroDivisionError(), None)

    assert b"C.UTF-8" in html.content
    assert b"open-sesame" not in html.content


def test_it_hides_all_that_may_be_in_a_file_of_its_own() -> None:
    assert not [name for name in env.SECRETS if not ReporterFilter.hidden_settings.search(name)]
