"""What is called as `python -m scripts.NAME`."""

from __future__ import annotations

import sys
from importlib.util import find_spec

if find_spec("rich") is None:
    sys.exit(
        "Scripts need the libraries for training and evaluation, and requirements-serve.txt has "
        "none. Install requirements.txt (for a GPU requirements-gpu.txt)."
    )
