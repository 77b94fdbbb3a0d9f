"""An adviser's login: groups, block orders divided among accounts, and the executions that tell of it twice."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.allocation import divided
from app.simulator.advisers import AccountGroup, GroupsError, read_groups
from app.simulator.config import AccountSeed, SimulatorConfig
from app.simulator.server import Simulator
from tests.contract.simulator.clients import LIBRARIES, Desk, load, quiet, until
from tests.contract.simulator.raw import RawClients

D = Decimal
ONE, TWO, THREE = ACCOUNTS = ("DU1000001", "DU1000002", "DU1000003")
MASTER = "DF1000000"
CONFIG: dict[str, Any] = {
    "accounts": tuple(
        AccountSeed(account_id=account_id, cash=D(cash))
        for account_id, cash in zip(ACCOUNTS, (1_000_000, 500_000, 500_000), strict=True)
    ),
    "adviser_id": MASTER,
    "account_groups": (
        AccountGroup(name="equal", method="EqualQuantity", account_ids=ACCOUNTS),
        AccountGroup(name="worth", method="NetLiq", account_ids=ACCOUNTS),
        AccountGroup(name="ratio", method="Ratio", account_ids=(ONE, TWO), amounts=(D(3), D(1))),
    ),
}


@pytest.fixture(params=LIBRARIES)
async def adviser(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Simulator, Desk]]:
    server = Simulator(SimulatorConfig(**CONFIG))
    await server.start()
    quiet(server)
    desk = Desk(load(request.param), server.port)
    await desk.connect()
    yield server, desk
    desk.ib.disconnect()
    await until(lambda: not server.venue.has_clients, "the client to be gone")
    await server.stop()


def held(server: Simulator, con_id: int = 265598) -> dict[str, Decimal]:
    """What each account holds of a contract."""
    return {
        account_id: account.holdings[con_id].quantity
        for account_id, account in server.venue.exchange.accounts.items()
        if con_id in account.holdings
    }


async def block(desk: Desk, side: str = "BUY", quantity: int = 100, **terms: Any) -> Any:
    """A market order for a group, filled."""
    order = desk.library.MarketOrder(side, quantity, **terms)
    trade = desk.place(order)
    await until(lambda: trade.orderStatus.status == "Filled", "the fill")
    return trade


async def test_login_manages_master_and_accounts(adviser: tuple[Simulator, Desk]) -> None:
    _, desk = adviser

    assert desk.ib.managedAccounts() == [MASTER, *ACCOUNTS]


@pytest.mark.parametrize(
    ("terms", "shares"),
    [
        ({"faGroup": "equal"}, (34, 33, 33)),
        ({"faGroup": "equal", "faMethod": "NetLiq"}, (50, 25, 25)),
        ({"faGroup": "worth"}, (50, 25, 25)),
        ({"faGroup": "worth", "faMethod": "AvailableEquity"}, (50, 25, 25)),
        ({"faGroup": "worth", "faMethod": "EqualQuantity"}, (34, 33, 33)),
        ({"faGroup": "ratio"}, (75, 25)),
    ],
)
async def test_block_is_divided_by_its_method(
    adviser: tuple[Simulator, Desk], terms: dict[str, Any], shares: tuple[int, ...]
) -> None:
    server, desk = adviser

    await block(desk, **terms)

    assert held(server) == dict(zip(ACCOUNTS, shares, strict=False))


async def test_executions_come_for_the_master_and_for_each_account(adviser: tuple[Simulator, Desk]) -> None:
    server, desk = adviser
    server.set_quote("AAPL", bid=D("229.99"), ask=D("230.01"), ask_size=D(60))
    order = desk.library.LimitOrder("BUY", 100, 231.0, faGroup="equal")

    trade = desk.place(order)
    await until(lambda: trade.orderStatus.filled == 60, "the first part")
    before = held(server)
    server.set_quote("AAPL", bid=D("230.49"), ask=D("230.51"), ask_size=D(60))
    await until(lambda: len(trade.fills) == 5, "all executions")

    executions = [fill.execution for fill in trade.fills]
    masters = [one for one in executions if one.acctNumber == MASTER]
    others = [one for one in executions if one.acctNumber != MASTER]
    assert before == {}
    assert [one.shares for one in masters] == [60, 40]
    assert {one.acctNumber: one.shares for one in others} == {ONE: 34, TWO: 33, THREE: 33}
    average = (60 * 230.01 + 40 * masters[1].price) / 100
    assert all(one.price == one.avgPrice == pytest.approx(average) for one in others)
    assert {one.permId for one in executions} == {trade.order.permId}
    await until(lambda: all(fill.commissionReport.execId for fill in trade.fills), "the commissions")
    paid = {fill.execution.acctNumber: fill.commissionReport.commission for fill in trade.fills}
    assert sum(paid[account_id] for account_id in ACCOUNTS) == pytest.approx(1.0)
    [placed] = server.venue.exchange.orders.values()
    assert (placed.request.fa_group, placed.request.account) == ("equal", MASTER)


async def test_positions_and_cash_are_those_of_the_accounts(adviser: tuple[Simulator, Desk]) -> None:
    server, desk = adviser

    await block(desk, faGroup="ratio")
    await until(lambda: len(desk.ib.positions()) == 2, "the positions")

    assert {one.account: one.position for one in desk.ib.positions()} == {ONE: 75, TWO: 25}
    accounts = server.venue.exchange.accounts
    assert accounts[MASTER].cash == {"USD": 0}
    assert accounts[ONE].cash["USD"] == 1_000_000 - 75 * D("230.01") - D("0.75")
    assert accounts[TWO].cash["USD"] == 500_000 - 25 * D("230.01") - D("0.25")


async def test_part_that_was_dealt_is_divided_when_the_rest_is_cancelled(adviser: tuple[Simulator, Desk]) -> None:
    server, desk = adviser
    server.set_quote("AAPL", bid=D("229.99"), ask=D("230.01"), ask_size=D(40))
    trade = desk.place(desk.library.LimitOrder("BUY", 100, 230.01, faGroup="ratio"))
    await until(lambda: trade.orderStatus.filled == 40, "the first part")

    desk.ib.cancelOrder(trade.order)
    await until(lambda: trade.orderStatus.status == "Cancelled", "the cancel")

    assert held(server) == {ONE: 30, TWO: 10}


async def test_change_by_percent_goes_by_what_the_accounts_hold(adviser: tuple[Simulator, Desk]) -> None:
    server, desk = adviser
    await block(desk, quantity=200, faGroup="worth")

    sale = await block(desk, "SELL", 0, faGroup="worth", faMethod="PctChange", faPercentage="-50")

    assert sale.orderStatus.filled == 100
    assert held(server) == {ONE: 50, TWO: 25, THREE: 25}


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({}, 435),
        ({"account": "DU9"}, 201),
        ({"faGroup": "nobody"}, 201),
        ({"faGroup": "equal", "faMethod": "Ratio"}, 201),
        ({"faGroup": "equal", "faMethod": "Dice"}, 201),
        ({"faGroup": "equal", "faMethod": "PctChange"}, 201),
    ],
)
async def test_order_for_nobody_is_refused(adviser: tuple[Simulator, Desk], terms: dict[str, str], code: int) -> None:
    server, desk = adviser

    desk.place(desk.library.MarketOrder("BUY", 100, **terms))

    await until(lambda: desk.codes() == [code], f"error {code}")
    assert held(server) == {}


async def test_groups_are_told_replaced_and_kept(raw: RawClients, tmp_path: Path) -> None:
    config = {**CONFIG, "state_path": tmp_path / "state.json"}
    first = Simulator(SimulatorConfig(**config))
    await first.start()
    old, new = await raw.start(first.port, "v157..157"), await raw.start(first.port, "v157..178", client_id=2)

    documents = []
    for client in (old, new):
        client.send(18, 1, 1)
        documents.append((await client.until("16"))[3])
    changed = documents[1].replace("equal", "even").replace("<amount>3</amount>", "<amount>9</amount>")
    new.send(19, 1, 1, changed, 77)
    answer = await new.until("103")
    await first.stop()
    second = Simulator(SimulatorConfig(**config))
    await second.start()
    groups = second.venue.exchange.desk.groups
    await second.stop()

    assert f"<String>{ONE}</String>" in documents[0]
    assert f"<Account><acct>{ONE}</acct><amount>3</amount></Account>" in documents[1]
    assert answer[1:] == ["77", "success"]
    assert set(groups) == {"even", "worth", "ratio"}
    assert [*groups["ratio"].amounts] == [9, 1]


async def test_profiles_are_gone_and_others_have_no_groups(raw: RawClients, simulator: Simulator) -> None:
    server = Simulator(SimulatorConfig(**CONFIG))
    await server.start()
    adviser = await raw.start(server.port, "v157..178")
    other = await raw.start(simulator.port, "v157..178")

    adviser.send(18, 1, 2)
    other.send(18, 1, 1)

    assert (await adviser.until("4", at3="585"))[2] == "-1"
    assert "non FA" in (await other.until("4", at3="321"))[4]
    await adviser.close()
    await server.stop()


async def test_summary_of_a_group_is_of_its_accounts(adviser: tuple[Simulator, Desk], raw: RawClients) -> None:
    server, _ = adviser
    client = await raw.start(server.port, "v157..178", client_id=9)

    client.send(62, 1, 5, "ratio", "NetLiquidation")
    await client.until("64")

    rows = [fields[3:] for fields in client.seen if fields[0] == "63"]
    assert rows == [[ONE, "NetLiquidation", "1000000", "USD"], [TWO, "NetLiquidation", "500000", "USD"]]


@pytest.mark.parametrize(
    "document",
    [
        "no document",
        '<!DOCTYPE x [<!ENTITY y "z">]><ListOfGroups/>',
        "<ListOfGroups><Group><name>a</name><defaultMethod>NetLiq</defaultMethod></Group></ListOfGroups>",
        "<ListOfGroups><Group><name>a</name><defaultMethod>Dice</defaultMethod>"
        "<ListOfAccts><String>DU1</String></ListOfAccts></Group></ListOfGroups>",
        "<ListOfGroups><Group><name>a</name><defaultMethod>NetLiq</defaultMethod>"
        "<ListOfAccts><String>DU2</String></ListOfAccts></Group></ListOfGroups>",
        "<ListOfGroups><Group><name>a</name><defaultMethod>Ratio</defaultMethod>"
        "<ListOfAccts><Account><acct>DU1</acct><amount>-1</amount></Account></ListOfAccts></Group></ListOfGroups>",
    ],
)
def test_groups_that_do_not_hold_are_refused(document: str) -> None:
    with pytest.raises(GroupsError):
        read_groups(document, ["DU1"])


@given(
    lots=st.integers(0, 10_000),
    weights=st.lists(st.decimals(0, 1_000_000, places=2), min_size=1, max_size=8),
    lot=st.sampled_from([D(1), D(100), D("0.5")]),
)
def test_parts_make_up_the_whole_and_none_strays_by_a_lot(lots: int, weights: list[Decimal], lot: Decimal) -> None:
    parts = divided(lots * lot, weights, lot)

    whole = sum(weights)
    if not whole:
        assert parts == [0] * len(weights)
        return
    assert sum(parts) == lots * lot
    for part, weight in zip(parts, weights, strict=True):
        assert part % lot == 0
        assert abs(part - lots * lot * weight / whole) < lot
