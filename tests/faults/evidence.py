"""What is read when a campaign has come to rest: the database as its owner sees it, and the brokers' own books."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from app.core.ids import AccountId, TenantId
from app.flows.journal.verify_journal import differences
from app.infra.db import Database, DatabaseRole
from tests.contract.simulator.clients import load
from tests.faults.load import Answered, Asked
from tests.faults.stage import OPEN_ORDERS_MAX, POSITION_MAX, Stage, StagedAccount

AUDITOR = 990
ANSWER_S_MAX = 60.0
_EXECUTIONS = 1

Row = Mapping[str, Any]

_TABLES = {
    "orders": "SELECT * FROM orders ORDER BY id",
    "events": "SELECT * FROM order_events ORDER BY account_id, sequence",
    "executions": "SELECT * FROM executions ORDER BY id",
    "requests": "SELECT * FROM order_requests ORDER BY requested_at, id",
    "positions": "SELECT * FROM positions ORDER BY account_id, instrument_id",
    "books": "SELECT * FROM account_books ORDER BY account_id",
    "quarantined": "SELECT * FROM quarantined_reports ORDER BY recorded_at",
    "audit": "SELECT action, resource_id FROM audit_log WHERE resource_type = 'Order' "
    "UNION ALL SELECT action, resource_id FROM audit_chain WHERE resource_type = 'Order'",
    "adjustments": "SELECT * FROM position_adjustments ORDER BY recorded_at",
    "instruments": "SELECT id, symbol, broker_contract_id FROM instruments",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """An order as the broker tells it; ref is the orderRef, our order id, and empty for an order made by hand."""

    ref: str
    permanent_id: int
    status: str
    quantity: Decimal
    filled: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerExecution:
    """A deal as the broker tells it; quantity is signed, below zero for a sale."""

    execution_id: str
    ref: str
    contract_id: int
    quantity: Decimal
    price: Decimal
    permanent_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerBook:
    """All that a broker tells of one account: its executions since midnight UTC."""

    orders: Sequence[BrokerOrder] = ()
    executions: Sequence[BrokerExecution] = ()
    positions: Mapping[int, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of an account that a replay is held against."""

    open_orders: int
    position: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What one follower of an account's events was told, in the order of arrival."""

    account_id: UUID
    events: Sequence[tuple[int, str, str]]
    connections: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that the checks look at; differences are those that `oms journal verify` tells."""

    asked: Sequence[Asked] = ()
    answered: Sequence[Answered] = ()
    orders: Sequence[Row] = ()
    events: Sequence[Row] = ()
    executions: Sequence[Row] = ()
    requests: Sequence[Row] = ()
    positions: Sequence[Row] = ()
    books: Sequence[Row] = ()
    quarantined: Sequence[Row] = ()
    audit: Sequence[Row] = ()
    adjustments: Sequence[Row] = ()
    instruments: Sequence[Row] = ()
    brokers: Mapping[UUID, BrokerBook] = field(default_factory=dict)
    limits: Mapping[UUID, Limits] = field(default_factory=dict)
    followed: Sequence[Followed] = ()
    differences: Sequence[str] = ()
    midnight: datetime = field(default_factory=lambda: datetime.min.replace(tzinfo=UTC))
    log: str = ""


async def gather(
    stage: Stage, asked: Sequence[Asked], answered: Sequence[Answered], followed: Sequence[Followed]
) -> Evidence:
    """The evidence of a stage at rest, kept in its folder too."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    connection = await stage.connect()
    try:
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            tables = {name: await connection.fetch(sql) for name, sql in _TABLES.items()}
    finally:
        await connection.close()
    brokers = {account.id: await ask_broker(account) for account in stage.accounts}
    evidence = Evidence(
        asked=asked,
        answered=answered,
        **{name: [dict(row) for row in rows] for name, rows in tables.items()},
        brokers=brokers,
        limits={stage.hot.id: Limits(open_orders=OPEN_ORDERS_MAX, position=POSITION_MAX)},
        followed=followed,
        differences=await _differences(stage),
        midnight=midnight,
        log=stage.installation.log() + (stage.evidence / "second.log").read_text(errors="replace"),
    )
    _keep(stage.evidence, evidence)
    return evidence


async def _differences(stage: Stage) -> list[str]:
    database = Database(stage.database_url, DatabaseRole.APP, size=1)
    await database.open()
    try:
        return [
            f"{one.subject} {one.id} {one.field}: {one.replayed} by the log, {one.stored} stored"
            for account in stage.accounts
            for one in await differences(database, TenantId(stage.tenant_id), AccountId(account.id))
        ]
    finally:
        await database.close()


async def ask_broker(account: StagedAccount) -> BrokerBook:
    """The account's books, told to a client of its own over the simulator's socket.

    Raises TimeoutError when the simulator does not finish.
    """
    library = load("ib_async")
    ear = _Ear()
    client = library.client.Client(ear)
    client.MaxRequests = 0
    async with asyncio.timeout(ANSWER_S_MAX):
        await client.connectAsync("127.0.0.1", account.simulator_port, AUDITOR, ANSWER_S_MAX)
        try:
            client.reqAllOpenOrders()
            await ear.told["openOrderEnd"].wait()
            client.reqCompletedOrders(False)
            await ear.told["completedOrdersEnd"].wait()
            client.reqExecutions(_EXECUTIONS, library.ExecutionFilter(acctCode=account.number))
            await ear.told["execDetailsEnd"].wait()
            client.reqPositions()
            await ear.told["positionEnd"].wait()
        finally:
            client.disconnect()
    return ear.book(account.number)


class _Ear:
    """Listens to the decoder of the library by the names of the TWS API, and keeps what comes."""

    defaultTimezone = UTC
    ib = SimpleNamespace(TimezoneTWS="UTC")

    def __init__(self) -> None:
        ends = ("openOrderEnd", "completedOrdersEnd", "execDetailsEnd", "positionEnd")
        self.told = {name: asyncio.Event() for name in ends}
        self._filled: dict[int, Decimal] = {}
        self._orders: list[tuple[str, Any, str]] = []
        self._executions: list[tuple[Any, Any]] = []
        self._positions: list[tuple[str, int, Decimal]] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        event = self.told.get(name)
        return lambda *_: event.set() if event is not None else None

    def openOrder(self, _: int, contract: Any, order: Any, state: Any) -> None:
        self._orders.append((order.account, order, state.status))

    def orderStatus(self, _: int, status: str, filled: float, *rest: Any) -> None:
        self._filled[int(rest[2])] = Decimal(str(filled))

    def completedOrder(self, contract: Any, order: Any, state: Any) -> None:
        self._filled[order.permId] = Decimal(str(order.filledQuantity))
        self._orders.append((order.account, order, state.status))

    def execDetails(self, _: int, contract: Any, execution: Any) -> None:
        self._executions.append((contract, execution))

    def position(self, account: str, contract: Any, quantity: float, cost: float) -> None:
        self._positions.append((account, contract.conId, Decimal(str(quantity))))

    def book(self, number: str) -> BrokerBook:
        return BrokerBook(
            orders=[
                BrokerOrder(
                    ref=order.orderRef,
                    permanent_id=order.permId,
                    status=status,
                    quantity=Decimal(str(order.totalQuantity)),
                    filled=self._filled.get(order.permId, Decimal(0)),
                )
                for account, order, status in self._orders
                if account == number
            ],
            executions=[
                BrokerExecution(
                    execution_id=execution.execId,
                    ref=execution.orderRef,
                    contract_id=contract.conId,
                    quantity=Decimal(str(execution.shares)) * (1 if execution.side == "BOT" else -1),
                    price=Decimal(str(execution.price)),
                    permanent_id=execution.permId,
                )
                for contract, execution in self._executions
                if execution.acctNumber == number
            ],
            positions={con_id: held for account, con_id, held in self._positions if account == number and held},
        )


def _keep(folder: Path, evidence: Evidence) -> None:
    for name in _TABLES:
        rows = getattr(evidence, name)
        lines = (json.dumps(row, default=str) for row in rows)
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    brokers = {str(account_id): asdict(book) for account_id, book in evidence.brokers.items()}
    (folder / "brokers.json").write_text(json.dumps(brokers, default=str))
    followed = [asdict(one) for one in evidence.followed]
    (folder / "followed.json").write_text(json.dumps(followed, default=str))
