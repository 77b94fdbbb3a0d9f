"""`oms order …`: the work behind the commands."""

import asyncio
import json
from uuid import UUID

from app.core.errors import InputError, NotFoundError
from app.core.ids import OrderId
from app.core.messages import RiskCheck
from app.core.money import plain
from app.flows.orders.explain_order import DecisionStep, Explanation, explain
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_postgres
from app.infra.settings import load_settings
from app.infra.uow import begin_batch, begin_system
from app.orders.repository import batch as orders
from app.orders.repository import order_requests
from app.tenants import batch as tenants


def explain_order(tenant: str, order_id: str, *, as_json: bool) -> None:
    """Print what the limits said of the order. Raises: InputError for what is no id, NotFoundError."""
    try:
        wanted = OrderId(UUID(order_id))
    except ValueError as error:
        raise InputError(f"{order_id} is no id of an order.", path=["id"]) from error
    explanation = asyncio.run(_explained(tenant, wanted))
    print(_document(explanation) if as_json else "\n".join(_lines(explanation)))


async def _explained(tenant: str, order_id: OrderId) -> Explanation:
    url = await reachable_postgres(load_settings())
    system, database = Database(url, DatabaseRole.SYSTEM, size=1), Database(url, DatabaseRole.APP, size=1)
    try:
        await system.open()
        await database.open()
        async with begin_system(system) as session:
            found = await tenants.slugs(session, tenant)
        if not found:
            raise NotFoundError(f"There is no tenant {tenant}.")
        (tenant_id,) = found
        async with begin_batch(database, tenant_id) as session:
            order = (await orders.orders_by_id(session, tenant_id, [order_id])).get(order_id)
            requests = await order_requests.requests_of(session, tenant_id, [order_id], with_checks=True)
    finally:
        await system.close()
        await database.close()
    if order is None:
        raise NotFoundError("There is no such order.")
    return explain(order, requests)


def _lines(explanation: Explanation) -> list[str]:
    order = explanation.order
    head = f"order {order.id}: {order.state.value}"
    lines = [head if order.reject_reason is None else f"{head}, {order.reject_reason}"]
    for decision in explanation.decisions:
        if decision.step is not DecisionStep.PLACEMENT:
            lines.append(f"{decision.step.value} asked by {decision.asked_by} at {decision.decided_at.isoformat()}")
        lines += [
            f"  {one.outcome.value:7} {one.check.value}: {one.message} "
            f"(limit {one.limit_id}, version {one.limit_version or '?'}, {one.nanoseconds / 1000:.1f} us)"
            for one in decision.checks
        ]
        if decision.counterfactual is not None:
            lines.append(f"  it {decision.counterfactual}")
    return lines


def _document(explanation: Explanation) -> str:
    return json.dumps(
        {
            "orderId": str(explanation.order.id),
            "state": explanation.order.state.value,
            "reason": explanation.order.reject_reason,
            "checks": [_check(one) for one in explanation.checks],
            "limitVersions": dict(explanation.versions),
            "counterfactual": explanation.counterfactual,
            "decidedAt": explanation.decided_at.isoformat(),
            "durationMicros": explanation.duration_us,
            "decisions": [
                {
                    "step": one.step.value,
                    "askedBy": one.asked_by,
                    "decidedAt": one.decided_at.isoformat(),
                    "requestId": None if one.request_id is None else str(one.request_id),
                    "checks": [_check(check) for check in one.checks],
                    "counterfactual": one.counterfactual,
                }
                for one in explanation.decisions
            ],
        }
    )


def _check(one: RiskCheck) -> dict[str, object]:
    return {
        "check": one.check.value,
        "outcome": one.outcome.value,
        "limit": None if one.limit is None else plain(one.limit),
        "observed": None if one.observed is None else plain(one.observed),
        "message": one.message,
        "limitId": None if one.limit_id is None else str(one.limit_id),
        "limitVersion": one.limit_version,
        "inputs": one.inputs_document(),
        "durationNanos": one.nanoseconds,
    }
