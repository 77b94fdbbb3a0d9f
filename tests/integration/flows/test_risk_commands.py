"""`oms risk limits` as a program: what it prints, what it stores, and the exit codes that a script relies on."""

import json
from pathlib import Path

import pytest

from app.core.ids import TenantId
from app.flows.desk import Desk
from app.identity.domain import Role
from tests import factories
from tests.command_line import Ended, oms


class Program:
    """The program as the operator of one tenant runs it."""

    def __init__(self, database_url: str, folder: Path, tenant_id: TenantId) -> None:
        self.folder = folder
        self._database_url = database_url
        self._slug = f"test-{tenant_id.hex}"

    async def run(self, *arguments: str, tenant: str | None = None, redis_url: str | None = None) -> Ended:
        """`oms risk` with these arguments."""
        variables = {} if redis_url is None else {"OMS_REDIS_URL": redis_url}
        return await oms(
            *("risk", *arguments, "--tenant", tenant or self._slug),
            folder=self.folder,
            OMS_DATABASE_URL=self._database_url,
            **variables,
        )


@pytest.fixture
async def program(desk: Desk, database_url: str, tmp_path: Path) -> Program:
    """The program for a tenant of its own."""
    tenant_id = await factories.make_tenant(desk.database)
    for _ in range(2):
        await factories.make_principal(desk.database, tenant_id, role=Role.COMPLIANCE)
    return Program(database_url, tmp_path, tenant_id)


async def test_a_limit_is_set_tightened_listed_and_exported(program: Program) -> None:
    code, out, _ = await program.run(
        *("limits", "set", "--type", "MAX_OPEN_ORDERS", "--value", "50", "--reason", "first", "--warn-at", "0.8"),
        "--json",
    )
    made = json.loads(out)["limit"]
    tighter = await program.run("limits", "set", "--id", made["id"], "--value", "40", "--reason", "less")
    looser = await program.run("limits", "set", "--id", made["id"], "--value", "60", "--reason", "more")
    listed = await program.run("limits", "list")
    exported = await program.run("limits", "export")

    assert (code, made["value"], made["warnAt"]) == (0, "50", "0.8")
    assert tighter[:2] == (0, f"{made['id']}  MAX_OPEN_ORDERS  40  active  v2\n")
    assert looser[1] == f"{made['id']}  MAX_OPEN_ORDERS  40  active  v2\n"
    assert "waits for a second person" in looser[2]
    assert listed[1] == looser[1]
    header, line = exported[1].splitlines()
    assert header.startswith("id,version,type,value")
    assert line.startswith(f"{made['id']},2,MAX_OPEN_ORDERS,40")


async def test_a_file_is_tried_and_then_applied(program: Program) -> None:
    file = program.folder / "limits.csv"
    file.write_text("type,value\nMAX_OPEN_ORDERS,5\nMAX_OPEN_ORDERS,NaN\n")

    trial = await program.run("limits", "import", str(file))
    nothing = await program.run("limits", "list")
    applied = await program.run("limits", "import", str(file), "--apply", "--each")
    listed = await program.run("limits", "list")

    assert trial[0] == applied[0] == 1
    assert trial[1].splitlines() == [
        "2  CREATED",
        "3  REFUSED  BAD_USER_INPUT The column value takes a plain decimal number.",
    ]
    assert "nothing was stored" in trial[2]
    assert nothing[1] == ""
    assert "MAX_OPEN_ORDERS  5  active  v1" in listed[1]


async def test_what_is_wrong_is_one_line_and_an_exit_code(program: Program) -> None:
    for arguments, words in (
        (("limits", "set", "--reason", "r"), "The column type takes a type of limits."),
        (("limits", "set", "--type", "MAX_OPEN_ORDERS", "--reason", "r"), "needs a value"),
        (("limits", "set", "--id", "7", "--value", "1", "--reason", "r"), "The column id takes an id."),
        (("limits", "delete", "x", "--reason", "r"), "There is no such limit."),
        (("limits", "list", "--account", "DU0"), "There is no account DU0."),
    ):
        code, out, error = await program.run(*arguments)
        assert code in (1, 5), arguments
        assert out == ""
        assert error.startswith("oms: ")
        assert words in error
    code, _, error = await program.run("limits", "list", tenant="nobody-such")
    assert (code, error) == (5, "oms: There is no tenant nobody-such.\n")


async def test_limits_are_drilled_by_hand(program: Program, redis_url: str) -> None:
    await program.run("limits", "set", "--type", "MAX_OPEN_ORDERS", "--value", "50", "--reason", "first")

    code, out, error = await program.run("drill", redis_url=redis_url)
    missing = await program.run("drill", "--limit", "x", redis_url=redis_url)

    assert (code, error) == (0, "")
    assert "MAX_OPEN_ORDERS  NOT_DRILLED  there is no active account" in out
    assert missing[0] == 1
    assert missing[2] == "oms: There is no such limit.\n"
