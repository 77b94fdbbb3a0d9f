"""The lines of a session at the gateway: opened and closed there, and what its words make of each."""

import logging
from collections.abc import Callable, Sequence

from app.brokers.ib.library import Client, Library
from app.brokers.ib.line_words import state_of_code, state_of_type
from app.brokers.ib.lines import Lines
from app.brokers.ib.pacing import Priority
from app.brokers.ib.session import IbSession
from app.brokers.ib.translate import contract_fields
from app.brokers.port import LineChange
from app.core.fix import LineState
from app.core.messages import Contract

log = logging.getLogger(__name__)

# Far above any order id, so that an error's id names either an order or a request.
FIRST_LINE_REQUEST = 1_000_000_000
LINES_MAX = 100


class MarketLines:
    """Asks for the lines of a session; what comes over them is in `values`. `tell` hears how each line stands."""

    def __init__(
        self, session: IbSession, library: Library, tell: Callable[[LineChange], None], *, lines_max: int
    ) -> None:
        self._session = session
        self._library = library
        self._tell = tell
        self.values = Lines(FIRST_LINE_REQUEST, lines_max)

    def watch(self, contracts: Sequence[Contract]) -> None:
        """Hold a line open for exactly these, as far as the gateway's number of lines goes."""
        closing, opening = self.values.reconcile(contracts)
        for number in closing:
            self._session.submit(Priority.MARKET_DATA, _closing(number))
        for number, contract in opening:
            self._open(number, contract)

    def open_again(self) -> None:
        """Open every line anew: the broker lost them."""
        for number, contract in self.values.all():
            self._open(number, contract)

    def refused(self, request_id: int, code: int, message: str) -> None:
        """An error came about a request of market data."""
        account = self._session.address.account
        contract = self.values.contract(request_id)
        if contract is None:
            log.warning("%s: request %d: %d %s", account, request_id, code, message)
            return
        found = state_of_code(code)
        if found is None:
            log.warning("%s: market data of %s: %d %s", account, contract.symbol, code, message)
            return
        self._stands(contract, found, code)

    def heard_data_type(self, request_id: int, data_type: int) -> None:
        """A line came to be live, delayed or frozen."""
        contract, stands = self.values.contract(request_id), state_of_type(data_type)
        if contract is not None and stands is not None:
            self._stands(contract, stands, None)

    def _stands(self, contract: Contract, stands: tuple[LineState, str | None], code: int | None) -> None:
        state, detail = stands
        self._tell(LineChange(contract=contract, state=state, detail=detail, broker_code=code))

    def _open(self, number: int, contract: Contract) -> None:
        named = self._library.contract(contract_fields(contract))
        self._session.submit(
            Priority.MARKET_DATA, lambda client: client.reqMktData(number, named, "", False, False, []), key=number
        )


def _closing(number: int) -> Callable[[Client], None]:
    return lambda client: client.cancelMktData(number)
