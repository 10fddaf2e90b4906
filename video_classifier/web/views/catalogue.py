"""The catalogue of components, for those who make pages. Under DEBUG only (shoplift_site.urls)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from video_classifier.web import catalogue


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    context = {"components": catalogue.components()}
    return render(request, "video_classifier/catalogue/page.html", context)
