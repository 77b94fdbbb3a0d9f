"""The web process as clients meet it: real HTTP and sockets, a real PostgreSQL and Redis, firms that trade."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from starlette.types import ASGIApp
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from app.brokers import repository as brokers
from app.brokers.domain import Lease
from app.core.fix import Side
from app.core.ids import AccountId, OrderId
from app.core.messages import (
    AccountKey,
    ExecutionReport,
    FaultClass,
    FaultReport,
    Instrument,
    LaneCommand,
    OrderAddress,
    StatusReport,
    WorkingStatus,
)
from app.flows.desk import Desk, open_desk
from app.flows.identity.create_api_key import create_api_key
from app.flows.journal.relay_outbox import Relay, relay_forever
from app.flows.orders.claim_orders import claim_orders
from app.flows.reports.apply_reports import apply_reports
from app.identity.domain import Principal, Role, Scope
from app.infra.db import Database, DatabaseRole
from app.infra.origins import Origins
from app.infra.outages import known_as
from app.infra.settings import Settings
from app.infra.sharing import end_task
from app.infra.tokens import AccessClaims
from app.infra.uow import begin_batch
from app.web import create_app, serving
from schema.base.door import Doorway
from schema.base.execution import GraphQLEngine
from schema.base.socket import GraphQLOverSocket
from schema.base.socket_limits import SocketLimits
from schema.schema import schema, subscription_requirements
from tests import factories
from tests.http_transport import PlainTransport

Answer = dict[str, Any]
CLIENT_ID = 7
POWER_LOST = 4403

PLACE = """
mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id state version clientOrderId } errors { code message path } }
}
"""


@pytest.fixture(scope="session")
def settings(database_url: str, redis_url: str, redis_prefix: str) -> Settings:
    """The settings of the web process."""
    return Settings(
        environment="test",
        database_url=database_url,
        redis_url=redis_url,
        redis_prefix=redis_prefix,
        gateway_hosts="gateway.test:4001-4999",
        # The sweep asks one person's way for more than a person may; limits have tests of their own.
        rate_limit_address=0,
        rate_limit_user=0,
        rate_limit_tenant=0,
    )


@pytest.fixture(scope="session")
async def desk(settings: Settings) -> AsyncIterator[Desk]:
    """The desk of the web process."""
    async with open_desk(settings) as desk:
        yield desk


@pytest.fixture(scope="session")
async def address(desk: Desk, settings: Settings) -> AsyncIterator[str]:
    """Where the web process serves: host and port."""
    async with serve(desk, settings) as address:
        yield address


@asynccontextmanager
async def serve(desk: Desk, settings: Settings) -> AsyncIterator[str]:
    """A server over the desk; what comes is its host and port."""
    async with serve_app(create_app(desk, settings)) as address:
        yield address


@asynccontextmanager
async def serve_app(app: ASGIApp) -> AsyncIterator[str]:
    """A server of the application on a port of the system's choice; what comes is its host and port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        async with serving(app, listener):
            yield f"127.0.0.1:{listener.getsockname()[1]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A client of the API with a credential, or with none."""

    http: httpx.AsyncClient
    address: str
    bearer: str | None = None

    async def post(self, content: bytes, **headers: str) -> httpx.Response:
        """The response to a body."""
        given = {"content-type": "application/json", **{name.replace("_", "-"): headers[name] for name in headers}}
        if self.bearer is not None:
            given.setdefault("authorization", f"Bearer {self.bearer}")
        return await self.http.post(f"http://{self.address}/graphql", content=content, headers=given)

    async def answer(self, document: str, **variables: Any) -> Answer:
        """The answer to a document."""
        response = await self.post(orjson.dumps({"query": document, "variables": variables}))
        assert response.status_code == 200, response.text
        answer: Answer = response.json()
        return answer

    async def data(self, document: str, **variables: Any) -> Any:
        """The data of a document that meets no error."""
        answer = await self.answer(document, **variables)
        assert "errors" not in answer, answer
        return answer["data"]

    async def error(self, document: str, **variables: Any) -> Answer:
        """The one error that a document meets."""
        answer = await self.answer(document, **variables)
        assert len(answer.get("errors", ())) == 1, answer
        error: Answer = answer["errors"][0]
        return error

    async def refusal(self, document: str, **variables: Any) -> tuple[str, list[str]]:
        """Code and path of the one error that a document meets."""
        extensions = (await self.error(document, **variables))["extensions"]
        return extensions["code"], extensions.get("path", [])

    async def place(self, **terms: Any) -> Answer:
        """The payload of placeOrder."""
        payload: Answer = (await self.data(PLACE, input=terms))["placeOrder"]
        return payload

    def holding(self, bearer: str | None) -> "Api":
        """The same client with another credential."""
        return replace(self, bearer=bearer)

    @asynccontextmanager
    async def socket(self, **options: Any) -> AsyncIterator["Socket"]:
        """A socket that was acknowledged."""
        protocols = [Subprotocol("graphql-transport-ws")]
        async with connect(f"ws://{self.address}/graphql", subprotocols=protocols, **options) as raw:
            opened = Socket(raw)
            await opened.send(type="connection_init", payload={"authorization": f"Bearer {self.bearer}"})
            assert await opened.receive() == {"type": "connection_ack"}
            yield opened


class Socket:
    """A client of graphql-transport-ws."""

    def __init__(self, raw: ClientConnection) -> None:
        self.raw = raw
        self._ids = count(1)

    async def send(self, **message: Any) -> None:
        """Sends a message."""
        await self.raw.send(orjson.dumps(message).decode())

    async def receive(self) -> Answer:
        """The next message."""
        message: Answer = orjson.loads(await self.raw.recv())
        return message

    async def subscribe(self, document: str, **variables: Any) -> str:
        """Starts an operation; its id."""
        operation_id = str(next(self._ids))
        await self.send(type="subscribe", id=operation_id, payload={"query": document, "variables": variables})
        return operation_id

    async def next_data(self) -> Any:
        """The data of the next message, which has no error."""
        message = await self.receive()
        assert message["type"] == "next", message
        assert "errors" not in message["payload"], message
        return message["payload"]["data"]

    async def refusal(self) -> tuple[str, list[str]]:
        """Code and path of the next message, which is an error."""
        message = await self.receive()
        assert message["type"] == "error", message
        extensions = message["payload"][0]["extensions"]
        return extensions["code"], extensions.get("path", [])

    async def loses_power(self) -> None:
        """Waits until the server says that the credential holds no more: to the operation, or by closing the socket."""
        try:
            assert await self.refusal() == ("UNAUTHENTICATED", [])
        except ConnectionClosed:
            assert self.raw.close_code == POWER_LOST

    async def end(self) -> int:
        """The code that the server closes with, whatever it says before."""
        with suppress(ConnectionClosed):
            while True:
                await self.raw.recv()
        assert self.raw.close_code is not None
        return self.raw.close_code


@dataclass(frozen=True, slots=True, kw_only=True)
class Firm:
    """A tenant that trades: its administrator, an account, the catalogue, and a client with their credential."""

    desk: Desk
    api: Api
    principal: Principal
    key: AccountKey
    instruments: dict[str, Instrument]

    @property
    def account_id(self) -> AccountId:
        """The firm's account."""
        return self.key.account_id

    async def member(self, role: Role) -> Api:
        """A client of another member."""
        principal = await factories.make_principal(self.desk.database, self.key.tenant_id, role=role)
        return self.api.holding(token_of(self.desk, principal))

    async def program(self, *scopes: Scope) -> Api:
        """A client with an API key of these scopes."""
        issued = await create_api_key(self.desk.door, self.principal, name="program", scopes=scopes)
        return self.api.holding(issued.text)

    def order(self, **terms: Any) -> dict[str, Any]:
        """The input of a limit order that a broker would take."""
        return {
            "accountId": str(self.account_id),
            "symbol": "AAPL",
            "side": "BUY",
            "orderType": "LIMIT",
            "quantity": "10",
            "limitPrice": "187.5",
            "clientOrderId": f"test-{self.desk.ids.new().hex}",
            **terms,
        }


@asynccontextmanager
async def serving_sockets(firm: Firm, limits: SocketLimits) -> AsyncIterator[Api]:
    """The firm's client at a process whose sockets have these limits."""
    engine = GraphQLEngine(schema._schema, subscription_requirements(), known_as=known_as)
    doorway = Doorway(firm.desk, Origins().is_ours, known_as)
    async with serve_app(GraphQLOverSocket(doorway, engine, schema, limits)) as address:
        yield replace(firm.api, address=address)


def token_of(desk: Desk, principal: Principal, *, life: timedelta = timedelta(minutes=5)) -> str:
    """An access token of the principal."""
    assert principal.user_id is not None
    assert principal.session_id is not None
    now = desk.clock.now()
    claims = AccessClaims(
        tenant_id=principal.tenant_id,
        user_id=principal.user_id,
        session_id=principal.session_id,
        issued_at=now - timedelta(minutes=10),
        expires_at=now + life,
    )
    return desk.door.identity.tokens.issue(claims)


@pytest.fixture(scope="session")
async def anonymous(address: str) -> AsyncIterator[Api]:
    """A client without a credential."""
    async with httpx.AsyncClient(transport=PlainTransport(), timeout=10) as http:
        yield Api(http=http, address=address)


async def found_firm(desk: Desk, anonymous: Api) -> Firm:
    """A new tenant that trades."""
    tenant_id = await factories.make_tenant(desk.database)
    principal = await factories.make_principal(desk.database, tenant_id)
    return Firm(
        desk=desk,
        api=anonymous.holding(token_of(desk, principal)),
        principal=replace(principal),
        key=await factories.make_account(desk.database, tenant_id, is_gate_open=True, cash=Decimal(1000)),
        instruments=await factories.make_instruments(desk.database, tenant_id),
    )


@pytest.fixture
async def firm(desk: Desk, anonymous: Api) -> Firm:
    """A tenant of the test's own."""
    return await found_firm(desk, anonymous)


@pytest.fixture
async def stranger(desk: Desk, anonymous: Api) -> Firm:
    """Another tenant."""
    return await found_firm(desk, anonymous)


@pytest.fixture
async def relayed(settings: Settings, firm: Firm) -> AsyncIterator[None]:
    """A relay that carries what is committed to the bus."""
    async with relaying(settings, firm.desk):
        yield


@asynccontextmanager
async def relaying(settings: Settings, desk: Desk) -> AsyncIterator[None]:
    """A relay at work while the block lasts."""
    assert settings.database_url is not None
    database = Database(settings.database_url, DatabaseRole.SYSTEM, size=2)
    await database.open()
    relay = asyncio.create_task(relay_forever(Relay(database, desk.redis, desk.ids), desk.bus))
    try:
        yield
    finally:
        await end_task(relay)
        await database.close()


class Broker:
    """The broker's side of a firm's account, played by the test."""

    def __init__(self, firm: Firm, lease: Lease) -> None:
        self._firm = firm
        self.lease = lease
        self._count = 0

    async def claim(self) -> list[LaneCommand]:
        """Takes what the lane holds."""
        desk, key = self._firm.desk, self._firm.key
        async with begin_batch(desk.database, key.tenant_id) as session:
            return await claim_orders(session, self.lease, CLIENT_ID, limit=100, now=desk.clock.now(), ids=desk.ids)

    async def acknowledge(self, *order_ids: str) -> None:
        """Tells that orders work."""
        await self._tell(WorkingStatus.WORKING, order_ids)

    async def fill(self, order_id: str, quantity: str, price: str, side: Side = Side.BUY) -> str:
        """Deals a part of an order; the execution's id."""
        desk, key = self._firm.desk, self._firm.key
        self._count += 1
        root = f"{key.account_id.hex}.{self._count:02}"
        report = ExecutionReport(
            address=OrderAddress(order_id=OrderId(UUID(order_id)), permanent_id=UUID(order_id).int % 10**9),
            execution_id=f"{root}.01",
            root=root,
            revision=1,
            contract_id=self._firm.instruments["AAPL"].contract_id or 0,
            side=side,
            quantity=Decimal(quantity),
            price=Decimal(price),
            liquidity="ADDED",
            executed_at=desk.clock.now(),
        )
        async with begin_batch(desk.database, key.tenant_id) as session:
            await apply_reports(session, key, [report], now=desk.clock.now(), ids=desk.ids)
        return report.execution_id

    async def reject(self, order_id: str) -> None:
        """Refuses an order."""
        desk, key = self._firm.desk, self._firm.key
        report = FaultReport(
            address=OrderAddress(order_id=OrderId(UUID(order_id))),
            fault=FaultClass.ORDER_REJECTED,
            broker_code=201,
            message="Order rejected",
            occurred_at=desk.clock.now(),
        )
        async with begin_batch(desk.database, key.tenant_id) as session:
            await apply_reports(session, key, [report], now=desk.clock.now(), ids=desk.ids)

    async def end(self, *order_ids: str) -> None:
        """Confirms the cancel of orders."""
        await self._tell(WorkingStatus.CANCELED, order_ids)

    async def _tell(self, status: WorkingStatus, order_ids: Sequence[str]) -> None:
        desk, key = self._firm.desk, self._firm.key
        told = [
            StatusReport(
                address=OrderAddress(order_id=OrderId(UUID(one)), permanent_id=UUID(one).int % 10**9),
                status=status,
                filled=Decimal(0),
                occurred_at=desk.clock.now(),
            )
            for one in order_ids
        ]
        async with begin_batch(desk.database, key.tenant_id) as session:
            await apply_reports(session, key, told, now=desk.clock.now(), ids=desk.ids)


@pytest.fixture
async def broker(firm: Firm) -> Broker:
    """The broker of the firm's account."""
    return await broker_of(firm)


async def broker_of(firm: Firm) -> Broker:
    """Takes the lease of the firm's account and opens its gate."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        lease = await brokers.take_lease(session, firm.key.tenant_id, firm.account_id, "test", 60)
        assert lease is not None
        await session.execute(
            "UPDATE broker_connections SET is_gate_open = true WHERE tenant_id = $1", firm.key.tenant_id
        )
    return Broker(firm, lease)
