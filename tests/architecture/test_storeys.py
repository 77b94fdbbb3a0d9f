"""The contracts of the house hold, and each of them catches an import that breaks it."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = {
    contract["id"]: contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}
WRONG = {
    "storeys": ("app/orders/domain/order.py", "import app.positions.domain"),
    "face": ("app/flows/identity/log_in.py", "import schema.schema"),
    "inside-a-room": ("app/tenants/models.py", "import app.tenants.service"),
    "pure": ("app/core/money.py", "import random"),
    "resolvers-do-not-query": ("schema/nodes.py", "import sqlalchemy"),
    "one-door-to-ib": ("app/orders/events.py", "import ib_async"),
    "simulator-apart": ("app/simulator/market.py", "import redis"),
    "sql-lives-in-repositories": ("app/tenants/service.py", "import sqlmodel"),
    "processes-have-no-face": ("app/relay.py", "import schema.nodes"),
    "translators": ("app/brokers/ib/translate.py", "import time"),
}


def check(root: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(Path(sys.executable).parent / "lint-imports"),
        "--no-logo",
        "--config",
        "pyproject.toml",
        "--contract",
        contract,
    ]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def wrong_house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the house with one wrong import for each contract."""
    root = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in ("app", "schema"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    for path, statement in WRONG.values():
        with (root / path).open("a") as file:
            file.write(f"\n{statement}\n")
    return root


def test_every_contract_has_an_example_that_breaks_it() -> None:
    assert set(WRONG) == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_contract_holds(contract: str) -> None:
    done = check(ROOT, contract)

    assert done.returncode == 0, done.stdout
    assert f"{CONTRACTS[contract]} KEPT" in done.stdout


@pytest.mark.parametrize("contract", WRONG)
def test_the_contract_catches_the_wrong_import(wrong_house: Path, contract: str) -> None:
    done = check(wrong_house, contract)

    assert done.returncode == 1, done.stdout
    assert f"{CONTRACTS[contract]} BROKEN" in done.stdout
    module = WRONG[contract][0].removesuffix(".py").replace("/", ".")
    assert f"{module} -> " in done.stdout
