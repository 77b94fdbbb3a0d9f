"""What a report or a request is held against, and what follows from one."""

from dataclasses import dataclass

from app.core.fix import RequestKind
from app.core.messages import Fill, OrderTerms
from app.core.records import replace
from app.orders.domain.order import Execution, Order, OrderEvent, OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFile:
    """An order with its open requests: what a report is held against.

    refused_replace is why the broker refused the order's last modify, "code: words", where one was refused.
    """

    order: Order
    cancel: OrderRequest | None = None
    replace: OrderRequest | None = None
    refused_replace: str | None = None

    @property
    def pending_terms(self) -> OrderTerms | None:
        """The terms of the open replace, if there is one."""
        return self.replace.terms if self.replace is not None else None

    def with_request(self, request: OrderRequest) -> "OrderFile":
        """The file with an open request in its place."""
        if request.kind is RequestKind.CANCEL:
            return replace(self, cancel=request)
        return replace(self, replace=request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows from a report: the file as it now stands, and what is to be stored and told.

    requests are those that were resolved, executions the ledger's new and superseded rows, fills what moves the
    position; is_restated says that an earlier execution changed, so that the position is derived anew.
    """

    file: OrderFile
    events: tuple[OrderEvent, ...] = ()
    requests: tuple[OrderRequest, ...] = ()
    executions: tuple[Execution, ...] = ()
    fills: tuple[Fill, ...] = ()
    is_restated: bool = False
    quarantine: str | None = None
