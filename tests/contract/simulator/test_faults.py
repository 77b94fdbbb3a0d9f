"""Each fault is truly committed: seen from the bare wire, by a client that is told nothing of faults."""

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.core.catalogue import CATALOGUE
from app.simulator.faults import FAULTS, FaultInputError
from app.simulator.server import Simulator
from tests.contract.simulator.raw import AAPL, Fields, RawClient, RawClients, place_order

VERSION, VERSIONS = 176, "v157..176"
CON_ID = next(entry.con_id for entry in CATALOGUE if entry.symbol == "AAPL")
MSFT = next(entry.con_id for entry in CATALOGUE if entry.symbol == "MSFT")


@pytest.fixture
async def client(simulator: Simulator, raw: RawClients) -> RawClient:
    return await raw.start(simulator.port, VERSIONS)


def buy(client: RawClient, order_id: int, quantity: str = "100", **terms: str) -> None:
    client.writer.write(place_order(VERSION, order_id, "BUY", quantity, **terms))


def rest(client: RawClient, order_id: int, limit: str = "200") -> None:
    buy(client, order_id, order_type="LMT", limit=limit)


async def told_until_time(client: RawClient) -> list[Fields]:
    """All that was told up to the answer to a question for the time, without that answer and the account's figures."""
    client.send(49, 1)
    told: list[Fields] = []
    while (fields := await client.receive())[0] != "49":
        told.append(fields)
    return told


def kinds(messages: list[Fields]) -> list[str]:
    return [fields[0] for fields in messages]


async def is_closed(client: RawClient) -> bool:
    try:
        while True:
            await client.receive()
    except (asyncio.IncompleteReadError, ConnectionError):
        return True


def held(simulator: Simulator, con_id: int = CON_ID) -> Decimal:
    [account] = simulator.venue.exchange.accounts.values()
    holding = account.holdings.get(con_id)
    return holding.quantity if holding else Decimal(0)


# The way to the client.


async def test_drop_cuts_the_connections_that_stand(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("drop", {})

    assert await is_closed(client)


async def test_drop_spares_other_client_ids(simulator: Simulator, client: RawClient, raw: RawClients) -> None:
    other = await raw.start(simulator.port, VERSIONS, client_id=2)

    simulator.faults.inject("drop", {"clients": [2]})

    assert await is_closed(other)
    assert await told_until_time(client) is not None


async def test_drop_before_an_order_loses_it(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("drop", {"when": "before-order"})

    buy(client, 1)

    assert await is_closed(client)
    assert simulator.venue.exchange.orders == {}


async def test_drop_after_an_order_takes_it_and_loses_the_answer(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("drop", {"when": "after-order"})
    before = len(client.seen)

    buy(client, 1)

    assert await is_closed(client)
    assert not {"3", "5", "11"} & set(kinds(client.seen[before:]))
    assert held(simulator) == 100


async def test_drop_before_an_execution_deals_in_silence(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("drop", {"when": "before-execution"})

    buy(client, 1)

    assert await is_closed(client)
    assert "11" not in kinds(client.seen)
    assert held(simulator) == 100


async def test_half_open_socket_answers_nothing_and_new_ones_are_served(
    simulator: Simulator, client: RawClient, raw: RawClients
) -> None:
    simulator.faults.inject("half-open", {})

    client.send(49, 1)
    other = await raw.start(simulator.port, VERSIONS, client_id=2)
    await told_until_time(other)

    assert "49" not in kinds(client.seen)
    assert not client.reader.at_eof()


async def test_restart_ends_everything_and_comes_back_twice(
    simulator: Simulator, client: RawClient, raw: RawClients
) -> None:
    simulator.faults.inject("restart", {"down_s": 0.05, "count": 2, "gap_s": 0.2})

    assert await is_closed(client)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await raw.start(simulator.port, VERSIONS)
    again = await until_served(simulator, raw)
    assert await is_closed(again)
    await told_until_time(await until_served(simulator, raw))
    assert simulator.faults.struck("restart") == 2


async def test_orders_right_before_the_last_restart_are_lost(
    simulator: Simulator, client: RawClient, raw: RawClients
) -> None:
    simulator.faults.inject("restart", {"at_s": 0.3, "down_s": 0.05, "loses_s": 0.3})
    await asyncio.sleep(0)

    await told_until_time(client)
    buy(client, 1)

    assert await is_closed(client)
    assert simulator.venue.exchange.orders == {}


async def until_served(simulator: Simulator, raw: RawClients) -> RawClient:
    async with asyncio.timeout(5):
        while True:
            try:
                return await raw.start(simulator.port, VERSIONS)
            except (asyncio.IncompleteReadError, ConnectionError):
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("back_as", [1101, 1102])
async def test_upstream_goes_and_comes(simulator: Simulator, client: RawClient, back_as: int) -> None:
    client.send(1, 11, 5, *AAPL, 0, "", 0, 0, "")
    await client.until("58")
    simulator.faults.inject("upstream-lost", {"down_s": 0.05, "back_as": back_as})

    await client.until("4", at3="1100")
    buy(client, 1)
    seen = len(client.seen)
    await client.until("4", at3=str(back_as))

    assert not {"3", "5", "11"} & set(kinds(client.seen[seen:]))
    assert held(simulator) == 100
    [session] = simulator.venue.sessions()
    assert list(session.subscriptions.lines) == ([] if back_as == 1101 else [5])


async def test_a_client_that_comes_while_upstream_is_away_is_told_so(simulator: Simulator, raw: RawClients) -> None:
    simulator.faults.inject("upstream-lost", {"down_s": 5})

    client = await raw.start(simulator.port, VERSIONS)

    await client.until("4", at3="2110")


@pytest.mark.parametrize(
    ("farm", "codes"),
    [
        ("market", ["2103", "2104"]),
        ("history", ["2105", "2106"]),
        ("history-inactive", ["2107", "2106"]),
        ("market-inactive", ["2108", "2104"]),
    ],
)
async def test_farms_flap(simulator: Simulator, client: RawClient, farm: str, codes: list[str]) -> None:
    await told_until_time(client)

    simulator.faults.inject("farm-flap", {"farm": farm, "down_s": 0.01, "flaps": 2})
    told = [(await client.until("4"))[3] for _ in range(4)]

    assert told == codes * 2


async def test_client_id_is_taken_for_so_often(simulator: Simulator, client: RawClient, raw: RawClients) -> None:
    simulator.faults.inject("client-id-taken", {"times": 1})
    assert await is_closed(client)

    refused = await raw.open(simulator.port)
    refused.hello(VERSIONS)
    refused.send(71, 2, 1, "")
    code = (await refused.until("4"))[3]
    closed = await is_closed(refused)
    again = await raw.start(simulator.port, VERSIONS)

    assert (code, closed) == ("326", True)
    await told_until_time(again)


async def test_order_ids_roll_back(simulator: Simulator, client: RawClient, raw: RawClients) -> None:
    rest(client, 77)
    await client.until("3")
    simulator.faults.inject("order-id-rollback", {"to": 5})

    client.send(8, 1, 1)

    assert (await client.until("9"))[2] == "5"


@pytest.mark.parametrize(
    ("part", "request_fields", "end"),
    [
        ("openOrderEnd", (16, 1), "53"),
        ("completedOrdersEnd", (99, 0), "102"),
        ("execDetailsEnd", (7, 3, 9, 0, "", "", "", "", "", ""), "55"),
        ("positionEnd", (61, 1), "62"),
        ("accountDownloadEnd", (6, 2, 1, ""), "54"),
    ],
)
async def test_a_part_of_the_synchronisation_never_ends(
    simulator: Simulator, client: RawClient, part: str, request_fields: tuple[Any, ...], end: str
) -> None:
    simulator.faults.inject("unanswered", {"part": part, "times": 1})

    client.send(*request_fields)
    first = await told_until_time(client)
    client.send(*request_fields)
    second = await told_until_time(client)

    assert end not in kinds(first)
    assert end in kinds(second)


async def test_time_is_not_told(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("unanswered", {"part": "currentTime", "times": 1})

    client.send(49, 1)
    client.send(8, 1, 1)
    await client.until("9")

    assert "49" not in kinds(client.seen)


async def test_pace_is_enforced_with_100_and_then_with_the_end(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("pacing", {"per_second": 5, "strikes_max": 3})

    for _ in range(8):
        client.send(8, 1, 1)
    closed = await is_closed(client)

    codes = [fields[3] for fields in client.seen if fields[0] == "4" and fields[3] == "100"]
    assert (closed, codes) == (True, ["100"] * 3)
    assert simulator.faults.struck("pacing") == 3


@pytest.mark.parametrize("shape", ["fields", "status"])
async def test_nonsense_is_told_and_the_session_goes_on(simulator: Simulator, client: RawClient, shape: str) -> None:
    simulator.faults.inject("nonsense", {"shape": shape})

    told = await told_until_time(client)

    [nonsense] = [fields for fields in told if fields[0] == "3"]
    assert nonsense[1:4] == {"fields": ["no order", "Submitted"], "status": ["1", "Bewitched", "1000000000"]}[shape]


async def test_frame_of_a_billion_bytes_swallows_all_that_follows(simulator: Simulator, client: RawClient) -> None:
    await told_until_time(client)

    simulator.faults.inject("nonsense", {"shape": "length"})

    assert int.from_bytes(await client.reader.readexactly(4), "big") == 1_000_000_000


async def test_stray_error_is_told_to_all(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("stray-error", {"code": 2110})

    assert (await client.until("4", at3="2110"))[2] == "-1"


# What is told of orders.


async def test_delayed_reports_keep_their_order(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("delay", {"by_ms": 30})

    buy(client, 1)
    at_once = await told_until_time(client)
    await client.until("59")
    late = [fields[0] for fields in client.seen if fields[0] in {"3", "5", "11", "59"}]

    assert not {"3", "5", "11", "59"} & set(kinds(at_once))
    assert late == ["5", "3", "11", "5", "3", "59"]


async def test_reordered_status_comes_behind_what_followed_it(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("reorder", {"messages": ["orderStatus"], "behind": 1, "times": 1})

    buy(client, 1)
    await client.until("59")

    assert [fields[0] for fields in client.seen if fields[0] in {"3", "5", "11", "59"}] == [
        "5",
        "11",
        "3",
        "5",
        "3",
        "59",
    ]


async def test_duplicated_statuses_are_the_same(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("duplicate", {"copies": 2})

    rest(client, 1)
    told = [fields for fields in await told_until_time(client) if fields[0] == "3"]

    assert len(told) == 3
    assert told[0] == told[1] == told[2]


async def test_fill_comes_before_its_acknowledgement(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("fill-before-acknowledgement", {})

    buy(client, 1)
    await client.until("59")

    assert [fields[0] for fields in client.seen if fields[0] in {"3", "5", "11"}] == ["11", "5", "3", "5", "3"]


async def test_acknowledgement_without_a_fill_comes_after_its_wait(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("fill-before-acknowledgement", {"hold_ms": 20})

    rest(client, 1)
    at_once = await told_until_time(client)

    assert "5" not in kinds(at_once)
    assert (await client.until("3"))[2] == "Submitted"


async def test_silent_fill_tells_the_execution_alone(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("silent-fill", {"order_types": ["MKT"]})

    buy(client, 1)
    rest(client, 2)
    told = await told_until_time(client)

    assert {fields[1] for fields in told if fields[0] in {"3", "5"}} == {"2"}
    assert [fields[2] for fields in told if fields[0] == "11"] == ["1"]


@pytest.mark.parametrize(("shape", "told_first"), [("minus-one", "-1"), ("unset", "1.7976931348623157E308")])
async def test_commission_is_no_number_and_comes_later(
    simulator: Simulator, client: RawClient, shape: str, told_first: str
) -> None:
    simulator.faults.inject("commission", {"shape": shape, "arrives_after_s": 0.02})

    buy(client, 1)
    first = await client.until("59")
    second = await client.until("59")

    assert (first[2], first[3], second[3]) == (second[2], told_first, "1")


async def test_missing_commission_is_told_when_asked(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("commission", {"shape": "missing"})

    buy(client, 1)
    live = await told_until_time(client)
    client.send(7, 3, 9, 0, "", "", "", "", "", "")
    asked = await client.until("59")

    assert "59" not in kinds(live)
    assert asked[3] == "1"


async def test_permanent_id_comes_late(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("late-perm-id", {"messages": 2})

    rest(client, 1)
    await client.until("3")
    rest(client, 1, "201")
    await client.until("3")

    [order] = simulator.venue.exchange.orders.values()
    assert [fields[25] for fields in client.seen if fields[0] == "5"] == ["0", str(order.perm_id)]
    assert [fields[6] for fields in client.seen if fields[0] == "3"] == ["0", str(order.perm_id)]


@pytest.mark.parametrize("code", [10349, 9876])
async def test_notice_names_an_order_that_goes_on(simulator: Simulator, client: RawClient, code: int) -> None:
    simulator.faults.inject("order-notice", {"code": code})

    rest(client, 1)
    notice = await client.until("4", at3=str(code))

    assert notice[2] == "1"
    [order] = simulator.venue.exchange.open_orders()
    assert order.status == "Submitted"


# What becomes of requests.


@pytest.mark.parametrize("requests", ["orders", "modifies", "cancels"])
async def test_swallowed_requests_are_not_answered(simulator: Simulator, client: RawClient, requests: str) -> None:
    simulator.faults.inject("swallow", {"requests": requests})

    rest(client, 1)
    rest(client, 1, "201")
    client.send(4, 1, 1, "")
    await told_until_time(client)

    orders = [(str(one.status), str(one.request.limit_price)) for one in simulator.venue.exchange.orders.values()]
    assert (
        orders
        == {
            "orders": [],
            "modifies": [("Cancelled", "200")],
            "cancels": [("Submitted", "201")],
        }[requests]
    )


async def test_refused_modify_leaves_the_old_terms(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("refused-modify", {"code": 105})

    rest(client, 1)
    rest(client, 1, "201")
    refusal = await client.until("4", at2="1")

    [order] = simulator.venue.exchange.open_orders()
    assert (refusal[3], order.request.limit_price) == ("105", Decimal(200))


@pytest.mark.parametrize("code", [161, 10147, 10148])
@pytest.mark.parametrize("ends_anyway", [False, True])
async def test_cancel_is_refused(simulator: Simulator, client: RawClient, code: int, ends_anyway: bool) -> None:
    simulator.faults.inject("refused-cancel", {"code": code, "ends_anyway": ends_anyway})

    rest(client, 1)
    client.send(4, 1, 1, "")
    refusal = await client.until("4", at2="1")
    await told_until_time(client)

    [order] = simulator.venue.exchange.orders.values()
    assert (refusal[3], str(order.status)) == (str(code), "Cancelled" if ends_anyway else "Submitted")


@pytest.mark.parametrize("answers", [0, 2])
async def test_what_if_hangs_or_is_answered_twice(simulator: Simulator, client: RawClient, answers: int) -> None:
    simulator.faults.inject("what-if", {"answers": answers, "apart_ms": 5})

    client.writer.write(_what_if(1))
    told = await told_until_time(client)
    if answers:
        told.append(await client.until("5"))

    assert len([fields for fields in told if fields[0] == "5"]) == answers
    assert simulator.venue.exchange.orders == {}


def _what_if(order_id: int) -> bytes:
    plain = place_order(VERSION, order_id, "BUY", "100")
    fields = plain[4:].decode().split("\0")[:-1]
    end = len(fields) - sum(gate <= VERSION for gate in (158, 160, 162, 166, 169))
    # Behind whatIf come the options, the conditions, and what adjusted, soft-dollar and MiFID orders say.
    fields[end - 25] = "1"
    payload = ("\0".join(fields) + "\0").encode()
    return len(payload).to_bytes(4, "big") + payload


async def test_line_is_refused(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("line-notice", {"code": 10197})

    client.send(1, 11, 5, *AAPL, 0, "", 0, 0, "")
    notice = await client.until("4", at3="10197")

    [session] = simulator.venue.sessions()
    assert (notice[2], list(session.subscriptions.lines)) == ("5", [])


async def test_line_is_told_to_be_delayed_and_ticks(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("line-notice", {"code": 10167, "symbol": "AAPL"})

    client.send(1, 11, 5, *AAPL, 0, "", 0, 0, "")
    await client.until("4", at3="10167")

    assert (await client.until("1"))[2] == "5"


# What happens on the exchange.


async def test_located_order_is_inactive_and_then_works(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("locate", {"hold_s": 0.02})

    buy(client, 1)
    notice = await client.until("4", at2="1")
    await client.until("3", at2="Filled")

    statuses = [(fields[2], fields[10]) for fields in client.seen if fields[0] == "3"]
    assert notice[3] == "404"
    assert statuses[0] == ("Inactive", "locate")
    assert statuses[-1] == ("Filled", "")
    assert held(simulator) == 100


async def test_working_order_is_rejected_late(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("late-rejection", {"after_ms": 20})

    buy(client, 1)
    first = await client.until("3")
    refusal = await client.until("4", at2="1")
    last = await client.until("3")

    assert (first[2], refusal[3], last[2]) == ("Submitted", "201", "Inactive")
    assert held(simulator) == 0


async def test_fill_comes_after_the_cancel_was_confirmed(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("fill-after-cancel", {"after_ms": 10, "quantity": "40"})

    rest(client, 1)
    client.send(4, 1, 1, "")
    await client.until("4", at3="202")
    execution = await client.until("11")
    status = await client.until("3")

    assert (execution[19], execution[20]) == ("40", "200")
    assert status[2:5] == ["Cancelled", "40", "60"]
    assert held(simulator) == 40


async def test_execution_is_corrected_under_its_next_revision(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("correction", {"price_change": "-0.02", "quantity": "90", "after_ms": 10})

    buy(client, 1)
    first = await client.until("11")
    second = await client.until("11")

    assert first[14].rpartition(".")[::2] == (second[14].rpartition(".")[0], "01")
    assert second[14].endswith(".02")
    assert (second[19], Decimal(second[20])) == ("90", Decimal(first[20]) - Decimal("0.02"))
    assert held(simulator) == 90


async def test_bust_takes_a_deal_back(simulator: Simulator, client: RawClient) -> None:
    [account] = simulator.venue.exchange.accounts.values()
    cash = dict(account.cash)
    simulator.faults.inject("bust", {"after_ms": 10})

    buy(client, 1)
    await client.until("11")
    bust = await client.until("11")

    assert (bust[14][-3:], bust[19]) == (".02", "0")
    assert (held(simulator), account.cash) == (Decimal(0), cash)


async def test_assignment_moves_a_position_without_an_execution(simulator: Simulator, client: RawClient) -> None:
    client.send(61, 1)
    await client.until("62")

    simulator.faults.inject("assignment", {"symbol": "MSFT", "quantity": "-100", "price": "400"})
    position = await client.until("61")

    assert position[4] == "MSFT"
    assert held(simulator, MSFT) == -100
    assert list(simulator.venue.exchange.executions) == []


async def test_orders_by_hand_have_order_id_zero_and_no_reference(simulator: Simulator, client: RawClient) -> None:
    for _ in range(2):
        simulator.faults.inject("order-by-hand", {"symbol": "AAPL", "limit_price": "200"})

    client.send(16, 1)
    told = [fields for fields in await told_until_time(client) if fields[0] == "5"]

    assert [(fields[1], fields[23], fields[24]) for fields in told] == [("0", "", "0")] * 2
    assert len({fields[25] for fields in told}) == 2


# The engine.


async def test_every_fault_has_its_test_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")

    assert [name for name in FAULTS if f'inject("{name}"' not in source] == []


@pytest.mark.parametrize(
    ("name", "given", "path"),
    [
        ("delay", {"by_ms": -1}, ("parameters", "by_ms")),
        ("delay", {"messages": ["nothing"]}, ("parameters", "messages")),
        ("drop", {"when": "never"}, ("parameters", "when")),
        ("drop", {"wenn": "now"}, ("parameters", "wenn")),
        ("drop", {"probability": 2}, ("parameters", "probability")),
        ("assignment", {"symbol": "NONE"}, ("parameters", "symbol")),
        ("order-by-hand", {"account": "DU9"}, ("parameters", "account")),
    ],
)
async def test_bad_parameters_are_refused_with_their_path(
    simulator: Simulator, name: str, given: dict[str, Any], path: tuple[str, ...]
) -> None:
    with pytest.raises(FaultInputError) as refusal:
        simulator.faults.inject(name, given)

    assert (refusal.value.code, refusal.value.path) == ("BAD_USER_INPUT", path)
    assert simulator.faults.active() == []


async def test_fault_strikes_every_second_order_of_a_symbol_and_twice_at_most(
    simulator: Simulator, client: RawClient
) -> None:
    simulator.faults.inject("swallow", {"every": 2, "times": 2, "symbol": "AAPL"})
    simulator.faults.inject("swallow", {"symbol": "MSFT"})

    for order_id in range(1, 8):
        rest(client, order_id)
    await told_until_time(client)

    assert [one.request.order_id for one in simulator.venue.exchange.open_orders()] == [1, 3, 5, 6, 7]


async def test_the_same_seed_strikes_the_same_orders(simulator: Simulator, client: RawClient) -> None:
    struck = []
    for run in range(2):
        simulator.faults.inject("swallow", {"probability": 0.5, "seed": 9})
        for order_id in range(20):
            rest(client, 100 * run + order_id + 1)
        await told_until_time(client)
        simulator.faults.clear()
        struck.append({one.request.order_id % 100 for one in simulator.venue.exchange.open_orders()})
        client.send(58, 1)
        await told_until_time(client)

    assert struck[0] == struck[1]
    assert 0 < len(struck[0]) < 20


async def test_fault_ends_by_itself_and_lets_go_what_it_held(simulator: Simulator, client: RawClient) -> None:
    simulator.faults.inject("delay", {"by_ms": 60_000}, lasts_s=0.02)

    rest(client, 1)
    await client.until("3")

    assert simulator.faults.active() == []
    assert not simulator.faults.is_active


async def test_owner_clears_no_others_faults(simulator: Simulator) -> None:
    simulator.faults.inject("silent-fill", {}, owner="a")
    simulator.faults.inject("silent-fill", {}, owner="b")

    cleared = simulator.faults.clear(owner="a")

    assert (cleared, [one.owner for one in simulator.faults.active()]) == (1, ["b"])
