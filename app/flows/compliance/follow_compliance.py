"""surveillanceCaseOpened and restrictionAlertAdded: what compliance learns as it happens."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import orjson

from app.compliance import cases_batch, restrictions_batch
from app.compliance.domain.cases import SurveillanceCase
from app.compliance.domain.restrictions import RestrictionAlert
from app.core.ids import CaseId
from app.flows.compliance.compliance_news import alerts_channel, cases_channel
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.bus import Gap
from app.infra.uow import begin_batch


async def follow_cases(desk: Desk, principal: Principal) -> AsyncIterator[SurveillanceCase]:
    """Each case that is opened from now on. What is missed while Redis is away is in surveillanceCases."""
    principal.require_whole_tenant()
    async for ids in _followed(desk, cases_channel(principal.tenant_id)):
        async with begin_batch(desk.database, principal.tenant_id) as session:
            found = [await cases_batch.find_case(session, principal.tenant_id, CaseId(one)) for one in ids]
        for case in found:
            if case is not None:
                yield case


async def follow_alerts(desk: Desk, principal: Principal) -> AsyncIterator[RestrictionAlert]:
    """Each touch of a restricted name from now on. What is missed while Redis is away is in restrictionAlerts."""
    principal.require_whole_tenant()
    async for ids in _followed(desk, alerts_channel(principal.tenant_id)):
        async with begin_batch(desk.database, principal.tenant_id) as session:
            found = await restrictions_batch.alerts_by_id(session, principal.tenant_id, ids)
        for alert in found:
            yield alert


async def _followed(desk: Desk, channel: str) -> AsyncIterator[Sequence[UUID]]:
    async with desk.bus.subscribe(channel) as stream:
        async for message in stream:
            if not isinstance(message, Gap):
                yield [UUID(one) for one in orjson.loads(message)]
