"""setRiskLimit and deleteRiskLimit: tightening counts at once, loosening by one person waits for another."""

from app.brokers import viewing
from app.core.clock import Clock
from app.core.ids import AccountId, Ids, InstrumentId, LimitId, StrategyId, TenantId
from app.identity import members_repository
from app.identity.domain import Principal
from app.identity.domain import Scope as Allowed
from app.infra.db import Database, ReadSession, WriteSession
from app.infra.uow import Scope, begin
from app.instruments import service as instruments
from app.risk.keeping import service as keeping
from app.risk.keeping.domain.changes import FourEyes, LimitSetting
from app.risk.keeping.errors import LimitTargetUnknownError
from app.risk.keeping.service import Acting, LimitChange
from app.tenants import service as tenants
from app.tenants.settings import TenantSettings

PEOPLE_NEEDED = 2


async def set_risk_limit(
    database: Database, clock: Clock, ids: Ids, principal: Principal, setting: LimitSetting
) -> LimitChange:
    """The limit as it stands, with the proposal where the change waits for a second person.

    Raises WholeTenantError, LimitTargetUnknownError and what keeping.set_limit does.
    """
    principal.require_whole_tenant()
    wanted = setting.wanted
    async with begin(database, Scope(tenant_id=principal.tenant_id)) as session:
        await check_targets(session, principal.tenant_id, wanted.account_id, wanted.strategy_id, wanted.instrument_id)
        acting = await acting_in(session, principal, clock, ids)
        return await keeping.set_limit(session, acting, setting)


async def delete_risk_limit(
    database: Database,
    clock: Clock,
    ids: Ids,
    principal: Principal,
    limit_id: LimitId,
    *,
    expected_version: int | None,
    reason: str | None,
) -> LimitChange:
    """The limit that was taken away, or as it stands with the proposal.

    Raises WholeTenantError and what keeping.delete_limit does.
    """
    principal.require_whole_tenant()
    async with begin(database, Scope(tenant_id=principal.tenant_id)) as session:
        acting = await acting_in(session, principal, clock, ids)
        return await keeping.delete_limit(session, acting, limit_id, expected_version=expected_version, reason=reason)


async def acting_in(session: WriteSession, principal: Principal, clock: Clock, ids: Ids) -> Acting:
    """Who changes limits in this transaction, and whether what loosens takes two in the tenant."""
    tenant = await tenants.tenant(session, principal.tenant_id)
    asked = FourEyes(TenantSettings.of(tenant.settings).risk_four_eyes)
    takes_two = asked is FourEyes.ALWAYS
    if asked is FourEyes.AUTO:
        people = await members_repository.people_who_may(session, principal.tenant_id, Allowed.MANAGE_RISK)
        takes_two = len(people) >= PEOPLE_NEEDED
    return Acting(principal=principal, takes_two=takes_two, ids=ids, now=clock.now())


async def check_targets(
    session: WriteSession,
    tenant_id: TenantId,
    account_id: AccountId | None,
    strategy_id: StrategyId | None,
    instrument_id: InstrumentId | None,
) -> None:
    """Raises LimitTargetUnknownError for what the tenant has not."""
    if account_id is not None and not await viewing.accounts_by_ids(session, tenant_id, [account_id]):
        raise LimitTargetUnknownError("account", "accountId")
    if strategy_id is not None:
        # No strategy is kept yet, so none can be of the tenant.
        raise LimitTargetUnknownError("strategy", "strategyId")
    if instrument_id is not None and not await instruments.instruments(
        ReadSession(session), tenant_id, [instrument_id]
    ):
        raise LimitTargetUnknownError("instrument", "instrumentId")
