"""What becomes of orders of one firm that could deal with each other, as its clients meet it."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.core.fix import RiskLimitType, Side
from app.core.ids import OrderId
from app.core.messages import FaultClass, FaultReport, LaneKind, OrderAddress
from app.flows.reports.apply_reports import apply_reports
from app.identity.domain import Role
from app.infra.uow import begin_batch
from tests import factories
from tests.graphql.conftest import Api, Broker, Firm

MODIFY = "mutation($i: ModifyOrderInput!) { modifyOrder(input: $i) { errors { code path message } } }"
CANCEL = "mutation($i: CancelOrderInput!) { cancelOrder(input: $i) { errors { code path } } }"
STATE = "query($id: ID!) { order(id: $id) { state rejectOrigin rejectReason } }"
EXPLAIN = """
query($id: ID!) { explainOrder(id: $id) { checks { check outcome message inputs } } }
"""
PREVIEW = """
query($i: PlaceOrderInput!) { previewOrder(input: $i) { errors { code } riskChecks { outcome message inputs } } }
"""
SET_LIMIT = """
mutation($i: SetRiskLimitInput!) { setRiskLimit(input: $i) { riskLimit { conditions } errors { code path } } }
"""


@pytest.fixture
async def guarded(firm: Firm) -> Firm:
    """A firm whose newer orders take resting ones along."""
    await factories.make_limit(
        firm.desk.database,
        firm.key.tenant_id,
        RiskLimitType.WASH_TRADE,
        conditions={"policy": "CANCEL_RESTING"},
    )
    return firm


async def resting(firm: Firm, broker: Broker, price: str = "190") -> str:
    """A sale that rests at the broker."""
    order_id = await taken(firm, "ROUTED", side="SELL", limitPrice=price)
    await broker.claim()
    await broker.acknowledge(order_id)
    return order_id


async def taken(firm: Firm, state: str, api: Api | None = None, **terms: Any) -> str:
    answer = await (api or firm.api).place(**firm.order(**terms))
    assert answer["errors"] == []
    assert answer["order"]["state"] == state
    return str(answer["order"]["id"])


async def standing(firm: Firm, order_id: str) -> str:
    return str((await firm.api.data(STATE, id=order_id))["order"]["state"])


async def leaving(broker: Broker) -> list[tuple[LaneKind, str]]:
    return [(one.kind, str(one.order_id)) for one in await broker.claim()]


async def test_the_newest_waits_for_what_rests_and_goes_by_itself(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)

    new = await taken(guarded, "HELD", limitPrice="190")
    canceling, first = await standing(guarded, old), await leaving(broker)
    await broker.end(old)

    assert (canceling, first) == ("PENDING_CANCEL", [(LaneKind.CANCEL, old)])
    assert [await standing(guarded, one) for one in (old, new)] == ["CANCELED", "ROUTED"]
    assert await leaving(broker) == [(LaneKind.PLACE, new)]


async def test_the_newest_goes_when_what_rested_was_filled_instead(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)
    new = await taken(guarded, "HELD", limitPrice="190")
    await broker.claim()

    await broker.fill(old, "10", "190", Side.SELL)

    assert [await standing(guarded, one) for one in (old, new)] == ["FILLED", "ROUTED"]
    assert await leaving(broker) == [(LaneKind.PLACE, new)]


async def test_what_would_not_meet_passes_and_nothing_is_canceled(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)

    await taken(guarded, "ROUTED", limitPrice="189.99")
    await taken(guarded, "ROUTED", symbol="MSFT", limitPrice="500")
    await taken(guarded, "ROUTED", side="SELL", limitPrice="180.5")

    assert await standing(guarded, old) == "ACCEPTED"


async def test_a_preview_tells_what_would_be_canceled_and_cancels_nothing(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)

    preview = (await guarded.api.data(PREVIEW, i=guarded.order(limitPrice="190")))["previewOrder"]

    assert preview["errors"] == []
    [check] = preview["riskChecks"]
    assert check == {
        "outcome": "PASSED",
        "message": "1 resting order(s) of the account that could deal with it are canceled first",
        "inputs": {"policy": "CANCEL_RESTING", "canceled": [old]},
    }
    assert await standing(guarded, old) == "ACCEPTED"
    assert await leaving(broker) == []


async def test_a_refused_cancel_refuses_the_newest_with_its_code(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)
    terms = guarded.order(limitPrice="190")
    new = (await guarded.api.place(**terms))["order"]["id"]
    await broker.claim()
    fault = FaultReport(
        address=OrderAddress(order_id=OrderId(UUID(old))),
        fault=FaultClass.CANCEL_REJECTED,
        broker_code=161,
        message="Cancel attempted when order is not in a cancellable state.",
        occurred_at=guarded.desk.clock.now(),
    )

    async with begin_batch(guarded.desk.database, guarded.key.tenant_id) as session:
        await apply_reports(session, guarded.key, [fault], now=guarded.desk.clock.now(), ids=guarded.desk.ids)

    found = (await guarded.api.data(STATE, id=new))["order"]
    assert (found["state"], found["rejectOrigin"]) == ("REJECTED", "OMS")
    assert "was not canceled" in found["rejectReason"]
    again = await guarded.api.place(**terms)
    assert [(one["code"], one["path"]) for one in again["errors"]] == [("RISK_WASH_TRADE", ["side"])]
    assert await leaving(broker) == []


async def test_its_owner_cancels_it_while_it_waits(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)
    new = await taken(guarded, "HELD", limitPrice="190")
    await broker.claim()

    changed = await guarded.api.data(MODIFY, i={"orderId": new, "limitPrice": "180"})
    canceled = await guarded.api.data(CANCEL, i={"orderId": new})
    await broker.end(old)

    assert [one["code"] for one in changed["modifyOrder"]["errors"]] == ["ORDER_NOT_WORKING"]
    assert canceled["cancelOrder"]["errors"] == []
    assert await standing(guarded, new) == "CANCELED"
    assert await leaving(broker) == []


async def test_a_modify_into_what_rests_is_refused(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)
    low = await taken(guarded, "ROUTED", limitPrice="150")
    await broker.claim()
    await broker.acknowledge(low)

    answer = await guarded.api.data(MODIFY, i={"orderId": low, "limitPrice": "190"})

    [error] = answer["modifyOrder"]["errors"]
    assert error["code"] == "RISK_WASH_TRADE"
    assert "none is canceled for a change" in error["message"]
    assert await standing(guarded, old) == "ACCEPTED"


async def test_another_limit_refuses_before_anything_is_canceled(guarded: Firm, broker: Broker) -> None:
    await factories.make_limit(
        guarded.desk.database,
        guarded.key.tenant_id,
        RiskLimitType.SYMBOL_BLACKLIST,
        conditions={"symbols": ["AAPL"], "sides": ["BUY"]},
    )
    old = await resting(guarded, broker)

    answer = await guarded.api.place(**guarded.order(limitPrice="190"))

    assert [one["code"] for one in answer["errors"]] == ["RISK_SYMBOL_BLACKLIST"]
    assert await standing(guarded, old) == "ACCEPTED"


async def test_orders_of_other_accounts_are_not_canceled_whoever_asks(guarded: Firm, broker: Broker) -> None:
    other = await factories.make_account(guarded.desk.database, guarded.key.tenant_id)
    theirs = (await guarded.api.place(**guarded.order(side="SELL", limitPrice="190", accountId=str(other.account_id))))[
        "order"
    ]
    mine = await resting(guarded, broker)

    answer = await guarded.api.place(**guarded.order(limitPrice="190"))

    [error] = answer["errors"]
    assert error["code"] == "RISK_WASH_TRADE"
    explained = await guarded.api.data(EXPLAIN, id=answer["order"]["id"])
    for secret in (theirs["id"], str(other.account_id)):
        assert secret not in str(answer)
        assert secret not in str(explained)
    assert await standing(guarded, mine) == "ACCEPTED"
    assert await standing(guarded, theirs["id"]) == theirs["state"]


async def test_who_may_not_trade_takes_nothing_along(guarded: Firm, broker: Broker) -> None:
    old = await resting(guarded, broker)
    viewer = await guarded.member(Role.VIEWER)

    code, _ = await viewer.refusal(
        "mutation($i: PlaceOrderInput!) { placeOrder(input: $i) { errors { code } } }",
        i=guarded.order(limitPrice="190"),
    )

    assert code == "FORBIDDEN"
    assert await standing(guarded, old) == "ACCEPTED"


async def test_crossing_orders_of_many_callers_leave_one_side_standing(guarded: Firm, broker: Broker) -> None:
    async with asyncio.timeout(60):
        answers = await asyncio.gather(
            *(
                guarded.api.place(**guarded.order(side=side, limitPrice="190"))
                for _ in range(15)
                for side in ("BUY", "SELL")
            )
        )

    assert [answer["errors"] for answer in answers] == [[]] * 30
    states = {answer["order"]["id"]: await standing(guarded, answer["order"]["id"]) for answer in answers}
    sides = {
        side
        for answer, side in zip(answers, ["BUY", "SELL"] * 15, strict=True)
        if states[answer["order"]["id"]] != "CANCELED"
    }
    assert len(sides) == 1
    assert set(states.values()) == {"CANCELED", "ROUTED"}


@pytest.mark.parametrize("policy", ["BLOCK_NEWEST", "CANCEL_RESTING"])
async def test_a_limit_takes_its_policy(firm: Firm, policy: str) -> None:
    asked = {"limitType": "WASH_TRADE", "value": None, "conditions": {"policy": policy}, "reason": "one book"}

    answer = (await firm.api.data(SET_LIMIT, i=asked))["setRiskLimit"]

    assert answer["errors"] == []
    assert answer["riskLimit"]["conditions"] == {"policy": policy}
