"""All of static/css as one file, so that a page waits for one answer and not for one a component.

Nothing has to be built: the files are read with the first page, and under DEBUG with each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import get_script_prefix

# The cascade: a later file wins. Files of the same line don't override each other.
ORDER = (
    "tokens.css",
    "base.css",
    "layout.css",
    "elements/*.css",
    "components/*.css",
    "pages/*/*.css",
)
FOREVER = "public, max-age=31536000, immutable"  # other styles have another address


def address() -> str:
    return f"{get_script_prefix()}styles-{hashlib.sha256(content()).hexdigest()[:12]}.css"


def content() -> bytes:
    return _read() if settings.DEBUG else _read_once()


def serve_stylesheet(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware, before any that asks the database: an error page needs its styles, too."""

    def serve(request: HttpRequest) -> HttpResponse:
        if request.method not in {"GET", "HEAD"} or request.path != address():
            return answer(request)
        headers = {"Cache-Control": FOREVER}
        return HttpResponse(content(), content_type="text/css; charset=utf-8", headers=headers)

    return serve


def _read() -> bytes:
    folder = settings.BASE_DIR / "static" / "css"
    files = [file for pattern in ORDER for file in sorted(folder.glob(pattern))]
    return b"\n".join(file.read_bytes() for file in files)


_read_once = cache(_read)
