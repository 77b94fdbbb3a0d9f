"""What an operator sets, and what is refused."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.infra.settings import DEVELOPMENT_MASTER_KEY, Settings, SettingsError, read_settings

_PRODUCTION = {
    "OMS_ENVIRONMENT": "production",
    "OMS_DATABASE_URL": "postgresql://oms:kT7vPz3q@db/oms",
    "OMS_REDIS_URL": "redis://cache:6379/0",
    "OMS_TOKEN_SECRET": "Zk4pU0u9c1XqJvR7mT2yH8bW6nL3sD5f",
    "OMS_MASTER_KEY": "2:bWFzdGVyLWtleS1udW1iZXItMi1vZi0zMi1ieXRlcy4=",
}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _read(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return read_settings(os.environ, Path(".env"))


def test_nothing_has_to_be_set_for_development(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _read(monkeypatch)

    assert (settings.http_port, settings.simulator_port) == (8000, 7497)
    assert settings.database_url is None
    assert settings.is_token_secret_public


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OMS_HTTP_PORT", "70000", "OMS_HTTP_PORT: input should be less than or equal to 65535"),
        ("OMS_HTTP_PORT", "web", "OMS_HTTP_PORT: input should be a valid integer"),
        ("OMS_IB_LIBRARY", "ibapi", "OMS_IB_LIBRARY: input should be 'ib_insync' or 'ib_async'"),
        ("OMS_DATABASE_URL", "mysql://db/oms", "OMS_DATABASE_URL: must begin with postgresql://"),
        ("DATABASE_URL", "mysql://db/oms", "DATABASE_URL: must begin with postgresql://"),
        ("OMS_REDIS_URL", "redis://", "OMS_REDIS_URL: names no server"),
        ("OMS_REDIS_URL", "redis://cache:port", "OMS_REDIS_URL: port could not be cast"),
        ("OMS_TOKEN_SECRET", "short", "OMS_TOKEN_SECRET must have at least 32 bytes"),
        ("OMS_MASTER_KEY", "1:c2hvcnQ=", "OMS_MASTER_KEY: version 1 is not a key of 32 bytes"),
        ("OMS_GATEWAY_HOSTS", "ib-gateway", "OMS_GATEWAY_HOSTS: needs host:port or host:first-last, not ib-gateway"),
        ("OMS_GATEWAY_HOSTS", "gw:4004-4003", "OMS_GATEWAY_HOSTS: needs ports from 1 to 65535"),
        ("OMS_GATEWAY_HOSTS", "gw:1-65535", "OMS_GATEWAY_HOSTS: needs ports from 1 to 65535, at most 1000 of a host"),
        ("OMS_GATEWAY_HOSTS", "http://gw:4003", "OMS_GATEWAY_HOSTS: needs host:port or host:first-last"),
        ("OMS_SMTP_TLS", "ssl", "OMS_SMTP_TLS: input should be 'starttls', 'tls' or 'none'"),
        ("OMS_MAIL_SENDER", "nobody", "OMS_MAIL_SENDER: needs an address such as"),
        ("OMS_MAIL_SENDER", "OMS\r\nBcc: <a@b.example>", "OMS_MAIL_SENDER: needs an address such as"),
        ("OMS_PUBLIC_URL", "javascript:alert(1)", "OMS_PUBLIC_URL: must begin with http:// or https://"),
        ("OMS_REGISTRATION", "maybe", "OMS_REGISTRATION: input should be 'open' or 'closed'"),
        ("OMS_HTPT_PORT", "1", "no such setting: OMS_HTPT_PORT"),
        ("OMS_TOKEN_SECRET_FILE", "/nonexistent", "OMS_TOKEN_SECRET_FILE: cannot read /nonexistent: No such file"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        _read(monkeypatch, **{name: value})

    assert raised.value.message.startswith(message)
    assert "\n" not in raised.value.message


def test_a_wrong_address_does_not_show_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as raised:
        _read(monkeypatch, OMS_DATABASE_URL="mysql://user:hidden@db/oms")

    assert "hidden" not in raised.value.message


def test_an_unknown_name_in_the_env_file_is_refused_and_a_foreign_one_is_not(
    monkeypatch: pytest.MonkeyPatch, empty_folder: Path
) -> None:
    env_file = empty_folder / ".env"
    env_file.write_text("TWS_USERID=someone\nOMS_HTTP_PORT=8001\n")
    assert _read(monkeypatch).http_port == 8001

    env_file.write_text("OMS_HTTPPORT=8001\n")
    with pytest.raises(SettingsError, match="no such setting: OMS_HTTPPORT"):
        _read(monkeypatch)


def test_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, empty_folder: Path) -> None:
    (empty_folder / "url").write_text("postgresql://oms:kT7vPz3q@db/oms\n")
    (empty_folder / "secret").write_text("Zk4pU0u9c1XqJvR7mT2yH8bW6nL3sD5f\n")

    settings = _read(monkeypatch, OMS_DATABASE_URL_FILE="url", OMS_TOKEN_SECRET_FILE="secret")

    assert settings.database_url == "postgresql://oms:kT7vPz3q@db/oms"
    assert settings.token_secret.get_secret_value() == "Zk4pU0u9c1XqJvR7mT2yH8bW6nL3sD5f"


def test_names_without_prefix_serve_the_two_addresses_and_yield_to_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _read(
        monkeypatch,
        DATABASE_URL="postgresql://db/theirs",
        OMS_DATABASE_URL="postgresql://db/ours",
        REDIS_URL="redis://cache",
    )

    assert (settings.database_url, settings.redis_url) == ("postgresql://db/ours", "redis://cache")


def test_production_takes_a_whole_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _read(monkeypatch, **_PRODUCTION)

    assert settings.environment == "production"
    assert not settings.is_token_secret_public


@pytest.mark.parametrize("missing", ["OMS_DATABASE_URL", "OMS_REDIS_URL", "OMS_TOKEN_SECRET", "OMS_MASTER_KEY"])
def test_production_refuses_to_make_do_without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    with pytest.raises(SettingsError, match=f"production needs .*{missing}"):
        _read(monkeypatch, **{name: value for name, value in _PRODUCTION.items() if name != missing})


def test_production_refuses_the_master_key_that_everyone_knows_under_any_name(monkeypatch: pytest.MonkeyPatch) -> None:
    public = DEVELOPMENT_MASTER_KEY.partition(":")[2]
    both = f"{_PRODUCTION['OMS_MASTER_KEY']},1:{public}"

    with pytest.raises(SettingsError, match="production needs an OMS_MASTER_KEY of its own"):
        _read(monkeypatch, **{**_PRODUCTION, "OMS_MASTER_KEY": both})


def test_a_wrong_master_key_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as raised:
        _read(monkeypatch, OMS_MASTER_KEY="1:c2VjcmV0")

    assert "c2VjcmV0" not in raised.value.message


def test_the_gateways_are_those_of_the_operator_and_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = _read(monkeypatch, OMS_GATEWAY_HOSTS="IB-Gateway:4003-4004, [::1]:7496")

    assert settings.gateways == {("127.0.0.1", 7497), ("ib-gateway", 4003), ("ib-gateway", 4004), ("[::1]", 7496)}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("OMS_TOKEN_SECRET", "a" * 40, "OMS_TOKEN_SECRET is weak, it repeats itself"),
        ("OMS_TOKEN_SECRET", "change-me-to-something-of-32-bytes", "OMS_TOKEN_SECRET is weak, it holds 'change-me'"),
        ("OMS_PREVIOUS_TOKEN_SECRETS", "b" * 40, "OMS_TOKEN_SECRET is weak, it repeats itself"),
        ("OMS_PREVIOUS_TOKEN_SECRETS", "development-only-secret-of-the-demo", "OMS_TOKEN_SECRET of its own"),
        ("OMS_PREVIOUS_TOKEN_SECRETS", "short", "each of OMS_PREVIOUS_TOKEN_SECRETS must have at least 32 bytes"),
        ("OMS_MASTER_KEY", "2:" + "A" * 43 + "=", "OMS_MASTER_KEY: version 2 repeats itself"),
        ("OMS_DATABASE_URL", "postgresql://oms:postgres@db/oms", "the password in OMS_DATABASE_URL is one that"),
        ("OMS_DATABASE_URL", "postgresql://oms:omsomsoms@db/oms", "the password in OMS_DATABASE_URL is one that"),
        ("OMS_REDIS_URL", "redis://:secret@cache", "the password in OMS_REDIS_URL has less than 8 characters"),
        ("OMS_TRUSTED_PROXIES", "proxy", "OMS_TRUSTED_PROXIES: needs addresses or CIDRs"),
        ("OMS_PUBLIC_ORIGINS", "oms.example.com", "OMS_PUBLIC_ORIGINS: needs origins such as"),
    ],
)
def test_production_refuses_what_is_weak_and_never_quotes_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        _read(monkeypatch, **{**_PRODUCTION, name: value})

    assert message in str(refused.value)
    if "SECRET" in name or "KEY" in name:
        assert value not in str(refused.value)


@pytest.mark.parametrize("name", Settings.secret_fields)
def test_every_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, empty_folder: Path, name: str) -> None:
    variable = f"OMS_{name.upper()}"
    values = {**_PRODUCTION, "OMS_MIGRATION_DATABASE_URL": "postgresql://owner:kT7vPz3q@db/oms"}
    values["OMS_PREVIOUS_TOKEN_SECRETS"] = "xK3pU0u9c1XqJvR7mT2yH8bW6nL3sD5f\nyK3pU0u9c1XqJvR7mT2yH8bW6nL3sD5f"
    values["OMS_SMTP_PASSWORD"] = "kT7vPz3q"
    values["OMS_AUDIT_SIGNING_KEY"] = "1:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
    values["OMS_AUDIT_SINK_SECRET_KEY"] = "kT7vPz3q"
    (empty_folder / "held").write_text(values.pop(variable) + "\n")

    settings = _read(monkeypatch, **values, **{f"{variable}_FILE": "held"})

    given = getattr(settings, name)
    text = given.get_secret_value() if isinstance(given, SecretStr) else given
    assert text == (empty_folder / "held").read_text().strip()


def test_every_field_that_holds_a_secret_may_come_from_a_file() -> None:
    secret = {name for name, field in Settings.model_fields.items() if field.annotation is SecretStr}

    assert secret <= set(Settings.secret_fields)


def test_a_password_is_not_sent_in_the_clear_but_on_the_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    _read(monkeypatch, OMS_SMTP_HOST="127.0.0.1", OMS_SMTP_USER="oms", OMS_SMTP_TLS="none")

    with pytest.raises(SettingsError, match="OMS_SMTP_TLS may be none with a sign-in only on the loopback"):
        _read(monkeypatch, OMS_SMTP_HOST="smtp.example")


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ({"OMS_PUBLIC_URL": "https://oms.example/"}, "https://oms.example"),
        ({"OMS_HTTP_HOST": "0.0.0.0", "OMS_HTTP_PORT": "8080"}, "http://127.0.0.1:8080"),
        ({"OMS_HTTP_HOST": "::1"}, "http://[::1]:8000"),
    ],
)
def test_links_begin_with_an_address_that_a_browser_opens(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], base: str
) -> None:
    assert _read(monkeypatch, **given).link_base == base
