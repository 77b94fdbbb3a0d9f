"""An adviser's block orders: checked against its groups, and divided among their accounts when they end."""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from app.core.allocation import divided
from app.core.catalogue import CatalogueEntry
from app.core.fix import Side
from app.core.money import ZERO
from app.simulator.accounts import Account, Holding, Mark
from app.simulator.advisers import (
    AVAILABLE_EQUITY,
    BY_AMOUNT,
    METHODS,
    NET_LIQUIDATION,
    PERCENT_CHANGE,
    AccountGroup,
    method_of,
)
from app.simulator.orders import OrderRequest
from app.simulator.rules import INVALID_REQUEST, NO_ACCOUNT, ORDER_REJECTED, Refusal

_HUNDRED = Decimal(100)


class Desk:
    """An adviser's groups over the accounts of its login. Without `master_id` the login is nobody's adviser."""

    def __init__(self, master_id: str, accounts: Mapping[str, Account], groups: Iterable[AccountGroup]) -> None:
        self.master_id = master_id
        self._accounts = accounts
        self.groups = {group.name: group for group in groups}

    @property
    def sub_account_ids(self) -> list[str]:
        """The accounts that the adviser trades for."""
        return sorted(account_id for account_id in self._accounts if account_id != self.master_id)

    def account_of(self, request: OrderRequest) -> str:
        """The account that an order stands in: a block in the master, one for the only account in that."""
        if request.fa_group and self.master_id:
            return self.master_id
        if not request.account and len(self._accounts) == 1:
            return next(iter(self._accounts))
        return request.account

    def refusal(self, request: OrderRequest) -> Refusal | None:
        """Why the order's account or group is none, or None when it is one."""
        if not request.fa_group:
            if not request.account:
                return Refusal(code=NO_ACCOUNT, message="You must specify an account.")
            return None
        if not self.master_id:
            message = "Error validating request: FA data operations ignored for non FA customers."
            return Refusal(code=INVALID_REQUEST, message=message)
        group = self.groups.get(request.fa_group)
        if group is None:
            return _rejected(f"Unknown account group {request.fa_group}")
        method = self._method(request, group)
        if method not in METHODS or (method in BY_AMOUNT and not group.amounts):
            return _rejected(f"Invalid allocation method {request.fa_method}")
        if method == PERCENT_CHANGE and _percentage(request) is None:
            return _rejected("The percentage of an allocation by PctChange must be a number above zero")
        return None

    def quantity_of(self, request: OrderRequest, lot_size: Decimal) -> Decimal:
        """What the order is about: as it says, or by PctChange so much of what the accounts hold together."""
        group = self.groups.get(request.fa_group)
        percentage = _percentage(request)
        if group is None or percentage is None or self._method(request, group) != PERCENT_CHANGE:
            return request.quantity
        held = sum(self._positions(group, request.con_id), ZERO)
        return held * percentage / _HUNDRED // lot_size * lot_size

    def shares(
        self, request: OrderRequest, filled: Decimal, entries: Mapping[int, CatalogueEntry], mark: Mark
    ) -> list[tuple[str, Decimal]]:
        """How much of what was dealt each account has; accounts that have nothing are left out."""
        group = self.groups.get(request.fa_group)
        if group is None:
            # The group was taken away while the order worked: the first account has it all.
            return [(self.sub_account_ids[0], filled)]
        match self._method(request, group):
            case method if method in BY_AMOUNT and group.amounts:
                weights = list(group.amounts)
            case method if method == PERCENT_CHANGE:
                weights = self._positions(group, request.con_id)
            case method if method in {NET_LIQUIDATION, AVAILABLE_EQUITY}:
                figures = [self._accounts[account_id].figures(entries, mark) for account_id in group.account_ids]
                worths = [one.net_liquidation if method == NET_LIQUIDATION else one.available for one in figures]
                weights = [max(ZERO, worth) for worth in worths]
            case _:
                weights = []
        if not any(weights):
            weights = [Decimal(1)] * len(group.account_ids)
        parts = divided(filled, weights, entries[request.con_id].lot_size)
        return [(account_id, part) for account_id, part in zip(group.account_ids, parts, strict=True) if part]

    def _method(self, request: OrderRequest, group: AccountGroup) -> str:
        return method_of(request.fa_method) or group.method

    def _positions(self, group: AccountGroup, con_id: int) -> list[Decimal]:
        accounts = (self._accounts[account_id] for account_id in group.account_ids)
        return [abs(account.holdings.get(con_id, Holding()).quantity) for account in accounts]


def part_of(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """As much of an amount as the part is of the whole, to four decimals."""
    return (amount * part / whole).quantize(Decimal("0.0001"))


def _percentage(request: OrderRequest) -> Decimal | None:
    try:
        percentage = Decimal(request.fa_percentage)
    except InvalidOperation:
        return None
    # A percentage of a sale may be told below zero.
    percentage = abs(percentage) if request.side is Side.SELL else percentage
    return percentage if percentage.is_finite() and percentage > 0 else None


def _rejected(reason: str) -> Refusal:
    return Refusal(code=ORDER_REJECTED, message=f"Order rejected - reason:{reason}")
