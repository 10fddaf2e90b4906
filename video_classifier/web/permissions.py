"""Who may do what, beyond being signed in."""

from __future__ import annotations

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

from video_classifier.models import Analysis, Clip
from video_classifier.querysets import DELETE_CLIPS


def may_delete(user: AbstractBaseUser | AnonymousUser, clip: Clip) -> bool:
    """Into the trash and out of it: the uploader, and who has the permission.

    As ClipQuerySet.deletable_by says it of many; being staff does not suffice.
    """
    return user.is_authenticated and (clip.uploaded_by_id == user.pk or may_purge(user))


def may_cancel(user: AbstractBaseUser | AnonymousUser, analysis: Analysis) -> bool:
    """The person who asked for it, and those who may delete its clip."""
    asked_for_it = user.is_authenticated and analysis.requested_by_id == user.pk
    return asked_for_it or may_delete(user, analysis.clip)


def may_purge(user: AbstractBaseUser | AnonymousUser) -> bool:
    """For good: not the uploader, as footage may be evidence."""
    return isinstance(user, PermissionsMixin | AnonymousUser) and user.has_perm(DELETE_CLIPS)
