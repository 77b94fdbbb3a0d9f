"""Queries of positions."""

import strawberry

from app.core.ids import AccountId
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
        description="What the tenant holds; of an account, of symbols, and with includeFlat also what was closed.",
        extensions=scoped(Scope.VIEW_POSITIONS),
    )
    async def positions(
        self,
        info: Info,
        account_id: strawberry.ID | None = None,
        symbols: list[str] | None = None,
        include_flat: bool | None = False,
    ) -> list[Position]:
        """What the tenant holds."""
        principal = info.context.principal
        accounts: tuple[AccountId, ...] | None = None
        if account_id is not None:
            accounts = (await known_account(info, account_id, "accountId"),)
        async with info.context.desk.reading(principal) as session:
            instrument_ids = None
            if symbols is not None:
                named = await instruments.named_all(session, principal.tenant_id, bounded(symbols, "symbols"))
                instrument_ids = [one.id for one in named]
            found = await positions.held(
                session,
                principal.tenant_id,
                account_ids=accounts,
                instrument_ids=instrument_ids,
                include_flat=bool(include_flat),
            )
        return [Position.of(position) for position in found]
