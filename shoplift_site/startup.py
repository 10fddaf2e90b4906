"""What a process does once that is about to serve pages for long."""

from __future__ import annotations

import gc

from django.urls import get_resolver


def settle() -> None:
    """Has the garbage collector leave alone what is loaded by now, and stays until the end.

    A full collection went over all of it, which took a page of a long recording 0.1 s.
    """
    _ = get_resolver().url_patterns  # with them all views are loaded
    gc.collect()
    gc.freeze()
