"""The sign-in, and where somebody arrives by it."""

from __future__ import annotations

from typing import cast

from django.contrib.auth import views as auth
from django.contrib.auth.models import User
from django.urls import reverse

from video_classifier.services import preferences
from video_classifier.web.preferences import start_address


class SignInView(auth.LoginView):
    def get_success_url(self) -> str:
        """The page that somebody came for; of who just opened the site, their start page."""
        asked: str = self.get_redirect_url()
        return asked if asked not in ("", reverse("web:upload")) else self.start_page()

    def start_page(self) -> str:
        return start_address(preferences.of(cast("User", self.request.user)))
