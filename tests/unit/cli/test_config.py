"""The generated texts about settings."""

from pathlib import Path

import pytest

from app.cli.config import env_example, reference, shown
from app.infra.settings import Settings

_ROOT = Path(__file__).parents[3]


def test_the_example_file_is_current() -> None:
    assert (_ROOT / ".env.example").read_text(encoding="utf-8") == env_example(), "run: make settings"


def test_the_reference_page_is_current() -> None:
    assert (_ROOT / "docs/reference/settings.md").read_text(encoding="utf-8") == reference(), "run: make settings"


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_what_is_shown_hides_secrets_and_passwords(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(database_url="postgresql://oms:hidden@db:5432/oms", redis_url="redis://:hidden@cache")

    values = shown(settings)

    assert "hidden" not in str(values)
    assert "development-only" not in str(values)
    assert values["OMS_DATABASE_URL"] == "postgresql://oms:********@db:5432/oms"
    assert values["OMS_HTTP_PORT"] == 8000
