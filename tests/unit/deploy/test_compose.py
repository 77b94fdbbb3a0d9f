"""The files for containers, held against the program. No engine runs here: this proves their structure, not a start."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from app.cli.commands import app
from app.infra.settings import Settings, variable

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
    assert not gateway["image"].endswith((":latest", ":stable"))


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    environment = compose["services"]["web"]["environment"]

    assert re.fullmatch(r"\$\{OMS_TOKEN_SECRET:\?.+\}", environment["OMS_TOKEN_SECRET"])
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
