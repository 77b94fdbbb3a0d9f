"""What a development installation makes for itself once and keeps: its own secrets and the demo's credentials."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from app.core.errors import OmsError
from app.infra.embedded import Folders, default_state_dir
from app.infra.settings import Settings
from app.infra.vault import new_master_key


class NoDemoError(OmsError):
    """There is no demo here (yet)."""

    code = "DEMO_MISSING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """The demo as `oms demo --json` tells it."""

    graphqlUrl: str
    websocketUrl: str
    dashboardUrl: str
    tenant: str
    email: str
    password: str
    apiKey: str
    accountId: str
    simulatorHost: str
    simulatorPort: int


def state_folders(settings: Settings) -> Folders:
    """The folders of this installation's state.

    Raises: EmbeddedServerError when they cannot be made.
    """
    return Folders.at(settings.state_dir or default_state_dir())


def token_secret_file(folders: Folders) -> Path:
    """The file with this installation's own token secret, made at the first call."""
    path = folders.state_dir / "token-secret"
    _write_once(path, secrets.token_urlsafe(48))
    return path


def master_key_file(folders: Folders) -> Path:
    """The file with this installation's own master key, made at the first call."""
    path = folders.state_dir / "master-key"
    _write_once(path, f"1:{new_master_key()}")
    return path


def with_own_master_key(settings: Settings) -> Settings:
    """The settings; in development with this installation's own master key in place of the one that everyone knows.

    Raises: EmbeddedServerError when the state folder cannot be made.
    """
    if settings.environment != "development" or not settings.is_master_key_public:
        return settings
    key = master_key_file(state_folders(settings)).read_text(encoding="utf-8").strip()
    return settings.model_copy(update={"master_key": SecretStr(key)})


def demo_password(folders: Folders) -> str:
    """The password of the demo's user, made at the first call."""
    path = folders.state_dir / "demo-password"
    _write_once(path, secrets.token_urlsafe(12))
    return path.read_text(encoding="utf-8")


def write_demo(folders: Folders, demo: Demo) -> None:
    """Keep the demo's description for `oms demo`, readable by the owner only."""
    path = folders.state_dir / "demo.json"
    partial = path.with_name(f"demo.json.{os.getpid()}")
    partial.unlink(missing_ok=True)
    _write_once(partial, json.dumps(asdict(demo), indent=2) + "\n")
    partial.replace(path)


def read_demo(settings: Settings) -> Demo:
    """The demo that the last `oms up` seeded.

    Raises: NoDemoError when there is none.
    """
    path = (settings.state_dir or default_state_dir()).expanduser() / "demo.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Demo(**document)
    except FileNotFoundError:
        raise NoDemoError(f"no demo in {path.parent}: `make run` (or `oms up`) makes one") from None
    except (OSError, ValueError, TypeError) as error:
        raise NoDemoError(f"cannot read {path} ({error}): `make run` (or `oms up`) writes it anew") from error


def previous_api_key(settings: Settings) -> str | None:
    """The API key that an earlier seeding of the demo gave out; None when there was none."""
    try:
        return read_demo(settings).apiKey
    except NoDemoError:
        return None


def _write_once(path: Path, text: str) -> None:
    # Linked in place complete, so that nobody reads a half of it and the first writer wins.
    partial = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(partial, path)
    except FileExistsError:
        return
    finally:
        partial.unlink()
