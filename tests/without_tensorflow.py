"""`python -m`: what the site does where only requirements-serve.txt is installed.

Run by `make test-serve`, with nothing but these libraries: pytest is none of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
FOOTAGE = ROOT.parent / "shared" / "data"
CLIP = FOOTAGE / "mnnit" / "shoplifters" / "shoplifting_001.mp4"
TRAINS = ("keras", "matplotlib", "rich", "sklearn", "tensorflow")


def main() -> None:
    expect(not any(map(find_spec, TRAINS)), "what trains is not installed")
    with TemporaryDirectory() as data:
        os.environ |= {"DATA_DIR": data, "DJANGO_SETTINGS_MODULE": "shoplift_site.settings"}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("check")
        serve(Path(data))
        refuse(Path(data))
    print("requirements-serve.txt is all that it takes.")  # noqa: T201


def serve(data: Path) -> None:
    """Each shipped model analyzes a clip as it does on the site, in child processes."""
    from video_classifier.services import catalog

    clip = CLIP if CLIP.exists() else made_clip(data)
    for choice in catalog.available():
        expect(not choice.problem, choice.problem)
        outcome = catalog.load(choice.name).analyze(clip)
        expect(outcome.prediction is not None or clip != CLIP, f"{choice.name} gives a score")


def made_clip(data: Path) -> Path:
    """Without anybody in it, for where the footage is missing."""
    from tests.makers import videos

    return videos.write(data / "clip.mp4", frames=30)


def refuse(data: Path) -> None:
    """What trains or converts says what to install."""
    (data / "other.keras").touch()
    commands = (
        ("manage.py", "import_model", str(data / "other.keras"), "--name", "other"),
        ("-m", "scripts.train", "conv3d"),
        ("-m", "scripts.export_model", "models_storage/conv3d"),
    )
    for command in commands:
        done = run(*command)
        expect(done.returncode != 0, f"{command} fails")
        expect("Install requirements.txt" in done.stderr, done.stderr)
        expect("Traceback" not in done.stderr, done.stderr)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)


def expect(holds: bool, what: str) -> None:  # noqa: FBT001
    if not holds:
        sys.exit(f"Not so: {what}")


if __name__ == "__main__":
    main()
