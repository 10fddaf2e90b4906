"""What part of the picture a network looks at."""

from __future__ import annotations
