"""The broker's own profit and loss of an account beside ours."""

from dataclasses import dataclass
from decimal import Decimal

from app.brokers.viewing import BalanceView
from app.core.ids import AccountId
from app.flows.desk import Desk
from app.flows.view_pnl import pnl_today
from app.identity.domain import Principal


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
    """Profit and loss of the day as both tell it, in the account's base currency.

    daily is after commissions. realized is after commissions as well: the broker counts them there.
    """

    daily: Compared
    realized: Compared


async def compare_pnl(desk: Desk, principal: Principal, account_id: AccountId, told: BalanceView) -> ComparedPnl:
    """Both sides of the account. Raises what pnl_today raises."""
    ours = (await pnl_today(desk, principal, account_id)).total
    realized = None if ours.realized is None or ours.commission is None else ours.realized - ours.commission
    return ComparedPnl(
        daily=Compared(broker=told.daily_pnl, ours=ours.net),
        realized=Compared(broker=told.realized_pnl, ours=realized),
    )
