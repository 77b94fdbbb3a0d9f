"""Queries of positions."""

from datetime import datetime

import strawberry

from app.flows.time_travel import positions_as_of
from app.identity.domain import Scope
from app.instruments import service as instruments
from app.positions import service as positions
from schema.base.context import Info
from schema.base.ids import bounded
from schema.base.permissions import scoped
from schema.brokers.types import known_account
from schema.positions.types import Position


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
