"""applyRiskTemplate: a named set of limits for an account that has none of its own yet."""

from dataclasses import dataclass
from decimal import Decimal

from app.brokers import viewing
from app.core.clock import Clock
from app.core.fix import RiskLimitType
from app.core.ids import AccountId, Ids
from app.core.money import ZERO
from app.flows.risk.change_risk_limits import acting_in
from app.identity.domain import Principal
from app.infra.db import Database, ReadSession
from app.infra.uow import Scope, begin
from app.risk.keeping import repository
from app.risk.keeping import service as keeping
from app.risk.keeping.domain.changes import LIMITS_MAX, KeptLimit, LimitSetting
from app.risk.keeping.domain.templates import TEMPLATES, limits_of_template
from app.risk.keeping.errors import LimitInvalidError, LimitTargetUnknownError, TemplateUnknownError
from app.risk.keeping.repository import LimitFilter

CAPITAL_MAX = Decimal(10) ** 13


@dataclass(frozen=True, slots=True, kw_only=True)
class AppliedTemplate:
    """The limits that were made, and the types of which the account had one of its own already."""

    created: tuple[KeptLimit, ...]
    skipped: tuple[RiskLimitType, ...]


async def apply_risk_template(
    database: Database,
    clock: Clock,
    ids: Ids,
    principal: Principal,
    account_id: AccountId,
    name: str,
    *,
    capital: Decimal | None,
    reason: str | None,
) -> AppliedTemplate:
    """The limits of the template, made for the account; a type of which it has one stays as it is.

    capital is what amounts are parts of, in the account's base currency; None for its equity as the broker tells it.
    Raises WholeTenantError, TemplateUnknownError, LimitTargetUnknownError, LimitInvalidError, LimitsTooManyError.
    """
    principal.require_whole_tenant()
    template = TEMPLATES.get(name)
    if template is None:
        raise TemplateUnknownError(", ".join(TEMPLATES), "template")
    tenant_id = principal.tenant_id
    async with begin(database, Scope(tenant_id=tenant_id)) as session:
        account = (await viewing.accounts_by_ids(session, tenant_id, [account_id])).get(account_id)
        if account is None:
            raise LimitTargetUnknownError("account", "accountId")
        if capital is None:
            told = (await viewing.balances(ReadSession(session), tenant_id, [account_id])).get(account_id)
            capital = ZERO if told is None else told.equity
        if not ZERO < capital <= CAPITAL_MAX:
            told_why = "Amounts are parts of the capital: give it, above zero, for the broker has told no equity."
            raise LimitInvalidError(told_why, path=["capital"])
        acting = await acting_in(session, principal, clock, ids)
        wanted = LimitFilter(account_id=account_id)
        present = {
            one.limit.limit_type
            for one in await repository.limits(session, tenant_id, wanted, limit=LIMITS_MAX)
            if one.limit.account_id == account_id and one.limit.instrument_id is None and not one.limit.is_shadow
        }
        created = []
        for limit in limits_of_template(template, account_id, capital=capital, currency=account.base_currency):
            if limit.limit_type not in present:
                told_reason = reason or f"template {name}"
                change = await keeping.set_limit(session, acting, LimitSetting(wanted=limit, reason=told_reason))
                created.append(change.kept)
    skipped = tuple(one.limit_type for one in template.limits if one.limit_type in present)
    return AppliedTemplate(created=tuple(created), skipped=skipped)
