"""What the page about an exception, which DEBUG turns on, must not show."""

from __future__ import annotations

from django.test import RequestFactory
from django.views.debug import technical_500_response

MAIL = "smtp+tls://ada:open-sesame@mail.example"
ADDRESS = "postgres://shoplift:open-sesame@127.0.0.1:5432/shoplift"
BUCKET = "s3://key:open-sesame@clips?region=eu-de"


def test_it_hides_the_passwords_of_database_mail_server_and_storage(rf: RequestFactory) -> None:
    """`runserver` hands the whole environment to every request."""
    request = rf.get("/", DATABASE_URL=ADDRESS, EMAIL_URL=MAIL, STORAGE_URL=BUCKET, LANG="C.UTF-8")

    html = technical_500_response(request, ZeroDivisionError, ZeroDivisionError(), None)

    assert b"C.UTF-8" in html.content
    assert b"open-sesame" not in html.content
