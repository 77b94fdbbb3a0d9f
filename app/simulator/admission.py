"""Admission: which account an order stands in, what it would do there, and whether the exchange takes it."""

from app.core.clock import Clock
from app.core.records import replace
from app.simulator.clearing import Clearing
from app.simulator.config import SimulatorConfig
from app.simulator.directory import Directory
from app.simulator.ledger import Ledger
from app.simulator.margin import OrderPreview, preview_of, refusal_of_margin
from app.simulator.orders import OrderRequest, SimulatedOrder
from app.simulator.rules import ORDER_REJECTED, Refusal, refusal_of_modify, refusal_of_terms

OPEN_ORDERS_MAX = 100_000
"""Beyond these new orders are refused."""


class Admission:
    """Judges requests by the ledger and the directory, and changes neither."""

    def __init__(
        self, config: SimulatorConfig, clock: Clock, directory: Directory, ledger: Ledger, clearing: Clearing
    ) -> None:
        self._is_margin_enforced = config.is_margin_enforced
        self._clock = clock
        self._directory = directory
        self._ledger = ledger
        self._clearing = clearing

    def with_account(self, request: OrderRequest) -> OrderRequest:
        """The request with the account that it stands in, and for a block with its quantity."""
        desk = self._ledger.desk
        account_id = desk.account_of(request)
        if request.fa_group:
            lot_size = self._directory[request.con_id].entry.lot_size
            return replace(request, account=account_id, quantity=desk.quantity_of(request, lot_size))
        return request if request.account else replace(request, account=account_id)

    def refusal_of_new(self, request: OrderRequest) -> Refusal | None:
        """Why a new order, its account named, is not taken, or None when it is."""
        refusal = self._refusal_of_request(request)
        if refusal is not None:
            return refusal
        if len(self._ledger.working) >= OPEN_ORDERS_MAX:
            return Refusal(code=ORDER_REJECTED, message="Order rejected - reason:Too many open orders")
        if not self._is_margin_enforced:
            return None
        return refusal_of_margin(self._preview(request))

    def refusal_of_change(self, order: SimulatedOrder, request: OrderRequest) -> Refusal | None:
        """Why an order may not have new terms, or None when it may."""
        return refusal_of_modify(order, request) or self._refusal_of_terms(request)

    def preview(self, request: OrderRequest) -> OrderPreview | Refusal:
        """What the order would do to its account if all of it dealt at the market."""
        request = self.with_account(request)
        return self._refusal_of_request(request) or self._preview(request)

    def _refusal_of_request(self, request: OrderRequest) -> Refusal | None:
        return self._ledger.desk.refusal(request) or self._refusal_of_terms(request)

    def _refusal_of_terms(self, request: OrderRequest) -> Refusal | None:
        return refusal_of_terms(request, self._directory[request.con_id], self._ledger.accounts, self._clock.now())

    def _preview(self, request: OrderRequest) -> OrderPreview:
        mark = self._clearing.mark
        commission = self._clearing.commission(
            request.con_id, request.quantity, request.quantity * mark(request.con_id)
        )
        account = self._ledger.accounts[request.account]
        return preview_of(request, account, self._directory.entries, mark, commission)
