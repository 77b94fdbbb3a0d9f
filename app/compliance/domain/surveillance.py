"""What looks like abuse in orders and executions: pure detectors, each of a pattern that a person must look into.

A suspicion is no verdict. Its key names the pattern, so that the same one is never opened twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.core.fix import OrderState, Side
from app.core.ids import AccountId, ExecutionKey, InstrumentId, OrderId

WASH_WINDOW: Final = timedelta(seconds=60)
LAYERS_MIN: Final = 4
LAYER_LIFE_MAX: Final = timedelta(seconds=60)
LAYERING_WINDOW: Final = timedelta(minutes=5)
CLOSE_WINDOW: Final = timedelta(minutes=5)
CLOSE_TRADES_MIN: Final = 3
CLOSE_SHARE_MIN: Final = Decimal("0.5")
BREACHES_MIN: Final = 5
BREACH_WINDOW: Final = timedelta(minutes=10)
LARGE_SHARE_MIN: Final = Decimal("0.1")
VOLUME_DAYS: Final = 20
EVIDENCE_MAX: Final = 200


class CaseKind(StrEnum):
    """The patterns that are looked for."""

    WASH_TRADE = "WASH_TRADE"
    SELF_CROSS = "SELF_CROSS"
    LAYERING = "LAYERING"
    MARKING_THE_CLOSE = "MARKING_THE_CLOSE"
    RESTRICTED_TOUCH = "RESTRICTED_TOUCH"
    LIMIT_BREACHES = "LIMIT_BREACHES"
    LARGE_ORDER = "LARGE_ORDER"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """An execution with who placed its order."""

    id: ExecutionKey
    order_id: OrderId
    account_id: AccountId
    instrument_id: InstrumentId
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime
    placed_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order as it became. ended_at is when it was last changed, where it is over.

    quantity is what it asks for now. day_volume is what a whole day deals of the instrument, or what the day had dealt
    when the order was taken; None where neither is known, and for what is no share.
    """

    id: OrderId
    account_id: AccountId
    instrument_id: InstrumentId
    side: Side
    state: OrderState
    quantity: Decimal
    day_volume: Decimal | None
    filled_quantity: Decimal
    reject_code: str | None
    placed_by: str
    placed_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Touch:
    """An alert of a restricted name."""

    alert_id: UUID
    entry_id: UUID
    order_id: OrderId
    account_id: AccountId
    instrument_id: InstrumentId
    acted_by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A pattern that was found, with its evidence, at most EVIDENCE_MAX orders and as many executions."""

    kind: CaseKind
    key: str
    summary: str
    account_id: AccountId
    instrument_id: InstrumentId | None
    order_ids: tuple[OrderId, ...]
    execution_ids: tuple[ExecutionKey, ...]
    occurred_at: datetime


def wash_trades(trades: Iterable[Trade]) -> list[Suspicion]:
    """A buy and a sale at one price within WASH_WINDOW: of one account a wash trade, of two a self-cross."""
    found: list[Suspicion] = []
    by_instrument: dict[tuple[InstrumentId, Decimal], list[Trade]] = defaultdict(list)
    for trade in sorted(trades, key=lambda one: (one.at, one.id)):
        recent = by_instrument[trade.instrument_id, trade.price]
        recent[:] = [one for one in recent if trade.at - one.at <= WASH_WINDOW]
        other = next((one for one in recent if one.side is not trade.side), None)
        recent.append(trade)
        if other is None:
            continue
        # Each execution meets one other at most: a row of them is several cases of two, not of all with all.
        recent.remove(other)
        recent.remove(trade)
        is_one = other.account_id == trade.account_id
        found.append(
            Suspicion(
                kind=CaseKind.WASH_TRADE if is_one else CaseKind.SELF_CROSS,
                key=f"{other.id}:{trade.id}",
                summary=f"bought and sold at one price within {WASH_WINDOW.seconds} s, "
                + ("in one account" if is_one else "between two accounts"),
                account_id=trade.account_id,
                instrument_id=trade.instrument_id,
                order_ids=(other.order_id, trade.order_id),
                execution_ids=(other.id, trade.id),
                occurred_at=trade.at,
            )
        )
    return found


def layering(orders: Iterable[Placed], trades: Iterable[Trade]) -> list[Suspicion]:
    """LAYERS_MIN orders of one side that were taken back unfilled soon, about a trade of the same person on the other.

    Source: FINRA Rule 5210, supplementary material .03; MAR annex I, A(c) and (e).
    """
    layers: dict[tuple[str, InstrumentId, Side], list[Placed]] = defaultdict(list)
    for order in orders:
        if order.state is not OrderState.CANCELED or order.filled_quantity or order.ended_at is None:
            continue
        if order.ended_at - order.placed_at <= LAYER_LIFE_MAX:
            layers[order.placed_by, order.instrument_id, order.side].append(order)
    found: dict[str, Suspicion] = {}
    for trade in sorted(trades, key=lambda one: (one.at, one.id)):
        opposite = trade.side.opposite
        near = [
            one
            for one in layers.get((trade.placed_by, trade.instrument_id, opposite), ())
            if abs(one.placed_at - trade.at) <= LAYERING_WINDOW
        ]
        key = f"{trade.placed_by}:{trade.instrument_id}:{opposite}:{trade.at:%Y-%m-%dT%H}"
        if len(near) < LAYERS_MIN or key in found:
            continue
        found[key] = Suspicion(
            kind=CaseKind.LAYERING,
            key=key,
            summary=f"{len(near)} orders to {opposite.value} taken back unfilled about a {trade.side.value}",
            account_id=trade.account_id,
            instrument_id=trade.instrument_id,
            order_ids=tuple(one.id for one in near[:EVIDENCE_MAX]),
            execution_ids=(trade.id,),
            occurred_at=trade.at,
        )
    return list(found.values())


def marking_the_close(trades: Iterable[Trade], closes: Mapping[InstrumentId, datetime]) -> list[Suspicion]:
    """Several trades of one side and person just before the close, most of what these dealt in the time looked at.

    closes are the closes of the day's regular sessions. Source: MAR annex I, A(d).
    """
    of_day: dict[tuple[str, InstrumentId, Side], list[Trade]] = defaultdict(list)
    for trade in trades:
        of_day[trade.placed_by, trade.instrument_id, trade.side].append(trade)
    found: list[Suspicion] = []
    for (person, instrument_id, side), dealt in of_day.items():
        closes_at = closes.get(instrument_id)
        if closes_at is None:
            continue
        late = [one for one in dealt if closes_at - CLOSE_WINDOW <= one.at < closes_at]
        whole = sum((one.quantity for one in dealt), Decimal(0))
        if len(late) < CLOSE_TRADES_MIN or sum((one.quantity for one in late), Decimal(0)) < CLOSE_SHARE_MIN * whole:
            continue
        found.append(
            Suspicion(
                kind=CaseKind.MARKING_THE_CLOSE,
                key=f"{person}:{instrument_id}:{side}:{closes_at.date()}",
                summary=f"{len(late)} trades to {side.value} within {CLOSE_WINDOW.seconds // 60} minutes of the close",
                account_id=late[0].account_id,
                instrument_id=instrument_id,
                order_ids=tuple(dict.fromkeys(one.order_id for one in late))[:EVIDENCE_MAX],
                execution_ids=tuple(one.id for one in late)[:EVIDENCE_MAX],
                occurred_at=late[-1].at,
            )
        )
    return found


def restricted_touches(touches: Iterable[Touch]) -> list[Suspicion]:
    """One for each entry that a person touched on a day."""
    found: dict[str, list[Touch]] = defaultdict(list)
    for touch in touches:
        found[f"{touch.entry_id}:{touch.acted_by}:{touch.at.date()}"].append(touch)
    return [
        Suspicion(
            kind=CaseKind.RESTRICTED_TOUCH,
            key=key,
            summary="a restricted name was touched",
            account_id=several[0].account_id,
            instrument_id=several[0].instrument_id,
            order_ids=tuple(dict.fromkeys(one.order_id for one in several))[:EVIDENCE_MAX],
            execution_ids=(),
            occurred_at=several[0].at,
        )
        for key, several in found.items()
    ]


def limit_breaches(orders: Iterable[Placed]) -> list[Suspicion]:
    """BREACHES_MIN orders of a person refused by limits within BREACH_WINDOW: somebody feels for the edge."""
    refused: dict[str, list[Placed]] = defaultdict(list)
    for order in sorted(orders, key=lambda one: (one.placed_at, one.id)):
        if order.reject_code is not None and order.reject_code.startswith("RISK_"):
            refused[order.placed_by].append(order)
    found: dict[str, Suspicion] = {}
    for person, several in refused.items():
        for first, last in _runs(several):
            run = several[first : last + 1]
            key = f"{person}:{run[-1].placed_at:%Y-%m-%dT%H}"
            found.setdefault(
                key,
                Suspicion(
                    kind=CaseKind.LIMIT_BREACHES,
                    key=key,
                    summary=f"{len(run)} orders refused by limits within {BREACH_WINDOW.seconds // 60} minutes",
                    account_id=run[-1].account_id,
                    instrument_id=None,
                    order_ids=tuple(one.id for one in run)[:EVIDENCE_MAX],
                    execution_ids=(),
                    occurred_at=run[-1].placed_at,
                ),
            )
    return list(found.values())


def large_orders(orders: Iterable[Placed]) -> list[Suspicion]:
    """Orders of LARGE_SHARE_MIN of the day's volume or more; one for a person, an instrument, a side and a day.

    What was refused moves no market. Source: MAR annex I, A(a).
    """
    large: dict[str, list[Placed]] = defaultdict(list)
    for order in sorted(orders, key=lambda one: (one.placed_at, one.id)):
        if order.state is not OrderState.REJECTED and _share(order) >= LARGE_SHARE_MIN:
            large[f"{order.placed_by}:{order.instrument_id}:{order.side}:{order.placed_at.date()}"].append(order)
    found: list[Suspicion] = []
    for key, several in large.items():
        largest = max(several, key=_share)
        found.append(
            Suspicion(
                kind=CaseKind.LARGE_ORDER,
                key=key,
                summary=f"an order to {largest.side.value} for {_share(largest):.0%} of the day's volume",
                account_id=largest.account_id,
                instrument_id=largest.instrument_id,
                order_ids=tuple(one.id for one in several)[:EVIDENCE_MAX],
                execution_ids=(),
                occurred_at=several[0].placed_at,
            )
        )
    return found


def _share(order: Placed) -> Decimal:
    return order.quantity / order.day_volume if order.day_volume else Decimal(0)


def _runs(orders: Sequence[Placed]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    first = 0
    for last, order in enumerate(orders):
        while order.placed_at - orders[first].placed_at > BREACH_WINDOW:
            first += 1
        if last - first + 1 >= BREACHES_MIN:
            runs.append((first, last))
    return runs
