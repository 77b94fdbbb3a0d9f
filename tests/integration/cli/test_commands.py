"""`oms` as a program: exit codes, one clear line on stderr, nothing on stdout that is not data."""

import json
import os
import socket
from base64 import b64encode
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from app.core.fix import RiskLimitType
from app.core.ids import OrderId
from app.flows.orders.place_orders import Intent, place_batch
from app.flows.orders.pre_trade import Market
from app.infra.db import Database, DatabaseRole
from app.infra.embedded import Folders
from app.infra.local_secrets import Demo, write_demo
from app.infra.redis import Redis, make_client
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import begin_intake
from app.orders.repository import account_books
from tests import factories
from tests.command_line import oms

_DEMO = Demo(
    graphqlUrl="http://127.0.0.1:8000/graphql",
    websocketUrl="ws://127.0.0.1:8000/graphql",
    dashboardUrl="http://127.0.0.1:8000/",
    tenant="demo",
    email="demo@oms.example",
    password="generated",
    apiKey="oms_generated",
    accountId="0192",
    simulatorHost="127.0.0.1",
    simulatorPort=7497,
)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield int(server.getsockname()[1])


@pytest.mark.parametrize("command", ["up", "serve"])
async def test_a_taken_port_is_told_with_what_to_set(state_dir: Path, taken_port: int, command: str) -> None:
    ended = await oms(command, folder=state_dir, OMS_HTTP_PORT=str(taken_port))

    assert ended.code == 1
    assert ended.error == f"oms: port {taken_port} of 127.0.0.1 is taken: set OMS_HTTP_PORT to a free one\n"


@pytest.mark.parametrize("command", ["serve", "connector", "relay", "worker", "scheduler", "migrate"])
async def test_a_dead_server_is_told_in_one_line(state_dir: Path, redis_url: str, free_port: int, command: str) -> None:
    ended = await oms(
        command,
        folder=state_dir,
        OMS_HTTP_PORT=str(free_port),
        OMS_DATABASE_URL="postgresql://oms:hidden@127.0.0.1:1/oms",
        OMS_REDIS_URL=redis_url,
    )

    assert ended.code == 1
    assert ended.error == "oms: PostgreSQL at postgresql://127.0.0.1:1/oms does not answer: Connection refused\n"


async def test_a_dead_redis_is_told_in_one_line(state_dir: Path, database_url: str) -> None:
    ended = await oms(
        "worker", folder=state_dir, OMS_DATABASE_URL=database_url, OMS_REDIS_URL="redis://:hidden@127.0.0.1:1"
    )

    assert ended.code == 1
    assert ended.error.startswith("oms: Redis at redis://127.0.0.1:1 does not answer: ")
    assert ended.error.count("\n") == 1


async def test_a_process_alone_says_who_would_bring_its_servers(state_dir: Path) -> None:
    ended = await oms("relay", folder=state_dir)

    assert ended.code == 1
    assert ended.error == "oms: no PostgreSQL: set OMS_DATABASE_URL, or run `oms up`, which brings one\n"


async def test_a_wrong_setting_stops_everything_in_one_line(state_dir: Path) -> None:
    ended = await oms("up", folder=state_dir, OMS_HTTP_PROT="8000")

    assert ended.code == 1
    assert ended.error == "oms: no such setting: OMS_HTTP_PROT (`oms config show` lists them all)\n"


async def test_an_unknown_command_is_a_mistake_of_usage(state_dir: Path) -> None:
    ended = await oms("fly", folder=state_dir)

    assert ended.code == 2
    assert "No such command 'fly'" in ended.error


async def test_without_a_demo_one_is_told_how_to_get_it(state_dir: Path) -> None:
    ended = await oms("demo", "--json", folder=state_dir)

    assert (ended.code, ended.out) == (1, "")
    assert "`make run` (or `oms up`) makes one" in ended.error


async def test_the_demo_is_one_json_object_and_its_file_is_private(state_dir: Path) -> None:
    write_demo(Folders.at(state_dir), _DEMO)

    ended = await oms("demo", "--json", folder=state_dir)

    assert ended.code == 0
    assert json.loads(ended.out) == {name: getattr(_DEMO, name) for name in _DEMO.__slots__}
    assert (state_dir / "demo.json").stat().st_mode & 0o777 == 0o600


async def test_production_has_no_demo_and_no_servers_of_its_own(state_dir: Path) -> None:
    ended = await oms("up", folder=state_dir, OMS_ENVIRONMENT="production")

    assert ended.code == 1
    assert ended.error.startswith("oms: production needs OMS_DATABASE_URL and OMS_REDIS_URL")
    assert os.listdir(state_dir) == []


async def test_the_doctor_has_a_line_for_each_thing(
    state_dir: Path, database_url: str, redis_url: str, free_port: int
) -> None:
    ended = await oms(
        "doctor",
        "--json",
        folder=state_dir,
        OMS_DATABASE_URL=database_url,
        OMS_REDIS_URL=redis_url,
        OMS_HTTP_PORT=str(free_port),
        OMS_SIMULATOR_PORT="1",
    )

    findings = {finding["subject"]: finding["is_good"] for finding in json.loads(ended.out)}
    assert findings == {
        "settings": True,
        "postgres": True,
        "redis": True,
        "web": True,
        "simulator": False,
        "mail": True,
        "audit": True,
    }
    assert ended.code == 6


async def test_the_doctor_says_that_no_mail_leaves_and_where_signed_heads_are_kept(
    state_dir: Path, free_port: int
) -> None:
    ended = await oms(
        "doctor",
        "--json",
        folder=state_dir,
        OMS_SMTP_HOST="127.0.0.1",
        OMS_SMTP_PORT=str(free_port),
        OMS_SMTP_TLS="none",
        OMS_AUDIT_SIGNING_KEY=f"7:{b64encode(bytes(32)).decode()}",
        OMS_AUDIT_SINK=f"file://{state_dir}/heads",
    )

    found = {one["subject"]: (one["is_good"], one["detail"]) for one in json.loads(ended.out)}
    assert found["mail"] == (False, f"127.0.0.1:{free_port} does not take mail: SMTPConnectError")
    assert found["audit"] == (True, f"heads are signed with key 7 and kept at file://{state_dir}/heads")
    assert ended.code == 1


async def test_an_order_is_explained(state_dir: Path, own_database_url: str) -> None:
    order_id, slug = await _refused_order(own_database_url)
    asked = ("order", "explain", str(order_id), "--tenant")

    told = await oms(*asked, slug, folder=state_dir, OMS_DATABASE_URL=own_database_url)
    document = await oms(*asked, slug, "--json", folder=state_dir, OMS_DATABASE_URL=own_database_url)
    elsewhere = await oms(*asked, "nobody", folder=state_dir, OMS_DATABASE_URL=own_database_url)
    odd = await oms("order", "explain", "1", "--tenant", slug, folder=state_dir, OMS_DATABASE_URL=own_database_url)

    assert told.code == 0
    assert f"order {order_id}: REJECTED, order quantity 100 is above 42" in told.out
    assert "it passes at a quantity of 42" in told.out
    assert json.loads(document.out)["counterfactual"] == "passes at a quantity of 42"
    assert (elsewhere.code, elsewhere.out) == (5, "")
    assert (odd.code, odd.error) == (1, "oms: 1 is no id of an order.\n")


async def _refused_order(database_url: str) -> tuple[OrderId, str]:
    database = Database(database_url, DatabaseRole.APP, size=1)
    intake = Database(database_url, DatabaseRole.INTAKE, size=1)
    for one in (database, intake):
        await one.open()
    try:
        tenant_id = await factories.make_tenant(database)
        principal = await factories.make_principal(database, tenant_id)
        key = await factories.make_account(database, tenant_id)
        instruments = await factories.make_instruments(database, tenant_id)
        await factories.make_limit(database, tenant_id, RiskLimitType.MAX_ORDER_QUANTITY, Decimal(42))
        new = factories.new_order(key.account_id, symbol="AAPL", quantity="100", limit_price="10")
        order_id = OrderId(SystemIds().new())
        intent = Intent(principal=principal, new=new, order_id=order_id, matches=(instruments["AAPL"],), key=key)
        market = Market(redis=Redis(client=make_client("redis://127.0.0.1:1"), prefix=""))
        async with begin_intake(intake, [tenant_id], lock=account_books.locking([key])) as session:
            await place_batch(session, [intent], {}, market=market, now=SystemClock().now(), ids=SystemIds())
    finally:
        for one in (database, intake):
            await one.close()
    return order_id, f"test-{tenant_id.hex}"
