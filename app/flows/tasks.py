"""Chores over several rooms, on a timer."""

from typing import Annotated

from taskiq import Context, TaskiqDepends, async_shared_broker

from app.flows.approvals.expire_approvals import expire_approvals
from app.flows.audit.prune_audit import prune_audit
from app.flows.compliance.prune_records import prune_records
from app.flows.compliance.run_record_exports import prune_record_exports
from app.flows.compliance.watch_orders import watch_all
from app.flows.identity.prune_identity import prune_identity
from app.flows.identity.run_errands import prune_errands
from app.flows.positions.snapshot_pnl import snapshot_all
from app.flows.risk.decide_risk_limit import expire_risk_limit_proposals
from app.flows.risk.drill_risk_limits import DrillDesk, drill_due_limits
from app.flows.risk.keep_value_at_risk import DayEndDesk, keep_value_at_risk
from app.flows.risk.sample_limits import prune_samples


@async_shared_broker.task(task_name="prune_identity", schedule=[{"cron": "17 * * * *"}])
async def prune_identity_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every hour: throw away what has run out."""
    state = context.state
    now = state.clock.now()
    await prune_errands(state.system_database, now)
    return await prune_identity(state.database, state.system_database, now)


@async_shared_broker.task(task_name="snapshot_pnl", schedule=[{"cron": "* * * * *"}])
async def snapshot_pnl_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every minute: keep the exchange rates, and take the snapshots of profit and loss that are due."""
    state = context.state
    return await snapshot_all(
        state.database,
        state.system_database,
        state.redis,
        now=state.clock.now(),
        ids=state.ids,
        timezone=state.trading_timezone,
        interval_s=state.snapshot_interval_s,
    )


@async_shared_broker.task(task_name="expire_approvals", schedule=[{"cron": "* * * * *"}])
async def expire_approvals_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every minute: end the orders that nobody approved in time."""
    state = context.state
    return await expire_approvals(state.database, state.system_database, now=state.clock.now(), ids=state.ids)


@async_shared_broker.task(task_name="expire_risk_limit_proposals", schedule=[{"cron": "* * * * *"}])
async def expire_risk_limit_proposals_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every minute: end the proposed changes of limits that nobody decided in time."""
    state = context.state
    return await expire_risk_limit_proposals(
        state.database, state.system_database, now=state.clock.now(), ids=state.ids
    )


@async_shared_broker.task(task_name="drill_risk_limits", schedule=[{"cron": "23 * * * *"}])
async def drill_risk_limits_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every hour: drill the limits that were not seen to fire since they changed, or for a day."""
    state = context.state
    desk = DrillDesk(database=state.database, redis=state.redis, clock=state.clock, ids=state.ids)
    return await drill_due_limits(desk, state.system_database)


@async_shared_broker.task(task_name="keep_value_at_risk", schedule=[{"cron": "* * * * *"}])
async def keep_value_at_risk_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every minute: within the hour after a trading day, store what was at risk at its end and is not stored yet."""
    state = context.state
    desk = DayEndDesk(
        database=state.database,
        redis=state.redis,
        clock=state.clock,
        ids=state.ids,
        trading_timezone=state.trading_timezone,
    )
    return await keep_value_at_risk(desk, state.system_database)


@async_shared_broker.task(task_name="prune_risk_history", schedule=[{"cron": "7 3 * * *"}])
async def prune_risk_history_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every night: throw away how full limits were longer ago than is kept."""
    state = context.state
    return await prune_samples(state.database, state.system_database, state.clock.now(), state.risk_history_days)


@async_shared_broker.task(task_name="prune_audit", schedule=[{"cron": "41 2 * * *"}])
async def prune_audit_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every night: take away what the rules of retention let go. Only an installation that signs heads prunes."""
    state = context.state
    if state.signer is None:
        return 0
    return await prune_audit(state.sealer_database, state.signer, state.clock, state.ids)


@async_shared_broker.task(task_name="prune_records", schedule=[{"cron": "53 2 * * *"}])
async def prune_records_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every night: delete the alerts and closed cases that the rules of retention let go."""
    state = context.state
    return await prune_records(state.sealer_database, state.system_database, state.clock, state.ids)


@async_shared_broker.task(task_name="prune_record_exports", schedule=[{"cron": "19 3 * * *"}])
async def prune_record_exports_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every night: throw away the exports of order records that have expired."""
    state = context.state
    return await prune_record_exports(state.database, state.system_database, state.clock, state.ids)


@async_shared_broker.task(task_name="watch_orders", schedule=[{"cron": "* * * * *"}])
async def watch_orders_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every minute: look through what was placed and dealt for what seems abuse."""
    state = context.state
    return await watch_all(state.database, state.system_database, now=state.clock.now(), ids=state.ids)
