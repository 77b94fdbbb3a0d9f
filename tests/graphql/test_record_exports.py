"""Kept exports of order records as a client asks for, follows and fetches them, and as others try to."""

import base64
import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.core.fix import RiskLimitType
from app.core.ids import RecordExportId
from app.flows.compliance.run_record_exports import RecordExportRunner
from app.flows.desk import open_desk
from app.identity.domain import Role, Scope
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from tests import factories
from tests.graphql.conftest import Answer, Api, Broker, Firm, serve, token_of

REQUEST = """
mutation Request($input: RequestOrderRecordsInput!) {
  requestOrderRecords(input: $input) {
    export { id state format accountId ordersTotal ordersWritten downloadPath fileName requestedBy }
    errors { code path }
  }
}
"""
LIST = """
query Exports($first: Int, $after: String) {
  orderRecordExports(first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { id state } }
  }
}
"""
ONE = """
query Export($id: ID!) {
  orderRecordExport(id: $id) {
    id state ordersTotal ordersWritten sizeBytes sha256 errorCode errorMessage downloadPath fileName
  }
}
"""
MODIFY = """
mutation Modify($input: ModifyOrderInput!) {
  modifyOrder(input: $input) {
    order { id state requests { id kind outcome rejectOrigin terms reason counterfactual
      riskChecks { check outcome limit observed message limitVersion inputs durationNanos } } }
    errors { code path }
  }
}
"""
EXPLAIN = """
query Explain($id: ID!) {
  explainOrder(id: $id) {
    limitVersions checks { check }
    decisions { step askedBy requestId terms counterfactual durationMicros breach { check } checks { check outcome } }
  }
}
"""


@pytest.fixture
async def worker(settings: Settings, firm: Firm) -> AsyncIterator[RecordExportRunner]:
    """A worker that writes exports."""
    system = Database(settings.database_url or "", DatabaseRole.SYSTEM, size=1)
    await system.open()
    desk = firm.desk
    yield RecordExportRunner(
        database=desk.database,
        system_database=system,
        clock=desk.clock,
        ids=desk.ids,
        keep=timedelta(days=7),
        bytes_max=2**26,
    )
    await system.close()


def span(**more: Any) -> dict[str, Any]:
    """Two hours about now."""
    now, hour = datetime.now(UTC), timedelta(hours=1)
    return {"fromTime": (now - hour).isoformat(), "toTime": (now + hour).isoformat(), **more}


async def asked(api: Api, **more: Any) -> Answer:
    """The export that was asked for."""
    payload = (await api.data(REQUEST, input=span(**more)))["requestOrderRecords"]
    assert payload["errors"] == []
    export: Answer = payload["export"]
    return export


async def done(firm: Firm, worker: RecordExportRunner, **more: Any) -> Answer:
    """An export whose file is there."""
    export = await asked(firm.api, **more)
    assert await worker.take_turn(firm.key.tenant_id, RecordExportId(UUID(export["id"])))
    found: Answer = (await firm.api.data(ONE, id=export["id"]))["orderRecordExport"]
    assert found["state"] == "DONE"
    return found


async def fetch(api: Api, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """The response to a download."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if api.bearer is not None:
        sent.setdefault("authorization", f"Bearer {api.bearer}")
    return await api.http.request(method, f"http://{api.address}{path}", headers=sent)


def code_of(response: httpx.Response) -> str:
    """The code of the one error that a download met."""
    (error,) = response.json()["errors"]
    return str(error["extensions"]["code"])


async def actions(firm: Firm, export_id: str) -> list[tuple[str, str]]:
    """What the audit log has of the export, and by whom."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        rows = await session.fetch(
            "SELECT action, actor FROM audit_log WHERE tenant_id = $1 AND resource_id = $2 ORDER BY created_at, id",
            firm.key.tenant_id,
            export_id,
        )
    return [(row["action"], row["actor"]) for row in rows]


async def test_records_are_asked_for_followed_and_fetched(firm: Firm, worker: RecordExportRunner) -> None:
    placed = [(await firm.api.place(**firm.order()))["order"]["id"] for _ in range(3)]
    officer = await firm.member(Role.COMPLIANCE)

    queued = await asked(officer)
    listed = (await officer.data(LIST))["orderRecordExports"]
    early = await fetch(officer, f"/exports/order-records/{queued['id']}")
    await worker.take_turn(firm.key.tenant_id, RecordExportId(UUID(queued["id"])))
    found = (await officer.data(ONE, id=queued["id"]))["orderRecordExport"]
    response = await fetch(officer, found["downloadPath"])

    assert (queued["state"], queued["format"], queued["ordersTotal"], queued["downloadPath"]) == (
        "QUEUED",
        "JSONL",
        None,
        None,
    )
    assert (listed["totalCount"], [edge["node"]["id"] for edge in listed["edges"]]) == (1, [queued["id"]])
    assert (early.status_code, code_of(early)) == (409, "ORDER_RECORD_EXPORT_UNFINISHED")
    assert (found["ordersTotal"], found["ordersWritten"], found["errorCode"]) == (3, 3, None)
    assert response.status_code == 200
    assert hashlib.sha256(response.content).hexdigest() == found["sha256"]
    assert response.headers["content-length"] == found["sizeBytes"] == str(len(response.content))
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["order"]["id"] for line in lines[1:]] == placed
    told = await actions(firm, queued["id"])
    assert [action for action, _ in told] == [
        "order_records.requested",
        "order_records.written",
        "order_records.downloaded",
    ]
    assert told[0][1] == told[2][1] == queued["requestedBy"]


async def test_a_download_is_an_attachment_that_no_page_can_use(firm: Firm, worker: RecordExportRunner) -> None:
    found = await done(firm, worker, format="CSV")

    response = await fetch(firm.api, found["downloadPath"])
    head = await fetch(firm.api, found["downloadPath"], "HEAD")
    posted = await fetch(firm.api, found["downloadPath"], "POST")

    headers = response.headers
    assert headers["content-type"] == "text/csv; charset=utf-8"
    assert headers["content-disposition"] == f'attachment; filename="{found["fileName"]}"'
    assert (headers["x-content-type-options"], headers["cross-origin-resource-policy"]) == ("nosniff", "same-origin")
    assert headers["cache-control"] == "private, no-store"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert not any(name.startswith("access-control-") for name in headers)
    digest = base64.b64encode(hashlib.sha256(response.content).digest()).decode()
    assert headers["repr-digest"] == f"sha-256=:{digest}:"
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", headers["content-length"])
    assert posted.status_code == 405
    # To ask whether it is there is not to fetch it.
    assert [action for action, _ in await actions(firm, found["id"])].count("order_records.downloaded") == 1


async def test_the_csv_has_the_checks_of_orders_and_of_their_changes(
    firm: Firm, broker: Broker, worker: RecordExportRunner
) -> None:
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, 420)  # type: ignore[arg-type]
    order_id = (await firm.api.place(**firm.order(quantity="10")))["order"]["id"]
    await broker.claim()
    await broker.acknowledge(order_id)
    await firm.api.data(MODIFY, input={"orderId": order_id, "quantity": "500"})

    found = await done(firm, worker, format="CSV")
    lines = list(csv.DictReader(io.StringIO((await fetch(firm.api, found["downloadPath"])).text)))

    checks = [(line["type"], line["toState"], line["actor"]) for line in lines if line["line"] == "RISK_CHECK"]
    assert checks == [
        ("MAX_ORDER_QUANTITY", "PASSED", firm.principal.actor),
        ("MAX_ORDER_QUANTITY", "FAILED", firm.principal.actor),
    ]
    refused = [line for line in lines if line["type"] == "ReplaceRefused"]
    assert [(line["quantity"], line["reason"]) for line in refused] == [("500", "order quantity 500 is above 420")]


async def test_the_checks_of_a_change_stand_beside_its_request(firm: Firm, broker: Broker) -> None:
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, 420)  # type: ignore[arg-type]
    order_id = (await firm.api.place(**firm.order(quantity="10")))["order"]["id"]
    await broker.claim()
    await broker.acknowledge(order_id)

    refused = (await firm.api.data(MODIFY, input={"orderId": order_id, "quantity": "500"}))["modifyOrder"]
    taken = (await firm.api.data(MODIFY, input={"orderId": order_id, "quantity": "400"}))["modifyOrder"]
    told = (await firm.api.data(EXPLAIN, id=order_id))["explainOrder"]

    assert refused["errors"] == [{"code": "RISK_MAX_ORDER_QUANTITY", "path": ["quantity"]}]
    [request] = refused["order"]["requests"]
    assert (request["outcome"], request["rejectOrigin"], request["counterfactual"]) == (
        "REJECTED",
        "OMS",
        "passes at a quantity of 420",
    )
    assert request["terms"]["quantity"] == "500"
    [check] = request["riskChecks"]
    assert (check["outcome"], check["limit"], check["observed"], check["limitVersion"]) == ("FAILED", "420", "500", 1)
    assert check["durationNanos"] > 0
    assert [(one["outcome"], one["rejectOrigin"]) for one in taken["order"]["requests"]] == [
        ("REJECTED", "OMS"),
        ("PENDING", None),
    ]
    steps = [(one["step"], one["breach"] and one["breach"]["check"]) for one in told["decisions"]]
    assert steps == [("PLACEMENT", None), ("CHANGE", "MAX_ORDER_QUANTITY"), ("CHANGE", None)]
    assert [one["requestId"] for one in told["decisions"]] == [None, *(one["id"] for one in taken["order"]["requests"])]
    assert told["decisions"][1]["counterfactual"] == "passes at a quantity of 420"
    assert all(one["askedBy"] == firm.principal.actor for one in told["decisions"])
    # What the order itself was held against is told as before.
    assert [one["check"] for one in told["checks"]] == ["MAX_ORDER_QUANTITY"]


@pytest.mark.parametrize(
    ("given", "code", "path"),
    [
        ({"toTime": "2026-03-01T00:00:00Z", "fromTime": "2026-04-01T00:00:00Z"}, "BAD_USER_INPUT", ["toTime"]),
        ({"fromTime": "2024-03-01T00:00:00Z", "toTime": "2026-04-01T00:00:00Z"}, "BAD_USER_INPUT", ["toTime"]),
        ({"fromTime": "0001-01-01T00:00:00Z", "toTime": "0001-01-02T00:00:00Z"}, "BAD_USER_INPUT", ["fromTime"]),
        ({"fromTime": "9999-01-01T00:00:00Z", "toTime": "9999-12-31T23:59:59Z"}, "BAD_USER_INPUT", ["toTime"]),
        ({"accountId": "1"}, "BAD_USER_INPUT", ["accountId"]),
        ({"accountId": str(uuid4())}, "ACCOUNT_NOT_FOUND", ["accountId"]),
    ],
    ids=["backwards", "two-years", "year-one", "year-9999", "no-id", "no-account"],
)
async def test_what_cannot_be_asked_is_refused_and_nothing_is_queued(
    firm: Firm, given: dict[str, str], code: str, path: list[str]
) -> None:
    payload = (await firm.api.data(REQUEST, input=span(**given)))["requestOrderRecords"]

    assert (payload["export"], payload["errors"]) == (None, [{"code": code, "path": path}])
    assert (await firm.api.data(LIST))["orderRecordExports"]["totalCount"] == 0


async def test_nobody_reaches_what_is_not_theirs(
    firm: Firm, stranger: Firm, anonymous: Api, worker: RecordExportRunner
) -> None:
    found = await done(firm, worker)
    path = found["downloadPath"]
    trader = await firm.member(Role.TRADER)
    viewer = await firm.program(Scope.VIEW_ORDERS)

    foreign, absent = (
        await fetch(stranger.api, path),
        await fetch(stranger.api, f"/exports/order-records/{uuid4()}"),
    )
    answers = [
        await fetch(trader, path),
        await fetch(viewer, path),
        await fetch(anonymous, path),
        await fetch(anonymous.holding("nonsense"), path),
        await fetch(firm.api, "/exports/order-records/..%2f..%2fetc%2fpasswd"),
        await fetch(firm.api, "/exports/order-records/%00"),
        await fetch(firm.api, f"/exports/order-records/{'9' * 3000}"),
    ]
    account = (
        await stranger.api.data(REQUEST, input=span(accountId=str(firm.account_id))),
        await stranger.api.refusal(ONE, id=found["id"]),
        await trader.refusal(LIST),
        await trader.refusal(REQUEST, input=span()),
    )

    # An id of another tenant and one that nobody has are answered in the same words.
    assert (foreign.status_code, foreign.json()) == (404, absent.json())
    assert code_of(foreign) == "ORDER_RECORD_EXPORT_NOT_FOUND"
    assert [(one.status_code, code_of(one)) for one in answers[:4]] == [
        (403, "FORBIDDEN"),
        (403, "FORBIDDEN"),
        (401, "UNAUTHENTICATED"),
        (401, "UNAUTHENTICATED"),
    ]
    assert answers[2].headers["www-authenticate"] == "Bearer"
    assert [one.status_code for one in answers[4:]] == [404, 404, 404]
    assert account[0]["requestOrderRecords"]["errors"][0]["code"] == "ACCOUNT_NOT_FOUND"
    assert [one[0] for one in account[1:]] == ["ORDER_RECORD_EXPORT_NOT_FOUND", "FORBIDDEN", "FORBIDDEN"]
    assert "order_records.downloaded" not in [action for action, _ in await actions(firm, found["id"])]


async def test_a_member_of_some_accounts_is_refused(firm: Firm, worker: RecordExportRunner) -> None:
    found = await done(firm, worker)
    tenant_id = firm.key.tenant_id
    principal = await factories.make_principal(firm.desk.database, tenant_id, role=Role.ADMIN)
    async with begin_batch(firm.desk.database, tenant_id) as session:
        await session.execute(
            "UPDATE memberships SET is_restricted = true WHERE tenant_id = $1 AND user_id = $2",
            tenant_id,
            principal.user_id,
        )
    firm.desk.door.authenticator.forget_tenant(tenant_id)
    walled = firm.api.holding(token_of(firm.desk, principal))

    response = await fetch(walled, found["downloadPath"])

    assert (response.status_code, code_of(response)) == (403, "FORBIDDEN")
    assert (await walled.refusal(REQUEST, input=span()))[0] == "FORBIDDEN"


async def test_cookies_count_for_a_page_of_ours_and_for_no_other(firm: Firm, worker: RecordExportRunner) -> None:
    found = await done(firm, worker)
    path, page = found["downloadPath"], firm.api.holding(None)
    cookie = f"oms-access={firm.api.bearer}"

    link = await fetch(page, path, cookie=cookie, sec_fetch_site="same-origin")
    script = await fetch(page, path, cookie=cookie, origin=f"http://{firm.api.address}")
    refused = [
        await fetch(page, path, cookie=cookie, sec_fetch_site="cross-site"),
        await fetch(page, path, cookie=cookie, sec_fetch_site="same-site"),
        await fetch(page, path, cookie=cookie, sec_fetch_site="none"),
        await fetch(page, path, cookie=cookie, origin="https://evil.example"),
        await fetch(page, path, cookie=cookie, origin="null", sec_fetch_site="same-origin"),
    ]
    silent = await fetch(page, path, cookie=cookie)
    twice = await fetch(page, path, cookie=f"{cookie}; oms-access=other", sec_fetch_site="same-origin")
    preflight = await fetch(page, path, "OPTIONS", origin="https://evil.example")

    assert (link.status_code, script.status_code) == (200, 200)
    assert link.content == script.content
    assert [(one.status_code, code_of(one)) for one in refused] == [(403, "ORIGIN_REFUSED")] * 5
    # Without a word of where it comes from, what a browser adds by itself counts for nothing.
    assert [one.status_code for one in (silent, twice)] == [401, 401]
    assert preflight.status_code == 405
    assert not any(name.startswith("access-control-") for one in (*refused, preflight) for name in one.headers)


async def test_a_credential_that_comes_twice_is_refused(firm: Firm, worker: RecordExportRunner) -> None:
    found = await done(firm, worker)
    headers = [("authorization", f"Bearer {firm.api.bearer}"), ("authorization", "Bearer other")]

    response = await firm.api.http.get(f"http://{firm.api.address}{found['downloadPath']}", headers=headers)

    assert (response.status_code, code_of(response)) == (400, "BAD_USER_INPUT")


async def test_a_guess_that_was_refused_stands_in_the_audit_log(firm: Firm, worker: RecordExportRunner) -> None:
    found = await done(firm, worker)
    trader = await firm.member(Role.TRADER)

    await fetch(trader, found["downloadPath"])
    await firm.desk.door.refusals.flush()

    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        rows = await session.fetch(
            "SELECT resource_id, new_values FROM audit_log WHERE tenant_id = $1 AND action = 'access.refused'",
            firm.key.tenant_id,
        )
    assert [(row["resource_id"], row["new_values"]["code"]) for row in rows] == [("downloadOrderRecords", "FORBIDDEN")]


async def test_downloads_are_charged_like_other_operations(
    firm: Firm, settings: Settings, worker: RecordExportRunner
) -> None:
    found = await done(firm, worker)
    tight = settings.model_copy(update={"rate_limit_user": 10, "rate_limit_burst_seconds": 6})
    async with open_desk(tight) as desk, serve(desk, tight) as address:
        api = Api(http=firm.api.http, address=address, bearer=firm.api.bearer)
        first, second = await fetch(api, found["downloadPath"]), await fetch(api, found["downloadPath"])

    assert (first.status_code, second.status_code, code_of(second)) == (200, 429, "RATE_LIMITED")
    assert int(second.headers["retry-after"]) >= 1


async def test_the_list_pages_and_more_than_a_few_at_once_are_refused(firm: Firm, worker: RecordExportRunner) -> None:
    ids = [(await asked(firm.api))["id"] for _ in range(3)]

    full = (await firm.api.data(REQUEST, input=span()))["requestOrderRecords"]
    first = (await firm.api.data(LIST, first=2))["orderRecordExports"]
    rest = (await firm.api.data(LIST, first=2, after=first["pageInfo"]["endCursor"]))["orderRecordExports"]
    await worker.take_turn(firm.key.tenant_id, RecordExportId(UUID(ids[0])))

    assert full["errors"] == [{"code": "ORDER_RECORD_EXPORTS_FULL", "path": []}]
    pages = [edge["node"]["id"] for page in (first, rest) for edge in page["edges"]]
    assert pages == ids[::-1]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert (await asked(firm.api))["state"] == "QUEUED"
