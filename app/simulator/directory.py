"""The contracts that the simulator lists, as Interactive Brokers describes them, and how a client's query finds one."""

from dataclasses import dataclass

from app.core.catalogue import CatalogueEntry
from app.core.fix import InstrumentType
from app.core.money import plain
from app.core.sessions import ALL_HOURS, TradingHours, known_hours
from app.simulator.config import SessionMode
from app.simulator.wire import FieldReader

_SEC_TYPES = {"STOCK": "STK", "ETF": "STK", "FOREX": "CASH"}
_SAMPLES_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractQuery:
    """What a client says of the contract it means; empty fields are left open."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str

    @classmethod
    def read(cls, reader: FieldReader) -> "ContractQuery":
        """The twelve contract fields that most requests carry."""
        con_id, symbol, sec_type = reader.integer(), reader.text(), reader.text()
        reader.skip(4)
        exchange, primary_exchange, currency, local_symbol = (reader.text() for _ in range(4))
        reader.skip(1)
        return cls(
            con_id=con_id,
            symbol=symbol,
            sec_type=sec_type,
            exchange=exchange,
            primary_exchange=primary_exchange,
            currency=currency,
            local_symbol=local_symbol,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContract:
    """An instrument under the names that the wire uses for it."""

    entry: CatalogueEntry
    symbol: str
    sec_type: str
    local_symbol: str
    trading_class: str
    market_rule_id: int
    hours: TradingHours

    @property
    def identity(self) -> tuple[str, ...]:
        """conId, symbol, secType, expiry, strike, right, multiplier: how most messages begin their contract."""
        return (str(self.entry.con_id), self.symbol, self.sec_type, "", "0", "", self.multiplier)

    @property
    def multiplier(self) -> str:
        """Empty for what trades by the unit."""
        return "" if self.entry.multiplier == 1 else plain(self.entry.multiplier)

    def answers(self, query: ContractQuery) -> bool:
        """True when nothing that the query says contradicts this contract."""
        entry = self.entry
        if query.con_id:
            return query.con_id == entry.con_id
        return (
            bool(query.symbol or query.local_symbol)
            and query.symbol in {"", self.symbol}
            and query.local_symbol in {"", self.local_symbol}
            and query.sec_type in {"", self.sec_type}
            and query.currency in {"", entry.currency}
            and query.exchange in {"", entry.exchange, entry.primary_exchange}
            and query.primary_exchange in {"", entry.primary_exchange}
        )


class Directory:
    """All listed contracts by contract id and by what a client may say of them."""

    def __init__(self, instruments: tuple[CatalogueEntry, ...], sessions: SessionMode = SessionMode.ALWAYS) -> None:
        self.entries = {entry.con_id: entry for entry in instruments}
        self._listed = {entry.con_id: _listed(entry, sessions) for entry in instruments}

    def __getitem__(self, con_id: int) -> ListedContract:
        return self._listed[con_id]

    def __contains__(self, con_id: int) -> bool:
        return con_id in self._listed

    def find(self, query: ContractQuery) -> list[ListedContract]:
        """The contracts that answer the query."""
        if query.con_id:
            listed = self._listed.get(query.con_id)
            return [listed] if listed else []
        return [listed for listed in self._listed.values() if listed.answers(query)]

    def find_one(self, query: ContractQuery) -> ListedContract | None:
        """The contract that the query means, or None when it means none or more than one."""
        found = self.find(query)
        return found[0] if len(found) == 1 else None

    def by_symbol(self, symbol: str) -> ListedContract:
        """The contract under its catalogue symbol, such as AAPL or EUR.USD. Raises KeyError for an unknown one."""
        for listed in self._listed.values():
            if listed.entry.symbol == symbol:
                return listed
        raise KeyError(symbol)

    def samples(self, pattern: str) -> list[ListedContract]:
        """Contracts whose symbol begins with the pattern, or whose name holds it."""
        wanted = pattern.casefold()
        return [
            listed
            for listed in self._listed.values()
            if wanted and (listed.entry.symbol.casefold().startswith(wanted) or wanted in listed.entry.name.casefold())
        ][:_SAMPLES_MAX]


def _listed(entry: CatalogueEntry, sessions: SessionMode) -> ListedContract:
    hours = known_hours(InstrumentType(entry.instrument_type), entry.currency)
    is_forex = entry.instrument_type == "FOREX"
    return ListedContract(
        entry=entry,
        symbol=entry.symbol.split(".")[0] if is_forex else entry.symbol,
        sec_type=_SEC_TYPES[entry.instrument_type],
        local_symbol=entry.symbol,
        trading_class=entry.symbol if is_forex else "NMS",
        market_rule_id=239 if is_forex else 26,
        hours=hours if hours is not None and sessions is SessionMode.EXCHANGE else ALL_HOURS,
    )
