"""Restricted lists and calendars: what loosens them is a person's act, after a step-up, and told to the others."""

from typing import Any

import asyncpg
import pytest

from app.identity.domain import Principal, Role, Scope
from tests import factories
from tests.graphql.conftest import Api, Firm
from tests.graphql.test_accounts import mailbox
from tests.mailbox import Mailbox

__all__ = ["mailbox"]

SET = "mutation($i: SetRestrictedListInput!) { setRestrictedList(input: $i) { restrictedList { id version } ERR } }"
CHANGE = """mutation($i: ChangeRestrictedEntriesInput!) {
  changeRestrictedEntries(input: $i) { restrictedList { id version } ERR } }"""
IMPORT = """mutation($i: ImportRestrictedListInput!) {
  importRestrictedList(input: $i) { restrictedList { version } isStored ERR } }"""
DAYS = "mutation($i: SetCalendarDaysInput!) { setCalendarDays(input: $i) { stored removed ERR } }"
FILE = "mutation($i: ImportCalendarInput!) { importCalendar(input: $i) { isStored ERR } }"
ENTRIES = "query($id: ID!) { restrictedEntries(listId: $id) { edges { node { id } } } }"
REFUSED = [{"code": "LOOSENING_NEEDS_A_PERSON"}]
CLOSED = {"exchange": "XNYS", "day": "2027-12-24", "isClosed": True}
HALF = {"exchange": "XNYS", "day": "2027-12-24", "closes": "13:00"}


async def ask(api: Api, document: str, **given: Any) -> Any:
    [payload] = (await api.data(document.replace("ERR", "errors { code }"), i={"reason": "test", **given})).values()
    return payload


@pytest.fixture
async def program(firm: Firm) -> Api:
    """A feed with an API key."""
    return await firm.program(Scope.MANAGE_RISK)


@pytest.fixture
async def officer(firm: Firm) -> Principal:
    """Somebody else who keeps risk."""
    return await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.COMPLIANCE)


async def listed(api: Api) -> tuple[str, list[str]]:
    """A list with an entry, and the ids of its entries."""
    made = (await ask(api, SET, name="grey"))["restrictedList"]["id"]
    entry = {"symbol": "AAPL", "kind": "NO_BUY", "reason": "deal", "validUntil": "2030-01-01T00:00:00Z"}
    await ask(api, CHANGE, listId=made, add=[entry], removeIds=[])
    edges = (await api.data(ENTRIES, id=made))["restrictedEntries"]["edges"]
    return made, [edge["node"]["id"] for edge in edges]


@pytest.mark.parametrize(
    "entry",
    [
        None,
        {"symbol": "AAPL", "kind": "NOTIFY", "reason": "deal"},
        {"symbol": "MSFT", "kind": "NO_TRADE", "reason": "deal"},
        {"symbol": "AAPL", "kind": "NO_TRADE", "reason": "deal", "validUntil": "2029-12-31T00:00:00Z"},
        {"symbol": "AAPL", "kind": "NO_TRADE", "reason": "deal", "validFrom": "2029-12-31T00:00:00Z"},
    ],
    ids=["removed", "milder", "another", "shorter", "later"],
)
async def test_a_key_loosens_no_list(firm: Firm, program: Api, entry: dict[str, Any] | None) -> None:
    made, entries = await listed(program)

    answer = await ask(program, CHANGE, listId=made, add=[] if entry is None else [entry], removeIds=entries)

    assert answer["errors"] == REFUSED
    assert len((await firm.api.data(ENTRIES, id=made))["restrictedEntries"]["edges"]) == 1


async def test_a_key_tightens_a_list(program: Api) -> None:
    made, entries = await listed(program)
    harder = {"symbol": "AAPL", "kind": "NO_TRADE", "reason": "deal"}

    answer = await ask(program, CHANGE, listId=made, add=[harder], removeIds=entries)

    assert (answer["errors"], answer["restrictedList"]["version"]) == ([], 3)


async def test_a_key_neither_switches_a_list_off_nor_replaces_it_by_a_file(program: Api) -> None:
    made, _ = await listed(program)
    file = "symbol,kind,reason\nMSFT,NO_TRADE,deal\n"

    off = await ask(program, SET, id=made, isActive=False)
    replaced = await ask(program, IMPORT, listId=made, content=file, replace=True, dryRun=False)
    added = await ask(program, IMPORT, listId=made, content=file, dryRun=False)

    assert (off["errors"], replaced["errors"]) == (REFUSED, REFUSED)
    assert (added["errors"], added["isStored"]) == ([], True)


async def test_a_key_closes_days_and_opens_none(program: Api) -> None:
    closed = await ask(program, DAYS, days=[CLOSED], remove=[])
    half = await ask(program, DAYS, days=[HALF], remove=[])
    gone = await ask(program, DAYS, days=[], remove=[{"exchange": "XNYS", "day": "2027-12-24"}])
    file = await ask(program, FILE, content="exchange,day,closed,closes\nXNYS,2027-12-24,,13:00\n", dryRun=False)

    assert closed["errors"] == []
    assert [one["errors"] for one in (half, gone, file)] == [REFUSED] * 3


@pytest.mark.parametrize("document", [DAYS, FILE], ids=["days", "file"])
async def test_calendars_ask_for_a_step_up(firm: Firm, owner: asyncpg.Connection, document: str) -> None:
    await owner.execute("UPDATE auth_sessions SET stepped_up_at = NULL WHERE tenant_id = $1", firm.key.tenant_id)
    given = {"days": [CLOSED], "remove": []} if document is DAYS else {"content": "exchange,day,closed\n"}

    code, _ = await firm.api.refusal(document.replace("ERR", "errors { code }"), i={"reason": "test", **given})

    assert code == "STEP_UP_REQUIRED"


async def test_the_others_are_mailed_what_was_loosened_and_no_secret(
    firm: Firm, officer: Principal, mailbox: Mailbox
) -> None:
    assert officer.user_id is not None
    made, entries = await listed(firm.api)
    await ask(firm.api, DAYS, days=[CLOSED], remove=[])
    before = await mailbox.to(f"{officer.user_id.hex}@example.com")

    await ask(firm.api, CHANGE, listId=made, add=[], removeIds=entries)
    await ask(firm.api, SET, id=made, isActive=False)
    await ask(firm.api, DAYS, days=[HALF], remove=[])

    mails = await mailbox.to(f"{officer.user_id.hex}@example.com")
    assert before == []
    assert {mail.subject for mail in mails} == {"A safeguard of your firm is loosened"}
    told = "\n".join(mail.text for mail in mails)
    assert told.count("a restricted list is loosened") == 2
    assert told.count("the calendar of trading hours is loosened") == 1
    assert not any(secret in told for secret in ("AAPL", "grey", "deal"))
