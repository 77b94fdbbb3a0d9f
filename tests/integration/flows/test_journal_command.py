"""`oms journal verify` as a program: what it prints, and the exit code that a script relies on."""

import json
from pathlib import Path

from app.infra.uow import begin_batch
from tests.command_line import Ended, oms
from tests.integration.flows.conftest import Trader


async def _verify(database_url: str, folder: Path, *arguments: str) -> Ended:
    return await oms("journal", "verify", *arguments, folder=folder, OMS_DATABASE_URL=database_url)


async def test_an_account_that_its_log_tells_is_good(trader: Trader, database_url: str, tmp_path: Path) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    await trader.claim()
    await trader.report(trader.acknowledged(order), trader.execution(order, "4", "5.00"))

    code, out, error = await _verify(database_url, tmp_path, "--account", str(trader.account_id))

    assert (code, error) == (0, "")
    assert out == f"account {trader.account_id}: 1 orders, 3 events, 0 differences\n"


async def test_what_differs_is_printed_and_is_the_exit_code(trader: Trader, database_url: str, tmp_path: Path) -> None:
    order = await trader.placed(quantity="10", limit_price="5.00")
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute("UPDATE orders SET version = 3 WHERE id = $1", order.id)
    slug = f"test-{trader.key.tenant_id.hex}"

    code, out, _ = await _verify(database_url, tmp_path, "--tenant", slug)
    json_code, document, _ = await _verify(database_url, tmp_path, "--tenant", slug, "--json")

    assert (code, json_code) == (1, 1)
    assert out.splitlines() == [
        f"account {trader.account_id}: 1 orders, 1 events, 1 differences",
        f"  order {order.id} version: stored 3, replayed 1",
    ]
    assert json.loads(document)["differences"] == [
        {
            "subject": "order",
            "id": str(order.id),
            "field": "version",
            "stored": "3",
            "replayed": "1",
            "isVerifiable": True,
        }
    ]


async def test_what_there_is_not_is_refused_in_one_line(trader: Trader, database_url: str, tmp_path: Path) -> None:
    nobody = await _verify(database_url, tmp_path, "--tenant", "nobody")
    no_id = await _verify(database_url, tmp_path, "--account", "x")

    assert nobody == (5, "", "oms: There is no such account.\n")
    assert no_id == (1, "", "oms: x is no account id.\n")
