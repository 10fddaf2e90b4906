"""Sends clips to the site and prints what each comes to: python predict.py CLIP …"""

import os
import sys
import time
from pathlib import Path

import requests

SITE = os.environ.get("SHOPLIFT_SITE", "http://127.0.0.1:8000")
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['SHOPLIFT_KEY']}"

for path in map(Path, sys.argv[1:]):
    with path.open("rb") as clip:
        answer = session.post(f"{SITE}/api/v1/clips", files={"file": clip}, timeout=60)
    while answer.ok and answer.json()["status"] in {"queued", "running", "paused"}:
        time.sleep(1)
        answer = session.get(answer.json()["url"], params={"wait": 10}, timeout=60)
    told = answer.json()
    print(path, told.get("prediction") or told.get("error") or told["detail"], told.get("page", ""))
