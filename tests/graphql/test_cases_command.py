"""`oms compliance cases` as a program: what it prints and writes down, and its exit codes."""

import json
from pathlib import Path

import asyncpg
import pytest

from app.identity.domain import Role
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from tests.command_line import Ended, oms, servers_of
from tests.graphql.conftest import Broker, Firm
from tests.graphql.test_surveillance import CLOSE, UNKNOWN, call, look, washed


class Command:
    """`oms compliance cases`, about the firm."""

    def __init__(self, settings: Settings, firm: Firm, folder: Path) -> None:
        self._settings, self._firm, self._folder = settings, firm, folder

    async def run(self, *arguments: str) -> Ended:
        """The command with these arguments."""
        async with begin_batch(self._firm.desk.database, self._firm.key.tenant_id) as session:
            [row] = await session.fetch("SELECT slug FROM tenants WHERE id = $1", self._firm.key.tenant_id)
        return await oms(
            *("compliance", "cases", *arguments, "--tenant", row["slug"]),
            folder=self._folder,
            **servers_of(self._settings),
        )


@pytest.fixture
def command(settings: Settings, firm: Firm, tmp_path: Path) -> Command:
    """The command line."""
    return Command(settings, firm, tmp_path)


async def test_a_case_is_listed_noted_shown_and_proposed_but_a_person_closes_it(
    firm: Firm, broker: Broker, command: Command, database_url: str
) -> None:
    orders = await washed(firm, broker)
    await look(firm)
    officer, given = await firm.member(Role.COMPLIANCE), {"disposition": "NO_VIOLATION", "reason": "two books"}

    _, listed, _ = await command.run("list", "--json")
    case_id = json.loads(listed)["id"]
    noted, _, _ = await command.run("note", case_id, "--note", "asked\x1b[31m the desk")
    close = ("close", case_id, "--disposition", "NO_VIOLATION", "--reason", "two books")
    proposed, told, _ = await command.run(*close)
    again, _, _ = await command.run(*close)
    _, shown, _ = await command.run("show", case_id)
    closed = await call(officer, CLOSE, caseId=case_id, **given)
    _, left, _ = await command.run("list", "--state", "OPEN")

    assert (noted, proposed, again) == (0, 0, 0)
    assert "UNDER_REVIEW" in told
    assert all(f"order  {order_id}" in shown for order_id in orders)
    assert "NO_VIOLATION  proposed by system:cli  closed by nobody: two books" in shown
    assert "system:cli: asked?[31m the desk" in shown
    assert closed["case"]["state"] == "CLOSED"
    assert left == ""
    owner = await asyncpg.connect(database_url)
    acts = await owner.fetch(
        "SELECT action FROM audit_log WHERE tenant_id = $1 AND actor = 'system:cli' ORDER BY created_at",
        firm.key.tenant_id,
    )
    await owner.close()
    assert {row["action"] for row in acts} == {
        "surveillance_case.read",
        "surveillance_case.note",
        "surveillance_case.propose",
    }


async def test_the_command_line_is_no_second_person(firm: Firm, broker: Broker, command: Command) -> None:
    await washed(firm, broker)
    await look(firm)
    officer = await firm.member(Role.COMPLIANCE)
    _, listed, _ = await command.run("list", "--json")
    case_id = json.loads(listed)["id"]
    await call(officer, CLOSE, caseId=case_id, disposition="NO_VIOLATION", reason="two books")

    code, out, error = await command.run("close", case_id, "--disposition", "NO_VIOLATION", "--reason", "so it is")

    _, shown, _ = await command.run("show", case_id, "--json")
    assert (code, out) == (1, "")
    assert "a second person closes it" in error
    assert json.loads(shown)["state"] == "UNDER_REVIEW"


async def test_what_cannot_be_is_refused_with_an_exit_code(
    firm: Firm, broker: Broker, stranger: Firm, command: Command
) -> None:
    await washed(firm, broker)
    await look(firm)
    theirs = await stranger.api.data("{ surveillanceCases { totalCount } }")
    _, listed, _ = await command.run("list", "--json")
    case_id = json.loads(listed)["id"]

    found = {
        arguments: (await command.run(*arguments))[0]
        for arguments in (
            ("show", UNKNOWN),
            ("show", "' OR 1=1 --"),
            ("note", UNKNOWN, "--note", "x"),
            ("note", case_id, "--note", "\u200b"),
            ("close", case_id, "--disposition", "GUILTY", "--reason", "x"),
            ("close", case_id, "--disposition", "VIOLATION", "--reason", "x", "--expected-version", "7"),
            ("list", "--state", "open"),
            ("list", "--limit", "0"),
        )
    }

    assert theirs["surveillanceCases"]["totalCount"] == 0
    assert list(found.values()) == [5, 5, 5, 1, 1, 1, 1, 2]
