"""Restricted lists as compliance keeps them, and as traders meet them."""

from typing import Any

import pytest

from app.audit import service as audit
from app.identity.domain import Role, Scope
from tests.graphql.conftest import Api, Firm

LIST = "restrictedList { id name version isActive isReasonVisible entryCount reason changedBy }"
SET = f"""
mutation Set($input: SetRestrictedListInput!) {{
  setRestrictedList(input: $input) {{ {LIST} errors {{ code path }} }}
}}
"""
CHANGE = f"""
mutation Change($input: ChangeRestrictedEntriesInput!) {{
  changeRestrictedEntries(input: $input) {{ {LIST} errors {{ code path }} }}
}}
"""
IMPORT = f"""
mutation Import($input: ImportRestrictedListInput!) {{
  importRestrictedList(input: $input) {{
    {LIST} isStored lines {{ number name outcome code message }} errors {{ code path }}
  }}
}}
"""
EXPORT = """
mutation Export($input: ExportRestrictedListInput!) {
  exportRestrictedList(input: $input) { csv errors { code path } }
}
"""
ENTRIES = """
query Entries($id: ID!, $version: Int) {
  restrictedEntries(listId: $id, version: $version) {
    totalCount edges { node { id symbol kind reason addedIn removedIn addedBy } }
  }
}
"""
VERSIONS = """
query Versions($id: ID!, $first: Int, $after: String) {
  restrictedListVersions(listId: $id, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { version added removed reason changedBy } }
  }
}
"""
LISTS = "{ restrictedLists { totalCount edges { node { id name entryCount } } } }"
ALERTS = """
{ restrictionAlerts { totalCount edges { node { act outcome kind listId entryId orderId accountId actedBy } } } }
"""
UNKNOWN = "01900000-0000-7000-8000-00000000dead"


async def call(api: Api, document: str, **given: Any) -> Any:
    """The payload of a mutation."""
    [payload] = (await api.data(document, input={"reason": "because", **given})).values()
    return payload


async def make(firm: Firm, *symbols: str, kind: str = "NO_TRADE", **given: Any) -> Any:
    """A new list with entries of these symbols."""
    made = (await call(firm.api, SET, name="Insider", **given))["restrictedList"]
    add = [{"symbol": symbol, "kind": kind, "reason": "deal pending"} for symbol in symbols]
    changed = await call(firm.api, CHANGE, listId=made["id"], add=add)
    assert changed["errors"] == []
    return changed["restrictedList"]


async def test_a_list_is_made_changed_looked_up_as_it_was_and_audited(firm: Firm) -> None:
    made = await make(firm, "aapl", "MSFT")
    [newer, older] = (await firm.api.data(ENTRIES, id=made["id"]))["restrictedEntries"]["edges"]
    add = [{"symbol": "TSLA", "kind": "NOTIFY", "reason": "look"}]
    changed = await call(
        firm.api, CHANGE, listId=made["id"], expectedVersion=2, add=add, removeIds=[older["node"]["id"]]
    )

    now = (await firm.api.data(ENTRIES, id=made["id"]))["restrictedEntries"]
    before = (await firm.api.data(ENTRIES, id=made["id"], version=2))["restrictedEntries"]
    page = (await firm.api.data(VERSIONS, id=made["id"], first=2))["restrictedListVersions"]
    rest = (await firm.api.data(VERSIONS, id=made["id"], after=page["pageInfo"]["endCursor"]))["restrictedListVersions"]

    assert [newer["node"]["symbol"], older["node"]["symbol"]] == ["MSFT", "AAPL"]
    assert (changed["restrictedList"]["version"], changed["restrictedList"]["entryCount"]) == (3, 2)
    assert {one["node"]["symbol"] for one in now["edges"]} == {"TSLA", "MSFT"}
    assert {one["node"]["symbol"]: one["node"]["removedIn"] for one in before["edges"]} == {"AAPL": 3, "MSFT": None}
    versions = [edge["node"] for edge in page["edges"] + rest["edges"]]
    assert [(one["version"], one["added"], one["removed"]) for one in versions] == [(3, 1, 1), (2, 2, 0), (1, 0, 0)]
    assert {(one["reason"], one["changedBy"]) for one in versions} == {("because", firm.principal.actor)}
    assert page["totalCount"] == 3
    async with firm.desk.reading(firm.principal) as session:
        entries = await audit.history(session, firm.principal, "RestrictedList", made["id"])
    assert [entry.action for entry in entries] == [
        "restricted_list.change",
        "restricted_list.change",
        "restricted_list.set",
    ]
    assert entries[0].old_values is not None
    assert entries[0].old_values["entries"][0]["symbol"] == "AAPL"


async def test_a_refused_trader_learns_no_more_than_the_list_allows(firm: Firm) -> None:
    made = await make(firm, "AAPL")
    trader = await firm.member(Role.TRADER)
    secret = await trader.place(**firm.order())
    preview = await trader.data(
        "query P($input: PlaceOrderInput!) { previewOrder(input: $input) { wouldBeAccepted errors { code message } } }",
        input=firm.order(),
    )
    await call(firm.api, SET, id=made["id"], isReasonVisible=True)
    visible = await trader.place(**firm.order())
    seen = (await firm.api.data(ALERTS))["restrictionAlerts"]

    assert [(one["code"], one["message"], one["path"]) for one in secret["errors"]] == [
        ("COMPLIANCE_REFUSED", "compliance does not let the order pass", ["instrumentId"])
    ]
    assert secret["order"]["state"] == "REJECTED"
    assert preview["previewOrder"]["wouldBeAccepted"] is False
    assert preview["previewOrder"]["errors"][0]["code"] == "COMPLIANCE_REFUSED"
    assert visible["errors"][0]["message"] == "the instrument is restricted: deal pending"
    assert seen["totalCount"] == 2
    assert {edge["node"]["orderId"] for edge in seen["edges"]} == {secret["order"]["id"], visible["order"]["id"]}
    for document in (LISTS, ALERTS):
        assert (await trader.refusal(document))[0] == "FORBIDDEN"
    for document, given in ((ENTRIES, {"id": made["id"]}), (VERSIONS, {"id": made["id"]})):
        assert (await trader.refusal(document, **given))[0] == "FORBIDDEN"


async def test_a_file_is_tried_stored_repeated_and_given_out(firm: Firm) -> None:
    made = (await call(firm.api, SET, name="Sanctions"))["restrictedList"]
    content = "symbol;kind;reason\r\nAAPL;no_trade;=1+1\r\nNOSUCH;NOTIFY;later\r\n"
    given = {"listId": made["id"], "content": content}

    tried = await call(firm.api, IMPORT, **given, dryRun=True)
    empty = (await firm.api.data(LISTS))["restrictedLists"]["edges"][0]["node"]["entryCount"]
    stored = await call(firm.api, IMPORT, **given)
    again = await call(firm.api, IMPORT, **given)
    csv = (await call_without_reason(firm.api, EXPORT, listId=made["id"]))["csv"]
    replaced = await call(
        firm.api, IMPORT, listId=made["id"], content="symbol,kind,reason\nAAPL,NO_TRADE,=1+1\n", replace=True
    )

    assert (tried["isStored"], stored["isStored"], empty) == (False, True, 0)
    assert [one["outcome"] for one in tried["lines"]] == [one["outcome"] for one in stored["lines"]] == ["ADDED"] * 2
    assert stored["lines"][1]["message"] == "no instrument bears this symbol yet"
    assert {one["outcome"] for one in again["lines"]} == {"UNCHANGED"}
    assert again["restrictedList"]["version"] == stored["restrictedList"]["version"] == 2
    assert "AAPL,,NO_TRADE,'=1+1,," in csv
    assert [one["outcome"] for one in replaced["lines"]] == ["UNCHANGED", "REMOVED"]
    assert replaced["restrictedList"]["entryCount"] == 1


async def call_without_reason(api: Api, document: str, **given: Any) -> Any:
    """The payload of a mutation that asks for no reason."""
    [payload] = (await api.data(document, input=given)).values()
    return payload


async def test_a_refused_line_keeps_all_out_or_itself_alone(firm: Firm, stranger: Firm) -> None:
    made = (await call(firm.api, SET, name="Mixed"))["restrictedList"]
    foreign = str(stranger.instruments["AAPL"].id)
    content = (
        f"symbol,instrument_id,kind,reason\nАAPL,,NO_TRADE,Cyrillic\n,{foreign},NO_TRADE,theirs\nMSFT,,NOTIFY,fine\n"
    )

    none = await call(firm.api, IMPORT, listId=made["id"], content=content)
    some = await call(firm.api, IMPORT, listId=made["id"], content=content, skipRefused=True)

    assert (none["isStored"], none["restrictedList"]["entryCount"]) == (False, 0)
    assert [one["outcome"] for one in none["lines"]] == ["REFUSED", "REFUSED", "ADDED"]
    assert [one["code"] for one in none["lines"]] == ["RESTRICTED_LIST_INVALID"] * 2 + [None]
    assert (some["isStored"], some["restrictedList"]["entryCount"]) == (True, 1)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("symbol,kind\n", "BAD_USER_INPUT"),
        ("symbol,kind,reason,formula\n", "BAD_USER_INPUT"),
        ("symbol,kind,reason\n" + "AAPL,NOTIFY,x\n" * 5001, "BAD_USER_INPUT"),
        ("symbol,kind,reason\n" + "é" * 300_000, "BAD_USER_INPUT"),
    ],
    ids=["a column missing", "a column too many", "too many lines", "too many bytes"],
)
async def test_a_file_that_cannot_be_is_refused(firm: Firm, content: str, code: str) -> None:
    made = (await call(firm.api, SET, name="Files"))["restrictedList"]

    payload = await call(firm.api, IMPORT, listId=made["id"], content=content)

    assert payload["errors"] == [{"code": code, "path": ["content"]}]


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ({"symbol": "АAPL"}, ["add", "0", "symbol"]),
        ({"symbol": "ＡＡＰＬ"}, ["add", "0", "symbol"]),
        ({"symbol": "AA\u0000PL"}, ["add", "0", "symbol"]),
        ({"symbol": ""}, ["add", "0", "symbol"]),
        ({"symbol": "A" * 65}, ["add", "0", "symbol"]),
        ({}, ["add", "0", "symbol"]),
        ({"symbol": "AAPL", "instrumentId": UNKNOWN}, ["add", "0", "symbol"]),
        ({"instrumentId": UNKNOWN}, ["add", "0", "instrumentId"]),
        ({"instrumentId": "1"}, ["add", "0", "instrumentId"]),
        ({"symbol": "AAPL", "reason": "\u200b"}, ["add", "0", "reason"]),
        ({"symbol": "AAPL", "reason": "x" * 501}, ["add", "0", "reason"]),
        (
            {"symbol": "AAPL", "validFrom": "2026-03-02T00:00:00Z", "validUntil": "2026-03-02T00:00:00Z"},
            ["add", "0", "validUntil"],
        ),
    ],
    ids=range(12),
)
async def test_an_entry_that_would_guard_nothing_is_refused(firm: Firm, entry: dict[str, Any], path: list[str]) -> None:
    made = (await call(firm.api, SET, name="Entries"))["restrictedList"]

    payload = await call(firm.api, CHANGE, listId=made["id"], add=[{"kind": "NO_TRADE", "reason": "x", **entry}])

    assert payload["errors"] == [{"code": "RESTRICTED_LIST_INVALID", "path": path}]


async def test_another_firms_list_is_unknown_and_a_version_that_moved_is_told(firm: Firm, stranger: Firm) -> None:
    foreign = await make(stranger, "AAPL")
    made = await make(firm, "AAPL")
    [edge] = (await stranger.api.data(ENTRIES, id=foreign["id"]))["restrictedEntries"]["edges"]
    content = "symbol,kind,reason\n"

    unknown = [
        [
            await call(firm.api, SET, id=one),
            await call(firm.api, CHANGE, listId=one, add=[{"symbol": "T", "kind": "NOTIFY", "reason": "x"}]),
            await call(firm.api, IMPORT, listId=one, content=content),
            await call_without_reason(firm.api, EXPORT, listId=one),
        ]
        for one in (foreign["id"], UNKNOWN, "1")
    ]
    entry = await call(firm.api, CHANGE, listId=made["id"], removeIds=[edge["node"]["id"]])
    moved = await call(firm.api, SET, id=made["id"], expectedVersion=1, isActive=False)

    codes = [[payload["errors"][0]["code"] for payload in payloads] for payloads in unknown]
    assert codes == [["RESTRICTED_LIST_NOT_FOUND"] * 4] * 3
    assert entry["errors"] == [{"code": "RESTRICTED_LIST_INVALID", "path": ["removeIds", "0"]}]
    assert moved["errors"] == [{"code": "RESTRICTED_LIST_VERSION_CONFLICT", "path": ["expectedVersion"]}]
    for document in (ENTRIES, VERSIONS):
        assert (await firm.api.refusal(document, id=foreign["id"]))[0] == "RESTRICTED_LIST_NOT_FOUND"
    assert (await firm.api.data(LISTS))["restrictedLists"]["totalCount"] == 1


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"reason": " "}, ["reason"]),
        ({"reason": "a\u0000b"}, ["reason"]),
        ({"name": "x" * 101}, ["name"]),
        ({"name": None}, ["name"]),
        ({"name": "\u2060"}, ["name"]),
        ({"name": "TAKEN"}, ["name"]),
        ({"description": "x" * 501}, ["description"]),
    ],
    ids=range(7),
)
async def test_a_list_without_a_name_or_a_reason_is_refused(firm: Firm, given: dict[str, Any], path: list[str]) -> None:
    await call(firm.api, SET, name="Taken")

    payload = await call(firm.api, SET, **{"name": "New", **given})

    assert payload == {"restrictedList": None, "errors": [{"code": "RESTRICTED_LIST_INVALID", "path": path}]}


async def test_traders_and_keys_without_the_scope_change_nothing(firm: Firm) -> None:
    made = await make(firm, "AAPL")
    trader = await firm.member(Role.TRADER)
    program = await firm.program(Scope.MANAGE_RISK)
    weak = await firm.program(Scope.PLACE_ORDERS)
    officer = await firm.member(Role.COMPLIANCE)

    refused = [
        (await api.refusal(SET, input={"id": made["id"], "isActive": False, "reason": "x"}))[0]
        for api in (trader, weak)
    ]
    taken = [await call(api, SET, id=made["id"], description="by us") for api in (program, officer)]

    assert refused == ["FORBIDDEN", "FORBIDDEN"]
    assert [payload["errors"] for payload in taken] == [[], []]
