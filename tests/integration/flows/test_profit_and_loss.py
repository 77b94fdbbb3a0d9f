"""Positions and profit and loss on a real database: exactly what the ledger amounts to, in both currencies."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.core.fix import Side
from app.core.fx import FxRate
from app.core.messages import CommissionReport, ExecutionReport, Fill, Tick
from app.core.money import ZERO, plain, rounded
from app.flows.journal.verify_journal import differences
from app.flows.positions.adjust_position import adjust_position
from app.flows.positions.fx_rates import keep_rates, rates_now
from app.flows.positions.snapshot_pnl import create_snapshot, due_instants, snapshot_tenant
from app.flows.positions.view_pnl import pnl_history, pnl_today
from app.infra.redis import Redis, make_client
from app.infra.uow import begin_batch
from app.marketdata import batch as marketdata_batch
from app.marketdata import service as marketdata
from app.orders.domain.order import Execution, Order
from app.orders.repository import ledger
from app.positions.domain import AdjustmentTerms, AdjustmentType, Position, apply_adjustment, apply_fill
from app.positions.errors import AdjustmentConflictError, AdjustmentRefusedError, HistoryRangeError, RateMissingError
from tests import factories
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader

NEW_YORK = ZoneInfo("America/New_York")


async def quote(trader: Trader, symbol: str, last: str, *, close: str | None = None) -> None:
    """What the market shows from now on."""
    tick = Tick(
        instrument_id=trader.instruments[symbol].id,
        symbol=symbol,
        bid=Decimal(last),
        ask=Decimal(last),
        last=Decimal(last),
        previous_close=None if close is None else Decimal(close),
        time=trader.desk.clock.now(),
    )
    await marketdata.publish_ticks(trader.desk.redis, trader.key.tenant_id, [tick])


async def know(trader: Trader, *rates: tuple[str, str, str]) -> None:
    """Rates as the worker stores them."""
    now = trader.desk.clock.now()
    known = [FxRate(base=base, quote=quote, rate=Decimal(rate), at=now) for base, quote, rate in rates]
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await marketdata_batch.keep_rates(session, trader.key.tenant_id, known, now)


async def open_order(trader: Trader, symbol: str = "SAP", *, side: Side = Side.BUY, quantity: str = "1000") -> Order:
    """An order that works at the broker."""
    order = await trader.placed(symbol, side=side, quantity=quantity, limit_price="200")
    await trader.claim()
    return order


def dealt(
    trader: Trader, order: Order, symbol: str, quantity: str | int, price: str | int, **more: Any
) -> ExecutionReport:
    at = more.pop("at", None)
    report = trader.execution(order, str(quantity), str(price), **more)
    contract_id = trader.instruments[symbol].contract_id
    assert contract_id is not None
    return replace(report, contract_id=contract_id, executed_at=at or report.executed_at)


def cost(report: ExecutionReport, commission: str | Decimal, currency: str) -> CommissionReport:
    return CommissionReport(
        execution_id=report.execution_id,
        root=report.root,
        commission=Decimal(commission),
        currency=currency,
        realized_pnl=None,
    )


def adjusting(trader: Trader, symbol: str, kind: AdjustmentType, **terms: Any) -> AdjustmentTerms:
    return AdjustmentTerms(
        account_id=trader.account_id,
        instrument_id=trader.instruments[symbol].id,
        type=kind,
        effective_at=terms.pop("effective_at", trader.desk.clock.now()),
        reason="test",
        idempotency_key=terms.pop("key", f"test-{trader.desk.ids.new().hex}"),
        **terms,
    )


async def rows(trader: Trader, sql: str) -> list[Any]:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        return await session.fetch(sql, trader.key.tenant_id)


async def ledger_of(trader: Trader, symbol: str) -> list[Execution]:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        found = await ledger.dealt_after(session, trader.key, trader.instruments[symbol].id, None)
    return [one.execution for one in found]


async def test_realized_profit_is_booked_at_the_rate_of_its_trade(trader: Trader) -> None:
    buy, sell = await open_order(trader), await open_order(trader, side=Side.SELL)
    await know(trader, ("EUR", "USD", "1.10"))
    await trader.report(dealt(trader, buy, "SAP", "100", "200"))
    await know(trader, ("EUR", "USD", "1.15"))
    closing = dealt(trader, sell, "SAP", "150", "210")

    await trader.report(closing, cost(closing, "6", "EUR"))
    await know(trader, ("EUR", "USD", "9"))

    position = await trader.position("SAP")
    assert (position.quantity, position.average_price) == (Decimal(-50), Decimal(210))
    assert (position.realized_pnl, position.realized_pnl_base) == (Decimal(1000), Decimal(1150))
    assert (position.commission, position.commission_base) == (Decimal(6), Decimal("6.9"))
    assert (position.unconverted_pnl, position.unconverted_commissions) == (0, 0)
    told = sorted(await ledger_of(trader, "SAP"), key=lambda row: row.quantity)
    assert [(row.base_rate, row.realized_pnl_base, row.commission_base) for row in told] == [
        (Decimal("1.10"), ZERO, None),
        (Decimal("1.15"), Decimal(1150), Decimal("6.9")),
    ]


async def test_a_commission_may_be_in_a_third_currency_and_come_late(trader: Trader) -> None:
    await know(trader, ("EUR", "USD", "1.25"), ("GBP", "EUR", "1.2"))
    order = await open_order(trader)
    fill = dealt(trader, order, "SAP", "100", "200")
    await trader.report(fill)

    await trader.report(cost(fill, "10", "GBP"))
    await trader.report(cost(fill, "10", "GBP"))

    assert (await trader.position("SAP")).commission_base == Decimal(15)


async def test_without_a_rate_the_figures_in_base_currency_are_unknown_and_never_one_to_one(trader: Trader) -> None:
    buy, sell = await open_order(trader), await open_order(trader, side=Side.SELL)
    first, second = dealt(trader, buy, "SAP", "100", "200"), dealt(trader, sell, "SAP", "100", "210")

    await trader.report(first, second, cost(second, "6", "EUR"))

    position = await trader.position("SAP")
    assert (position.realized_pnl, position.realized_pnl_base, position.unconverted_pnl) == (Decimal(1000), ZERO, 1)
    assert (position.commission_base, position.unconverted_commissions) == (ZERO, 1)
    with pytest.raises(RateMissingError) as refused:
        await create_snapshot(trader.desk, trader.principal, trader.account_id)
    assert refused.value.facts == {"currency": "USD", "missing": ["EUR"]}
    assert await rows(trader, "SELECT FROM pnl_snapshots WHERE tenant_id = $1") == []


async def test_a_correction_keeps_the_rate_of_what_it_corrects(trader: Trader) -> None:
    buy, sell = await open_order(trader), await open_order(trader, side=Side.SELL)
    await know(trader, ("EUR", "USD", "2"))
    opening, closing = dealt(trader, buy, "SAP", "100", "200"), dealt(trader, sell, "SAP", "100", "210")
    await trader.report(opening, closing, cost(closing, "5", "EUR"))
    await know(trader, ("EUR", "USD", "3"))

    corrected = replace(dealt(trader, buy, "SAP", "100", "205", root=opening.root, revision=2))
    await trader.report(replace(corrected, executed_at=opening.executed_at))

    position = await trader.position("SAP")
    assert (position.realized_pnl, position.realized_pnl_base) == (Decimal(500), Decimal(1000))
    assert position.commission_base == Decimal(10)
    told = {row.side: row for row in await ledger_of(trader, "SAP")}
    assert (told[Side.BUY].base_rate, told[Side.SELL].realized_pnl) == (Decimal(2), Decimal(500))
    assert told[Side.SELL].realized_pnl_base == Decimal(1000)


async def test_the_cost_of_a_corrected_execution_is_charged_once(trader: Trader) -> None:
    order = await open_order(trader, "AAPL")
    fill = dealt(trader, order, "AAPL", "100", "200")
    corrected = dealt(trader, order, "AAPL", "90", "200", root=fill.root, revision=2)

    await trader.report(fill, cost(fill, "1", "USD"))
    await trader.report(corrected, cost(corrected, "0.9", "USD"))

    assert (await trader.position()).commission_base == Decimal("0.9")
    assert (await trader.stored(order)).commission == Decimal("0.9")


async def test_a_fill_that_is_told_late_takes_its_place_among_the_others(trader: Trader) -> None:
    buy, sell = await open_order(trader, "AAPL"), await open_order(trader, "AAPL", side=Side.SELL)
    at = datetime.now(UTC) - timedelta(hours=1)
    early = dealt(trader, buy, "AAPL", "100", "10", at=at)
    middle = dealt(trader, buy, "AAPL", "100", "20", at=at + timedelta(seconds=1))
    last = dealt(trader, sell, "AAPL", "100", "30", at=at + timedelta(seconds=2))

    await trader.report(early)
    await trader.report(last)
    await trader.report(middle)

    position = await trader.position()
    assert (position.quantity, position.average_price, position.realized_pnl) == (
        Decimal(100),
        Decimal(15),
        Decimal(1500),
    )
    assert {row.side: row.realized_pnl for row in await ledger_of(trader, "AAPL")}[Side.SELL] == Decimal(1500)


async def test_a_restatement_reads_the_ledger_from_the_last_sound_entry_on(
    trader: Trader, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await open_order(trader, "AAPL")
    at = datetime.now(UTC) - timedelta(hours=1)
    fills = [dealt(trader, order, "AAPL", "10", "20", at=at + timedelta(seconds=place)) for place in range(20)]
    for fill in fills:
        await trader.report(fill)
    read: list[int] = []
    dealt_after = ledger.dealt_after

    async def counted(*given: Any) -> Any:
        found = await dealt_after(*given)
        read.append(len(found))
        return found

    monkeypatch.setattr(ledger, "dealt_after", counted)
    busted = dealt(trader, order, "AAPL", "0", "20", root=fills[17].root, revision=2, at=fills[17].executed_at)
    await trader.report(busted)

    assert read == [3]
    assert (await trader.position()).quantity == Decimal(190)


async def test_an_adjustment_moves_the_position_behind_the_newest_event(trader: Trader) -> None:
    await know(trader, ("EUR", "USD", "1.5"))
    order = await open_order(trader)
    await trader.report(dealt(trader, order, "SAP", "100", "200"))
    before = len(await trader.events())

    booked = await adjust_position(
        trader.desk, trader.principal, adjusting(trader, "SAP", AdjustmentType.EXPIRY, price=Decimal(190))
    )

    position = await trader.position("SAP")
    assert (position.quantity, position.realized_pnl, position.realized_pnl_base) == (
        ZERO,
        Decimal(-1000),
        Decimal(-1500),
    )
    assert (booked.quantity_before, booked.quantity_after, booked.realized_pnl_base) == (
        Decimal(100),
        ZERO,
        Decimal(-1500),
    )
    assert (booked.after_sequence, booked.place) == (before, 1)
    assert len(await trader.events()) == before
    (act,) = await rows(trader, "SELECT * FROM audit_log WHERE tenant_id = $1 AND action = 'position.adjust'")
    assert act["new_values"]["position"] == {
        "quantity": "0",
        "averagePrice": "0",
        "realizedPnl": "-1000",
        "realizedPnlBase": "-1500",
        "unconvertedPnl": 0,
        "movedUntil": booked.terms.effective_at.isoformat(),
    }
    assert act["new_values"]["reason"] == "test"


async def test_the_same_adjustment_twice_and_at_once_is_booked_once(trader: Trader) -> None:
    asked = adjusting(trader, "AAPL", AdjustmentType.TRANSFER, quantity=Decimal(10), price=Decimal(5), key="one")

    booked = await asyncio.gather(*(adjust_position(trader.desk, trader.principal, asked) for _ in range(4)))
    later = replace(asked, effective_at=trader.desk.clock.now())
    again = await adjust_position(trader.desk, trader.principal, later, is_timed=False)

    assert {one.id for one in booked} == {again.id}
    assert (await trader.position()).quantity == Decimal(10)
    with pytest.raises(AdjustmentConflictError):
        await adjust_position(trader.desk, trader.principal, replace(asked, quantity=Decimal(11)))
    with pytest.raises(AdjustmentConflictError):
        await adjust_position(trader.desk, trader.principal, later)
    assert (await trader.position()).quantity == Decimal(10)


async def test_a_refused_adjustment_leaves_nothing_behind(trader: Trader) -> None:
    await trader.placed()
    events = len(await trader.events())

    with pytest.raises(AdjustmentRefusedError) as refused:
        await adjust_position(
            trader.desk, trader.principal, adjusting(trader, "AAPL", AdjustmentType.SPLIT, ratio=Decimal(2))
        )

    assert refused.value.path == ("instrumentId",)
    assert len(await trader.events()) == events
    assert await rows(trader, "SELECT FROM position_adjustments WHERE tenant_id = $1") == []
    assert await rows(trader, "SELECT FROM position_history WHERE tenant_id = $1") == []


async def test_a_split_of_the_past_comes_before_the_fills_behind_it(trader: Trader) -> None:
    buy, sell = await open_order(trader, "AAPL"), await open_order(trader, "AAPL", side=Side.SELL)
    at = datetime.now(UTC) - timedelta(hours=1)
    await trader.report(dealt(trader, buy, "AAPL", "100", "40", at=at))
    await trader.report(dealt(trader, sell, "AAPL", "100", "25", at=at + timedelta(minutes=10)))

    split = adjusting(trader, "AAPL", AdjustmentType.SPLIT, ratio=Decimal(2), effective_at=at + timedelta(minutes=5))
    booked = await adjust_position(trader.desk, trader.principal, split)

    position = await trader.position()
    assert (booked.quantity_before, booked.quantity_after) == (Decimal(100), Decimal(200))
    assert (position.quantity, position.average_price, position.realized_pnl) == (
        Decimal(100),
        Decimal(20),
        Decimal(500),
    )
    corrected = {row.side: row.realized_pnl for row in await ledger_of(trader, "AAPL")}
    assert corrected[Side.SELL] == Decimal(500)


@dataclass(kw_only=True)
class Oracle:
    """What the house is held against: all that was told, folded from the beginning, each in its place."""

    moves: dict[str, tuple[datetime, int, Decimal | None, Fill | AdjustmentTerms]] = field(default_factory=dict)
    costs: dict[str, tuple[int, Decimal, Decimal | None]] = field(default_factory=dict)

    def told(self, report: ExecutionReport, place: int, rate: Decimal | None, fill: Fill) -> None:
        known = self.moves.get(report.root)
        if known is not None:
            place, rate = known[1], known[2] if known[2] is not None else rate
        self.moves[report.root] = (report.executed_at, place, rate, fill)

    def charged(self, report: ExecutionReport, commission: Decimal, rate: Decimal | None) -> None:
        known = self.costs.get(report.root)
        if known is None or known[0] <= report.revision:
            self.costs[report.root] = (report.revision, commission, rate)

    def fold(self, flat: Position) -> tuple[Position, Decimal, int]:
        position, base, unconverted = flat, ZERO, 0
        for _, _, rate, move in sorted(self.moves.values(), key=lambda one: one[:2]):
            if isinstance(move, Fill):
                position, realized = apply_fill(position, move, Decimal(1))
            else:
                position, realized = apply_adjustment(position, move, Decimal(1))
            if realized and rate is None:
                unconverted += 1
            elif realized and rate is not None:
                base += rounded(realized * rate)
        return position, base, unconverted

    @property
    def commission_base(self) -> Decimal:
        return sum((rounded(amount * rate) for _, amount, rate in self.costs.values() if rate is not None), ZERO)


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_is_told_in_whatever_order_the_books_are_what_the_ledger_amounts_to(
    trader: Trader, seed: int
) -> None:
    chance, oracle = Random(seed), Oracle()
    orders = [await open_order(trader, side=side, quantity="1000000") for side in Side]
    start, lateness = datetime.now(UTC) - timedelta(hours=2), 0.3 if seed % 2 else 0.03
    told: list[tuple[ExecutionReport, Order]] = []
    rate: Decimal | None = None

    for place in range(40):
        kind = chance.choice(["fill", "fill", "fill", "correct", "cost", "adjust", "rate"])
        at = start + timedelta(seconds=chance.randrange(60) if chance.random() < lateness else 60 + place)
        if kind == "rate":
            rate = Decimal(chance.randrange(80, 130)) / 100
            await know(trader, ("EUR", "USD", str(rate)))
        elif kind == "fill":
            order = chance.choice(orders)
            report = dealt(trader, order, "SAP", chance.randrange(1, 300), chance.randrange(100, 300), at=at)
            told.append((report, order))
            await book(trader, oracle, report, place, rate)
        elif kind == "correct" and told:
            report, order = chance.choice(told)
            quantity = chance.choice([0, chance.randrange(1, 300)])
            revision = max(one.revision for one, _ in told if one.root == report.root) + 1
            again = dealt(
                trader, order, "SAP", quantity, "150", root=report.root, revision=revision, at=report.executed_at
            )
            told.append((again, order))
            await book(trader, oracle, again, place, rate)
        elif kind == "cost" and told:
            report, _ = chance.choice(told)
            amount = Decimal(chance.randrange(1, 900)) / 100
            oracle.charged(report, amount, rate)
            await trader.report(cost(report, amount, "EUR"))
        elif kind == "adjust":
            asked = any_adjustment(trader, chance, at)
            try:
                await adjust_position(trader.desk, trader.principal, asked)
            except AdjustmentRefusedError:
                continue
            oracle.moves[asked.idempotency_key] = (asked.effective_at, place, rate, asked)

    position = await trader.position("SAP")
    flat = replace(position, quantity=ZERO, average_price=ZERO, realized_pnl=ZERO)
    expected, base, unconverted = oracle.fold(flat)
    assert (position.quantity, position.average_price) == (expected.quantity, expected.average_price)
    assert (position.realized_pnl, position.realized_pnl_base) == (expected.realized_pnl, base)
    assert position.unconverted_pnl == unconverted
    assert position.commission_base == oracle.commission_base
    executed = await ledger_of(trader, "SAP")
    adjusted = expected.realized_pnl - sum((row.realized_pnl or ZERO for row in executed), ZERO)
    assert adjusted == realized_by_adjustments(oracle, flat)
    sequences = [logged.sequence for logged in await trader.events()]
    assert sequences == list(range(1, len(sequences) + 1))
    assert await differences(trader.desk.database, trader.key.tenant_id, trader.account_id) == []


async def book(trader: Trader, oracle: Oracle, report: ExecutionReport, place: int, rate: Decimal | None) -> None:
    fill = Fill(
        instrument_id=trader.instruments["SAP"].id,
        signed_quantity=report.quantity * report.side.sign,
        price=report.price,
    )
    oracle.told(report, place, rate, fill)
    await trader.report(report)


def any_adjustment(trader: Trader, chance: Random, at: datetime) -> AdjustmentTerms:
    kind = chance.choice(list(AdjustmentType))
    quantity, price = Decimal(chance.choice([-1, 1]) * chance.randrange(1, 200)), Decimal(chance.randrange(100, 300))
    match kind:
        case AdjustmentType.SPLIT:
            terms: dict[str, Decimal | None] = {"ratio": Decimal(2)}
        case AdjustmentType.EXPIRY:
            terms = {"quantity": chance.choice([None, quantity]), "price": price}
        case _:
            terms = {"quantity": quantity, "price": price}
    return adjusting(trader, "SAP", kind, effective_at=at, **terms)


def realized_by_adjustments(oracle: Oracle, flat: Position) -> Decimal:
    position, told = flat, ZERO
    for _, _, _, move in sorted(oracle.moves.values(), key=lambda one: one[:2]):
        if isinstance(move, Fill):
            position, _ = apply_fill(position, move, Decimal(1))
        else:
            position, realized = apply_adjustment(position, move, Decimal(1))
            told += realized
    return told


async def test_rates_are_kept_from_quotes_and_outlive_redis(trader: Trader) -> None:
    desk, tenant_id = trader.desk, trader.key.tenant_id
    await quote(trader, "EUR.USD", "1.0805")
    await keep_rates(desk.database, desk.redis, tenant_id, desk.clock.now())
    stopped = Redis(make_client("unix:///nowhere/redis.sock"), "none:")

    without = await keep_rates(desk.database, stopped, tenant_id, desk.clock.now())
    await stopped.close()

    (kept,) = without.quoted
    assert (kept.base, kept.quote, kept.rate) == ("EUR", "USD", Decimal("1.0805"))
    assert not kept.is_stale(desk.clock.now())
    assert kept.is_stale(desk.clock.now() + timedelta(minutes=6))


async def test_a_newer_quote_goes_before_the_stored_rate_and_an_older_one_does_not_replace_it(trader: Trader) -> None:
    await know(trader, ("EUR", "USD", "1.1"))
    await quote(trader, "EUR.USD", "1.2")

    shown = await rates_now(trader.desk, trader.principal)
    old = FxRate(base="EUR", quote="USD", rate=Decimal(9), at=trader.desk.clock.now() - timedelta(days=1))
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await marketdata_batch.keep_rates(session, trader.key.tenant_id, [old], trader.desk.clock.now())
        (stored,) = await marketdata_batch.known_rates(session, trader.key.tenant_id)

    assert [one.rate for one in shown.quoted] == [Decimal("1.2")]
    assert stored.rate == Decimal("1.1")


@pytest.fixture
def at_noon(trader: Trader) -> tuple[Trader, SetClock]:
    """The trader on a desk whose clock stands at noon in New York."""
    clock = SetClock(datetime(2026, 3, 2, 17, tzinfo=UTC))
    moved = replace(trader, desk=replace(trader.desk, clock=clock))
    return moved, clock


async def test_the_day_is_what_was_booked_since_and_how_the_mark_moved(at_noon: tuple[Trader, SetClock]) -> None:
    trader, clock = at_noon
    await know(trader, ("EUR", "USD", "1.10"))
    buy = await open_order(trader)
    first = dealt(trader, buy, "SAP", "100", "200", at=clock.now())
    await trader.report(first, cost(first, "5", "EUR"))
    clock.advance(timedelta(hours=12))
    await know(trader, ("EUR", "USD", "1.12"))
    await quote(trader, "SAP", "205")
    await snapshots(trader)
    clock.advance(timedelta(hours=9))
    await know(trader, ("EUR", "USD", "1.15"))
    sell = await open_order(trader, side=Side.SELL)
    second = dealt(trader, sell, "SAP", "150", "210", at=clock.now())
    await trader.report(second, cost(second, "6", "EUR"))
    await know(trader, ("EUR", "USD", "1.16"))
    clock.advance(timedelta(seconds=1))
    await know(trader, ("EUR", "USD", "1.16"))
    await quote(trader, "SAP", "208")

    day = await pnl_today(trader.desk, trader.principal, trader.account_id)

    assert (day.day.isoformat(), day.currency, day.missing) == ("2026-03-03", "USD", [])
    assert (day.total.realized, day.total.unrealized, day.total.commission, day.total.net) == (
        Decimal(1150),
        Decimal(-444),
        Decimal("6.9"),
        Decimal("699.1"),
    )
    assert [part.instrument_id for part in day.parts] == [trader.instruments["SAP"].id]
    assert day.oldest_rate is not None
    assert day.oldest_rate.rate == Decimal("1.16")


async def test_what_is_told_late_is_of_the_day_it_was_booked(at_noon: tuple[Trader, SetClock]) -> None:
    trader, clock = at_noon
    buy, sell = await open_order(trader, "AAPL"), await open_order(trader, "AAPL", side=Side.SELL)
    opening = dealt(trader, buy, "AAPL", "100", "200", at=clock.now())
    closing = dealt(trader, sell, "AAPL", "100", "210", at=clock.now() + timedelta(seconds=1))
    await trader.report(opening, closing)
    first = await pnl_today(trader.desk, trader.principal, None)
    clock.advance(timedelta(days=1))

    corrected = dealt(trader, buy, "AAPL", "100", "203", root=opening.root, revision=2, at=opening.executed_at)
    await trader.report(corrected, cost(closing, "2", "USD"))

    second = await pnl_today(trader.desk, trader.principal, None)
    assert (first.total.realized, first.total.commission) == (Decimal(1000), ZERO)
    assert (second.total.realized, second.total.commission, second.total.net) == (
        Decimal(-300),
        Decimal(2),
        Decimal(-302),
    )


async def test_without_an_opening_mark_the_previous_close_stands_in(at_noon: tuple[Trader, SetClock]) -> None:
    trader, clock = at_noon
    await trader.report(dealt(trader, await open_order(trader, "AAPL"), "AAPL", "100", "200", at=clock.now()))
    clock.advance(timedelta(days=1))
    await quote(trader, "AAPL", "207", close="204")

    day = await pnl_today(trader.desk, trader.principal, trader.account_id)

    assert (day.total.realized, day.total.unrealized) == (ZERO, Decimal(300))


async def snapshots(trader: Trader, *, interval_s: int = 60) -> int:
    desk = trader.desk
    return await snapshot_tenant(
        desk.database,
        desk.redis,
        trader.key.tenant_id,
        now=desk.clock.now(),
        ids=desk.ids,
        timezone=NEW_YORK,
        interval_s=interval_s,
    )


async def worth(trader: Trader, equity: str) -> None:
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute(
            "UPDATE account_balances SET equity = $2 WHERE tenant_id = $1", trader.key.tenant_id, Decimal(equity)
        )


async def test_snapshots_are_taken_once_for_each_instant_by_however_many_workers(
    at_noon: tuple[Trader, SetClock],
) -> None:
    trader, clock = at_noon
    await trader.report(dealt(trader, await open_order(trader, "AAPL"), "AAPL", "100", "200", at=clock.now()))
    await quote(trader, "AAPL", "203")
    clock.advance(timedelta(seconds=20))

    await asyncio.gather(*(snapshots(trader) for _ in range(4)))
    again = await snapshots(trader)
    clock.advance(timedelta(seconds=60))
    next_minute = await snapshots(trader)

    start = datetime(2026, 3, 2, 17, tzinfo=UTC)
    told = await pnl_history(trader.desk, trader.principal, trader.account_id, start, start + timedelta(hours=1))
    assert (again, next_minute) == (0, 1)
    assert [one.at for one in told] == [start, start + timedelta(minutes=1)]
    assert {(one.realized, one.unrealized, one.net, one.is_day_end) for one in told} == {
        (ZERO, Decimal(300), Decimal(300), False)
    }


async def test_drawdown_is_how_far_equity_lies_below_its_peak(at_noon: tuple[Trader, SetClock]) -> None:
    trader, clock = at_noon
    start = clock.now()
    for equity in ("1000", "1200", "900", "1100", "1300"):
        await worth(trader, equity)
        await snapshots(trader)
        clock.advance(timedelta(minutes=1))

    told = await pnl_history(trader.desk, trader.principal, None, start, start + timedelta(hours=1))

    assert [plain(one.drawdown) for one in told] == ["0", "0", "300", "100", "0"]
    assert [plain(one.equity) for one in told] == ["1000", "1200", "900", "1100", "1300"]


async def test_the_end_of_a_trading_day_is_kept_and_its_mark_opens_the_next(at_noon: tuple[Trader, SetClock]) -> None:
    trader, clock = at_noon
    await trader.report(dealt(trader, await open_order(trader, "AAPL"), "AAPL", "100", "200", at=clock.now()))
    await quote(trader, "AAPL", "203")
    clock.advance(timedelta(hours=12, minutes=3))

    taken = await snapshots(trader, interval_s=3600)
    await quote(trader, "AAPL", "208")
    clock.advance(timedelta(minutes=1))
    later = await snapshots(trader, interval_s=3600)

    midnight = datetime(2026, 3, 3, 5, tzinfo=UTC)
    told = await pnl_history(trader.desk, trader.principal, None, midnight, midnight + timedelta(hours=1))
    assert (taken, later) == (1, 0)
    assert [(one.at, one.is_day_end, one.unrealized) for one in told] == [(midnight, True, Decimal(300))]
    (mark,) = await rows(trader, "SELECT * FROM opening_marks WHERE tenant_id = $1")
    assert (mark["day"].isoformat(), mark["price"], mark["taken_at"]) == (
        "2026-03-03",
        Decimal(203),
        midnight + timedelta(minutes=3),
    )
    assert (await pnl_today(trader.desk, trader.principal, None)).total.unrealized == Decimal(500)


def test_an_instant_that_is_long_past_is_left_out() -> None:
    at = datetime(2026, 3, 2, 15, tzinfo=UTC)
    midnight = datetime(2026, 3, 2, 5, tzinfo=UTC)

    assert due_instants(at + timedelta(seconds=90), NEW_YORK, 3600) == {at: False}
    assert due_instants(at + timedelta(seconds=91), NEW_YORK, 3600) == {}
    assert due_instants(midnight, NEW_YORK, 3600) == {midnight: True}
    assert due_instants(midnight + timedelta(minutes=10), NEW_YORK, 3600) == {midnight: True}
    assert due_instants(midnight + timedelta(minutes=11), NEW_YORK, 3600) == {}


async def test_a_snapshot_asked_for_twice_in_a_second_is_one(at_noon: tuple[Trader, SetClock]) -> None:
    trader, _ = at_noon

    first = await create_snapshot(trader.desk, trader.principal, trader.account_id)
    second = await create_snapshot(trader.desk, trader.principal, trader.account_id)

    assert first == second
    assert len(await rows(trader, "SELECT FROM pnl_snapshots WHERE tenant_id = $1")) == 1


async def test_a_long_history_is_thinned_to_the_last_of_each_slice(at_noon: tuple[Trader, SetClock]) -> None:
    trader, clock = at_noon
    start = clock.now()
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute(
            """
            INSERT INTO pnl_snapshots (tenant_id, id, account_id, at, realized, unrealized, commission, net, equity,
              peak, drawdown, is_day_end)
            SELECT $1, gen_random_uuid(), $2, $3::timestamptz + make_interval(mins => n), n, 0, 0, n, 0, 0, 0, false
            FROM generate_series(0, 1999) AS n
            """,
            trader.key.tenant_id,
            trader.account_id,
            start,
        )

    whole = await pnl_history(trader.desk, trader.principal, None, start, start + timedelta(minutes=1000))
    thinned = await pnl_history(trader.desk, trader.principal, None, start, start + timedelta(minutes=2000))

    assert [one.realized for one in whole] == list(range(1000))
    assert [one.realized for one in thinned] == list(range(1, 2000, 2))


async def test_a_history_has_a_range(trader: Trader) -> None:
    now = trader.desk.clock.now()

    for end in (now, now + timedelta(days=367)):
        with pytest.raises(HistoryRangeError) as refused:
            await pnl_history(trader.desk, trader.principal, None, now, end)
        assert refused.value.path == ("end",)


async def test_the_accounts_of_a_tenant_are_summed_in_the_currency_of_the_oldest(
    at_noon: tuple[Trader, SetClock],
) -> None:
    trader, _ = at_noon
    other = await factories.make_account(trader.desk.database, trader.key.tenant_id, client_id=2)
    async with begin_batch(trader.desk.database, trader.key.tenant_id) as session:
        await session.execute(
            "UPDATE broker_accounts SET base_currency = 'EUR' WHERE tenant_id = $1 AND id = $2",
            trader.key.tenant_id,
            other.account_id,
        )
    for account_id in (trader.account_id, other.account_id):
        given = adjusting(trader, "SAP", AdjustmentType.TRANSFER, quantity=Decimal(10), price=Decimal(100))
        await adjust_position(trader.desk, trader.principal, replace(given, account_id=account_id))
    await quote(trader, "SAP", "101")

    without = await pnl_today(trader.desk, trader.principal, None)
    alone = await pnl_today(trader.desk, trader.principal, other.account_id)
    await know(trader, ("EUR", "USD", "2"))
    both = await pnl_today(trader.desk, trader.principal, None)

    assert (without.missing, without.total.net) == (["EUR"], None)
    assert (alone.currency, alone.total.net) == ("EUR", Decimal(10))
    assert (both.currency, both.total.net, len(both.parts)) == ("USD", Decimal(40), 1)
