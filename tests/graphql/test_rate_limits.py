"""Rate limits as clients meet them: by key, person, tenant and address, over HTTP, sockets and two web processes."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import orjson
import pytest

from app.flows.desk import open_desk
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.operation_rates import network_of
from app.identity.domain import Role, Scope
from app.infra.embedded import start_redis
from app.infra.settings import Settings
from schema.base.charging import ITEM_COST
from schema.base.permissions import KIND_COST
from tests.graphql.conftest import PLACE, Api, Firm, serve

VIEWER = "{ viewer { tenant { id } } }"
LOGIN = "mutation($i: LoginInput!) { login(input: $i) { errors { code } } }"
NOBODY = {"email": "nobody@example.com", "password": "wrong"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Webs:
    """Web processes over one Redis, each with a desk of its own."""

    apis: list[Api]

    async def responses(self, bearer: str | None, bodies: list[dict[str, Any]], **headers: str) -> list[httpx.Response]:
        """The responses to bodies that are sent at once, to each of the processes in turn."""
        return await asyncio.gather(
            *(
                self.apis[place % len(self.apis)].holding(bearer).post(orjson.dumps(body), **headers)
                for place, body in enumerate(bodies)
            )
        )


Open = Callable[..., Awaitable[Webs]]


@pytest.fixture
async def open_webs(settings: Settings, anonymous: Api) -> AsyncIterator[Open]:
    """Opens web processes with limits of the test's own."""
    async with AsyncExitStack() as stack:

        async def open_some(count: int = 1, **limits: Any) -> Webs:
            prefix = f"{settings.redis_prefix}{uuid4().hex}:"
            own = settings.model_copy(update={"redis_prefix": prefix, **limits})
            apis = []
            for _ in range(count):
                desk = await stack.enter_async_context(open_desk(own))
                address = await stack.enter_async_context(serve(desk, own))
                apis.append(Api(http=anonymous.http, address=address))
            return Webs(apis=apis)

        yield open_some


@pytest.fixture
def state_dir() -> Iterator[Path]:
    """An empty state folder that root's servers can reach; gone after the test."""
    path = Path(tempfile.mkdtemp(prefix="oms-test-", dir="/var/tmp"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


def code_of(response: httpx.Response) -> str | None:
    errors = response.json().get("errors")
    return None if not errors else errors[0]["extensions"]["code"]


async def keyed(firm: Firm, *scopes: Scope, requests_per_minute: int | None = None) -> str:
    issued = await create_api_key(
        firm.desk.door, firm.principal, name="program", scopes=scopes, requests_per_minute=requests_per_minute
    )
    return issued.text


async def test_the_quota_of_a_key_holds_over_two_processes(open_webs: Open, firm: Firm) -> None:
    webs = await open_webs(2)
    key = await keyed(firm, Scope.VIEW_ORDERS, requests_per_minute=3)

    responses = await webs.responses(key, [{"query": VIEWER}] * 10)

    refused = [response for response in responses if response.status_code == 429]
    assert sorted(response.status_code for response in responses) == [200] * 3 + [429] * 7
    for response in refused:
        extensions = response.json()["errors"][0]["extensions"]
        assert (extensions["code"], extensions["limit"], extensions["retryable"]) == ("RATE_LIMITED", "QUOTA", True)
        assert extensions["retryAfter"] == int(response.headers["retry-after"])
        assert 1 <= extensions["retryAfter"] <= 20
        assert "data" not in response.json()


async def test_another_key_has_a_quota_of_its_own(open_webs: Open, firm: Firm) -> None:
    webs = await open_webs()
    spent, fresh = [await keyed(firm, Scope.VIEW_ORDERS, requests_per_minute=1) for _ in range(2)]

    first = await webs.responses(spent, [{"query": VIEWER}] * 2)
    second = await webs.responses(fresh, [{"query": VIEWER}])

    assert sorted(map(str, map(code_of, first))) == ["None", "RATE_LIMITED"]
    assert code_of(second[0]) is None


async def test_headers_tell_the_tightest_limit(open_webs: Open, firm: Firm) -> None:
    webs = await open_webs(rate_limit_key=50, rate_limit_tenant=1000)
    key = await keyed(firm, Scope.VIEW_ORDERS)

    # What is seen for the first time costs more.
    _, response = [(await webs.responses(key, [{"query": VIEWER}]))[0] for _ in range(2)]

    assert response.headers["ratelimit-limit"] == "500"
    assert response.headers["ratelimit-policy"] == "500;w=10"
    assert 470 <= int(response.headers["ratelimit-remaining"]) < 500
    assert response.headers["ratelimit-reset"] == "1"
    assert "retry-after" not in response.headers


async def test_without_limits_nothing_is_told_and_nothing_refused(open_webs: Open, firm: Firm) -> None:
    webs = await open_webs(rate_limit_address=0, rate_limit_user=0, rate_limit_key=0, rate_limit_tenant=0)
    key = await keyed(firm, Scope.VIEW_ORDERS)

    [response] = await webs.responses(key, [{"query": VIEWER}])

    assert code_of(response) is None
    assert not [name for name in response.headers if name.startswith("ratelimit")]


async def test_a_tenant_is_limited_whoever_asks_and_others_are_not(open_webs: Open, firm: Firm, stranger: Firm) -> None:
    webs = await open_webs(2, rate_limit_tenant=10, rate_limit_burst_seconds=5)
    bearers = [await keyed(firm, Scope.VIEW_ORDERS), (await firm.member(Role.TRADER)).bearer, firm.api.bearer]

    answers = [await webs.responses(bearer, [{"query": VIEWER}] * 20) for bearer in bearers]
    others = await webs.responses(stranger.api.bearer, [{"query": VIEWER}] * 2)

    refused = [one.json()["errors"][0]["extensions"] for part in answers for one in part if one.status_code == 429]
    assert len(refused) >= 30
    assert {one["limit"] for one in refused} == {"TENANT"}
    assert {code_of(one) for one in others} == {None}


async def test_a_person_is_limited_over_all_their_sessions(open_webs: Open, firm: Firm) -> None:
    webs = await open_webs(2, rate_limit_user=2, rate_limit_burst_seconds=10)

    responses = await webs.responses(firm.api.bearer, [{"query": VIEWER}] * 30)
    colleague = await webs.responses((await firm.member(Role.TRADER)).bearer, [{"query": VIEWER}])

    limits = {one.json()["errors"][0]["extensions"]["limit"] for one in responses if one.status_code == 429}
    assert limits == {"USER"}
    assert code_of(colleague[0]) is None


async def test_logins_are_limited_by_address_and_a_forged_header_is_no_other_address(
    open_webs: Open, firm: Firm
) -> None:
    webs = await open_webs(2, rate_limit_address=30, rate_limit_burst_seconds=10)
    login = {"query": LOGIN, "variables": {"i": NOBODY}}

    codes = []
    for guess in range(8):
        forged = f"203.0.113.{guess}"
        # A credential of one's own is no way around it either.
        bearer = firm.api.bearer if guess % 2 else None
        [response] = await webs.responses(
            bearer,
            [login],
            x_forwarded_for=forged,
            forwarded=f"for={forged}",
            x_real_ip=forged,
            true_client_ip=forged,
        )
        codes.append(code_of(response))

    assert codes[:2] == ["UNAUTHENTICATED", "UNAUTHENTICATED"]
    assert set(codes[3:]) == {"RATE_LIMITED"}


async def test_aliases_are_charged_each(open_webs: Open) -> None:
    webs = await open_webs(rate_limit_address=100, rate_limit_burst_seconds=10)
    guesses = " ".join(f"g{n}: login(input: $i) {{ errors {{ code }} }}" for n in range(20))
    spread = f"mutation($i: LoginInput!) {{ ...Guesses }} fragment Guesses on Mutation {{ {guesses} }}"
    body = {"query": spread, "variables": {"i": NOBODY}}

    [once] = await webs.responses(None, [{"query": LOGIN, "variables": {"i": NOBODY}}])
    [many] = await webs.responses(None, [body])

    assert code_of(once) == "UNAUTHENTICATED"
    assert code_of(many) == "RATE_LIMITED"
    assert many.json()["errors"][0]["extensions"]["limit"] == "ADDRESS"


async def test_documents_that_are_unfit_are_charged_too(open_webs: Open) -> None:
    webs = await open_webs(rate_limit_address=10, rate_limit_burst_seconds=10)

    unseen = [{"query": f"{{ nothing{n} }}"} for n in range(30)]
    responses = await webs.responses(None, unseen)
    seen = await webs.responses(None, [unseen[0]] * 100)

    assert [code_of(one) for one in responses].count("GRAPHQL_VALIDATION_FAILED") <= 11
    assert "RATE_LIMITED" in {code_of(one) for one in seen}


async def test_a_credential_that_does_not_hold_is_charged_to_its_address(open_webs: Open) -> None:
    webs = await open_webs(rate_limit_address=1, rate_limit_burst_seconds=30)

    first = await webs.responses("nonsense", [{"query": VIEWER}])
    responses = await webs.responses("nonsense", [{"query": VIEWER}] * 40)

    assert code_of(first[0]) == "UNAUTHENTICATED"
    assert "RATE_LIMITED" in {code_of(one) for one in responses}


async def test_many_orders_at_once_cost_more_than_one(open_webs: Open, firm: Firm) -> None:
    webs = await open_webs(rate_limit_user=100, rate_limit_burst_seconds=10)
    many = "mutation Many($input: [PlaceOrderInput!]!) { placeOrders(input: $input) { __typename } }"
    body = {"query": many, "variables": {"input": [firm.order(quantity="1") for _ in range(150)]}}

    responses = [(await webs.responses(firm.api.bearer, [body]))[0] for _ in range(2)]

    assert [code_of(one) for one in responses] == [None, "RATE_LIMITED"]


ORDER = '{accountId: "x", symbol: "AAPL", side: BUY, orderType: MARKET, quantity: "1", clientOrderId: "a"}'


@pytest.mark.parametrize(
    "body",
    [
        {"query": f"mutation {{ placeOrders(input: [{', '.join([ORDER] * 20)}]) {{ __typename }} }}"},
        {
            "query": f"mutation($i: [PlaceOrderInput!]! = [{', '.join([ORDER] * 20)}]) "
            "{ placeOrders(input: $i) { __typename } }"
        },
        {
            "query": "mutation($i: [PlaceOrderInput!]!) { "
            + " ".join(f"a{number}: placeOrders(input: $i) {{ __typename }}" for number in range(10))
            + " }",
            "variables": {
                "i": [
                    {"accountId": "x", "symbol": "AAPL", "side": "BUY", "orderType": "MARKET", "quantity": "1"}
                    | {"clientOrderId": str(number)}
                    for number in range(2)
                ]
            },
        },
    ],
    ids=["literal", "default", "aliases"],
)
async def test_items_are_charged_however_they_are_given(open_webs: Open, firm: Firm, body: dict[str, Any]) -> None:
    webs = await open_webs(rate_limit_user=20, rate_limit_burst_seconds=50)

    [response] = await webs.responses(firm.api.bearer, [body])

    # Twenty items, beside what the mutations cost; what the document costs may have flowed back.
    mutations = KIND_COST["Mutation"] * body["query"].count("placeOrders(")
    assert int(response.headers["ratelimit-remaining"]) <= 1_000 - 20 * ITEM_COST - mutations


async def test_operations_on_a_socket_are_limited_with_all_others(open_webs: Open, firm: Firm) -> None:
    webs = await open_webs()
    key = await keyed(firm, Scope.VIEW_ORDERS, requests_per_minute=3)
    api = webs.apis[0].holding(key)

    async with api.socket() as socket:
        for _ in range(2):
            await socket.subscribe(VIEWER)
            assert (await socket.next_data())["viewer"]
            assert (await socket.receive())["type"] == "complete"
        [over_http] = await webs.responses(key, [{"query": VIEWER}])
        await socket.subscribe(VIEWER)
        message = await socket.receive()

    assert code_of(over_http) is None
    assert message["type"] == "error"
    extensions = message["payload"][0]["extensions"]
    assert (extensions["code"], extensions["limit"]) == ("RATE_LIMITED", "QUOTA")
    assert 1 <= extensions["retryAfter"] <= 20


async def test_with_redis_away_reads_go_on_and_orders_fall_to_a_limit_of_the_process(
    settings: Settings, firm: Firm, anonymous: Api, state_dir: Path
) -> None:
    async with AsyncExitStack() as stack, AsyncExitStack() as servers:
        url = await servers.enter_async_context(start_redis(state_dir, durable=False))
        own = settings.model_copy(
            update={"redis_url": url, "rate_limit_user": 10, "rate_limit_address": 50, "rate_limit_burst_seconds": 10}
        )
        desk = await stack.enter_async_context(open_desk(own))
        api = Api(http=anonymous.http, address=await stack.enter_async_context(serve(desk, own)))
        mine = api.holding(firm.api.bearer)
        while code_of(response := await mine.post(orjson.dumps({"query": VIEWER}))) is None:
            pass
        assert code_of(response) == "RATE_LIMITED"
        await servers.aclose()

        reads = [code_of(await mine.post(orjson.dumps({"query": VIEWER}))) for _ in range(30)]
        orders = [
            await mine.post(orjson.dumps({"query": PLACE, "variables": {"input": firm.order(quantity="1")}}))
            for _ in range(12)
        ]
        logins = [await api.post(orjson.dumps({"query": LOGIN, "variables": {"i": NOBODY}})) for _ in range(7)]

    # The last word of Redis is believed for a second at most.
    assert set(reads[-10:]) == {None} or set(reads) == {None, "RATE_LIMITED"}
    assert [one.status_code for one in orders].count(200) in range(1, 11)
    assert code_of(orders[-1]) == "RATE_LIMITED"
    assert "RATE_LIMITED" in {code_of(one) for one in logins}


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002"),
        ("2001:db8:1:2::1", "20010db800010002"),
        ("2001:db8:1:3::1", "20010db800010003"),
        ("fe80::1%eth0", "fe80000000000000"),
        ("", "none"),
        ("192.0.2.7, 10.0.0.1", "none"),
    ],
)
def test_what_of_an_address_is_limited_as_one(address: str, network: str) -> None:
    assert network_of(address) == network
