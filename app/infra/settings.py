"""Settings of every process: environment variables with the prefix OMS_, a .env file, and secrets in files."""

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may set. Each field is the variable OMS_<NAME>; its description is its documentation."""

    model_config = SettingsConfigDict(env_prefix="OMS_", env_file=".env", extra="forbid", frozen=True)

    environment: Literal["development", "test", "production"] = Field(
        "development", description="production refuses default secrets and embedded servers"
    )
    state_dir: Path | None = Field(
        None, description="folder of the embedded servers' data; a default that fits the user"
    )
    http_host: str = Field("127.0.0.1", description="address that the web process listens on")
    http_port: int = Field(8000, ge=1, le=65535, description="port of the web process")
    simulator_host: str = Field("127.0.0.1", description="address of the TWS-protocol simulator")
    simulator_port: int = Field(7497, ge=1, le=65535, description="port of the TWS-protocol simulator")
    database_url: str | None = Field(None, description="PostgreSQL, postgresql://…; embedded when unset")
    redis_url: str | None = Field(None, description="Redis, redis:// or unix://; embedded when unset")
    token_secret: SecretStr = Field(
        SecretStr("development-only-secret-of-the-demo"), description="key that signs access tokens, at least 32 bytes"
    )
    ib_library: Literal["ib_insync", "ib_async"] = Field("ib_insync", description="client library of the IB connector")


@cache
def load_settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
