"""Who acts where every mutation is called once, and how one is called whatever its shape."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import asyncpg
import orjson
from graphql import GraphQLNonNull, is_required_argument

from schema.schema import schema
from tests.graphql.conftest import Answer, Api, Broker, Firm
from tests.graphql.test_linked_orders import hold
from tests.mailbox import Mailbox

PASSWORD: Final = "correct horse battery staple 9"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Who calls, and the broker's side of the account."""

    firm: Firm
    broker: Broker
    anonymous: Api
    owner: asyncpg.Connection
    mailbox: Mailbox

    async def placed(self, **terms: Any) -> str:
        """The id of an order."""
        return str((await self.firm.api.place(**self.firm.order(**terms)))["order"]["id"])

    async def working(self) -> str:
        """The id of an order that the broker works."""
        order_id = await self.placed()
        await self.broker.claim()
        await self.broker.acknowledge(order_id)
        return order_id

    async def held(self) -> str:
        """The id of a position."""
        return str((await hold(self.firm, self.broker))["id"])

    async def key(self) -> str:
        """The id of an API key."""
        document = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { apiKey { id } } }"
        made = await self.firm.api.data(document, i={"name": "key", "scopes": ["VIEW_ORDERS"]})
        return str(made["createApiKey"]["apiKey"]["id"])

    @property
    def account_id(self) -> str:
        """The firm's account."""
        return str(self.firm.account_id)


def registration() -> dict[str, str]:
    """The input of a registration."""
    return {
        "tenantName": f"Firm {uuid4().hex[:8]}",
        "email": f"{uuid4().hex}@example.com",
        "password": PASSWORD,
        "firstName": "Ann",
        "lastName": "Smith",
    }


async def call(api: Api, name: str, given: Any, request_id: str | None = None) -> Answer:
    """The payload of a mutation; only __typename and errors are asked for."""
    field = schema._schema.mutation_type.fields[name]  # type: ignore[union-attr]
    payload = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
    selection = "{ __typename errors { code path } }" if "errors" in payload.fields else "{ __typename }"
    if field.args:
        (argument,) = (one for one in field.args.values() if is_required_argument(one))
        document = f"mutation($i: {argument.type}) {{ {name}(input: $i) {selection} }}"
    else:
        document = f"mutation {{ {name} {selection} }}"
    body = orjson.dumps({"query": document, "variables": {} if given is None else {"i": given}})
    headers = {} if request_id is None else {"x_request_id": request_id}
    answer = (await api.post(body, **headers)).json()
    assert "errors" not in answer, answer
    told: Answer = answer["data"][name]
    return told


Call = Callable[[Stage], Awaitable[Any]]


def given(**values: Any) -> Call:
    """A call whose input asks for nothing that has to be made first."""

    async def give(stage: Stage) -> Any:
        return values

    return give


async def value(said: Any) -> Any:
    """An input that is known already."""
    return said


async def with_id(name: str, said: Awaitable[str], **others: Any) -> Any:
    """An input that names one thing, which is made first."""
    return {name: await said, **others}


async def nothing(stage: Stage) -> Any:
    """The input of a mutation that takes none."""
    return None
