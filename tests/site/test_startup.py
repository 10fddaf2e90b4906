from __future__ import annotations

import gc

from shoplift_site import startup


def test_what_is_loaded_is_left_out_of_collections() -> None:
    gc.unfreeze()
    try:
        startup.settle()
        assert gc.get_freeze_count() > 100_000
        assert len(gc.get_objects()) < gc.get_freeze_count() / 10
    finally:
        gc.unfreeze()
