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


def check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--config", "pyproject.toml"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def told() -> subprocess.CompletedProcess[str]:
    """What is said of the house."""
    return check(ROOT)


@pytest.fixture(scope="module")
def told_of_the_wrong(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """What is said of a copy of the house with one wrong import for each contract."""
    root = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", root)
    for package in ("app", "schema"):
        shutil.copytree(ROOT / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    for path, statement in WRONG.values():
        with (root / path).open("a") as file:
            file.write(f"\n{statement}\n")
    return check(root)


def test_every_contract_has_an_example_that_breaks_it() -> None:
    assert set(WRONG) == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_contract_holds(told: subprocess.CompletedProcess[str], contract: str) -> None:
    assert told.returncode == 0, told.stdout
    assert f"{CONTRACTS[contract]} KEPT" in told.stdout


@pytest.mark.parametrize("contract", WRONG)
def test_the_contract_catches_the_wrong_import(
    told_of_the_wrong: subprocess.CompletedProcess[str], contract: str
) -> None:
    name, said = CONTRACTS[contract], told_of_the_wrong.stdout
    details = said.partition(f"\n{name}\n{'-' * len(name)}\n")[2].partition("\n---")[0]

    assert told_of_the_wrong.returncode == 1, said
    assert f"{name} BROKEN" in said
    module = WRONG[contract][0].removesuffix(".py").replace("/", ".")
    assert f"{module} -> " in details
