"""What an order would do to its account, and whether the account carries it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from app.core.catalogue import CatalogueEntry
from app.core.records import replace
from app.simulator.accounts import Account, Mark
from app.simulator.orders import OrderRequest
from app.simulator.rules import ORDER_REJECTED, Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPreview:
    """An account's figures before and after an order, in its base currency, and the order's commission."""

    initial_margin: tuple[Decimal, Decimal]
    maintenance_margin: tuple[Decimal, Decimal]
    equity: tuple[Decimal, Decimal]
    commission: Decimal
    currency: str


def preview_of(
    request: OrderRequest,
    account: Account,
    entries: Mapping[int, CatalogueEntry],
    mark: Mark,
    commission: Decimal,
) -> OrderPreview:
    """What happens to the account if all of the order deals at the mark."""
    entry = entries[request.con_id]
    changed = Account(
        account_id=account.account_id,
        base_currency=account.base_currency,
        cash=dict(account.cash),
        holdings={con_id: replace(holding) for con_id, holding in account.holdings.items()},
    )
    changed.book(entry, request.side, request.quantity, mark(request.con_id), commission)
    before, after = account.figures(entries, mark), changed.figures(entries, mark)
    return OrderPreview(
        initial_margin=(before.initial_margin, after.initial_margin),
        maintenance_margin=(before.maintenance_margin, after.maintenance_margin),
        equity=(before.net_liquidation, after.net_liquidation),
        commission=commission,
        currency=entry.currency,
    )


def refusal_of_margin(preview: OrderPreview) -> Refusal | None:
    """Why the account does not carry the order, or None when it does. What lowers the margin always passes."""
    margin_before, margin_after = preview.initial_margin
    _, equity_after = preview.equity
    if margin_after <= max(margin_before, equity_after):
        return None
    return Refusal(
        code=ORDER_REJECTED,
        message="Order rejected - reason:The equity with loan value is insufficient for the initial margin of "
        f"{margin_after}",
    )
