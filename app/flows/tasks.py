"""Chores over several rooms, on a timer."""

from typing import Annotated

from taskiq import Context, TaskiqDepends, async_shared_broker

from app.flows.prune_identity import prune_identity


@async_shared_broker.task(task_name="prune_identity", schedule=[{"cron": "17 * * * *"}])
async def prune_identity_task(context: Annotated[Context, TaskiqDepends()]) -> int:
    """Every hour: throw away what has run out."""
    state = context.state
    return await prune_identity(state.database, state.system_database, state.clock.now())
