"""Writes what docs/settings.md lists into .env.example and docker-compose.yml.

.env.example has each setting with its default and its meaning, and docker-compose.yml passes each
on, secrets also as the file that NAME_FILE names. A test fails while they differ from the page.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

from shoplift_site.env import SECRETS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/settings.md"
EXAMPLE = ROOT / ".env.example"
COMPOSE = ROOT / "docker-compose.yml"
BEGIN, END = "x-settings: &settings\n", "\nx-site:"
WIDTH = 100
IN_CONTAINERS = {"DATA_DIR"}  # which are the image's
_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \| (.*) \|$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")

HEAD = """\
# Settings for containers: copy this to .env, which Docker Compose reads, and close that to others.
# docs/deployment.md says which are needed when, docs/settings.md what each means.

# --- docker-compose.several.yml needs these; `openssl rand -hex 32` makes a secret.

# SECRET_KEY=
# POSTGRES_PASSWORD=
# REDIS_PASSWORD=
# STORAGE_KEY=
# STORAGE_SECRET=
# How browsers reach the site, and the files in its bucket: two names of one machine.
# SITE_HOST=clips.example.org
# FILES_HOST=files.example.org
# The folder with fullchain.pem and privkey.pem, whose certificate is for both names.
# CERTIFICATES=./deploy/certificates

# --- For workers on other machines: where database, Redis and bucket listen, and where they are.

# PRIVATE_ADDRESS=127.0.0.1
# DATABASE_HOST=database
# REDIS_HOST=redis
# STORAGE_HOST=s3

# --- For docker-compose.yml: further names of the site, its port here, and what is installed.

# HOSTS=clips.example.org
# PORT=8000
# REQUIREMENTS=requirements-serve.txt

# --- All settings of the site, with their defaults.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    name: str
    default: str  # "": none, or made at the start
    meaning: str


def main() -> None:
    argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Example: python -m scripts.settings_files",
    ).parse_args()
    settings = listed(PAGE.read_text(encoding="utf-8"))
    EXAMPLE.write_text(example(settings), encoding="utf-8")
    COMPOSE.write_text(compose(COMPOSE.read_text(encoding="utf-8"), settings), encoding="utf-8")
    print(f"Wrote {len(settings)} settings into {EXAMPLE.name} and {COMPOSE.name}.")


def listed(page: str) -> tuple[Setting, ...]:
    """Those of docs/settings.md."""
    return tuple(
        Setting(
            name=name,
            default=default.strip("`") if re.fullmatch(r"`[^`]*`", default) else "",
            meaning=_LINK.sub(r"\1", meaning).replace("`", ""),
        )
        for name, default, meaning in _ROW.findall(page)
    )


def example(settings: tuple[Setting, ...]) -> str:
    """The text of .env.example: all of it comments."""
    found = [HEAD]
    for each in settings:
        lines = textwrap.wrap(each.meaning, WIDTH - 2)
        found += ["", *(f"# {line}" for line in lines), f"# {each.name}={each.default}"]
    return "\n".join(found).replace("\n\n\n", "\n\n") + "\n"


def compose(text: str, settings: tuple[Setting, ...]) -> str:
    """docker-compose.yml with these settings passed on."""
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    names = [each.name for each in settings if each.name not in IN_CONTAINERS]
    files = [f"{name}_FILE" for name in names if name in SECRETS]
    lines = "".join(f"  {name}:\n" for name in sorted([*names, *files]))
    return f"{before}{BEGIN}{lines}{END}{after}"


if __name__ == "__main__":
    main()
