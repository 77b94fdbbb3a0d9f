"""The market data lines of a session: which are open, and the newest state of each market."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from app.brokers.ib.translate import known
from app.core.ids import InstrumentId
from app.core.messages import Contract, Tick

# Tick types, live and delayed.
# Source: https://interactivebrokers.github.io/tws-api/tick_types.html
_PRICES = {
    1: ("bid", "bid_size"),
    2: ("ask", "ask_size"),
    4: ("last", "last_size"),
    6: ("high", None),
    7: ("low", None),
    9: ("previous_close", None),
    66: ("bid", "bid_size"),
    67: ("ask", "ask_size"),
    68: ("last", "last_size"),
    72: ("high", None),
    73: ("low", None),
    75: ("previous_close", None),
}
_SIZES = {
    0: "bid_size",
    3: "ask_size",
    5: "last_size",
    8: "volume",
    69: "bid_size",
    70: "ask_size",
    71: "last_size",
    74: "volume",
}
_NO_PRICE = -1.0


@dataclass(slots=True)
class _Line:
    contract: Contract
    values: dict[str, float] = field(default_factory=dict)
    changed_at: datetime | None = None
    count: int = 0


class Lines:
    """Open lines by request id. Each keeps the newest values alone: a reader that is late sees the present."""

    def __init__(self, first_request_id: int, maximum: int) -> None:
        self._next_request_id = first_request_id
        self._maximum = maximum
        self._lines: dict[int, _Line] = {}
        self._changed: dict[int, None] = {}

    def reconcile(self, wanted: Sequence[Contract]) -> tuple[list[int], list[tuple[int, Contract]]]:
        """The lines to close and those to open, so that exactly the first `maximum` wanted contracts have one."""
        chosen = {contract.contract_id: contract for contract in wanted[: self._maximum]}
        closing = [number for number, line in self._lines.items() if line.contract.contract_id not in chosen]
        for number in closing:
            self.close(number)
        held = {line.contract.contract_id for line in self._lines.values()}
        opening = []
        for contract_id, contract in chosen.items():
            if contract_id not in held:
                self._lines[self._next_request_id] = _Line(contract)
                opening.append((self._next_request_id, contract))
                self._next_request_id += 1
        return closing, opening

    def open(self, request_id: int, contract: Contract) -> None:
        """Keep what comes under this request id."""
        self._lines[request_id] = _Line(contract)

    def tick(self, request_id: int) -> Tick | None:
        """The newest state of one market; None before anything came."""
        line = self._lines.get(request_id)
        return None if line is None or line.changed_at is None else _tick(line)

    def all(self) -> list[tuple[int, Contract]]:
        """Every open line, to be renewed when the broker lost them."""
        return [(number, line.contract) for number, line in self._lines.items()]

    def contract(self, request_id: int) -> Contract | None:
        """The contract of a line."""
        line = self._lines.get(request_id)
        return None if line is None else line.contract

    def close(self, request_id: int) -> None:
        """Forget a line."""
        self._lines.pop(request_id, None)
        self._changed.pop(request_id, None)

    def price(self, request_id: int, tick_type: int, price: float, size: float, at: datetime) -> None:
        """A price came, with its size where the kind has one. A price of -1 means that there is none now."""
        line = self._lines.get(request_id)
        names = _PRICES.get(tick_type)
        if line is None or names is None:
            return
        price_name, size_name = names
        if price == _NO_PRICE:
            line.values.pop(price_name, None)
        else:
            line.values[price_name] = price
        if size_name is not None:
            line.values[size_name] = size
        line.changed_at = at
        line.count += 1
        self._changed[request_id] = None

    def size(self, request_id: int, tick_type: int, size: float, at: datetime) -> None:
        """A size came."""
        line = self._lines.get(request_id)
        name = _SIZES.get(tick_type)
        if line is None or name is None:
            return
        line.values[name] = size
        line.changed_at = at
        line.count += 1
        self._changed[request_id] = None

    def take(self) -> list[Tick]:
        """The newest state of each market that changed since the last call."""
        ticks = [_tick(self._lines[number]) for number in self._changed]
        self._changed.clear()
        return ticks

    def take_counts(self) -> dict[InstrumentId, int]:
        """How many messages came for each market since the last call."""
        counts = {}
        for line in self._lines.values():
            if line.count:
                counts[line.contract.instrument_id] = line.count
                line.count = 0
        return counts


def _tick(line: _Line) -> Tick:
    assert line.changed_at is not None
    values = line.values

    def number(name: str) -> Decimal | None:
        return known(values.get(name))

    return Tick(
        instrument_id=line.contract.instrument_id,
        symbol=line.contract.symbol,
        bid=number("bid"),
        bid_size=number("bid_size"),
        ask=number("ask"),
        ask_size=number("ask_size"),
        last=number("last"),
        last_size=number("last_size"),
        volume=number("volume"),
        high=number("high"),
        low=number("low"),
        previous_close=number("previous_close"),
        time=line.changed_at,
    )
