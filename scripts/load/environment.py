"""What the parent process and Locust's agree on: names of variables, and what is uploaded."""

from __future__ import annotations

SESSIONS = "LOAD_SESSIONS"  # a file with the key of a session a line
VIDEOS = "LOAD_VIDEOS"  # a folder
KINDS = ("bright", "dark")
