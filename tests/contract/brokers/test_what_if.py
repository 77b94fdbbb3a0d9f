"""What a broker is asked without an order being made, at the simulator's socket, over both client libraries."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from app.brokers.errors import BrokerBusyError, BrokerDisconnectedError, BrokerTimedOutError, WhatIfRefusedError
from app.brokers.ib.adapter import IbAdapter
from app.brokers.ib.session import Timeouts
from app.brokers.ib.what_ifs import WAITING_MAX
from app.brokers.what_if import WhatIf, WhatIfAnswer
from app.core.fix import OrderType, Side
from app.core.messages import OrderTerms
from app.simulator import order_messages
from app.simulator.handlers import orders as handlers
from app.simulator.orders import OrderRequest, OrderStatus, SimulatedOrder
from app.simulator.server import Simulator
from app.simulator.session import Session
from app.simulator.venue import Venue
from tests.contract.brokers.conftest import ACCOUNT, WAIT_S, Bench, RecordingSink, contract_of, place

TIMEOUTS = Timeouts(connect_s=3.0, part_s=3.0, probe_s=1.0, what_if_s=3.0)
IMPATIENT = Timeouts(connect_s=3.0, part_s=3.0, probe_s=1.0, what_if_s=0.2)

Preview = Callable[[Venue, Session, OrderRequest], None]
PREVIEW: Preview = handlers._preview


def buy(quantity: int = 100, *, limit: str | None = "187.5") -> WhatIf:
    """A question about buying AAPL at the limit, or at the market without one."""
    return WhatIf(
        contract=contract_of("AAPL"),
        side=Side.BUY,
        order_type=OrderType.MARKET if limit is None else OrderType.LIMIT,
        terms=OrderTerms(quantity=Decimal(quantity), limit_price=None if limit is None else Decimal(limit)),
    )


def answering(monkeypatch: pytest.MonkeyPatch, preview: Preview) -> None:
    """Makes the simulator answer what-ifs in another way."""
    monkeypatch.setattr(handlers, "_preview", preview)


async def last(adapter: IbAdapter) -> WhatIfAnswer | None:
    """The answer to one more question; None when it does not come in time."""
    try:
        return await adapter.what_if(buy(), ACCOUNT)
    except BrokerTimedOutError:
        return None


@pytest.mark.parametrize("limit", ["187.5", None])
async def test_margin_and_commission_are_told_and_nothing_is_ordered(
    bench: Bench, simulator: Simulator, limit: str | None
) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink, timeouts=TIMEOUTS)
    before = await adapter.connect()
    state = simulator.venue.exchange.ledger.whole_state()

    answer = await adapter.what_if(buy(limit=limit), ACCOUNT)

    assert answer.initial_margin_change is not None
    assert answer.initial_margin_change > 0
    assert answer.maintenance_margin_change is not None
    assert 0 < answer.maintenance_margin_change <= answer.initial_margin_change
    assert (answer.commission, answer.commission_currency) == (Decimal(1), "USD")
    assert (answer.commission_min, answer.commission_max, answer.warning) == (None, None, None)
    assert (await adapter.synchronize()).reports == ()
    assert sink.reports == []
    assert simulator.venue.exchange.orders == {}
    assert simulator.venue.exchange.ledger.whole_state() == state
    assert simulator.venue.exchange.next_order_id(3) == before.next_order_id


async def test_each_question_has_its_own_answer(bench: Bench) -> None:
    adapter = bench.adapter(RecordingSink(), timeouts=TIMEOUTS)
    await adapter.connect()

    small, large = await asyncio.gather(adapter.what_if(buy(100), ACCOUNT), adapter.what_if(buy(1_000), ACCOUNT))

    assert small.initial_margin_change is not None
    assert large.initial_margin_change is not None
    assert large.initial_margin_change > 9 * small.initial_margin_change


async def test_a_refusal_is_told_in_the_brokers_words_and_is_no_report(bench: Bench) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink, timeouts=TIMEOUTS)
    await adapter.connect()

    with pytest.raises(WhatIfRefusedError, match="110 The price does not conform"):
        await adapter.what_if(buy(limit="187.501"), ACCOUNT)
    with pytest.raises(WhatIfRefusedError, match=r"201 .*Invalid account code"):
        await adapter.what_if(buy(), "DU0000000")

    assert (await adapter.what_if(buy(), ACCOUNT)).commission == 1
    assert sink.reports == []


async def test_a_question_that_is_never_answered_ends_and_the_next_is_answered(
    bench: Bench, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink, timeouts=IMPATIENT)
    await adapter.connect()
    hung: list[tuple[Venue, Session, OrderRequest]] = []
    answering(monkeypatch, lambda venue, session, request: hung.append((venue, session, request)))

    with pytest.raises(BrokerTimedOutError):
        await adapter.what_if(buy(), ACCOUNT)
    answering(monkeypatch, PREVIEW)
    PREVIEW(*hung[0])
    answer = await adapter.what_if(buy(1_000), ACCOUNT)

    assert answer.initial_margin_change is not None
    assert answer.initial_margin_change > 50_000, "the late answer is of the smaller order"
    assert sink.reports == []


async def test_answers_that_come_twice_with_a_status_and_an_error_are_of_no_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = RecordingSink()
    adapter = bench.adapter(sink, timeouts=TIMEOUTS)
    await adapter.connect()

    def twice(venue: Venue, session: Session, request: OrderRequest) -> None:
        PREVIEW(venue, session, request)
        PREVIEW(venue, session, request)
        order = SimulatedOrder(
            perm_id=9_000_001,
            client_id=3,
            request=request,
            status=OrderStatus.PRE_SUBMITTED,
            placed_at=venue.clock.now(),
        )
        venue.tell_order(session, order, has_terms=False)
        session.send_error(request.order_id, 201, "Order rejected - reason: late")

    answering(monkeypatch, twice)
    first = await adapter.what_if(buy(100), ACCOUNT)
    second = await adapter.what_if(buy(1_000), ACCOUNT)
    await adapter.probe()

    assert first.initial_margin_change is not None
    assert second.initial_margin_change is not None
    assert second.initial_margin_change > 9 * first.initial_margin_change
    assert sink.reports == []


async def test_an_answer_without_a_margin_waits_for_a_better_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = bench.adapter(RecordingSink(), timeouts=TIMEOUTS)
    await adapter.connect()

    def later(venue: Venue, session: Session, request: OrderRequest) -> None:
        unknown(venue, session, request)
        PREVIEW(venue, session, request)

    answering(monkeypatch, later)
    answer = await adapter.what_if(buy(), ACCOUNT)

    assert answer.initial_margin_change is not None
    assert answer.commission == 1


async def test_an_answer_that_stays_without_a_margin_is_told_as_far_as_it_goes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = bench.adapter(RecordingSink(), timeouts=IMPATIENT)
    await adapter.connect()
    answering(monkeypatch, unknown)

    answer = await adapter.what_if(buy(), ACCOUNT)

    assert (answer.initial_margin_change, answer.maintenance_margin_change, answer.commission) == (None, None, None)


async def test_a_session_that_ends_ends_its_questions(
    bench: Bench, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = bench.adapter(RecordingSink(), timeouts=TIMEOUTS)
    with pytest.raises(BrokerDisconnectedError):
        await adapter.what_if(buy(), ACCOUNT)
    await adapter.connect()
    answering(monkeypatch, lambda *_: simulator.drop_connections())

    with pytest.raises(BrokerDisconnectedError):
        await adapter.what_if(buy(), ACCOUNT)


async def test_no_more_questions_wait_than_a_few(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    adapter = bench.adapter(RecordingSink(), timeouts=IMPATIENT)
    await adapter.connect()
    answering(monkeypatch, lambda *_: None)

    asked = [adapter.what_if(buy(), ACCOUNT) for _ in range(WAITING_MAX + 1)]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(one, BrokerBusyError) for one in answers) == 1
    assert sum(isinstance(one, BrokerTimedOutError) for one in answers) == WAITING_MAX


async def test_a_question_that_the_pace_held_back_too_long_is_never_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = bench.adapter(RecordingSink(), timeouts=IMPATIENT, limit=4)
    await adapter.connect()
    heard: list[OrderRequest] = []
    answering(monkeypatch, lambda venue, session, request: heard.append(request))

    asked = [adapter.what_if(buy(), ACCOUNT) for _ in range(6)]
    await asyncio.gather(*asked, return_exceptions=True)
    await adapter.probe()
    answering(monkeypatch, PREVIEW)
    async with asyncio.timeout(WAIT_S):
        while (answer := await last(adapter)) is None:
            continue

    assert answer.commission == 1
    assert len(heard) == 2, "a quarter of the window is kept for cancels, and as much for orders"


async def test_a_hung_question_of_another_client_is_no_order_of_ours(
    bench: Bench, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = RecordingSink()
    trading = bench.adapter(sink, client_id=4)
    number = (await trading.connect()).next_order_id
    trading.send(place(number, limit="150.25"))

    def leak(venue: Venue, session: Session, request: OrderRequest) -> None:
        for other in venue._connections:
            PREVIEW(venue, other, request)

    asking = bench.adapter(RecordingSink(), timeouts=TIMEOUTS)
    await asking.connect()
    answering(monkeypatch, leak)
    await asking.what_if(buy(), ACCOUNT)
    snapshot = await trading.synchronize()

    assert {report.address.broker_order_id for report in snapshot.reports} == {number}  # type: ignore[union-attr]
    assert {report.address.broker_order_id for report in sink.reports} <= {number}  # type: ignore[union-attr]


def unknown(venue: Venue, session: Session, request: OrderRequest) -> None:
    """An answer in which every figure is the largest double, which is how TWS says that it does not know."""
    order = SimulatedOrder(
        perm_id=0, client_id=3, request=request, status=OrderStatus.PRE_SUBMITTED, placed_at=venue.clock.now()
    )
    session.send(order_messages.open_order(order, venue.directory[request.con_id], session.version))
