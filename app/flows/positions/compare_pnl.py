"""The broker's own profit and loss of accounts beside ours."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.brokers import batch as brokers
from app.brokers import viewing
from app.brokers.viewing import BalanceView
from app.core.errors import UnavailableError
from app.core.ids import AccountId
from app.flows.desk import Desk
from app.flows.positions.fx_rates import rates_now
from app.flows.positions.view_pnl import ACCOUNTS_MAX, Day, held_position, quotes_of, read_books
from app.identity.domain import Principal
from app.infra.redis import REDIS_LOST
from app.infra.uow import begin_batch
from app.positions.domain import HeldPosition, pnl_of_day, pnl_so_far, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure as both tell it; None where one does not know it."""

    broker: Decimal | None
    ours: Decimal | None

    @property
    def difference(self) -> Decimal | None:
        """The broker's less ours."""
        return None if self.broker is None or self.ours is None else self.broker - self.ours


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPnl:
    """Profit and loss as both tell it, in the account's base currency.

    daily is of the day, after commissions. realized is of the day and after commissions as well: the broker counts
    them there. unrealized is of the open positions since they were opened.
    """

    daily: Compared
    realized: Compared
    unrealized: Compared


async def compare_pnl(
    desk: Desk, principal: Principal, account_ids: Sequence[AccountId]
) -> dict[AccountId, ComparedPnl]:
    """Both sides of each of the accounts that the tenant has. What lacks an exchange rate we do not know.

    Raises PositionsTooManyError, UnavailableError while Redis is away: nothing can be valued.
    """
    tenant_id, now = principal.tenant_id, desk.clock.now()
    rates = await rates_now(desk, principal)
    async with desk.reading(principal) as reading:
        told = await viewing.balances(reading, tenant_id, account_ids)
    async with begin_batch(desk.database, tenant_id, accounts=principal.viewable) as session:
        currencies = await brokers.base_currencies(session, tenant_id, limit=ACCOUNTS_MAX)
        known = [account_id for account_id in account_ids if account_id in currencies]
        booked = await read_books(session, tenant_id, known, Day.of(now, desk.trading_timezone))
    try:
        quotes = await quotes_of(desk.redis, tenant_id, booked)
    except REDIS_LOST as error:
        raise UnavailableError("positions cannot be valued at the moment") from error
    held: dict[AccountId, list[HeldPosition]] = {account_id: [] for account_id in known}
    for one in booked:
        account_id = one.now.account_id
        held[account_id].append(held_position(one, currencies[account_id], rates, quotes, now))
    return {account_id: _compared(held[account_id], told.get(account_id, BalanceView())) for account_id in known}


def _compared(held: Sequence[HeldPosition], told: BalanceView) -> ComparedPnl:
    day = total(pnl_of_day(one).pnl for one in held)
    open_positions = total(pnl_so_far(one.now, one.multiplier, one.valuation) for one in held)
    realized = None if day.realized is None or day.commission is None else day.realized - day.commission
    return ComparedPnl(
        daily=Compared(broker=told.daily_pnl, ours=day.net),
        realized=Compared(broker=told.realized_pnl, ours=realized),
        unrealized=Compared(broker=told.unrealized_pnl, ours=open_positions.unrealized),
    )
