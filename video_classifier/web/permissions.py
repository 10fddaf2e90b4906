"""Who may do what, beyond being signed in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

from video_classifier.models import Clip


def may_delete(user: AbstractBaseUser | AnonymousUser, clip: Clip) -> bool:
    """Only the uploader and staff; a clip whose uploader is gone is left to staff."""
    if not user.is_authenticated:
        return False
    return bool(getattr(user, "is_staff", False)) or clip.uploaded_by_id == user.pk
