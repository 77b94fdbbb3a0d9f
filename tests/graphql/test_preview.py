"""Looking ahead at an order, as a client does: what would become of it, what its broker says, and nothing stored."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.brokers.domain import BrokerAccount
from app.brokers.errors import BrokerDisconnectedError
from app.brokers.ib.adapter import IbAdapter
from app.brokers.ib.library import Library
from app.brokers.ib.pacing import Pacer
from app.brokers.ib.session import GatewayAddress, Timeouts
from app.brokers.questions import QUESTIONS, Asked, Reply, decode_question, encode_reply
from app.brokers.questions import Answer as BrokerAnswer
from app.brokers.reconciling import Reconciled
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.connector.answering import Answering, Respondent
from app.connector.inbox import Inbox
from app.core.fix import BrokerKind, RiskLimitType, Side
from app.core.messages import Tick
from app.flows.brokers import ask_broker
from app.identity.domain import Role, Scope
from app.infra.sharing import end_task
from app.infra.system import SystemClock
from app.marketdata import service as marketdata
from app.simulator.config import SimulatorConfig
from app.simulator.handlers import orders as handlers
from app.simulator.server import Simulator
from tests import factories
from tests.contract.brokers.conftest import ACCOUNT
from tests.graphql.conftest import Answer, Broker, Firm, token_of
from tests.graphql.test_account_grants import grant

Stored = Callable[[], Awaitable[dict[str, list[str]]]]

PREVIEW = """
query Preview($input: PlaceOrderInput!) {
  previewOrder(input: $input) {
    wouldBeAccepted wouldNeedApproval errors { code message path }
    riskChecks { check outcome limit observed message }
    currency price notional notionalUnavailable { code message path }
    commission minCommission maxCommission commissionCurrency
    initialMarginChange maintenanceMarginChange marginCurrency marginUnavailable { code message path } brokerWarning
  }
}
"""
TABLES = (
    "orders",
    "order_events",
    "order_requests",
    "order_approvals",
    "lane_commands",
    "executions",
    "outbox",
    "audit_log",
    "positions",
    "account_books",
)
LIMIT = RiskLimitType
MARGINS = ("initialMarginChange", "maintenanceMarginChange", "marginCurrency", "commission", "commissionCurrency")


async def preview(firm: Firm, **terms: Any) -> Answer:
    """The preview of an order of the firm."""
    answer: Answer = (await firm.api.data(PREVIEW, input=firm.order(**terms)))["previewOrder"]
    return answer


@pytest.fixture
async def stored(firm: Firm, database_url: str) -> AsyncIterator[Stored]:
    """Tells all rows of the firm that an order would make or change, those that its own processes may not read too."""
    owner = await asyncpg.connect(database_url)

    async def rows() -> dict[str, list[str]]:
        found = {}
        for table in TABLES:
            sql = f"SELECT * FROM {table} WHERE tenant_id = $1 ORDER BY 1, 2, 3"
            found[table] = [str(row) for row in await owner.fetch(sql, firm.key.tenant_id)]
        return found

    yield rows
    await owner.close()


async def quote(firm: Firm, *, bid: str = "187.40", ask: str = "187.42") -> None:
    """Tells a quote of AAPL."""
    tick = Tick(
        instrument_id=firm.instruments["AAPL"].id,
        symbol="AAPL",
        bid=Decimal(bid),
        ask=Decimal(ask),
        last=Decimal(bid),
        time=firm.desk.clock.now(),
    )
    await marketdata.publish_ticks(firm.desk.redis, firm.key.tenant_id, [tick])


@asynccontextmanager
async def answering(firm: Firm, session: Respondent | None) -> AsyncIterator[None]:
    """The part of a connector that answers for the firm's account, over this session or none."""
    desk = firm.desk
    account = BrokerAccount(
        tenant_id=firm.key.tenant_id,
        id=firm.account_id,
        broker=BrokerKind.INTERACTIVE_BROKERS,
        account_number=ACCOUNT,
        base_currency="USD",
        host="127.0.0.1",
        port=1,
        client_id=1,
        is_paper=True,
    )
    part = Answering(
        redis=desk.redis,
        bus=desk.bus,
        account_of=lambda _, account_id: account if account_id == firm.account_id else None,
        session_of=lambda _: session,
        reconcile=_nothing_to_compare,
    )
    async with hearing(firm, part.run):
        yield


async def _nothing_to_compare(account: BrokerAccount) -> Reconciled:
    raise BrokerDisconnectedError("there is no session with the gateway")


@asynccontextmanager
async def hearing(firm: Firm, run: Callable[[], Any]) -> AsyncIterator[None]:
    """A listener to questions at work, once Redis knows of it."""
    redis = firm.desk.redis
    channel = redis.prefix + QUESTIONS
    task: asyncio.Task[None] = asyncio.create_task(run())
    try:
        async with asyncio.timeout(5):
            while not (await redis.client.pubsub_numsub(channel))[0][1]:
                assert not task.done()
        yield
    finally:
        await end_task(task)


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    """A simulator whose market stands still."""
    running = Simulator(SimulatorConfig(port=0))
    await running.start()
    running.pause_market()
    running.set_quote("AAPL", bid=Decimal("187.40"), ask=Decimal("187.42"))
    yield running
    await running.stop()


@pytest.fixture
async def adapter(simulator: Simulator) -> AsyncIterator[IbAdapter]:
    """A session with the simulator that sends no orders."""
    made = IbAdapter(
        library=Library("ib_insync"),
        address=GatewayAddress(host="127.0.0.1", port=simulator.port, client_id=1_007, account=ACCOUNT),
        tenant="tenant",
        sink=Inbox(),
        pacer=Pacer(None, asyncio.get_running_loop()),
        clock=SystemClock(),
        timeouts=Timeouts(what_if_s=0.3),
    )
    await made.connect()
    yield made
    await made.close()


async def test_an_order_that_would_be_accepted_shows_all_and_stores_nothing(
    firm: Firm, adapter: IbAdapter, stored: Stored
) -> None:
    tenant_id, database = firm.key.tenant_id, firm.desk.database
    await factories.make_limit(database, tenant_id, LIMIT.MAX_ORDER_QUANTITY, Decimal(100))
    await factories.make_limit(database, tenant_id, LIMIT.MAX_OPEN_ORDERS, Decimal(3))
    before = await stored()

    async with answering(firm, adapter):
        told = await preview(firm, quantity="20")

    margin = {name: told.pop(name) for name in MARGINS}
    checks = told.pop("riskChecks")
    assert told == {
        "wouldBeAccepted": True,
        "wouldNeedApproval": False,
        "errors": [],
        "currency": "USD",
        "price": "187.5",
        "notional": "3750",
        "notionalUnavailable": None,
        "minCommission": None,
        "maxCommission": None,
        "marginUnavailable": None,
        "brokerWarning": None,
    }
    assert [(one["check"], one["outcome"], one["limit"], one["observed"]) for one in checks] == [
        ("MAX_ORDER_QUANTITY", "PASSED", "100", "20"),
        ("MAX_OPEN_ORDERS", "PASSED", "3", "1"),
    ]
    assert Decimal(margin["initialMarginChange"]) >= Decimal(margin["maintenanceMarginChange"]) > 0
    assert (margin["commission"], margin["commissionCurrency"], margin["marginCurrency"]) == ("1", "USD", "USD")
    assert await stored() == before


async def test_what_is_previewed_is_what_placing_answers(firm: Firm) -> None:
    database, tenant_id = firm.desk.database, firm.key.tenant_id
    await factories.make_limit(database, tenant_id, LIMIT.MAX_ORDER_QUANTITY, Decimal(5))
    order = firm.order()

    told = (await firm.api.data(PREVIEW, input=order))["previewOrder"]
    placed = await firm.api.place(**order)
    again = (await firm.api.data(PREVIEW, input=order))["previewOrder"]

    assert told["errors"] == placed["errors"] == again["errors"]
    assert told["riskChecks"] == again["riskChecks"]
    assert again["marginUnavailable"]["code"] == "NOT_PREVIEWED"


async def test_an_order_that_limits_refuse_shows_every_check_and_every_reason(
    firm: Firm, adapter: IbAdapter, stored: Stored
) -> None:
    database, tenant_id = firm.desk.database, firm.key.tenant_id
    await factories.make_limit(database, tenant_id, LIMIT.MAX_ORDER_QUANTITY, Decimal(5))
    await factories.make_limit(database, tenant_id, LIMIT.MAX_OPEN_ORDERS, Decimal(3))
    await factories.make_limit(database, tenant_id, LIMIT.MAX_ORDER_NOTIONAL, Decimal(1000), currency="USD")
    before = await stored()

    async with answering(firm, adapter):
        told = await preview(firm)

    assert told["wouldBeAccepted"] is False
    assert [(one["check"], one["outcome"]) for one in told["riskChecks"]] == [
        ("MAX_ORDER_QUANTITY", "FAILED"),
        ("MAX_OPEN_ORDERS", "PASSED"),
        ("MAX_ORDER_NOTIONAL", "FAILED"),
    ]
    assert [(one["code"], one["path"]) for one in told["errors"]] == [
        ("RISK_MAX_ORDER_QUANTITY", ["quantity"]),
        ("RISK_MAX_ORDER_NOTIONAL", ["quantity"]),
    ]
    assert told["initialMarginChange"] is not None
    assert await stored() == before


async def test_an_order_that_would_wait_for_a_second_person_says_so(firm: Firm, stored: Stored) -> None:
    await factories.make_approval_policy(firm.desk.database, firm.key.tenant_id, notional=Decimal(1000), currency="USD")
    before = await stored()

    small, large = await preview(firm, quantity="1"), await preview(firm, quantity="10")

    assert [(one["wouldBeAccepted"], one["wouldNeedApproval"]) for one in (small, large)] == [
        (True, False),
        (True, True),
    ]
    assert await stored() == before


async def test_open_orders_and_positions_count_as_they_do_for_placing(firm: Firm, broker: Broker) -> None:
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, LIMIT.MAX_POSITION_QUANTITY, Decimal(25))
    placed = await firm.api.place(**firm.order())
    await broker.claim()
    await broker.fill(placed["order"]["id"], "4", "187.5")

    fits, breaks, sells = (
        await preview(firm, quantity="15"),
        await preview(firm, quantity="16"),
        await preview(firm, quantity="29", side="SELL"),
    )

    assert [one["riskChecks"][0]["observed"] for one in (fits, breaks, sells)] == ["25", "26", "25"]
    assert [one["wouldBeAccepted"] for one in (fits, breaks, sells)] == [True, False, True]


@pytest.mark.parametrize(
    ("terms", "code", "path"),
    [
        ({"accountId": "nonsense"}, "ACCOUNT_NOT_FOUND", ["accountId"]),
        ({"accountId": str(uuid4())}, "ACCOUNT_NOT_FOUND", ["accountId"]),
        ({"symbol": "NOPE"}, "INSTRUMENT_NOT_FOUND", ["symbol"]),
        ({"symbol": None, "instrumentId": "nonsense"}, "INSTRUMENT_NOT_FOUND", ["instrumentId"]),
        ({"quantity": "0"}, "QUANTITY_INVALID", ["quantity"]),
        ({"limitPrice": "187.501"}, "PRICE_OFF_TICK", ["limitPrice"]),
        ({"stopPrice": "1"}, "PRICE_UNEXPECTED", ["stopPrice"]),
        ({"metadata": [1]}, "METADATA_INVALID", ["metadata"]),
        ({"takeProfit": "100"}, "EXIT_PRICE_CROSSED", ["takeProfit"]),
        ({"postOnly": True}, "POST_ONLY_NO_QUOTE", ["postOnly"]),
    ],
)
async def test_what_a_trader_gets_wrong_is_told_with_its_place(
    firm: Firm, terms: dict[str, Any], code: str, path: list[str], stored: Stored
) -> None:
    before = await stored()

    told = await preview(firm, **terms)

    assert told["wouldBeAccepted"] is False
    assert [(one["code"], one["path"]) for one in told["errors"]] == [(code, path)]
    assert told["riskChecks"] == []
    assert (told["initialMarginChange"], told["marginUnavailable"]["code"]) == (None, "NOT_PREVIEWED")
    assert await stored() == before


async def test_another_tenants_account_is_an_unknown_one(firm: Firm, stranger: Firm) -> None:
    told = await preview(firm, accountId=str(stranger.account_id))

    assert [(one["code"], one["path"]) for one in told["errors"]] == [("ACCOUNT_NOT_FOUND", ["accountId"])]


async def test_who_may_not_place_orders_may_not_preview_them(firm: Firm) -> None:
    viewer = await firm.member(Role.VIEWER)
    program = await firm.program(Scope.VIEW_ORDERS, Scope.CANCEL_ORDERS)

    for api in (viewer, program):
        code, _ = await api.refusal(PREVIEW, input=firm.order())
        assert code == "FORBIDDEN"


@pytest.mark.parametrize(
    ("terms", "price"),
    [
        ({"side": "BUY"}, "187.42"),
        ({"side": "SELL"}, "187.4"),
        ({"side": "BUY", "orderType": "STOP", "stopPrice": "190"}, "190"),
        ({"side": "BUY", "orderType": "TRAILING_STOP", "trailingAmount": "0.5"}, "187.92"),
    ],
)
async def test_an_order_without_a_limit_is_valued_by_the_quote(firm: Firm, terms: dict[str, Any], price: str) -> None:
    await quote(firm)

    told = await preview(firm, **{"orderType": "MARKET", "limitPrice": None, "quantity": "2", **terms})

    assert (told["price"], Decimal(told["notional"])) == (price, 2 * Decimal(price))
    assert told["notionalUnavailable"] is None


async def test_without_any_price_there_is_no_notional_and_placing_is_still_foretold(firm: Firm) -> None:
    told = await preview(firm, orderType="MARKET", limitPrice=None)
    placed = await firm.api.place(**firm.order(orderType="MARKET", limitPrice=None))

    assert told["wouldBeAccepted"] is True
    assert placed["errors"] == []
    assert (told["price"], told["notional"], told["notionalUnavailable"]["code"]) == (None, "0", "PRICE_UNKNOWN")


async def test_without_a_connector_only_the_margin_is_missing(firm: Firm) -> None:
    told = await preview(firm)

    assert told["wouldBeAccepted"] is True
    assert told["notional"] == "1875"
    assert [told[name] for name in MARGINS] == [None] * len(MARGINS)
    assert told["marginUnavailable"] == {
        "code": "CONNECTOR_AWAY",
        "message": "No connector runs that could ask the broker.",
        "path": [],
    }


async def test_an_account_that_is_not_connected_is_not_asked_about(firm: Firm) -> None:
    key = await factories.make_account(firm.desk.database, firm.key.tenant_id)

    told = await preview(firm, accountId=str(key.account_id))

    assert told["wouldBeAccepted"] is True
    assert told["marginUnavailable"]["code"] == "BROKER_DISCONNECTED"


async def test_a_connector_without_a_session_says_so(firm: Firm) -> None:
    async with answering(firm, None):
        told = await preview(firm)

    assert (told["wouldBeAccepted"], told["marginUnavailable"]["code"]) == (True, "BROKER_DISCONNECTED")


async def test_a_question_that_the_broker_never_answers_is_given_up(
    firm: Firm, adapter: IbAdapter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(handlers, "_preview", lambda *_: None)
        async with answering(firm, adapter):
            silent = await preview(firm)
    async with answering(firm, adapter):
        answered = await preview(firm)

    assert silent["wouldBeAccepted"] is True
    assert silent["marginUnavailable"] == {
        "code": "BROKER_TIMED_OUT",
        "message": "The broker did not answer in time.",
        "path": [],
    }
    assert answered["marginUnavailable"] is None


async def test_a_session_that_ends_is_told_without_the_address_of_the_gateway(firm: Firm, adapter: IbAdapter) -> None:
    await adapter.close()
    async with answering(firm, adapter):
        told = await preview(firm)

    assert told["marginUnavailable"] == {
        "code": "BROKER_DISCONNECTED",
        "message": "The account is not connected to its broker.",
        "path": [],
    }


async def test_a_refusal_of_the_broker_is_told_in_its_words(firm: Firm, adapter: IbAdapter) -> None:
    class Elsewhere:
        async def answer(self, asked: Asked, account: str) -> BrokerAnswer:
            return await adapter.answer(asked, "DU0000000")

    async with answering(firm, Elsewhere()):
        told = await preview(firm)

    assert told["wouldBeAccepted"] is True
    assert told["marginUnavailable"]["code"] == "WHAT_IF_REFUSED"
    assert "Invalid account code" in told["marginUnavailable"]["message"]


async def test_a_margin_that_the_broker_does_not_know_leaves_its_range_of_commissions(firm: Firm) -> None:
    class Vague:
        async def answer(self, asked: Asked, account: str) -> BrokerAnswer:
            return WhatIfAnswer(
                commission_min=Decimal("0.35"),
                commission_max=Decimal("1.55"),
                commission_currency="USD",
                warning="estimate",
            )

    async with answering(firm, Vague()):
        told = await preview(firm)

    assert (told["commission"], told["minCommission"], told["maxCommission"]) == (None, "0.35", "1.55")
    assert (told["brokerWarning"], told["initialMarginChange"]) == ("estimate", None)
    assert told["marginUnavailable"]["code"] == "BROKER_TIMED_OUT"


async def test_replies_that_come_twice_late_or_broken_do_not_reach_the_next_preview(
    firm: Firm, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, late = firm.desk, []
    monkeypatch.setattr(desk.broker, "_reply_within_s", 0.3)

    async def connector() -> None:
        async with desk.bus.subscribe(QUESTIONS) as questions:
            async for message in questions:
                assert isinstance(message, bytes)
                question = decode_question(message)
                assert isinstance(question.asked, WhatIf)
                margin = question.asked.terms.quantity
                reply = Reply(id=question.id, answer=WhatIfAnswer(initial_margin_change=margin), currency="USD")
                told = (question.reply_to, encode_reply(reply))
                if question.asked.side is Side.SELL:
                    late.append(told)
                else:
                    await desk.redis.publish([*late, (question.reply_to, b"{"), told, told])

    async with hearing(firm, connector):
        silent = await preview(firm, side="SELL", quantity="7")
        first = await preview(firm, quantity="10")
        second = await preview(firm, quantity="11")

    assert silent["marginUnavailable"]["code"] == "BROKER_TIMED_OUT"
    assert [one["initialMarginChange"] for one in (first, second)] == ["10", "11"]


async def test_no_more_questions_wait_than_a_process_keeps(firm: Firm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_broker, "ASKING_MAX", 0)

    told = await preview(firm)

    assert (told["wouldBeAccepted"], told["marginUnavailable"]["code"]) == (True, "BROKER_BUSY")


async def test_a_preview_tells_nothing_of_orders_in_accounts_that_one_may_not_see(firm: Firm) -> None:
    other = await factories.make_account(firm.desk.database, firm.key.tenant_id)
    await factories.make_limit(firm.desk.database, firm.key.tenant_id, LIMIT.WASH_TRADE)
    member = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.TRADER)
    assert member.user_id is not None
    await grant(firm, member.user_id, {other.account_id: True})
    restricted = firm.api.holding(token_of(firm.desk, member))
    await firm.api.place(**firm.order(side="SELL", limitPrice="190"))
    await firm.api.place(**firm.order(accountId=str(other.account_id), side="SELL", limitPrice="195"))
    asked = {"accountId": str(other.account_id)}

    previews = []
    for api, price in ((restricted, "189"), (restricted, "190"), (restricted, "195"), (firm.api, "190")):
        order = firm.order(**asked, limitPrice=price)
        previews.append((await api.data(PREVIEW, input=order))["previewOrder"])
    placed = await restricted.place(**firm.order(**asked, limitPrice="190"))

    below, at_it, own, everything = ([error["code"] for error in one["errors"]] for one in previews)
    assert (below, at_it) == ([], [])
    assert previews[0]["riskChecks"] == previews[1]["riskChecks"], "the price of the other account makes no difference"
    assert (own, everything) == (["RISK_WASH_TRADE"], ["RISK_WASH_TRADE"])
    assert [error["code"] for error in placed["errors"]] == ["RISK_WASH_TRADE"]
