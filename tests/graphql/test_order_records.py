"""Order records over HTTP and as files: whole lives, exact numbers, checksums, and nothing of another firm."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.identity.domain import Role
from app.infra.uow import begin_batch
from tests.command_line import Ended, oms
from tests.graphql.conftest import Broker, Firm

RECORDS = """
query Records($from: DateTime!, $to: DateTime!, $account: ID, $first: Int, $after: String) {
  orderRecords(fromTime: $from, toTime: $to, accountId: $account, first: $first, after: $after) {
    totalCount pageInfo { hasNextPage endCursor } edges { node { orderId record } }
  }
}
"""


def span(firm: Firm, **more: Any) -> dict[str, Any]:
    """Two hours about now."""
    now, hour = firm.desk.clock.now(), timedelta(hours=1)
    return {"from": (now - hour).isoformat(), "to": (now + hour).isoformat(), **more}


async def lived(firm: Firm, broker: Broker) -> str:
    """An order that was placed, dealt in part and canceled."""
    placed = await firm.api.place(**firm.order(metadata={"desk": "=1+1"}))
    order_id = str(placed["order"]["id"])
    await broker.claim()
    await broker.acknowledge(order_id)
    await broker.fill(order_id, "4", "187.25")
    document = "mutation C($id: ID!) { cancelOrder(input: {orderId: $id}) { errors { code } } }"
    assert (await firm.api.data(document, id=order_id))["cancelOrder"]["errors"] == []
    await broker.claim()
    await broker.end(order_id)
    return order_id


async def test_a_record_tells_the_whole_life_of_an_order(firm: Firm, broker: Broker) -> None:
    order_id = await lived(firm, broker)

    found = (await firm.api.data(RECORDS, **span(firm)))["orderRecords"]

    [edge] = found["edges"]
    record = edge["node"]["record"]
    assert (edge["node"]["orderId"], found["totalCount"], record["recordVersion"]) == (order_id, 1, 1)
    order = record["order"]
    assert (order["state"], order["filledQuantity"], order["limitPrice"]) == ("CANCELED", "4", "187.5")
    assert (order["placedBy"], order["symbol"], order["currency"]) == (firm.principal.actor, "AAPL", "USD")
    types = [one["type"] for one in record["events"]]
    assert types[0] == "OrderPlaced"
    assert types[-1] == "OrderCanceled"
    assert all(one["occurredAt"] <= one["recordedAt"] for one in record["events"])
    assert [(one["quantity"], one["price"]) for one in record["executions"]] == [("4", "187.25")]
    assert [(one["kind"], one["outcome"]) for one in record["requests"]] == [("CANCEL", "ACCEPTED")]


async def test_records_come_in_pages_by_account_and_to_whom_they_may(firm: Firm, stranger: Firm) -> None:
    placed = [(await firm.api.place(**firm.order()))["order"]["id"] for _ in range(3)]
    await stranger.api.place(**stranger.order())

    first = (await firm.api.data(RECORDS, **span(firm, first=2, account=str(firm.account_id))))["orderRecords"]
    rest = (await firm.api.data(RECORDS, **span(firm, after=first["pageInfo"]["endCursor"])))["orderRecords"]
    foreign = await firm.api.refusal(RECORDS, **span(firm, account=str(stranger.account_id)))
    trader = await (await firm.member(Role.TRADER)).refusal(RECORDS, **span(firm))
    backwards = await firm.api.refusal(RECORDS, **{"from": span(firm)["to"], "to": span(firm)["from"]})

    ids = [edge["node"]["orderId"] for edge in first["edges"] + rest["edges"]]
    assert ids == placed
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    assert (foreign[0], trader[0]) == ("ACCOUNT_NOT_FOUND", "FORBIDDEN")
    assert backwards == ("BAD_USER_INPUT", ["toTime"])


async def compliance(database_url: str, folder: Path, *arguments: str) -> Ended:
    """Runs `oms compliance` on the database of the tests."""
    return await oms("compliance", *arguments, folder=folder, OMS_DATABASE_URL=database_url, OMS_ENVIRONMENT="test")


async def slug_of(firm: Firm) -> str:
    """The name of the firm on the command line."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        rows = await session.fetch("SELECT slug FROM tenants WHERE id = $1", firm.key.tenant_id)
    return str(rows[0]["slug"])


@pytest.mark.parametrize("form", ["jsonl", "csv"])
async def test_the_command_line_writes_a_file_with_its_checksum_once(
    firm: Firm, broker: Broker, database_url: str, tmp_path: Path, form: str
) -> None:
    order_id = await lived(firm, broker)
    path, times = tmp_path / f"records.{form}", span(firm)
    arguments = ("export", "--tenant", await slug_of(firm), "--since", times["from"], "--until", times["to"])

    done = await compliance(database_url, tmp_path, *arguments, "--format", form, "--output", str(path))
    again = await compliance(database_url, tmp_path, *arguments, "--format", form, "--output", str(path))

    assert done.code == 0, done.error
    content = path.read_bytes()
    assert (tmp_path / f"records.{form}.sha256").read_text() == f"{hashlib.sha256(content).hexdigest()}  {path.name}\n"
    assert again.code != 0
    assert path.read_bytes() == content
    if form == "jsonl":
        head, record = [json.loads(line) for line in content.decode().splitlines()]
        assert set(head["export"]["clock"]) >= {"source", "isSynchronized", "errorMicrosecondsMax"}
        assert record["order"]["id"] == order_id
    else:
        lines = list(csv.DictReader(io.StringIO(content.decode())))
        assert {line["orderId"] for line in lines} == {order_id}
        assert [line["price"] for line in lines if line["line"] == "EXECUTION"] == ["187.25"]
        assert not any(cell.startswith(("=", "+", "@")) for line in lines for cell in line.values())


async def test_the_command_line_refuses_what_it_does_not_know(firm: Firm, database_url: str, tmp_path: Path) -> None:
    slug, path = await slug_of(firm), tmp_path / "none"
    times = ("--since", "2026-03-02T00:00:00Z", "--until", "2026-03-03T00:00:00Z", "--output", str(path))

    codes = [
        (await compliance(database_url, tmp_path, "export", "--tenant", "no-such-firm", *times)).code,
        (await compliance(database_url, tmp_path, "export", "--tenant", slug, *times, "--format", "xls")).code,
        (await compliance(database_url, tmp_path, "export", "--tenant", slug, *times, "--account", "1")).code,
        (await compliance(database_url, tmp_path, "lists", "--tenant", slug, "--list", "none")).code,
    ]

    assert 0 not in codes
    assert not path.exists()
