"""Finds the store, or the camera, that a command names."""

from __future__ import annotations

from django.core.management.base import CommandError

from video_classifier.models import Camera, Store

NO_STORE = "There is no store “{}”. There are: {}."
NO_CAMERA = "There is no camera “{}” in {}. There are: {}."
NONE = "none yet"


def store_named(name: str) -> Store:
    """Raises CommandError, which names those that there are."""
    found = Store.objects.filter(name=name).first()
    if found is None:
        names = ", ".join(Store.objects.values_list("name", flat=True)) or NONE
        raise CommandError(NO_STORE.format(name, names))
    return found


def named(store: str, camera: str) -> Camera:
    """With its store. Raises CommandError, which names those that there are."""
    of = store_named(store)
    found = of.cameras.select_related("store").filter(name=camera).first()
    if found is None:
        names = ", ".join(of.cameras.values_list("name", flat=True)) or NONE
        raise CommandError(NO_CAMERA.format(camera, of, names))
    return found
