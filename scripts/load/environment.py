"""What the parent process and Locust's agree on: names of variables, and what is uploaded."""

from __future__ import annotations

from scripts.faults.material import MODEL

SESSIONS = "LOAD_SESSIONS"  # a file with the key of a session a line
VIDEOS = "LOAD_VIDEOS"  # a folder
KINDS = ("bright", "dark")

__all__ = ["KINDS", "MODEL", "SESSIONS", "VIDEOS"]
