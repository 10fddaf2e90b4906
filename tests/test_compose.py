"""The files for containers: valid, closed, complete, and with commands that start what they name.

No engine runs here. So each service's own command is run by hand, with the environment that the
file gives it, on free ports, and nginx with our configuration in front of the web server.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts import settings_files
from scripts._lib import ports
from shoplift_site.env import SECRETS

ROOT = Path(__file__).parent.parent
FILES = ("docker-compose.yml", "docker-compose.several.yml")
NEEDED = {
    "SECRET_KEY": "a" * 50,
    "POSTGRES_PASSWORD": "postgres-secret",
    "REDIS_PASSWORD": "redis-secret",
    "STORAGE_KEY": "storage-key",
    "STORAGE_SECRET": "storage-secret",
    "SITE_HOST": "clips.example.org",
    "FILES_HOST": "files.example.org",
}
PATIENCE = 240.0  # seconds: to make all tables takes a while where others work, too


def needs(program: str) -> str:
    """Its path; where everything has to be tested, it has to be there."""
    path = shutil.which(
        program, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin"
    )
    if path is None:
        assert "CI" not in os.environ, f"{program} is not installed"
        pytest.skip(f"{program} is not installed")
    return path


def read(file: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / file).read_text(encoding="utf-8"))
    return found


def of_ours(file: str) -> dict[str, dict[str, Any]]:
    """Its services that run this project's code."""
    services = read(file)["services"].items()
    return {name: each for name, each in services if "build" in each}


def test_the_example_and_the_compose_file_have_every_setting() -> None:
    settings = settings_files.listed((ROOT / "docs/settings.md").read_text(encoding="utf-8"))
    compose = (ROOT / FILES[0]).read_text(encoding="utf-8")

    told = "docs/settings.md has changed: run `python -m scripts.settings_files`"
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == settings_files.example(
        settings
    ), told
    assert compose == settings_files.compose(compose, settings), told


def test_the_example_has_every_variable_of_the_compose_files_and_no_other() -> None:
    page = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
    settings = {each.name for each in settings_files.listed(page)}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE))
    texts = "".join((ROOT / file).read_text(encoding="utf-8") for file in FILES)
    interpolated = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", texts))

    assert listed == settings | interpolated


@pytest.mark.parametrize("file", FILES)
def test_a_compose_file_is_valid(file: str, tmp_path: Path) -> None:
    program = needs("docker-compose")
    copy = tmp_path / file
    copy.write_text((ROOT / file).read_text(encoding="utf-8"), encoding="utf-8")
    lines = (f"{name}={value}\n" for name, value in NEEDED.items())
    (tmp_path / ".env").write_text("".join(lines), encoding="utf-8")

    done = subprocess.run(
        [program, "--file", file, "config", "--quiet"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_a_secret_that_is_missing_is_a_sentence(tmp_path: Path) -> None:
    program = needs("docker-compose")
    shutil.copy(ROOT / FILES[1], tmp_path)
    (tmp_path / ".env").touch()

    command = [program, "--file", FILES[1], "config"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert "is missing in .env" in done.stderr


def composed(folder: Path, *files: str, **variables: str) -> dict[str, dict[str, Any]]:
    """Its services as Compose makes them of these files and of a file .env with the variables."""
    program, names = needs("docker-compose"), [word for file in files for word in ("--file", file)]
    lines = (f"{name}={value}\n" for name, value in variables.items())
    (folder / ".env").write_text("".join(lines), encoding="utf-8")
    for file in set(files) & set(FILES):
        shutil.copy(ROOT / file, folder)
    done = subprocess.run(
        [program, *names, "config"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    return found


def test_one_machine_passes_on_which_files_have_secrets(tmp_path: Path) -> None:
    files = {f"{name}_FILE": f"/run/secrets/{name.lower()}" for name in SECRETS}

    services = composed(tmp_path, FILES[0], **files)

    for name in of_ours(FILES[0]):
        assert files.items() <= services[name]["environment"].items(), name


@pytest.mark.parametrize("file", FILES)
def test_the_second_file_of_the_docs_gives_a_secret_as_a_file_and_no_other_way(
    file: str, tmp_path: Path
) -> None:
    page = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(.+?)^```", page, re.MULTILINE | re.DOTALL)
    second = yaml.safe_load(text)
    second["services"] = {name: second["services"][name] for name in of_ours(file)}
    (tmp_path / "second.yml").write_text(yaml.safe_dump(second), encoding="utf-8")
    (tmp_path / "secret_key").write_text("violet harbour\n", encoding="utf-8")

    services = composed(tmp_path, file, "second.yml", **NEEDED)

    for name in of_ours(file):
        service = services[name]
        assert [each["source"] for each in service["secrets"]] == ["secret_key"], name
        assert NEEDED["SECRET_KEY"] not in str(service["environment"]), name
        given = environment(service, tmp_path)
        assert given["SECRET_KEY_FILE"] == "/run/secrets/secret_key"
        given["SECRET_KEY_FILE"] = str(tmp_path / "secret_key")
        command = "from django.conf import settings; print(settings.SECRET_KEY)"
        given["DJANGO_SETTINGS_MODULE"] = "shoplift_site.settings"
        said = subprocess.check_output([sys.executable, "-c", command], cwd=ROOT, env=given)
        assert said == b"violet harbour\n", name


@pytest.mark.parametrize("file", FILES)
def test_containers_of_ours_write_where_they_have_to_and_gain_no_rights(file: str) -> None:
    for name, service in of_ours(file).items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["volumes"] == ["data:/data"], name
        assert "user" not in service, name  # that of the image


def test_nothing_but_the_proxy_is_open_to_others() -> None:
    for name, service in read(FILES[1])["services"].items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("${PRIVATE_ADDRESS:-127.0.0.1}:"), name


def test_the_image_has_the_programs_that_back_its_database_up() -> None:
    (version,) = re.findall(r"^postgres:(\d+)", read(FILES[1])["services"]["database"]["image"])
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    for name, service in of_ours(FILES[1]).items():
        assert service["build"]["args"]["PACKAGE"] == f"postgresql-client-{version}", name
    assert 'install -y --no-install-recommends "$PACKAGE"' in image


def test_the_images_description_has_no_faults() -> None:
    done = subprocess.run(
        [needs("hadolint"), "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.stdout + done.stderr == ""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    assert text.rstrip().endswith("COPY --from=serving-libraries /venv /venv")  # the last stage


# Each service's command, by hand


def filled(text: str) -> str:
    """As Docker Compose replaces variables."""

    def value(found: re.Match[str]) -> str:
        return NEEDED.get(found[1], found[2] or "")

    return re.sub(r"\$\{([A-Z_]+)(?::[-?]([^}]*))?\}", value, text).replace("$$", "$")


def environment(service: dict[str, Any], data: Path) -> dict[str, str]:
    """What the file gives it, but for what only an engine could: the names of other containers."""
    given = {
        name: filled(value)
        for name, value in service["environment"].items()
        if value is not None and name not in {"DATABASE_URL", "STORAGE_URL", "BROKER_URL"}
    }
    if given.get("RUNNER") == "celery":
        given["BROKER_URL"] = "redis://127.0.0.1:1/0"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    own = {"DATA_DIR": str(data), "HOST": "127.0.0.1", "PATH": path, "PYTHONUNBUFFERED": "1"}
    usual = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    return usual | given | own


def image_command() -> list[str]:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (found,) = re.findall(r"^CMD (.+)$", text, re.MULTILINE)
    command: list[str] = json.loads(found)
    return command


@contextmanager
def running(
    service: dict[str, Any], data: Path, **more: str
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """The process, and its log; it has to end in good order."""
    command = shlex.split(filled(service["command"])) if "command" in service else image_command()
    log = data.parent / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(service, data) | more,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield process, log
        process.terminate()
        process.wait(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what is left of it
        process.wait()


def until(happened: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not happened():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.1)


def get(address: str | urllib.request.Request, **how: Any) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=30, **how) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except OSError as error:
        return getattr(error, "code", 0), ""


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of a site whose service `migrate` is through."""
    folder = tmp_path_factory.mktemp("several") / "data"
    folder.mkdir()
    with running(of_ours(FILES[1])["migrate"], folder) as (process, log):
        assert process.wait(PATIENCE) == 0, log.read_text()
        assert "An administrator was created" in log.read_text()
    return folder


@pytest.mark.long
def test_the_web_server_of_one_machine_gets_ready(several: Path) -> None:
    """Its command makes tables, too; those are there already, as at its second start."""
    port = str(ports.free())

    with running(of_ours(FILES[0])["web"], several, PORT=port) as (process, log):
        until(lambda: get(f"http://127.0.0.1:{port}/readyz")[0] == 200, process, log)

    assert process.returncode == 0


PAGELESS = {
    "watcher": "watches at most",
    "sweep": "does alerts, sweep",
    "worker": "does segments",
}


@pytest.mark.parametrize("name", PAGELESS)
def test_a_service_without_pages_starts_and_ends_in_good_order(name: str, several: Path) -> None:
    with running(of_ours(FILES[1])[name], several) as (process, log):
        until(lambda: PAGELESS[name] in log.read_text(), process, log)

    assert process.returncode == 0, log.read_text()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run(
        [
            *(needs("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt"),
            *("ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=clips"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@contextmanager
def proxy(folder: Path, certificates: Path, web: int, **ports: int) -> Iterator[None]:
    """nginx with our template, as its image fills it in."""
    variables = {**NEEDED, "WEB": f"127.0.0.1:{web}", "S3": f"127.0.0.1:{web}"}
    text = (ROOT / "deploy/nginx.conf.template").read_text(encoding="utf-8")
    for name, value in variables.items():
        text = text.replace(f"${{{name}}}", value)
    text = text.replace("/certificates", str(certificates))
    text = text.replace("8443", f"127.0.0.1:{ports['tls']}").replace(
        "listen 8080", f"listen 127.0.0.1:{ports['plain']}"
    )
    folder.mkdir()
    bodies = " ".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    outer = (
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}} "
        f"http {{ access_log off; {bodies} {text} }}"
    )
    (folder / "nginx.conf").write_text(outer, encoding="utf-8")
    command = [needs("nginx"), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.terminate()


def test_the_web_server_behind_our_proxy_speaks_https(
    several: Path, certificates: Path, tmp_path: Path
) -> None:
    web, tls, plain = ports.free(), ports.free(), ports.free()
    trusted = ssl.create_default_context(cafile=str(certificates / "fullchain.pem"))
    service, host = of_ours(FILES[1])["web"], {"Host": "clips.example.org"}

    with (
        running(service, several, PORT=str(web)) as (process, log),
        proxy(tmp_path / "nginx", certificates, web, tls=tls, plain=plain),
    ):
        until(lambda: get(f"http://127.0.0.1:{web}/healthz")[0] == 200, process, log)
        # Prometheus beside it, which knows the server by the service's name.
        directly = urllib.request.Request(
            f"http://127.0.0.1:{web}/metrics", headers={"Host": "web:8000"}
        )
        assert "shoplift_ready" in get(directly)[1]

        def ask(path: str) -> tuple[int, str]:
            request = urllib.request.Request(f"https://127.0.0.1:{tls}{path}", headers=host)
            return get(request, context=trusted)

        until(lambda: ask("/healthz")[0] == 200, process, log)
        assert "Sign in" in ask("/accounts/login/")[1]
        assert ask("/metrics")[0] == 404
        with closing(socket.create_connection(("127.0.0.1", plain))) as line:
            line.sendall(b"GET /x HTTP/1.1\r\nHost: clips.example.org\r\nConnection: close\r\n\r\n")
            answer = line.recv(4096).decode()
        assert "308" in answer
        assert "Location: https://clips.example.org/x" in answer

    assert process.returncode == 0
