"""Limits as clients meet them: setting, versions, four eyes, files, templates."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.identity.domain import Role, Scope
from tests import factories
from tests.graphql.conftest import Api, Firm, token_of

LIMIT = "{ id limitType value currency conditions accountId isActive isShadow warnAt version createdBy effectiveUntil }"
PROPOSAL = "{ id limitId state why proposedBy decidedBy reason wanted { value isActive } before { value } expiresAt }"
SET = f"""
mutation Set($input: SetRiskLimitInput!) {{
  setRiskLimit(input: $input) {{ riskLimit {LIMIT} proposal {PROPOSAL} errors {{ code path message }} }}
}}
"""
DELETE = f"""
mutation Delete($input: DeleteRiskLimitInput!) {{
  deleteRiskLimit(input: $input) {{ riskLimit {LIMIT} proposal {PROPOSAL} errors {{ code path }} }}
}}
"""
APPROVE = f"""
mutation Approve($input: DecideRiskLimitProposalInput!) {{
  approveRiskLimitProposal(input: $input) {{ riskLimit {LIMIT} proposal {PROPOSAL} errors {{ code path }} }}
}}
"""
REJECT = f"""
mutation Reject($input: DecideRiskLimitProposalInput!) {{
  rejectRiskLimitProposal(input: $input) {{ proposal {PROPOSAL} errors {{ code path }} }}
}}
"""
HISTORY = """
query History($id: ID!, $first: Int, $after: String) {
  riskLimitHistory(limitId: $id, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { node { version action changedBy approvedBy reason before { value } after { value isActive } } }
  }
}
"""
PROPOSALS = f"""
query Proposals($states: [RiskLimitProposalState!]) {{
  riskLimitProposals(states: $states) {{ totalCount edges {{ node {PROPOSAL} }} }}
}}
"""
IMPORT = """
mutation Import($input: ImportRiskLimitsInput!) {
  importRiskLimits(input: $input) {
    isStored lines { number outcome limitId code column message } errors { code path }
  }
}
"""
TEMPLATE = """
mutation Template($input: ApplyRiskTemplateInput!) {
  applyRiskTemplate(input: $input) {
    riskLimits { limitType value currency accountId } skipped errors { code path }
  }
}
"""
LIMITS = f"query Limits($id: ID) {{ riskLimits(accountId: $id) {LIMIT} }}"


async def put(api: Api, **terms: Any) -> Any:
    """The payload of setRiskLimit."""
    asked = {"limitType": "MAX_ORDER_QUANTITY", "value": "100", **terms}
    return (await api.data(SET, input=asked))["setRiskLimit"]


async def made(api: Api, **terms: Any) -> Any:
    """A new limit."""
    payload = await put(api, **terms)
    assert payload["errors"] == []
    return payload["riskLimit"]


async def listed(api: Api, account_id: str | None = None) -> Any:
    """The limits."""
    return (await api.data(LIMITS, id=account_id))["riskLimits"]


async def decide(api: Api, document: str, proposal: Any, reason: str | None = None) -> Any:
    """The payload of a decision."""
    [payload] = (await api.data(document, input={"proposalId": proposal["id"], "reason": reason})).values()
    return payload


def codes(payload: Any) -> list[tuple[str, list[str]]]:
    """The errors of a payload."""
    return [(one["code"], one["path"]) for one in payload["errors"]]


@pytest.fixture
async def officer(firm: Firm) -> Api:
    """A second person who keeps limits: from now on loosening takes two."""
    return await firm.member(Role.COMPLIANCE)


async def test_a_limit_is_set_holds_orders_is_changed_and_listed_with_its_versions(firm: Firm) -> None:
    limit = await made(firm.api, value="100", reason="first day", warnAt="0.8")
    refused = await firm.api.place(**firm.order(quantity="101"))
    taken = await firm.api.place(**firm.order(quantity="100"))
    changed = (await put(firm.api, id=limit["id"], value="150", expectedVersion=1, reason="more"))["riskLimit"]
    taken_now = await firm.api.place(**firm.order(quantity="101"))
    history = (await firm.api.data(HISTORY, id=limit["id"]))["riskLimitHistory"]

    assert refused["errors"][0]["code"] == "RISK_MAX_ORDER_QUANTITY"
    assert (taken["errors"], taken_now["errors"]) == ([], [])
    assert (limit["version"], limit["warnAt"], limit["createdBy"]) == (1, "0.8", firm.principal.actor)
    assert (changed["id"], changed["version"], changed["value"]) == (limit["id"], 2, "150")
    assert [one["id"] for one in await listed(firm.api)] == [limit["id"]]
    assert history["totalCount"] == 2
    assert [edge["node"] for edge in history["edges"]] == [
        {
            "version": 2,
            "action": "CHANGED",
            "changedBy": firm.principal.actor,
            "approvedBy": None,
            "reason": "more",
            "before": {"value": "100"},
            "after": {"value": "150", "isActive": True},
        },
        {
            "version": 1,
            "action": "CREATED",
            "changedBy": firm.principal.actor,
            "approvedBy": None,
            "reason": "first day",
            "before": None,
            "after": {"value": "100", "isActive": True},
        },
    ]


async def test_a_deleted_limit_holds_nothing_and_its_history_stays(firm: Firm) -> None:
    limit = await made(firm.api, value="1")

    payload = (await firm.api.data(DELETE, input={"id": limit["id"], "reason": "gone"}))["deleteRiskLimit"]
    taken = await firm.api.place(**firm.order(quantity="100"))
    again = (await firm.api.data(DELETE, input={"id": limit["id"]}))["deleteRiskLimit"]
    node = await firm.api.data("query($id: ID!) { node(id: $id) { id } }", id=limit["id"])
    history = (await firm.api.data(HISTORY, id=limit["id"]))["riskLimitHistory"]

    assert payload["errors"] == []
    assert payload["riskLimit"]["isActive"] is False
    assert taken["errors"] == []
    assert codes(again) == [("LIMIT_NOT_FOUND", ["id"])]
    assert node == {"node": None}
    assert await listed(firm.api) == []
    assert [edge["node"]["action"] for edge in history["edges"]] == ["DELETED", "CREATED"]


async def test_a_limit_of_an_account_is_listed_with_those_of_the_firm(firm: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)
    whole = await made(firm.api)
    own = await made(firm.api, accountId=str(firm.account_id))
    await made(firm.api, accountId=str(other.account_id))
    page = """query P($f: RiskLimitFilter, $after: String) {
      riskLimitPage(filter: $f, first: 1, after: $after) { totalCount pageInfo { endCursor } edges { node { id } } }
    }"""

    first = (await firm.api.data(page, f={"accountId": str(firm.account_id)}))["riskLimitPage"]
    after = first["pageInfo"]["endCursor"]
    second = (await firm.api.data(page, f={"accountId": str(firm.account_id)}, after=after))["riskLimitPage"]

    assert {one["id"] for one in await listed(firm.api, str(firm.account_id))} == {whole["id"], own["id"]}
    assert len(await listed(firm.api)) == 3
    assert first["totalCount"] == 2
    assert [one["edges"][0]["node"]["id"] for one in (first, second)] == [own["id"], whole["id"]]


BAD: list[tuple[str, dict[str, Any], list[tuple[str, list[str]]]]] = [
    ("no value", {"value": None}, [("LIMIT_VALUE_REQUIRED", ["value"])]),
    ("negative", {"value": "-1"}, [("LIMIT_VALUE_INVALID", ["value"])]),
    ("absurd", {"value": "999999999999999999"}, [("LIMIT_VALUE_INVALID", ["value"])]),
    ("half an order", {"limitType": "MAX_OPEN_ORDERS", "value": "1.5"}, [("LIMIT_VALUE_INVALID", ["value"])]),
    ("a value of a list", {"limitType": "SYMBOL_WHITELIST"}, [
        ("LIMIT_VALUE_UNEXPECTED", ["value"]), ("LIMIT_CONDITION_REQUIRED", ["conditions", "symbols"])]),
    ("unknown condition", {"conditions": {"simbols": ["AAPL"]}}, [("LIMIT_CONDITION_UNKNOWN", ["conditions"])]),
    ("wrong condition", {"conditions": {"sides": "BUY"}}, [("LIMIT_CONDITION_INVALID", ["conditions", "sides"])]),
    ("an internal cross", {"limitType": "WASH_TRADE", "value": None, "conditions": {"policy": "NET"}},
     [("LIMIT_CONDITION_INVALID", ["conditions", "policy"])]),
    ("a policy of another type", {"conditions": {"policy": "BLOCK_NEWEST"}},
     [("LIMIT_CONDITION_UNKNOWN", ["conditions"])]),
    ("conditions in a list", {"conditions": []}, [("LIMIT_CONDITION_INVALID", ["conditions"])]),
    ("a look-alike symbol", {"conditions": {"symbols": ["ＡＡＰＬ"]}},
     [("LIMIT_CONDITION_INVALID", ["conditions", "symbols", "0"])]),
    ("a currency of units", {"currency": "USD"}, [("LIMIT_CURRENCY_UNEXPECTED", ["currency"])]),
    ("no currency of the world", {"limitType": "MAX_ORDER_NOTIONAL", "currency": "usd"},
     [("LIMIT_CURRENCY_INVALID", ["currency"])]),
    ("a warning beyond the limit", {"warnAt": "1.01"}, [("LIMIT_WARNING_INVALID", ["warnAt"])]),
    ("an end before its beginning", {"effectiveFrom": "2030-01-02T00:00:00Z", "effectiveUntil": "2030-01-01T00:00:00Z"},
     [("LIMIT_PERIOD_INVALID", ["effectiveUntil"])]),
    ("an end in the past", {"effectiveUntil": "2020-01-01T00:00:00Z"}, [("LIMIT_INVALID", ["effectiveUntil"])]),
    ("a long reason", {"reason": "x" * 501}, [("LIMIT_INVALID", ["reason"])]),
    ("a version of nothing", {"expectedVersion": 1}, [("LIMIT_INVALID", ["expectedVersion"])]),
    ("no id", {"id": "' OR 1=1 --"}, [("LIMIT_NOT_FOUND", ["id"])]),
    ("no account", {"accountId": "DU1"}, [("LIMIT_TARGET_NOT_FOUND", ["accountId"])]),
    ("no strategy", {"strategyId": "00000000-0000-0000-0000-000000000001"},
     [("LIMIT_TARGET_NOT_FOUND", ["strategyId"])]),
]  # fmt: skip


@pytest.mark.parametrize(("terms", "expected"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
async def test_bad_input_is_told_with_code_and_path_and_stores_nothing(firm: Firm, terms: Any, expected: Any) -> None:
    payload = await put(firm.api, **terms)

    assert codes(payload) == expected
    assert (payload["riskLimit"], payload["proposal"]) == (None, None)
    assert await listed(firm.api) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "１００", "1_000", "", " 5", 1.5, True, []])
async def test_what_is_no_number_is_refused_at_the_border(firm: Firm, value: Any) -> None:
    code, _ = await firm.api.refusal(SET, input={"limitType": "MAX_ORDER_QUANTITY", "value": value})

    assert code == "BAD_USER_INPUT"
    assert await listed(firm.api) == []


async def test_what_is_another_firms_is_told_as_unknown(firm: Firm, stranger: Firm) -> None:
    theirs = await made(stranger.api, value="7")
    unknown = {"id": str(firm.desk.ids.new())}

    for foreign, missing in (
        ({"id": theirs["id"]}, unknown),
        ({"accountId": str(stranger.account_id)}, {"accountId": unknown["id"]}),
        ({"instrumentId": str(stranger.instruments["AAPL"].id)}, {"instrumentId": unknown["id"]}),
    ):
        assert codes(await put(firm.api, **foreign)) == codes(await put(firm.api, **missing)) != []
    for document in (DELETE,):
        asked = (await firm.api.data(document, input={"id": theirs["id"]}))["deleteRiskLimit"]
        assert codes(asked) == [("LIMIT_NOT_FOUND", ["id"])]
    history = (await firm.api.data(HISTORY, id=theirs["id"]))["riskLimitHistory"]
    assert (history["totalCount"], history["edges"]) == (0, [])
    assert [one["value"] for one in await listed(stranger.api)] == ["7"]


async def test_a_limit_is_not_switched_off_by_an_empty_value_nor_turned_to_something_else(firm: Firm) -> None:
    limit = await made(firm.api, value="5", accountId=str(firm.account_id))
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)

    emptied = await put(firm.api, id=limit["id"], value=None)
    turned = await put(firm.api, id=limit["id"], limitType="MAX_OPEN_ORDERS", value="5")
    moved = await put(firm.api, id=limit["id"], value="5", accountId=str(other.account_id))
    [after] = await listed(firm.api)

    assert codes(emptied) == [("LIMIT_VALUE_REQUIRED", ["value"])]
    assert codes(turned) == [("LIMIT_INVALID", ["limitType"])]
    assert codes(moved) == [("LIMIT_INVALID", ["accountId"])]
    assert after == limit


async def test_who_comes_second_with_an_old_version_changes_nothing(firm: Firm) -> None:
    limit = await made(firm.api, value="50")

    answers = await asyncio.gather(
        *(put(firm.api, id=limit["id"], value=str(40 - one), expectedVersion=1) for one in range(5))
    )

    conflicts = [codes(one) for one in answers if one["errors"]]
    assert conflicts == [[("LIMIT_VERSION_CONFLICT", ["expectedVersion"])]] * 4
    [after] = await listed(firm.api)
    assert after["version"] == 2


async def test_the_same_again_is_no_new_version(firm: Firm) -> None:
    limit = await made(firm.api, value="50")

    again = await put(firm.api, id=limit["id"], value="50.00")

    assert again["errors"] == []
    assert again["riskLimit"]["version"] == 1


async def test_only_who_manages_risk_and_has_stepped_up_changes_limits(firm: Firm) -> None:
    trader = await firm.member(Role.TRADER)
    program = await firm.program(Scope.MANAGE_RISK, Scope.VIEW_ORDERS)
    asked = {"limitType": "MAX_ORDER_QUANTITY", "value": "5"}

    assert await trader.refusal(SET, input=asked) == ("FORBIDDEN", [])
    assert await program.refusal(SET, input=asked) == ("STEP_UP_REQUIRED", [])
    assert await listed(trader) == []


async def test_a_person_of_single_accounts_changes_no_limit(firm: Firm) -> None:
    restricted = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.MANAGER)
    async with firm.desk.database.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(firm.key.tenant_id))
        await connection.execute("UPDATE memberships SET is_restricted = true WHERE user_id = $1", restricted.user_id)
    api = firm.api.holding(token_of(firm.desk, restricted))

    code, _ = await api.refusal(SET, input={"limitType": "MAX_ORDER_QUANTITY", "value": "5"})

    assert code == "FORBIDDEN"
    assert await listed(firm.api) == []


async def test_tightening_counts_at_once_and_loosening_waits_for_a_second_person(firm: Firm, officer: Api) -> None:
    limit = await made(firm.api, value="50")

    tighter = await put(firm.api, id=limit["id"], value="40")
    looser = await put(firm.api, id=limit["id"], value="60", reason="quarter end")
    refused = await firm.api.place(**firm.order(quantity="41"))
    waiting = (await officer.data(PROPOSALS, states=["PENDING"]))["riskLimitProposals"]
    approved = await decide(officer, APPROVE, looser["proposal"], "seen")
    taken = await firm.api.place(**firm.order(quantity="60"))
    history = (await firm.api.data(HISTORY, id=limit["id"], first=1))["riskLimitHistory"]

    assert (tighter["proposal"], tighter["riskLimit"]["value"]) == (None, "40")
    assert (looser["riskLimit"]["value"], looser["proposal"]["state"]) == ("40", "PENDING")
    assert looser["proposal"]["why"] == ["its value goes from 40 to 60"]
    assert refused["errors"][0]["code"] == "RISK_MAX_ORDER_QUANTITY"
    assert [edge["node"]["id"] for edge in waiting["edges"]] == [looser["proposal"]["id"]]
    assert (approved["riskLimit"]["value"], approved["riskLimit"]["version"]) == ("60", 3)
    assert approved["proposal"]["state"] == "APPROVED"
    assert taken["errors"] == []
    [edge] = history["edges"]
    assert edge["node"]["changedBy"] == firm.principal.actor
    assert edge["node"]["approvedBy"] not in (None, firm.principal.actor)
    assert edge["node"]["reason"] == "quarter end"


async def test_each_way_to_loosen_waits(firm: Firm, officer: Api) -> None:
    limit = await made(firm.api, value="50")
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    ways: list[dict[str, Any]] = [
        {"value": "51"},
        {"value": "50", "isActive": False},
        {"value": "50", "isShadow": True},
        {"value": "50", "effectiveFrom": later},
        {"value": "50", "effectiveUntil": later},
        {"value": "50", "conditions": {"sides": ["BUY"]}},
        {"value": "50", "conditions": {"reducing": "PASS"}},
        {"value": "1", "conditions": {"symbols": ["MSFT"]}},
    ]

    payloads = [await put(firm.api, id=limit["id"], **way) for way in ways]
    deleted = (await firm.api.data(DELETE, input={"id": limit["id"]}))["deleteRiskLimit"]
    [stands] = await listed(firm.api)

    assert [one["proposal"]["state"] for one in [*payloads, deleted]] == ["PENDING"] * 9
    assert stands == limit


async def test_who_proposed_does_not_approve_and_withdraws(firm: Firm, officer: Api) -> None:
    limit = await made(firm.api, value="50")
    proposal = (await put(firm.api, id=limit["id"], value="60"))["proposal"]

    own = await decide(firm.api, APPROVE, proposal)
    withdrawn = await decide(firm.api, REJECT, proposal)
    late = await decide(officer, APPROVE, proposal)

    assert codes(own) == [("LIMIT_PROPOSER_MAY_NOT_APPROVE", ["proposalId"])]
    assert withdrawn["proposal"]["state"] == "WITHDRAWN"
    assert codes(late) == [("LIMIT_PROPOSAL_NOT_PENDING", ["proposalId"])]
    assert [one["value"] for one in await listed(firm.api)] == ["50"]


async def test_a_rejected_loosening_never_counts(firm: Firm, officer: Api) -> None:
    limit = await made(firm.api, value="50")
    proposal = (await put(firm.api, id=limit["id"], value="60"))["proposal"]

    rejected = await decide(officer, REJECT, proposal, "not now")
    late = await decide(officer, APPROVE, proposal)

    assert rejected["proposal"]["state"] == "REJECTED"
    assert codes(late) == [("LIMIT_PROPOSAL_NOT_PENDING", ["proposalId"])]
    assert [one["version"] for one in await listed(firm.api)] == [1]


async def test_a_proposal_on_a_limit_that_changed_meanwhile_is_overtaken(firm: Firm, officer: Api) -> None:
    limit = await made(firm.api, value="50")
    proposal = (await put(firm.api, id=limit["id"], value="60"))["proposal"]
    await put(officer, id=limit["id"], value="10")

    late = await decide(officer, APPROVE, proposal)
    told = (await officer.data(PROPOSALS))["riskLimitProposals"]

    assert codes(late) == [("LIMIT_PROPOSAL_NOT_PENDING", ["proposalId"])]
    assert [edge["node"]["state"] for edge in told["edges"]] == ["OVERTAKEN"]
    assert [one["value"] for one in await listed(firm.api)] == ["10"]


async def test_two_who_approve_at_once_make_one_version(firm: Firm, officer: Api) -> None:
    limit = await made(firm.api, value="50")
    proposal = (await put(firm.api, id=limit["id"], value="60"))["proposal"]
    third = await firm.member(Role.MANAGER)

    answers = await asyncio.gather(*(decide(one, APPROVE, proposal) for one in (officer, third, officer, third)))

    assert sorted(len(one["errors"]) for one in answers) == [0, 1, 1, 1]
    assert [one["version"] for one in await listed(firm.api)] == [2]


async def test_another_firm_decides_nothing(firm: Firm, officer: Api, stranger: Firm) -> None:
    limit = await made(firm.api, value="50")
    proposal = (await put(firm.api, id=limit["id"], value="60"))["proposal"]

    for document in (APPROVE, REJECT):
        assert codes(await decide(stranger.api, document, proposal)) == [("LIMIT_PROPOSAL_NOT_FOUND", ["proposalId"])]
        assert codes(await decide(stranger.api, document, {"id": "x"})) == [
            ("LIMIT_PROPOSAL_NOT_FOUND", ["proposalId"])
        ]
    assert (await stranger.api.data(PROPOSALS))["riskLimitProposals"]["totalCount"] == 0


UPDATE_TENANT = "mutation($i: UpdateTenantInput!) { updateTenant(input: $i) { errors { code path } } }"


async def test_a_firm_says_whether_loosening_takes_two(firm: Firm) -> None:
    limit = await made(firm.api, value="50")

    alone = await put(firm.api, id=limit["id"], value="60")
    wrong = (await firm.api.data(UPDATE_TENANT, i={"settings": {"risk_four_eyes": "sometimes"}}))["updateTenant"]
    await firm.api.data(UPDATE_TENANT, i={"settings": {"risk_four_eyes": "always"}})
    always = await put(firm.api, id=limit["id"], value="70")
    await firm.member(Role.COMPLIANCE)
    await firm.api.data(UPDATE_TENANT, i={"settings": {"risk_four_eyes": "never"}})
    never = await put(firm.api, id=limit["id"], value="80")

    assert (alone["proposal"], alone["riskLimit"]["value"]) == (None, "60")
    assert codes(wrong) == [("BAD_USER_INPUT", ["settings", "risk_four_eyes"])]
    assert always["proposal"]["state"] == "PENDING"
    assert (never["proposal"], never["riskLimit"]["value"]) == (None, "80")


async def test_who_may_not_manage_risk_is_no_second_person(firm: Firm) -> None:
    await firm.member(Role.VIEWER)
    await firm.member(Role.TRADER)
    limit = await made(firm.api, value="50")

    assert (await put(firm.api, id=limit["id"], value="60"))["proposal"] is None


async def test_a_shadow_becomes_live_by_two(firm: Firm, officer: Api) -> None:
    shadow = await made(firm.api, value="50", isShadow=True)
    taken = await firm.api.place(**firm.order(quantity="51"))

    asked = await put(firm.api, id=shadow["id"], value="50", isShadow=False)
    live = (await decide(officer, APPROVE, asked["proposal"]))["riskLimit"]
    refused = await firm.api.place(**firm.order(quantity="51"))

    assert taken["errors"] == []
    assert asked["proposal"]["why"] == ["a shadow becomes live and may refuse orders"]
    assert live["isShadow"] is False
    assert refused["errors"][0]["code"] == "RISK_MAX_ORDER_QUANTITY"


async def import_(api: Api, csv: str, *, mode: str = "ALL", dry_run: bool = False) -> Any:
    """The payload of importRiskLimits."""
    return (await api.data(IMPORT, input={"csv": csv, "mode": mode, "dryRun": dry_run}))["importRiskLimits"]


async def exported(api: Api) -> str:
    """The file of limits."""
    return str((await api.data("mutation { exportRiskLimits { csv errors { code } } }"))["exportRiskLimits"]["csv"])


async def test_files_that_name_the_same_limits_in_another_order_wait_for_each_other(firm: Firm) -> None:
    kept = [await made(firm.api, value="50", conditions={"symbols": [f"S{one}"]}) for one in range(20)]

    def file(value: str, limits: list[Any]) -> str:
        rows = [f'{one["id"]},MAX_ORDER_QUANTITY,{value},"{{""symbols"":[""{_symbol(one)}""]}}"' for one in limits]
        return "\n".join(["id,type,value,conditions", *rows])

    payloads = await asyncio.gather(
        *(import_(firm.api, file(str(49 - turn), kept[:: 1 if turn % 2 else -1])) for turn in range(4))
    )

    assert [payload["errors"] for payload in payloads] == [[]] * 4


def _symbol(limit: Any) -> str:
    return str(limit["conditions"]["symbols"][0])


async def test_what_is_exported_comes_in_again_and_changes_nothing(firm: Firm) -> None:
    await made(firm.api, value="50", reason="=HYPERLINK(1)")
    await made(firm.api, limitType="SYMBOL_WHITELIST", value=None, conditions={"symbols": ["-AAPL", "=1+1", "MSFT"]})
    await made(
        firm.api,
        limitType="MAX_ORDER_NOTIONAL",
        value="1000.5",
        currency="USD",
        accountId=str(firm.account_id),
        instrumentId=str(firm.instruments["AAPL"].id),
        effectiveUntil="2040-01-01T00:00:00+01:00",
        warnAt="0.75",
    )
    before = await listed(firm.api)

    csv = await exported(firm.api)
    report = await import_(firm.api, csv)

    assert [one["outcome"] for one in report["lines"]] == ["UNCHANGED"] * 3
    assert await listed(firm.api) == before
    assert not [one for line in csv.splitlines() for one in line.split(",") if one[:1] in "=+@" and one]


async def test_a_file_makes_tightens_and_proposes(firm: Firm, officer: Api) -> None:
    kept, other = await made(firm.api, value="50"), await made(firm.api, limitType="MAX_OPEN_ORDERS", value="50")
    csv = (
        "id,type,value,account,instrument,conditions,reason\n"
        f"{kept['id']},MAX_ORDER_QUANTITY,40,,,,tighter\n"
        f"{other['id']},MAX_OPEN_ORDERS,60,,,,looser\n"
        f',MAX_POSITION_QUANTITY,500,,AAPL,"{{""sides"": [""BUY""]}}",new\n'
    )

    trial = await import_(firm.api, csv, dry_run=True)
    unchanged = await listed(firm.api)
    report = await import_(firm.api, csv)
    again = await import_(firm.api, csv)
    found = {one["limitType"]: one["value"] for one in await listed(firm.api)}

    assert [one["outcome"] for one in trial["lines"]] == ["CHANGED", "PROPOSED", "CREATED"]
    assert (trial["isStored"], trial["lines"][2]["limitId"]) == (False, None)
    assert len(unchanged) == 2
    assert [one["outcome"] for one in report["lines"]] == ["CHANGED", "PROPOSED", "CREATED"]
    assert found == {"MAX_ORDER_QUANTITY": "40", "MAX_OPEN_ORDERS": "50", "MAX_POSITION_QUANTITY": "500"}
    assert [one["outcome"] for one in again["lines"]] == ["UNCHANGED", "PROPOSED", "UNCHANGED"]


BAD_LINES = [
    ("MAX_ORDER_QUANTITY,NaN,,,", "BAD_USER_INPUT", "value"),
    ("MAX_ORDER_QUANTITY,-5,,,", "LIMIT_VALUE_INVALID", "value"),
    ("MAX_ORDER_QUANTITY,,,,", "LIMIT_VALUE_REQUIRED", "value"),
    ("NO_TYPE,5,,,", "BAD_USER_INPUT", "type"),
    (",5,,,", "BAD_USER_INPUT", "type"),
    ("MAX_ORDER_QUANTITY,5,DU-NOBODY,,", "BAD_USER_INPUT", "account"),
    ("MAX_ORDER_QUANTITY,5,,NOSUCH,", "BAD_USER_INPUT", "instrument"),
    ('MAX_ORDER_QUANTITY,5,,,"[1]"', "BAD_USER_INPUT", "conditions"),
    ('MAX_ORDER_QUANTITY,5,,,"{""a"": NaN}"', "BAD_USER_INPUT", "conditions"),
    ('MAX_ORDER_QUANTITY,5,,,"{""sides"": [""BUY""], ""sides"": [""SELL""]}"', "LIMIT_CONDITION_TWICE", "conditions"),
    ("MAX_ORDER_QUANTITY,5,,", "BAD_USER_INPUT", None),
    ("MAX_ORDER_QUANTITY,５,,,", "BAD_USER_INPUT", "value"),
]


async def test_a_refused_line_names_a_column_of_the_file(firm: Firm) -> None:
    kept, other = await made(firm.api, value="50"), await made(firm.api, value="60")
    csv = (
        "id,version,type,value,effective_until\n"
        f"{kept['id']},9,MAX_ORDER_QUANTITY,5,\n"
        f"{other['id']},,MAX_OPEN_ORDERS,5,\n"
        ",,MAX_ORDER_QUANTITY,5,2020-01-01T00:00:00Z\n"
    )

    lines = (await import_(firm.api, csv, mode="EACH"))["lines"]

    assert [(one["code"], one["column"]) for one in lines] == [
        ("LIMIT_VERSION_CONFLICT", "version"),
        ("LIMIT_INVALID", "type"),
        ("LIMIT_INVALID", "effective_until"),
    ]


@pytest.mark.parametrize(("line", "code", "column"), BAD_LINES, ids=range(len(BAD_LINES)))
async def test_a_bad_line_is_told_by_its_number_and_spoils_what_the_mode_says(
    firm: Firm, line: str, code: str, column: str | None
) -> None:
    csv = f"type,value,account,instrument,conditions\n{line}\nMAX_OPEN_ORDERS,5,,,\n"

    all_or_none = await import_(firm.api, csv)
    nothing = await listed(firm.api)
    each = await import_(firm.api, csv, mode="EACH")

    assert all_or_none["isStored"] is False
    assert nothing == []
    bad, good = each["lines"]
    assert (bad["number"], bad["outcome"], bad["code"], bad["column"]) == (2, "REFUSED", code, column)
    assert good["outcome"] == "CREATED"
    assert [one["limitType"] for one in await listed(firm.api)] == ["MAX_OPEN_ORDERS"]


async def test_a_file_that_is_none_is_refused_whole(firm: Firm) -> None:
    for csv in ("", "nonsense", "type,type\nMAX_OPEN_ORDERS,1", "type\n" + "MAX_OPEN_ORDERS\n" * 1001):
        assert codes(await import_(firm.api, csv)) == [("BAD_USER_INPUT", ["content"])]


async def test_a_template_gives_a_fresh_account_its_limits_once(firm: Firm) -> None:
    asked = {"accountId": str(firm.account_id), "template": "conservative", "capital": "100000.99"}
    own = await made(firm.api, value="3", limitType="MAX_OPEN_ORDERS", accountId=str(firm.account_id))

    first = (await firm.api.data(TEMPLATE, input=asked))["applyRiskTemplate"]
    second = (await firm.api.data(TEMPLATE, input=asked))["applyRiskTemplate"]
    names = (await firm.api.data("{ riskTemplates { name limits { limitType } } }"))["riskTemplates"]

    values = {one["limitType"]: (one["value"], one["currency"]) for one in first["riskLimits"]}
    assert first["errors"] == []
    assert values["MAX_ORDER_NOTIONAL"] == ("5000", "USD")
    assert values["MAX_DAILY_LOSS"] == ("1000", "USD")
    assert values["PRICE_COLLAR"] == ("2", None)
    assert first["skipped"] == ["MAX_OPEN_ORDERS"]
    assert second["riskLimits"] == []
    assert len(second["skipped"]) == len(values) + 1
    assert [one["name"] for one in names] == ["conservative", "day-trader", "institutional"]
    assert own["id"] in {one["id"] for one in await listed(firm.api)}


@pytest.mark.parametrize("template", ["conservative", "day-trader", "institutional"])
async def test_each_template_can_be_applied(firm: Firm, template: str) -> None:
    asked = {"accountId": str(firm.account_id), "template": template}

    payload = (await firm.api.data(TEMPLATE, input=asked))["applyRiskTemplate"]

    assert payload["errors"] == []
    assert len(payload["riskLimits"]) > 10


async def test_a_template_that_cannot_be_applied_makes_nothing(firm: Firm, stranger: Firm) -> None:
    fitting = {"accountId": str(firm.account_id), "template": "conservative", "capital": "1"}
    for asked, expected in (
        ({"template": "reckless"}, ("LIMIT_TEMPLATE_NOT_FOUND", ["template"])),
        ({"accountId": str(stranger.account_id)}, ("LIMIT_TARGET_NOT_FOUND", ["accountId"])),
        ({"capital": "0"}, ("LIMIT_INVALID", ["capital"])),
        ({"capital": "-5"}, ("LIMIT_INVALID", ["capital"])),
        ({"capital": "99999999999999999"}, ("LIMIT_INVALID", ["capital"])),
    ):
        payload = (await firm.api.data(TEMPLATE, input=fitting | asked))["applyRiskTemplate"]
        assert codes(payload) == [expected]
    assert await listed(firm.api) == []


DRILL = """
mutation Drill($input: DrillRiskLimitsInput!) {
  drillRiskLimits(input: $input) {
    riskLimits { id lastDrillOutcome lastDrillMessage lastDrilledAt lastDrillVersion } errors { code path }
  }
}
"""


async def drilled(api: Api, *ids: str) -> Any:
    """The payload of drillRiskLimits."""
    return (await api.data(DRILL, input={"limitIds": list(ids) or None}))["drillRiskLimits"]


async def test_a_drill_proves_each_limit_and_sends_and_stores_nothing(firm: Firm) -> None:
    quantity = await made(firm.api, value="100", accountId=str(firm.account_id))
    shadow = await made(firm.api, limitType="MAX_OPEN_ORDERS", value="5", isShadow=True)
    loss = await made(firm.api, limitType="MAX_DAILY_LOSS", value="5")
    off = await made(firm.api, limitType="MAX_OPEN_ORDERS", value="5", isActive=False)
    before = await firm.api.data("{ orders { totalCount } }")

    payload = await drilled(firm.api)
    found = {one["id"]: one for one in payload["riskLimits"]}
    after = await firm.api.data("{ orders { totalCount } }")
    listed_now = (await firm.api.data("{ riskLimits { id lastDrillOutcome version } }"))["riskLimits"]

    assert payload["errors"] == []
    assert set(found) == {quantity["id"], shadow["id"], loss["id"]}
    assert found[quantity["id"]]["lastDrillOutcome"] == "FIRED"
    assert found[quantity["id"]]["lastDrillMessage"] == "order quantity 101 is above 100"
    assert found[quantity["id"]]["lastDrillVersion"] == 1
    assert found[shadow["id"]]["lastDrillOutcome"] == "FIRED"
    assert found[loss["id"]]["lastDrillOutcome"] == "FAILS_CLOSED"
    assert after == before
    assert {one["id"]: one["lastDrillOutcome"] for one in listed_now}[off["id"]] is None
    assert {one["version"] for one in listed_now} == {1}


async def test_only_limits_of_the_firm_that_are_on_are_drilled(firm: Firm, stranger: Firm) -> None:
    theirs = await made(stranger.api)
    off = await made(firm.api, isActive=False)

    for unknown in (theirs["id"], off["id"], str(firm.desk.ids.new())):
        assert codes(await drilled(firm.api, unknown)) == [("LIMIT_NOT_FOUND", ["limitIds"])]
    assert codes(await drilled(firm.api, "x")) == [("BAD_USER_INPUT", ["limitIds", "0"])]
    trader = await firm.member(Role.TRADER)
    assert await trader.refusal(DRILL, input={}) == ("FORBIDDEN", [])


async def test_a_shadow_speaks_of_each_order_and_refuses_none(firm: Firm) -> None:
    shadow = await made(firm.api, value="50", isShadow=True)
    live = await made(firm.api, value="80")
    checks = "riskChecks { limitId outcome isShadow message }"
    document = (
        f"mutation($i: PlaceOrderInput!) {{ placeOrder(input: $i) {{ order {{ state {checks} }} errors {{ code }} }} }}"
    )
    preview = (
        f"query($i: PlaceOrderInput!) {{ previewOrder(input: $i) {{ wouldBeAccepted errors {{ code }} {checks} }} }}"
    )

    taken = (await firm.api.data(document, i=firm.order(quantity="51")))["placeOrder"]
    refused = (await firm.api.data(document, i=firm.order(quantity="81")))["placeOrder"]
    looked = (await firm.api.data(preview, i=firm.order(quantity="51")))["previewOrder"]

    said = {one["limitId"]: (one["outcome"], one["isShadow"]) for one in taken["order"]["riskChecks"]}
    assert taken["errors"] == []
    assert said == {shadow["id"]: ("FAILED", True), live["id"]: ("PASSED", False)}
    assert refused["errors"] == [{"code": "RISK_MAX_ORDER_QUANTITY"}]
    assert looked["wouldBeAccepted"] is True
    assert looked["errors"] == []


REPORT = """
query Report($id: ID!, $days: Int! = 5) {
  riskShadowReport(limitId: $id, days: $days) {
    riskLimit { id } orders isWhole refusedAnyway notCovered recorded replayed notReplayable blocked
    gaps { reason orders } blockedOrders { order { clientOrderId } source observed message }
  }
}
"""


async def test_a_report_tells_what_a_shadow_would_have_blocked_before_and_since_it_is_there(firm: Firm) -> None:
    before = firm.order(quantity="60")
    await firm.api.place(**before)
    await firm.api.place(**firm.order(quantity="10"))
    live = await made(firm.api, value="500")
    await firm.api.place(**firm.order(quantity="501"))
    shadow = await made(firm.api, value="50", isShadow=True)
    since = firm.order(quantity="70")
    await firm.api.place(**since)
    position = await made(firm.api, limitType="MAX_POSITION_QUANTITY", value="50", isShadow=True)

    report = (await firm.api.data(REPORT, id=shadow["id"]))["riskShadowReport"]
    of_position = (await firm.api.data(REPORT, id=position["id"]))["riskShadowReport"]
    of_live = (await firm.api.data(REPORT, id=live["id"]))["riskShadowReport"]

    assert {name: report[name] for name in ("orders", "refusedAnyway", "recorded", "replayed", "notReplayable")} == {
        "orders": 4,
        "refusedAnyway": 1,
        "recorded": 1,
        "replayed": 2,
        "notReplayable": 0,
    }
    assert report["isWhole"] is True
    assert [(one["order"]["clientOrderId"], one["source"], one["observed"]) for one in report["blockedOrders"]] == [
        (since["clientOrderId"], "RECORDED", "70"),
        (before["clientOrderId"], "REPLAYED", "60"),
    ]
    assert report["blocked"] == 2
    assert of_position["notReplayable"] == 3
    assert of_position["gaps"] == [
        {"reason": "not recorded with the order: adds, openBuys, openSells, position", "orders": 3}
    ]
    assert of_live["blocked"] == 0


async def test_a_report_is_for_who_manages_risk_of_a_limit_of_theirs(firm: Firm, stranger: Firm) -> None:
    theirs = await made(stranger.api, isShadow=True)
    own = await made(firm.api, isShadow=True)

    assert await firm.api.refusal(REPORT, id=theirs["id"]) == ("LIMIT_NOT_FOUND", ["limitId"])
    assert await firm.api.refusal(REPORT, id=str(firm.desk.ids.new())) == ("LIMIT_NOT_FOUND", ["limitId"])
    for days in (0, 31, -1):
        assert await firm.api.refusal(REPORT, id=own["id"], days=days) == ("BAD_USER_INPUT", ["days"])
    assert (await (await firm.member(Role.TRADER)).refusal(REPORT, id=own["id"]))[0] == "FORBIDDEN"
