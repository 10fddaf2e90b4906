"""`python -m`: stands in for the child that tries a camera out; the camera's path says how.

It gives what it was told, or a fault, hangs, or crashes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    order = json.load(sys.stdin)
    how = order["address"]["path"].strip("/")
    if how == "hang":
        time.sleep(60)
    if how == "crash":
        os.abort()
    if how in {"password", "no_keyframe"}:
        sys.stdout.write(json.dumps({"fault": how}))
        return
    folder = Path(order["folder"])
    (folder / "told.json").write_text(json.dumps(order | {"argv": sys.argv, "env": [*os.environ]}))
    if how == "rubbish":
        (folder / "still.mp4").write_bytes(b"no video")
    else:
        from tests.makers import videos

        videos.write(folder / "still.mp4", frames=12)
    sys.stdout.write(
        json.dumps({"file": "../still.mp4", "codec": "h264", "width": 64, "height": 48})
    )


if __name__ == "__main__":
    main()
