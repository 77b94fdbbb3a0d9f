"""The files for containers, held against the program. No engine runs here: this proves their structure, not a start."""

import os
import re
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from app.cli.commands import app
from app.infra.settings import Settings, gateways_of, variable

_ROOT = Path(__file__).parents[3]
_OURS = ("migrate", "web", "connector", "relay", "worker", "scheduler", "simulator")
_SETTINGS = {variable(name) for name in Settings.model_fields} | {
    f"{variable(name)}_FILE" for name in Settings.secret_fields
}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document = yaml.safe_load((_ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(document, dict)
    return document


def _command_names() -> set[str]:
    return set(get_command(app).commands)  # type: ignore[attr-defined]


def test_every_process_has_its_service(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {*_OURS, "postgres", "redis", "ib-gateway"}
    assert compose["services"]["ib-gateway"]["profiles"] == ["gateway"]


@pytest.mark.parametrize("service", _OURS)
def test_a_service_runs_a_command_that_exists_with_settings_that_exist(compose: dict[str, Any], service: str) -> None:
    described = compose["services"][service]
    commands = set(re.findall(r"\boms ([a-z]+)", described["command"][0])) or {described["command"][0]}

    assert commands <= _command_names()
    assert set(described["environment"]) <= _SETTINGS


@pytest.mark.parametrize("service", _OURS)
def test_a_service_waits_for_what_it_needs(compose: dict[str, Any], service: str) -> None:
    needed = compose["services"][service]["depends_on"]

    assert needed["redis"] == {"condition": "service_healthy"}
    assert ("postgres" if service == "migrate" else "migrate") in needed


def test_nothing_but_the_web_process_is_published_and_that_to_this_machine_only(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}

    assert set(published) == {"web"}
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


def test_the_unauthenticated_api_of_the_gateway_stays_inside(compose: dict[str, Any]) -> None:
    gateway = compose["services"]["ib-gateway"]

    assert "ports" not in gateway
    assert compose["networks"]["internal"] == {"internal": True}
    assert gateway["environment"]["TWS_PASSWORD_FILE"] == "/run/secrets/tws_password"
    assert re.fullmatch(r"ghcr\.io/gnzsnz/ib-gateway:\d+\.\d+\.\w+", gateway["image"])


def test_the_gateway_is_set_up_as_the_connector_needs_it(compose: dict[str, Any]) -> None:
    gateway = compose["services"]["ib-gateway"]
    environment = gateway["environment"]

    assert environment["READ_ONLY_API"] == "no"
    assert environment["TWS_ACCEPT_INCOMING"] == "accept"
    assert environment["TWOFA_TIMEOUT_ACTION"] == "restart"
    assert environment["RELOGIN_AFTER_TWOFA_TIMEOUT"] == "yes"
    assert environment["AUTO_RESTART_TIME"]
    # A password stands in a file alone: what is in the environment shows in `docker inspect`.
    assert "TWS_PASSWORD" not in environment
    assert gateway["secrets"] == ["tws_password"]
    assert gateway["volumes"] == [f"gateway:{environment['TWS_SETTINGS_PATH']}"]
    assert gateway["networks"] == ["internal", "outside"]


def test_accounts_may_be_reached_through_the_gateway_of_the_profile(compose: dict[str, Any]) -> None:
    told = compose["services"]["web"]["environment"]["OMS_GATEWAY_HOSTS"]
    default = told.removeprefix("${OMS_GATEWAY_HOSTS:-").removesuffix("}")

    assert gateways_of(default) == {("ib-gateway", 4003), ("ib-gateway", 4004)}


@pytest.mark.parametrize(
    ("answer", "is_healthy"),
    [(b"176\x0020261121 15:00:00 UTC\0", True), (b"150\0", True), (None, False), (b"", False), (b"20\0\0\0", False)],
    ids=["a gateway", "an old gateway", "silence", "nothing but a frame", "something else"],
)
def test_the_gateway_is_healthy_by_the_handshake_of_its_api(
    compose: dict[str, Any], answer: bytes | None, is_healthy: bool
) -> None:
    asked: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            asked.append(connection.recv(64))
            if answer is not None:
                connection.sendall(len(answer).to_bytes(4, "big") + answer)

    *program, script = compose["services"]["ib-gateway"]["healthcheck"]["test"][1:]
    with socket.socket() as listener, ThreadPoolExecutor(1) as pool:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        served = pool.submit(serve, listener)
        # As compose tells it to the container: a doubled dollar is one.
        here = script.replace("$$", "$").replace("port=4004", f"port={listener.getsockname()[1]}")
        ended = subprocess.run([*program, here], env={"PATH": os.environ["PATH"]}, timeout=30, check=False)
        served.result()

    assert (ended.returncode == 0) is is_healthy
    assert asked == [b"API\0\x00\x00\x00\x09v157..178"]


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    environment = compose["services"]["web"]["environment"]

    assert re.fullmatch(r"\$\{OMS_TOKEN_SECRET:\?.+\}", environment["OMS_TOKEN_SECRET"])
    assert re.fullmatch(r"\$\{OMS_MASTER_KEY:\?.+\}", environment["OMS_MASTER_KEY"])
    assert "${POSTGRES_PASSWORD:?" in environment["OMS_DATABASE_URL"]


def test_the_image_runs_as_an_unprivileged_user_and_copies_what_is_sent_to_the_builder() -> None:
    lines = (_ROOT / "deploy/Dockerfile").read_text(encoding="utf-8").splitlines()
    stages = [index for index, line in enumerate(lines) if line.startswith("FROM ")]
    last = lines[stages[-1] :]
    sent = set((_ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines())

    assert len(stages) == 2
    assert "USER oms" in last
    assert last.index("USER oms") < next(i for i, line in enumerate(last) if line.startswith("ENTRYPOINT"))
    assert {"!app", "!schema", "!migrations", "!frontend", "!pyproject.toml", "!requirements.txt"} <= sent
    assert next(line for line in last if line.startswith("CMD")) == 'CMD ["serve"]'
    assert "serve" in _command_names()
