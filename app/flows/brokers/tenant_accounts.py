"""Broker accounts as members are restricted to them: asked for by id, known by the tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from app.brokers import viewing
from app.brokers.errors import AccountUnknownError
from app.core.errors import InputError
from app.core.ids import AccountId, TenantId
from app.identity.domain.members import GRANTS_MAX
from app.infra.db import ReadSession, WriteSession


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedGrant:
    """An account to grant, and whether to trade on it or to look alone."""

    account_id: UUID
    may_trade: bool


async def known_grants(
    session: ReadSession | WriteSession, tenant_id: TenantId, asked: Sequence[AskedGrant]
) -> Mapping[AccountId, bool]:
    """The grants by account.

    Raises AccountUnknownError with the path for an account that the tenant has not, InputError for one named twice.
    """
    if len(asked) > GRANTS_MAX:
        raise InputError(f"At most {GRANTS_MAX} accounts.", path=["accounts"])
    wanted = [AccountId(one.account_id) for one in asked]
    known = await viewing.accounts_by_ids(session, tenant_id, wanted) if wanted else {}
    grants: dict[AccountId, bool] = {}
    for place, one in enumerate(asked):
        account_id = AccountId(one.account_id)
        if account_id not in known:
            raise AccountUnknownError("accounts", str(place), "accountId")
        if account_id in grants:
            raise InputError("This account is named twice.", path=["accounts", str(place), "accountId"])
        grants[account_id] = one.may_trade
    return grants
