"""An adviser's blocks: taken for a group, filled in the adviser's account, booked to the accounts that share them."""

import asyncio
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from app.core.allocation import Allocation, AllocationMethod
from app.core.errors import Problem
from app.core.fix import OrderOrigin, OrderState, RiskLimitType, Side
from app.core.ids import AccountId
from app.core.messages import BrokerReport, CommissionReport, ExecutionReport, OutsideOrder
from app.core.records import replace
from app.flows.approvals.decide_approval import Verdict, decide_approval
from app.flows.desk import Desk
from app.flows.orders.release_staged import release_staged
from app.flows.orders.replace_order import replace_order
from app.flows.reports.apply_reports import apply_reports
from app.identity.domain.access import AccountGrants
from app.infra.uow import begin_batch
from app.orders.domain.changing import OrderChange
from app.orders.events import ANY_DETAILS, DETAILS, OrderEventType
from app.orders.repository import blocks
from tests import factories
from tests.integration.flows.advised import EQUALLY, MASTER, ONE, STRANGE, TWO, Advised, make_advised

D = Decimal


@pytest.fixture
async def advised(desk: Desk) -> Advised:
    return await make_advised(desk)


def as_own(report: BrokerReport) -> BrokerReport:
    """The report as the session of the account itself hears it."""
    assert isinstance(report, ExecutionReport | CommissionReport)
    return replace(report, account_number=None)


def root_of(report: BrokerReport) -> str:
    assert isinstance(report, ExecutionReport)
    return report.root


async def dealt(advised: Advised, block_quantity: str = "100") -> tuple[Advised, list[BrokerReport]]:
    """A block of two deals, and all that the broker tells of it and of its shares."""
    block = await advised.block(quantity=block_quantity, limit_price="190")
    first, second = advised.execution(block, "60", "187.42"), advised.execution(block, "40", "187.52")
    # An account may be told of its share in parts.
    one, more = [advised.execution(block, part, "187.46", number=ONE) for part in ("20", "30")]
    two = advised.execution(block, "50", "187.46", number=TWO)
    return advised, [
        advised.working(block),
        first,
        advised.commission(first, "0.60"),
        second,
        advised.commission(second, "0.40"),
        one,
        advised.commission(one, "0.20"),
        more,
        advised.commission(more, "0.30"),
        two,
        advised.commission(two, "0.50"),
    ]


async def test_each_account_has_its_share_and_the_adviser_has_none(advised: Advised) -> None:
    _, told = await dealt(advised)

    await advised.report(*told)

    [block] = await advised.rows("SELECT * FROM orders WHERE allocation IS NOT NULL")
    assert (block["state"], block["filled_quantity"], block["average_fill_price"]) == ("FILLED", D(100), D("187.46"))
    assert block["commission"] == D("1.00")
    assert await advised.held() == {ONE: D(50), TWO: D(50)}
    shares = await advised.rows("SELECT * FROM orders WHERE block_id = $1 ORDER BY account_id", block["id"])
    assert [(row["origin"], row["state"], row["quantity"], row["filled_quantity"]) for row in shares] == [
        ("ALLOCATION", "FILLED", D(50), D(50))
    ] * 2
    assert {row["average_fill_price"] for row in shares} == {D("187.46")}
    positions = await advised.rows("SELECT * FROM positions WHERE quantity <> 0")
    assert [(row["average_price"], row["commission"]) for row in positions] == [(D("187.46"), D("0.50"))] * 2
    assert await advised.differences() == []


async def test_what_blocks_and_shares_tell_is_documented(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told)

    rows = await advised.rows("SELECT type, details FROM order_events")

    assert OrderEventType.ORDER_ALLOCATED in {row["type"] for row in rows}
    for row in rows:
        assert row["details"].keys() <= DETAILS[OrderEventType(row["type"])].keys() | ANY_DETAILS.keys()


async def test_what_is_told_twice_counts_once(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told)
    before = await advised.rows("SELECT * FROM account_books ORDER BY account_id")

    is_news = await advised.report(*told)

    assert is_news is False
    assert await advised.rows("SELECT * FROM account_books ORDER BY account_id") == before
    assert await advised.held() == {ONE: D(50), TWO: D(50)}


@pytest.mark.parametrize("seed", range(8))
async def test_in_any_order_in_any_parts_and_any_session_the_end_is_the_same(advised: Advised, seed: int) -> None:
    # The broker may tell of a share before or after the deals, again and again, and to the account's session too.
    _, told = await dealt(advised)
    random = Random(seed)
    own = [report for report in told if getattr(report, "account_number", None) is None]
    await advised.report(*own[:1])
    whispers = [*told, *told]
    random.shuffle(whispers)
    while whispers:
        count = random.randint(1, 5)
        batch, whispers = whispers[:count], whispers[count:]
        number = random.choice([MASTER, ONE, TWO])
        if number == MASTER:
            await advised.report(*batch)
            continue
        theirs = [report for report in batch if getattr(report, "account_number", None) == number]
        await advised.report_to(advised.keys[number], *(as_own(one) for one in theirs))
        await advised.report(*(report for report in batch if report not in theirs))
    await advised.report(*told)

    [block] = await advised.rows("SELECT * FROM orders WHERE allocation IS NOT NULL")
    assert (block["state"], block["filled_quantity"], block["commission"]) == ("FILLED", D(100), D("1.00"))
    assert await advised.held() == {ONE: D(50), TWO: D(50)}
    shares = await advised.rows("SELECT id, filled_quantity, commission FROM orders WHERE block_id IS NOT NULL")
    assert [(row["filled_quantity"], row["commission"]) for row in shares] == [(D(50), D("0.50"))] * 2
    shown = await advised.shares(await advised.stored(block["id"]))
    assert [(share.account_number, share.quantity) for share in shown] == [(ONE, D(50)), (TWO, D(50))]
    assert {share.order_id for share in shown} == {row["id"] for row in shares}
    assert await advised.rows("SELECT FROM quarantined_reports") == []
    assert await advised.differences() == []


async def test_a_corrected_division_moves_the_accounts_alone(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told)
    [block] = [
        await advised.stored(row["id"])
        for row in await advised.rows("SELECT id FROM orders WHERE allocation IS NOT NULL")
    ]
    one, more, two = told[5], told[7], told[9]
    corrected = [
        advised.execution(block, "10", "187.46", number=ONE, root=root_of(one), revision=2),
        advised.execution(block, "20", "187.46", number=ONE, root=root_of(more), revision=2),
        advised.execution(block, "70", "187.46", number=TWO, root=root_of(two), revision=2),
    ]

    await advised.report(*corrected)
    await advised.report(*told)

    assert await advised.held() == {ONE: D(30), TWO: D(70)}
    shares = await advised.rows(
        "SELECT quantity, filled_quantity, state, in_doubt FROM orders WHERE block_id IS NOT NULL"
    )
    assert sorted(tuple(row.values()) for row in shares) == [
        (D(30), D(30), "FILLED", False),
        (D(70), D(70), "FILLED", False),
    ]
    assert (await advised.stored(block.id)).filled_quantity == D(100)
    assert [(share.account_number, share.quantity) for share in await advised.shares(block)] == [
        (ONE, D(30)),
        (TWO, D(70)),
    ]
    assert await advised.differences() == []


async def test_a_share_taken_back_and_given_again(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told)
    block = await advised.stored((await advised.rows("SELECT id FROM orders WHERE allocation IS NOT NULL"))[0]["id"])
    root = root_of(told[5])

    await advised.report(
        advised.execution(block, "0", "187.46", number=ONE, root=root, revision=2),
        advised.execution(block, "0", "187.46", number=ONE, root=root_of(told[7]), revision=2),
    )
    after_bust = (await advised.held(), [share.account_number for share in await advised.shares(block)])
    await advised.report(advised.execution(block, "40", "187.46", number=ONE, root=root, revision=3))

    assert after_bust == ({TWO: D(50)}, [TWO])
    assert await advised.held() == {ONE: D(40), TWO: D(50)}
    assert await advised.differences() == []


async def test_a_share_of_an_account_that_the_tenant_has_not_is_told_of_the_block(advised: Advised) -> None:
    block = await advised.block(Allocation(group="more"), quantity="10", limit_price="190")
    await advised.report(
        advised.working(block),
        advised.execution(block, "10", "187.42"),
        advised.execution(block, "5", "187.42", number=ONE),
        advised.execution(block, "5", "187.42", number=STRANGE),
    )

    shares = await advised.shares(block)

    assert [(share.account_number, share.account_id, share.quantity, share.price) for share in shares] == [
        (ONE, advised.one.account_id, D(5), D("187.42")),
        (STRANGE, None, D(5), D("187.42")),
    ]
    assert await advised.held() == {ONE: D(5)}
    assert await advised.differences() == []


async def test_what_an_account_trades_by_itself_is_left_to_its_own_session(advised: Advised) -> None:
    own = await advised.place(None, account_id=advised.one.account_id, quantity="7", limit_price="190")
    assert own.order is not None

    await advised.report(advised.execution(own.order, "7", "187.42", number=ONE))

    assert await advised.held() == {}
    assert await advised.rows("SELECT FROM executions") == []


async def test_a_block_placed_outside_is_a_block_as_well(advised: Advised) -> None:
    block = await advised.block(quantity="10", limit_price="190")
    outside = replace(advised.address(block), order_id=None, permanent_id=77, client_id=99, broker_order_id=5)
    working = replace(
        advised.working(block),
        address=outside,
        terms=block.terms,
        outside=OutsideOrder(
            contract_id=advised.instruments["AAPL"].contract_id or 0,
            side=Side.BUY,
            order_type=block.order_type,
            allocation=Allocation(group="all"),
        ),
    )
    deal = replace(advised.execution(block, "10", "187.42"), address=outside)
    share = replace(advised.execution(block, "10", "187.42", number=TWO), address=outside)

    await advised.report(working, deal, share)

    [imported] = await advised.rows("SELECT * FROM orders WHERE origin = 'EXTERNAL'")
    assert (imported["allocation"], imported["state"]) == ({"group": "all"}, "FILLED")
    assert await advised.held() == {TWO: D(10)}
    assert await advised.differences() == []


async def test_an_execution_of_an_unknown_order_in_the_advisers_account_moves_nothing_there(advised: Advised) -> None:
    block = await advised.block(quantity="10", limit_price="190")
    deal = advised.execution(block, "10", "187.42")

    await advised.report(replace(deal, address=replace(deal.address, order_id=None, permanent_id=78)))

    assert await advised.held() == {}
    [imported] = await advised.rows("SELECT * FROM orders WHERE origin = 'EXTERNAL'")
    assert imported["allocation"] == {"group": None}
    assert await advised.differences() == []


async def test_a_share_that_was_booked_as_an_order_of_others_is_not_booked_again(advised: Advised) -> None:
    # The account had a session before anybody put it under the adviser.
    _, told = await dealt(advised)
    async with begin_batch(advised.desk.database, advised.one.tenant_id) as session:
        await apply_reports(session, advised.one, [as_own(told[5])], now=advised.desk.clock.now(), ids=advised.desk.ids)

    await advised.report(*told)

    assert await advised.held() == {ONE: D(50), TWO: D(50)}
    mine = await advised.rows(
        "SELECT id, origin, filled_quantity FROM orders WHERE account_id = $1", advised.one.account_id
    )
    assert [(row["origin"], row["filled_quantity"]) for row in mine] == [("EXTERNAL", D(50))]
    [block] = await advised.rows("SELECT id FROM orders WHERE allocation IS NOT NULL")
    shares = await advised.shares(await advised.stored(block["id"]))
    assert [share.order_id for share in shares if share.account_number == ONE] == [mine[0]["id"]]
    assert await advised.differences() == []


async def test_two_sessions_that_hear_the_same_at_once_book_it_once(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told[:5])
    theirs = [as_own(one) for one in told[5:9]]

    await asyncio.gather(
        *(advised.report(*told[5:]) for _ in range(4)),
        *(advised.report_to(advised.one, *theirs) for _ in range(4)),
    )

    assert await advised.held() == {ONE: D(50), TWO: D(50)}
    assert len(await advised.rows("SELECT FROM orders WHERE block_id IS NOT NULL")) == 2
    assert await advised.differences() == []


async def problems(
    advised: Advised, allocation: Allocation | None, **terms: object
) -> list[tuple[str, tuple[str, ...]]]:
    placement = await advised.place(allocation, **terms)
    found: tuple[Problem, ...] = placement.problems
    assert placement.order is None
    return [(one.code, one.path) for one in found]


@pytest.mark.parametrize(
    ("allocation", "code", "path"),
    [
        (None, "ALLOCATION_REQUIRED", ("allocation",)),
        (Allocation(group="nobody"), "ALLOCATION_GROUP_UNKNOWN", ("allocation", "group")),
        (Allocation(group="ALL"), "ALLOCATION_GROUP_UNKNOWN", ("allocation", "group")),
        (Allocation(group="all\0"), "ALLOCATION_GROUP_UNKNOWN", ("allocation", "group")),
        (
            Allocation(group="all", method=AllocationMethod.RATIO),
            "ALLOCATION_METHOD_UNSUITED",
            ("allocation", "method"),
        ),
        (Allocation(group="new at the broker"), "ALLOCATION_METHOD_UNSUITED", ("allocation", "method")),
        (
            Allocation(group="all", percentage=D(5)),
            "ALLOCATION_PERCENTAGE_INVALID",
            ("allocation", "percentage"),
        ),
        (Allocation(group="change"), "ALLOCATION_PERCENTAGE_INVALID", ("allocation", "percentage")),
        (
            Allocation(group="change", percentage=D("0.00001")),
            "ALLOCATION_PERCENTAGE_INVALID",
            ("allocation", "percentage"),
        ),
        (
            Allocation(group="change", percentage=D(-5)),
            "ALLOCATION_PERCENTAGE_INVALID",
            ("allocation", "percentage"),
        ),
        (
            Allocation(group="change", percentage=D("1000.5")),
            "ALLOCATION_PERCENTAGE_INVALID",
            ("allocation", "percentage"),
        ),
        # Nothing is held, so that the percentage comes to nothing.
        (Allocation(group="change", percentage=D(50)), "ALLOCATION_QUANTITY_SHORT", ("quantity",)),
        (
            Allocation(group="more", method=AllocationMethod.PERCENT_CHANGE, percentage=D(50)),
            "ALLOCATION_ACCOUNT_UNKNOWN",
            ("allocation", "group"),
        ),
    ],
)
async def test_what_is_no_block_is_refused_and_leaves_nothing(
    advised: Advised, allocation: Allocation | None, code: str, path: tuple[str, ...]
) -> None:
    assert await problems(advised, allocation, quantity="10", limit_price="190") == [(code, path)]
    assert await advised.rows("SELECT FROM orders") == []
    assert await advised.rows("SELECT FROM lane_commands") == []


async def test_a_plain_account_takes_no_allocation(advised: Advised) -> None:
    found = await problems(advised, EQUALLY, account_id=advised.one.account_id, quantity="10", limit_price="190")

    assert found == [("ALLOCATION_UNEXPECTED", ("allocation",))]


@pytest.mark.parametrize(("field", "price"), [("take_profit", "200"), ("stop_loss", "150")])
async def test_a_block_has_no_exits(advised: Advised, field: str, price: str) -> None:
    found = await problems(advised, EQUALLY, quantity="10", limit_price="190", **{field: D(price)})

    assert [code for code, _ in found] == ["ALLOCATION_UNSUITED"]
    assert await advised.rows("SELECT FROM orders") == []


async def test_an_order_for_one_account_is_that_accounts_own(advised: Advised) -> None:
    placement = await advised.place(
        None, account_id=advised.two.account_id, through=advised.master.account_id, quantity="10", limit_price="190"
    )

    assert placement.order is not None
    assert (placement.order.account_id, placement.order.allocation) == (advised.two.account_id, None)
    assert placement.order.state is OrderState.ROUTED


async def test_an_account_of_another_adviser_is_unknown(advised: Advised, desk: Desk) -> None:
    other = await make_advised(desk)
    stranger = await factories.make_account(desk.database, advised.master.tenant_id)

    for account_id in (stranger.account_id, other.one.account_id, AccountId(desk.ids.new())):
        found = await problems(
            advised, None, account_id=account_id, through=advised.master.account_id, quantity="10", limit_price="190"
        )
        assert found == [("ALLOCATION_ACCOUNT_UNKNOWN", ("allocation", "accountId"))]


async def test_the_same_key_answers_the_first_block_and_another_group_is_a_conflict(advised: Advised) -> None:
    terms: dict[str, Any] = {"client_order_id": "key", "quantity": "10", "limit_price": "190"}
    first = await advised.block(**terms)

    again = await advised.place(**terms)
    other = await advised.place(Allocation(group="three to one"), **terms)

    assert again.order is not None
    assert again.order.id == first.id
    assert [one.code for one in other.problems] == ["IDEMPOTENCY_CONFLICT"]


async def test_a_limit_of_the_adviser_holds_over_what_all_accounts_hold(advised: Advised) -> None:
    await factories.make_limit(
        advised.desk.database,
        advised.master.tenant_id,
        RiskLimitType.MAX_POSITION_QUANTITY,
        D(150),
        account_id=advised.master.account_id,
    )
    _, told = await dealt(advised)
    # Dealt, and divided in part alone: what nobody has yet counts as well.
    await advised.report(*told[:9])

    fits = await advised.place(quantity="50", limit_price="190")
    beyond = await advised.place(quantity="1", limit_price="190")

    assert fits.problems == ()
    assert [one.code for one in beyond.problems] == ["RISK_MAX_POSITION_QUANTITY"]


async def test_a_limit_of_an_account_holds_over_its_expected_share(advised: Advised) -> None:
    await factories.make_limit(
        advised.desk.database,
        advised.master.tenant_id,
        RiskLimitType.MAX_POSITION_QUANTITY,
        D(60),
        account_id=advised.one.account_id,
    )

    fits = await advised.place(quantity="120", limit_price="190")
    beyond = await advised.place(Allocation(group="three to one"), quantity="100", limit_price="190")

    assert fits.problems == ()
    [refusal] = beyond.problems
    assert (refusal.code, refusal.message) == (
        "RISK_MAX_POSITION_QUANTITY",
        f"{ONE}: position if all is filled 75 is above 60",
    )


async def test_a_modify_and_a_release_are_held_to_what_all_accounts_hold(advised: Advised) -> None:
    await factories.make_limit(
        advised.desk.database,
        advised.master.tenant_id,
        RiskLimitType.MAX_POSITION_QUANTITY,
        D(150),
        account_id=advised.master.account_id,
    )
    working = await advised.block(quantity="20", limit_price="190")
    await advised.report(advised.working(working))
    staged = await advised.block(quantity="30", limit_price="190", is_staged=True)
    _, told = await dealt(advised)
    await advised.report(*told)

    grown = await replace_order(
        advised.desk, advised.principal, OrderChange(order_id=working.id, quantity=D(21), limit_price=None)
    )
    [released] = await release_staged(advised.desk, advised.principal, [staged.id])

    assert [one.code for one in grown.problems] == ["RISK_MAX_POSITION_QUANTITY"]
    assert released.problems == ()


async def test_who_sees_the_advisers_account_alone_is_held_to_what_all_accounts_hold(advised: Advised) -> None:
    mine = frozenset({advised.master.account_id})
    walled = replace(advised.principal, accounts=AccountGrants(view=mine, trade=mine))
    await factories.make_limit(
        advised.desk.database,
        advised.master.tenant_id,
        RiskLimitType.MAX_POSITION_QUANTITY,
        D(150),
        account_id=advised.master.account_id,
    )
    working = await advised.block(quantity="20", limit_price="190")
    await advised.report(advised.working(working))
    _, told = await dealt(advised)
    await advised.report(*told)
    staged = await advised.block(quantity="30", limit_price="190", is_staged=True)
    await factories.make_limit(
        advised.desk.database,
        advised.master.tenant_id,
        RiskLimitType.MAX_POSITION_QUANTITY,
        D(10),
        account_id=advised.two.account_id,
    )

    grown = await replace_order(
        advised.desk, walled, OrderChange(order_id=working.id, quantity=D(21), limit_price=None)
    )
    [released] = await release_staged(advised.desk, walled, [staged.id])

    assert [one.code for one in grown.problems] == ["RISK_MAX_POSITION_QUANTITY"]
    assert [one.code for one in released.problems] == ["RISK_MAX_POSITION_QUANTITY"]
    assert released.problems[0].message == f"{TWO}: the limit refuses its share"


async def test_who_places_a_block_without_seeing_its_accounts_is_not_told_what_they_hold(advised: Advised) -> None:
    mine = frozenset({advised.master.account_id})
    _, told = await dealt(advised)
    await advised.report(*told)
    await factories.make_limit(
        advised.desk.database,
        advised.master.tenant_id,
        RiskLimitType.MAX_POSITION_QUANTITY,
        D(10),
        account_id=advised.two.account_id,
    )
    walled = replace(advised, principal=replace(advised.principal, accounts=AccountGrants(view=mine, trade=mine)))

    open_told = await advised.place(quantity="30", limit_price="190")
    walled_told = await walled.place(quantity="30", limit_price="190")

    assert "position if all is filled" in open_told.problems[0].message
    assert [one.message for one in walled_told.problems] == [f"{TWO}: the limit refuses its share"]
    assert walled_told.order is not None
    of_share = walled_told.order.risk_checks[-1]
    assert (of_share.observed, dict(of_share.inputs)) == (None, {})


async def test_the_quantity_of_a_block_by_percentage_is_not_modified(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told)
    change = Allocation(group="change", percentage=D(50))
    block = await advised.block(change, side=Side.SELL, quantity="80", limit_price="200")
    await advised.report(advised.working(block))

    refused = await replace_order(advised.desk, advised.principal, OrderChange(order_id=block.id, quantity=D(90)))
    taken = await replace_order(advised.desk, advised.principal, OrderChange(order_id=block.id, limit_price=D(201)))

    assert [(one.code, one.path) for one in refused.problems] == [("ALLOCATION_UNSUITED", ("quantity",))]
    assert taken.problems == ()


async def test_a_block_that_waits_for_a_second_person_keeps_its_group(advised: Advised) -> None:
    await factories.make_approval_policy(advised.desk.database, advised.master.tenant_id)
    block = await advised.block(quantity="10", limit_price="190")
    second = await factories.make_principal(advised.desk.database, advised.master.tenant_id)

    decided = await decide_approval(advised.desk, second, Verdict(order_id=block.id, is_approved=True))

    assert block.state is OrderState.PENDING_APPROVAL
    assert decided.problems == ()
    stored = await advised.stored(block.id)
    assert (stored.state, stored.allocation) == (OrderState.ROUTED, EQUALLY)
    assert await advised.differences() == []


async def test_two_blocks_at_once_do_not_pass_a_limit_that_fits_one(advised: Advised) -> None:
    await factories.make_limit(
        advised.desk.database,
        advised.master.tenant_id,
        RiskLimitType.MAX_POSITION_QUANTITY,
        D(100),
        account_id=advised.master.account_id,
    )

    placements = await asyncio.gather(*(advised.place(quantity="100", limit_price="190") for _ in range(8)))

    assert sum(placement.problems == () for placement in placements) == 1


async def test_a_percentage_is_taken_of_what_the_accounts_hold(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told)
    change = Allocation(group="change", percentage=D(50))

    taken = await advised.place(change, side=Side.SELL, quantity="50", limit_price="180")
    short = await problems(advised, change, side=Side.SELL, quantity="49", limit_price="180")

    assert taken.order is not None
    assert taken.order.allocation == change
    assert short == [("ALLOCATION_QUANTITY_SHORT", ("quantity",))]


async def test_what_is_not_divided_is_counted_until_it_is(advised: Advised) -> None:
    _, told = await dealt(advised)
    place = (advised.master, advised.instruments["AAPL"].id)

    async def undivided() -> dict[Any, Decimal]:
        async with begin_batch(advised.desk.database, advised.master.tenant_id) as session:
            (found,) = await session.read(blocks.undivided([place]))
        return {**found}

    await advised.report(*told[:5])
    after_deals = await undivided()
    await advised.report(*told[5:9])
    after_one = await undivided()
    await advised.report(*told[9:])

    assert (after_deals, after_one) == ({place: D(100)}, {place: D(50)})
    assert await undivided() == {place: D(0)}


async def test_the_origin_of_a_share_says_so(advised: Advised) -> None:
    _, told = await dealt(advised)
    await advised.report(*told)

    [share] = [
        await advised.stored(row["id"])
        for row in await advised.rows("SELECT id FROM orders WHERE account_id = $1", advised.one.account_id)
    ]

    assert share.origin is OrderOrigin.ALLOCATION
    assert share.is_managed is False
