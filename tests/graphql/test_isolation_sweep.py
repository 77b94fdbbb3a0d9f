"""Another tenant's ids and marks, put into every field, argument and input of the schema, by every role."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4
from zlib import crc32

import asyncpg
import httpx
import orjson
import pytest
from graphql import build_schema, is_object_type

import schema as schema_package
from app.flows.desk import Desk
from app.identity.domain import ROLE_SCOPES, Role
from app.infra.settings import Settings
from schema.base.guard import BYTES_MAX
from schema.base.permissions import Requirement
from schema.schema import REQUIREMENTS, field_requirements, schema
from tests import factories
from tests.examples import IS_CAMPAIGN
from tests.graphql.conftest import Api, Firm, broker_of, relaying, token_of
from tests.graphql.sweep.documents import Leaf, Operation, fields_asked, operations, with_id
from tests.graphql.sweep.worlds import MARK, TABLES, Side, make_side, rows_of, side_of, unlike
from tests.http_transport import PlainTransport
from tests.integration.isolation import rows

SCHEMA = build_schema((Path(schema_package.__file__).parent / "schema.graphql").read_text())
OPERATIONS = operations(SCHEMA)
QUERIES = [one for one in OPERATIONS if one.kind == "query"]
MUTATIONS = [one for one in OPERATIONS if one.kind == "mutation"]
SUBSCRIPTIONS = [one for one in OPERATIONS if one.kind == "subscription"]
AT_ONCE = 6
# Arguments that name a row of one kind meet, beside the id that fits, one in so many of the tables' ids.
SHARES = 8
OF_MANY_KINDS = {"node.id", "resourceId", "targetId"}
# Tables whose rows no query shows yet; what is not shown cannot be found missing.
SHOWN_TO_NOBODY = {
    "audit_log",
    "audit_person_keys",
    "quarantined_reports",
    "refresh_tokens",
    "two_factor_challenges",
}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX = re.compile(r"[0-9a-f]{32}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)")


@dataclass(slots=True, kw_only=True)
class World:
    """The desk, a connection of the owner, the firm that asks, and the one that must stay unseen."""

    desk: Desk
    owner: asyncpg.Connection
    anonymous: Api
    mine: Side
    theirs: Side
    hidden: frozenset[str] = field(default_factory=frozenset)

    def api(self) -> Api:
        """The administrator of the firm that asks."""
        return self.anonymous.holding(token_of(self.desk, self.mine.firm.principal))

    async def renew_if_changed(self) -> None:
        """Another firm that asks, when a mutation has done something to the last one."""
        if await rows_of(self.mine.firm, self.owner) != self.mine.rows:
            await self.renew()

    async def renew(self) -> None:
        """Another firm that asks."""
        self.mine = await make_side(self.desk.database, self.owner)
        self.hidden = unlike(self.theirs, self.mine)


@pytest.fixture(scope="module")
async def world(desk: Desk, database_url: str, address: str) -> AsyncIterator[World]:
    """The firms, made once."""
    owner = await asyncpg.connect(database_url)
    try:
        async with httpx.AsyncClient(transport=PlainTransport(), timeout=30) as http:
            mine, theirs = await make_side(desk.database, owner), await make_side(desk.database, owner)
            made = World(desk=desk, owner=owner, anonymous=Api(http=http, address=address), mine=mine, theirs=theirs)
            made.hidden = unlike(theirs, mine)
            yield made
    finally:
        await owner.close()


async def together(work: Iterable[Awaitable[None]]) -> None:
    """Does all of it, some at a time: most of an answer is waiting."""
    places = asyncio.Semaphore(AT_ONCE)

    async def take_turn(one: Awaitable[None]) -> None:
        async with places:
            await one

    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(take_turn(one))


async def _answer(api: Api, operation: Operation, variables: dict[str, Any]) -> str:
    response = await api.post(orjson.dumps({"query": operation.document, "variables": variables}))
    assert response.status_code == 200, (operation.name, response.text)
    for refusal in ("DOCUMENT_", "COST_TOO_HIGH", "GRAPHQL_"):
        assert refusal not in response.text, (operation.name, response.text)
    return response.text


def _foreign(world: World, operation: Operation, leaf: Leaf) -> list[str]:
    """The other firm's id that fits, and ids of its other rows: of all where the argument may name many kinds.

    Elsewhere an argument meets its share of the tables, another one at each place; a campaign tries all of them.
    """
    tables = sorted(world.theirs.ids)
    is_of_many_kinds = not OF_MANY_KINDS.isdisjoint({leaf[-1], f"{operation.name}.{leaf[-1]}"})
    if not (IS_CAMPAIGN or is_of_many_kinds):
        offset = crc32(f"{operation.name}.{'.'.join(leaf)}".encode())
        tables = [one for place, one in enumerate(tables, offset) if place % SHARES == 0]
    fitting = world.theirs.id_of(operation.name, leaf[-1])
    return sorted({fitting, *(world.theirs.ids[one] for one in tables)})


def _leaked(world: World, text: str, sent: str = "") -> list[str]:
    return sorted(one for one in world.hidden if one != sent and one in text)


def _alike(text: str) -> str:
    return _TIME.sub("<time>", _HEX.sub("<hex>", _UUID.sub("<id>", text)))


def _code(text: str) -> str | None:
    errors = orjson.loads(text).get("errors")
    return errors[0]["extensions"]["code"] if errors else None


def test_each_argument_that_takes_an_id_says_whose_rows_it_names() -> None:
    names = {leaf[-1] for operation in OPERATIONS for leaf in operation.id_leaves()}

    assert names <= set(TABLES), "say in TABLES which table's ids these take"


def test_every_field_of_the_schema_is_asked_for_somewhere() -> None:
    every = {
        (kind.name, name)
        for kind in SCHEMA.type_map.values()
        if is_object_type(kind) and not kind.name.startswith("__")
        for name in kind.fields
    }

    assert every - fields_asked(SCHEMA, OPERATIONS) == set()


@pytest.mark.parametrize("operation", QUERIES, ids=lambda one: one.name)
async def test_what_a_firm_asks_of_its_own_shows_nothing_of_another(world: World, operation: Operation) -> None:
    theirs = world.anonymous.holding(token_of(world.desk, world.theirs.firm.principal))
    # First the other: what its answer left behind in a cache would be seen.
    await _answer(theirs, operation, operation.variables(world.theirs.id_of))

    text = await _answer(world.api(), operation, operation.variables(world.mine.id_of))

    assert _leaked(world, text) == []


async def test_the_firm_itself_sees_what_is_hidden_from_others(world: World) -> None:
    theirs = world.anonymous.holding(token_of(world.desk, world.theirs.firm.principal))
    text = ""
    for operation in QUERIES:
        text += await _answer(theirs, operation, operation.variables(world.theirs.id_of))

    assert {table for table, one in world.theirs.ids.items() if one not in text} == SHOWN_TO_NOBODY
    assert sum(one in text for one in world.theirs.secrets if one.startswith(MARK)) > 5


@pytest.mark.parametrize("operation", [*QUERIES, *MUTATIONS], ids=lambda one: one.name)
async def test_another_firms_id_is_answered_as_an_unknown_one(world: World, operation: Operation) -> None:
    # What the other firm was refused before is written down later, and would look like a change.
    await world.desk.door.refusals.flush(is_last=True)
    before = await rows_of(world.theirs.firm, world.owner)
    for leaf in operation.id_leaves():
        if operation.kind == "mutation":
            await world.renew_if_changed()
        api, variables = world.api(), operation.variables(world.mine.id_of, leaf)
        unknown = _alike(await _answer(api, operation, with_id(variables, leaf, str(uuid4()))))

        async def hold_against(foreign: str, api: Api = api, leaf: Leaf = leaf, unknown: str = unknown) -> None:
            variables = operation.variables(world.mine.id_of, leaf)
            text = await _answer(api, operation, with_id(variables, leaf, foreign))

            assert _leaked(world, text, foreign) == [], (leaf, foreign)
            assert _alike(text) == unknown, (leaf, foreign)

        await together(hold_against(one) for one in _foreign(world, operation, leaf))

    assert await rows_of(world.theirs.firm, world.owner) == before


def _closed_to(role: Role) -> frozenset[tuple[str, str]]:
    """Fields below the roots that ask for a scope which the role has not."""
    return frozenset(
        name
        for name, asked in field_requirements().items()
        if asked.scope is not None and asked.scope not in ROLE_SCOPES[role]
    )


def _requirement(operation: Operation) -> Requirement:
    names = schema.config.name_converter
    root = operation.kind.capitalize()
    for (owner, python_name), requirement in REQUIREMENTS.items():
        if owner == root and names.apply_naming_config(python_name) == operation.name:
            return requirement
    raise KeyError(operation.name)


def _with_every_id(operation: Operation, side: Side) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for leaf in (None, *operation.id_leaves()):
        for name, value in operation.variables(side.id_of, leaf).items():
            known = values.get(name)
            values[name] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
    return values


@pytest.mark.parametrize("role", list(Role))
async def test_a_role_reaches_what_its_scopes_open_and_no_row_of_another_firm(world: World, role: Role) -> None:
    await world.renew()
    viewing = await factories.make_principal(world.desk.database, world.mine.firm.tenant_id, role=role)

    async def reach(operation: Operation) -> None:
        scope = _requirement(operation).scope
        is_open = scope is None or scope in ROLE_SCOPES[role]
        # Some mutations take the power of whoever asks.
        principal = viewing
        if operation.kind == "mutation" and is_open:
            principal = await factories.make_principal(world.desk.database, world.mine.firm.tenant_id, role=role)
        api = world.anonymous.holding(token_of(world.desk, principal))
        text = await _answer(api, operation, operation.variables(world.mine.id_of))

        assert _leaked(world, text) == [], operation.name
        if scope is not None:
            assert (_code(text) == "FORBIDDEN") is not is_open, (operation.name, text)
        if not is_open:
            # Refused before any id is looked at: all of them come in one request.
            text = await _answer(api, operation, _with_every_id(operation, world.theirs))
            assert _leaked(world, text) == [], operation.name
            assert _code(text) == "FORBIDDEN", (operation.name, text)
            return
        for leaf in operation.id_leaves():
            foreign = world.theirs.id_of(operation.name, leaf[-1])
            variables = with_id(operation.variables(world.mine.id_of, leaf), leaf, foreign)
            assert _leaked(world, await _answer(api, operation, variables), foreign) == [], (operation.name, leaf)

    reached = operations(SCHEMA, without=_closed_to(role))
    await together(reach(one) for one in reached if one.kind == "query")
    for operation in reached:
        if operation.kind == "mutation":
            await reach(operation)


async def test_without_a_credential_nothing_but_the_door_answers(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # Long documents are not even looked at then: what lies behind that wall has to hold too.
    monkeypatch.setattr("schema.base.guard.ANONYMOUS_LENGTH_MAX", BYTES_MAX)
    for operation in (*QUERIES, *MUTATIONS):
        text = await _answer(world.anonymous, operation, operation.variables(world.theirs.id_of))

        assert _leaked(world, text) == []
        if _requirement(operation).needs_principal:
            assert _code(text) == "UNAUTHENTICATED", operation.name


# What is refused before the id is looked up, and why.
NOT_LOOKED_UP = {
    ("setApprovalPolicy", "strategyId"),  # strategies do not exist yet
    ("setRiskLimit", "strategyId"),
    # Whoever does not run the platform is stopped before.
    ("enterTenant", "tenantId"),
    ("inviteAdministrator", "tenantId"),
    ("leaveTenant", "entryId"),
    ("leaveTenant", "tenantId"),
    ("reactivateTenant", "tenantId"),
    ("suspendTenant", "tenantId"),
    # The account is no adviser's; tests/graphql/test_advisers.py asks one for another firm's accounts.
    ("previewOrder", "allocation.accountId"),
    ("placeOrder", "allocation.accountId"),
    ("placeOrders", "allocation.accountId"),
}


@pytest.mark.parametrize("operation", [*QUERIES, *MUTATIONS], ids=lambda one: one.name)
async def test_the_sweep_reaches_the_look_for_each_id(world: World, operation: Operation) -> None:
    for leaf in operation.id_leaves():
        if operation.kind == "mutation":
            await world.renew_if_changed()
        base = operation.variables(world.mine.id_of, leaf)
        unknown = _alike(await _answer(world.api(), operation, with_id(base, leaf, str(uuid4()))))
        own = _alike(await _answer(world.api(), operation, operation.variables(world.mine.id_of, leaf)))

        names = {(operation.name, leaf[-1]), (operation.name, ".".join(leaf[-2:]))}
        assert (own == unknown) is bool(names & NOT_LOOKED_UP), (leaf, own)


async def test_a_socket_of_one_firm_hears_nothing_of_another(world: World, settings: Settings) -> None:
    await world.renew()
    mine, theirs = world.mine.firm, world.theirs.firm
    listener = world.anonymous.holding(token_of(world.desk, theirs.principal))
    heard: list[str] = []
    async with relaying(settings, world.desk), world.api().socket() as asking, listener.socket() as hearing:
        sent = {""}
        for operation in SUBSCRIPTIONS:
            for leaf in (None, *operation.id_leaves()):
                variables = operation.variables(world.mine.id_of, leaf)
                await asking.subscribe(operation.document, **variables)
                if leaf is not None:
                    foreign = world.theirs.id_of(operation.name, leaf[-1])
                    sent.add(foreign)
                    await asking.subscribe(operation.document, **with_id(variables, leaf, foreign))
        events = "subscription S($id: ID!) { orderEvents(accountId: $id) { orderId toState } }"
        await hearing.subscribe(events, id=str(theirs.account.account_id))

        await _trade(world, theirs)
        while "FILLED" not in (told := str(await hearing.receive())):
            assert "'error'" not in told, told
        await _trade(world, mine)
        while "FILLED" not in "".join(heard):
            heard.append(str(await asking.receive()))
    world.theirs = await side_of(theirs, world.owner)
    world.hidden = unlike(world.theirs, await side_of(mine, world.owner))

    assert [one for text in heard for one in _leaked(world, text) if one not in sent] == []


async def _trade(world: World, trading: rows.Firm) -> None:
    """Places an order of the firm and deals it."""
    desk, key = world.desk, trading.account
    for statement in (
        "UPDATE approval_policies SET is_active = false WHERE tenant_id = $1",
        "UPDATE account_books SET last_sequence = 1 WHERE tenant_id = $1",
        "UPDATE trading_halts SET resumed_at = now(), resumed_by = halted_by, resume_reason = reason "
        "WHERE tenant_id = $1 AND resumed_at IS NULL",
    ):
        await world.owner.execute(statement, key.tenant_id)
    firm = Firm(
        desk=desk,
        api=world.anonymous.holding(token_of(desk, trading.principal)),
        principal=trading.principal,
        key=key,
        instruments={"AAPL": factories.instrument()},
    )
    broker = await broker_of(firm)
    payload = await firm.api.place(**firm.order(quantity="1", orderType="MARKET", limitPrice=None))
    assert payload["errors"] == []
    await broker.claim()
    await broker.fill(payload["order"]["id"], "1", "100")
