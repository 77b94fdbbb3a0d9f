"""Changes of limits that wait: their time, what a version keeps for good, and races with orders."""

import asyncio
from decimal import Decimal

import asyncpg
import pytest

from app.audit import service as audit
from app.core.fix import RiskLimitType
from app.core.ids import LimitId
from app.core.paging import Window
from app.flows.risk.change_risk_limits import set_risk_limit
from app.flows.risk.decide_risk_limit import approve_risk_limit_proposal, expire_risk_limit_proposals
from app.identity.domain import Principal, Role, system_principal
from app.infra.db import Database
from app.infra.uow import Scope, begin, begin_batch, reading
from app.risk import batch as risk
from app.risk.domain import RiskLimit
from app.risk.keeping import repository
from app.risk.keeping.domain.changes import PROPOSAL_LASTS, LimitSetting, ProposalState, limit_of_document
from app.risk.keeping.errors import ApproverNotAPersonError, ProposalNotPendingError
from app.risk.keeping.service import LimitChange
from tests import factories
from tests.fakes import SetClock
from tests.integration.flows.conftest import Trader
from tests.integration.flows.own_desk import desk, system_database

__all__ = ["desk", "system_database"]

_TYPE = RiskLimitType.MAX_ORDER_QUANTITY


class Keeper:
    """Two people who keep the limits of a trader's tenant, at an instant that the test sets."""

    def __init__(self, trader: Trader, one: Principal, other: Principal) -> None:
        self.trader, self.one, self.other = trader, one, other
        self.clock = SetClock(trader.desk.clock.now())

    async def set(
        self, value: str, limit: LimitChange | None = None, principal: Principal | None = None
    ) -> LimitChange:
        """The change by the first of them."""
        limit_id = None if limit is None else limit.kept.limit.id
        wanted = RiskLimit(id=LimitId(self.trader.desk.ids.new()), limit_type=_TYPE, value=Decimal(value))
        desk = self.trader.desk
        setting = LimitSetting(id=limit_id, wanted=wanted)
        return await set_risk_limit(desk.database, self.clock, desk.ids, principal or self.one, setting)

    async def approve(self, change: LimitChange, principal: Principal | None = None) -> LimitChange:
        """The approval by the other."""
        assert change.proposal is not None
        desk = self.trader.desk
        who = principal or self.other
        return await approve_risk_limit_proposal(
            desk.database, self.clock, desk.ids, who, change.proposal.id, reason=None
        )


@pytest.fixture
async def keeper(trader: Trader) -> Keeper:
    """Two people who keep limits."""
    database, tenant_id = trader.desk.database, trader.key.tenant_id
    one = await factories.make_principal(database, tenant_id, role=Role.COMPLIANCE)
    return Keeper(trader, one, await factories.make_principal(database, tenant_id, role=Role.MANAGER))


async def test_a_proposal_that_nobody_decides_ends_and_is_audited(keeper: Keeper, system_database: Database) -> None:
    desk, tenant_id = keeper.trader.desk, keeper.trader.key.tenant_id
    limit = await keeper.set("50")
    asked = await keeper.set("60", limit)
    assert asked.proposal is not None
    late = keeper.clock.now() + PROPOSAL_LASTS
    keeper.clock = SetClock(late)

    with pytest.raises(ProposalNotPendingError) as refused:
        await keeper.approve(asked)
    await expire_risk_limit_proposals(desk.database, system_database, now=late, ids=desk.ids)
    again = await expire_risk_limit_proposals(desk.database, system_database, now=late, ids=desk.ids)

    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        ended = await repository.proposal(session, tenant_id, asked.proposal.id)
        told = await audit.history(session, keeper.one, "RiskLimitProposal", asked.proposal.id)
    assert refused.value.facts == {"state": "EXPIRED"}
    assert ended is not None
    assert (ended.state, ended.decided_by) == (ProposalState.EXPIRED, "system:risk")
    assert [entry.action for entry in told] == ["risk_limit_proposal.expired"]
    assert again == 0


async def test_a_process_approves_nothing_and_an_operator_does_not_pass_the_second_person(keeper: Keeper) -> None:
    tenant_id = keeper.trader.key.tenant_id
    operator = system_principal(tenant_id, "cli")
    limit = await keeper.set("50")
    asked = await keeper.set("60", limit, operator)

    with pytest.raises(ApproverNotAPersonError):
        await keeper.approve(asked, operator)
    approved = await keeper.approve(asked)

    assert approved.kept.limit.value == Decimal(60)


async def test_the_application_cannot_change_or_delete_a_version(keeper: Keeper) -> None:
    desk, tenant_id = keeper.trader.desk, keeper.trader.key.tenant_id
    limit = await keeper.set("50")

    for statement in (
        "UPDATE risk_limit_versions SET reason = 'other' WHERE limit_id = $1",
        "DELETE FROM risk_limit_versions WHERE limit_id = $1",
        "DELETE FROM risk_limits WHERE id = $1",
        "DELETE FROM risk_limit_proposals WHERE limit_id = $1",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with begin_batch(desk.database, tenant_id) as session:
                await session.execute(statement, limit.kept.limit.id)


async def test_each_step_of_a_loosening_is_in_the_audit_log(keeper: Keeper) -> None:
    desk, tenant_id = keeper.trader.desk, keeper.trader.key.tenant_id
    limit = await keeper.set("50")
    overtaken = await keeper.set("70", limit)
    await keeper.approve(await keeper.set("60", limit))
    assert overtaken.proposal is not None

    async with reading(desk.database, Scope(tenant_id=tenant_id)) as session:
        of_limit = await audit.history(session, keeper.one, "RiskLimit", limit.kept.limit.id)
        of_other = await audit.history(session, keeper.one, "RiskLimitProposal", overtaken.proposal.id)

    acts = [(entry.action, entry.actor) for entry in reversed(of_limit)]
    assert acts == [
        ("risk_limit.created", keeper.one.actor),
        ("risk_limit.proposed", keeper.one.actor),
        ("risk_limit.proposed", keeper.one.actor),
        ("risk_limit.changed", keeper.other.actor),
    ]
    changed = of_limit[0].new_values
    assert changed is not None
    assert changed["proposedBy"] == keeper.one.actor
    assert [entry.action for entry in of_other] == ["risk_limit_proposal.overtaken"]


async def test_a_tightening_and_an_approval_at_once_leave_the_tighter_or_a_higher_version(keeper: Keeper) -> None:
    limit = await keeper.set("50")
    asked = await keeper.set("60", limit)

    answers = await asyncio.gather(keeper.approve(asked), keeper.set("10", limit), return_exceptions=True)

    async with begin(keeper.trader.desk.database, Scope(tenant_id=keeper.trader.key.tenant_id)) as session:
        kept = await repository.limit_for_update(session, keeper.trader.key.tenant_id, limit.kept.limit.id)
    assert kept is not None
    # Whoever was second saw the first: the tightening is never lost under the approval of an older version.
    assert kept.limit.value == Decimal(10)
    assert [type(one).__name__ for one in answers if isinstance(one, Exception)] in ([], ["ProposalNotPendingError"])


async def test_seeded_limits_have_a_first_version_that_tells_what_they_say(keeper: Keeper) -> None:
    desk, tenant_id = keeper.trader.desk, keeper.trader.key.tenant_id
    now = keeper.clock.now()
    limit = RiskLimit(
        id=LimitId(desk.ids.new()),
        limit_type=RiskLimitType.MAX_DAILY_LOSS,
        value=Decimal("100.50"),
        currency="USD",
        conditions={"sides": ["BUY"]},
        warn_at=Decimal("0.8"),
        effective_from=now,
    )

    async with begin_batch(desk.database, tenant_id) as session:
        await risk.insert_limits(session, tenant_id, [limit], "system:tests", now)
    async with reading(desk.database, Scope(tenant_id=tenant_id)) as looking:
        page = await repository.versions_page(looking, tenant_id, limit.id, Window(size=5))

    [version] = page.items
    assert version.after is not None
    assert limit_of_document(limit.id, 1, version.after) == limit
    assert (version.action, version.changed_by) == ("CREATED", "system:tests")
