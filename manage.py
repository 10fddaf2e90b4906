#!/usr/bin/env python
"""Runs Django's commands and this project's own."""

from __future__ import annotations

import os
import sys

from shoplift_site import commands

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shoplift_site.settings")
    commands.run(sys.argv)
