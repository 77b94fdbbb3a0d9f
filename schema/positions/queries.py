"""Queries of positions."""

from datetime import datetime

import strawberry

from app.core.ids import AccountId, InstrumentId
from app.flows.journal.time_travel import positions_as_of
from app.flows.positions.list_adjustments import count_adjustments, list_adjustments
from app.flows.positions.view_pnl import POINTS_MAX, RANGE_MAX, pnl_history, pnl_today
from app.identity.domain import Scope
from app.instruments import service as instruments
from app.positions import service as positions
from schema.base.context import Info
from schema.base.ids import bounded, parse_id
from schema.base.pagination import window_of
from schema.base.permissions import scoped
from schema.brokers.types import known_account
from schema.positions.adjustments import ADJUSTMENT_CURSORS, PositionAdjustmentConnection
from schema.positions.pnl import PnlSnapshot, PnlSummary
from schema.positions.types import FxRate, Position


@strawberry.type
class PositionQuery:
    """Queries of positions."""

    @strawberry.field(
        description="What the tenant holds; of an account, of symbols, and with includeFlat also what was closed. With "
        "asOf what was held at that instant, by the event log: prices of then are not kept, so marketPrice is null and "
        "the value is at the average price; updatedAt tells of the last execution or commission until then.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def positions(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        symbols: list[str] | None = None,
        include_flat: bool | None = False,
        as_of: datetime | None = None,
    ) -> list[Position]:
        """What the tenant holds."""
        principal = info.context.principal
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        async with info.context.desk.reading(principal) as session:
            instrument_ids = None
            if symbols is not None:
                named = await instruments.named_all(session, principal.tenant_id, bounded(symbols, "symbols"))
                instrument_ids = [one.id for one in named]
            if as_of is None:
                found = await positions.held(
                    session,
                    principal.tenant_id,
                    account_ids=None if account is None else (account,),
                    instrument_ids=instrument_ids,
                    include_flat=bool(include_flat),
                )
                return [Position.of(position) for position in found]
        past = await positions_as_of(
            info.context.desk, principal, account, instrument_ids, as_of, include_flat=bool(include_flat)
        )
        return [Position.of(position, is_past=True) for position in past]

    @strawberry.field(
        description="Profit and loss of the trading day so far, of an account or of all that the tenant has.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def pnl_today(self, info: Info, account_id: strawberry.ID | None = None) -> PnlSummary:
        """Profit and loss of the day."""
        desk = info.context.desk
        return PnlSummary.of(await pnl_today(desk, info.context.principal, _account_id(account_id)), desk.clock.now())

    @strawberry.field(
        description=f"Snapshots of profit and loss from start on and before end, by account and time: at most "
        f"{RANGE_MAX.days} days, at most {POINTS_MAX} snapshots shared evenly among the accounts. Of an account with "
        "more of them the range is cut into slices of the same length, and the last snapshot of each is told.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def pnl_history(
        self, info: Info, start: datetime, end: datetime, account_id: strawberry.ID | None = None
    ) -> list[PnlSnapshot]:
        """Profit and loss over time."""
        found = await pnl_history(info.context.desk, info.context.principal, _account_id(account_id), start, end)
        return [PnlSnapshot.of(one) for one in found]

    @strawberry.field(
        description="Typed adjustments of positions, those booked last first; of an account, of an instrument.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def position_adjustments(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        instrument_id: strawberry.ID | None = None,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> PositionAdjustmentConnection:
        """A page of adjustments."""
        window = window_of(first=first, after=after, last=last, before=before, read=ADJUSTMENT_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal
        account = None if account_id is None else await known_account(info, account_id, "accountId")
        instrument = None if instrument_id is None else InstrumentId(parse_id(instrument_id, "instrumentId"))

        async def count() -> int:
            return await count_adjustments(desk, principal, account, instrument)

        page = await list_adjustments(desk, principal, account, instrument, window)
        return PositionAdjustmentConnection.of(page, window, count)

    @strawberry.field(
        description="The exchange rates that are known, as quoted by the currency pairs of the tenant; others follow "
        "from them by inverting and by crossing a third currency.",
        extensions=scoped(Scope.VIEW_MARKET_DATA),
    )
    async def fx_rates(self, info: Info) -> list[FxRate]:
        """The rates that are known."""
        rates = await info.context.loaders.rates.load(0)
        now = info.context.desk.clock.now()
        return [FxRate.of(rate, now) for rate in rates.quoted]


def _account_id(given: str | None) -> AccountId | None:
    return None if given is None else AccountId(parse_id(given, "accountId"))
