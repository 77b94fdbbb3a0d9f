"""The contracts that the simulator lists, as Interactive Brokers describes them, and how a client's query finds one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.core.catalogue import CatalogueEntry
from app.core.fix import InstrumentType
from app.core.money import ZERO, plain
from app.core.sessions import ALL_HOURS, TradingHours, known_hours
from app.simulator.config import SessionMode
from app.simulator.derivatives import Derivatives, option_expiries, option_strikes
from app.simulator.instruments import INDICES, ROOT, ROOTS, FutureEntry, IndexEntry, MarketRule, OptionEntry, rule_of
from app.simulator.wire import FieldReader

_SEC_TYPES = {"STOCK": "STK", "ETF": "STK", "FOREX": "CASH", "OPTION": "OPT", "FUTURE": "FUT", "INDEX": "IND", ROOT: ""}
_SAMPLES_MAX = 16
_OCC_SYMBOL_LENGTH = 21
_OCC_ROOT_LENGTH = 6
OPTION_EXCHANGES = ("SMART", "AMEX", "BOX", "CBOE", "ISE", "PHLX")

_FUTURES_HOURS = TradingHours(zone="America/Chicago", regular=(510, 900), extended=(-420, 960))
"""08:30 to 15:00, extended from 17:00 of the day before to 16:00."""

_EUREX_HOURS = TradingHours(zone="Europe/Berlin", regular=(540, 1050), extended=(70, 1320))
_US_REGULAR_HOURS = TradingHours(zone="America/New_York", regular=(570, 960), extended=(570, 960))
_EURO_REGULAR_HOURS = TradingHours(zone="Europe/Berlin", regular=(540, 1050), extended=(540, 1050))


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractQuery:
    """What a client says of the contract it means; empty fields and a strike of zero are left open."""

    con_id: int
    symbol: str
    sec_type: str
    exchange: str
    primary_exchange: str
    currency: str
    local_symbol: str
    expiry: str = ""
    strike: Decimal = ZERO
    right: str = ""
    multiplier: str = ""
    trading_class: str = ""

    @classmethod
    def read(cls, reader: FieldReader) -> "ContractQuery":
        """The twelve contract fields that most requests carry."""
        con_id, symbol, sec_type, expiry = reader.integer(), reader.text(), reader.text(), reader.text()
        strike, right, multiplier = reader.decimal(), reader.text(), reader.text()
        exchange, primary_exchange, currency, local_symbol, trading_class = (reader.text() for _ in range(5))
        return cls(
            con_id=con_id,
            symbol=symbol,
            sec_type=sec_type,
            exchange=exchange,
            primary_exchange=primary_exchange,
            currency=currency,
            local_symbol=local_symbol,
            expiry=expiry.split(" ")[0],
            strike=strike or ZERO,
            right={"CALL": "C", "PUT": "P", "?": "", "0": ""}.get(right.upper(), right.upper()),
            multiplier=multiplier,
            trading_class=trading_class,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContract:
    """An instrument under the names that the wire uses for it."""

    entry: CatalogueEntry
    symbol: str
    sec_type: str
    local_symbol: str
    trading_class: str
    rule: MarketRule
    hours: TradingHours

    @property
    def expiry(self) -> str:
        """The last trade date; empty for what does not end."""
        entry = self.entry
        return f"{entry.expiry:%Y%m%d}" if isinstance(entry, FutureEntry | OptionEntry) else ""

    @property
    def contract_month(self) -> str:
        """The month that the contract is named by, such as 202612."""
        entry = self.entry
        return entry.contract_month if isinstance(entry, FutureEntry) else self.expiry[:6]

    @property
    def strike(self) -> str:
        """Zero for what has none."""
        return plain(self.entry.strike) if isinstance(self.entry, OptionEntry) else "0"

    @property
    def right(self) -> str:
        """C or P, and empty for what has none."""
        return self.entry.right if isinstance(self.entry, OptionEntry) else ""

    @property
    def exchanges(self) -> tuple[str, ...]:
        """Where the contract may be dealt."""
        entry = self.entry
        if isinstance(entry, OptionEntry):
            return OPTION_EXCHANGES
        return tuple(dict.fromkeys(filter(None, (entry.exchange, entry.primary_exchange))))

    @property
    def market_name(self) -> str:
        """Where it was dealt, as executions say: the primary exchange, or for an option the first one."""
        return self.entry.primary_exchange or self.exchanges[-1]

    @property
    def identity(self) -> tuple[str, ...]:
        """conId, symbol, secType, expiry, strike, right, multiplier: how most messages begin their contract."""
        entry = self.entry
        return (str(entry.con_id), self.symbol, self.sec_type, self.expiry, self.strike, self.right, self.multiplier)

    @property
    def multiplier(self) -> str:
        """Empty for what trades by the unit."""
        return "" if self.entry.multiplier == 1 else plain(self.entry.multiplier)

    def has_ended(self, today: date) -> bool:
        """True after the day of its expiry."""
        return isinstance(self.entry, FutureEntry | OptionEntry) and self.entry.expiry < today

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
            and query.exchange in {"", entry.exchange, *self.exchanges}
            and query.primary_exchange in {"", entry.primary_exchange}
            and query.expiry in {"", self.expiry, self.contract_month}
            and query.strike in {ZERO, Decimal(self.strike)}
            and query.right in {"", self.right}
            and (query.multiplier in {"", self.multiplier} or self.sec_type in {"STK", "CASH"})
        )


class Directory:
    """All listed contracts by contract id and by what a client may say of them.

    With `today` futures, options and indices are listed too: those that run on the day that it tells. `entries` holds
    what walks by itself and whatever else was asked for by its contract id.
    """

    def __init__(
        self,
        instruments: tuple[CatalogueEntry, ...],
        sessions: SessionMode = SessionMode.ALWAYS,
        today: Callable[[], date] | None = None,
    ) -> None:
        self._sessions = sessions
        self._today = today
        self._derivatives = Derivatives(instruments if today else ())
        others: tuple[CatalogueEntry, ...] = (*ROOTS, *INDICES) if today else ()
        self.entries = {entry.con_id: entry for entry in (*instruments, *others)}
        self._listed = {con_id: _listed(entry, sessions) for con_id, entry in self.entries.items()}
        self.hours = frozenset(listed.hours for listed in self._listed.values())
        self._named = [listed for listed in self._listed.values() if listed.sec_type]

    def __getitem__(self, con_id: int) -> ListedContract:
        listed = self._listed.get(con_id) or self._derivative(con_id)
        if listed is None:
            raise KeyError(con_id)
        self.entries.setdefault(con_id, listed.entry)
        return listed

    def __contains__(self, con_id: int) -> bool:
        listed = self._listed.get(con_id) or self._derivative(con_id)
        return listed is not None and bool(listed.sec_type)

    def of_hours(self, hours: TradingHours) -> list[int]:
        """The contract ids that have these hours, among those that were asked for so far."""
        return [con_id for con_id in self.entries if self._listed[con_id].hours == hours]

    def find(self, query: ContractQuery, *, with_expired: bool = False) -> list[ListedContract]:
        """The contracts that answer the query."""
        if query.con_id:
            found = [self._listed[query.con_id]] if query.con_id in self else []
        else:
            found = [listed for listed in self._candidates(query) if listed.answers(query)]
        if self._today is None or with_expired:
            return found
        today = self._today()
        return [listed for listed in found if not listed.has_ended(today)]

    def find_one(self, query: ContractQuery) -> ListedContract | None:
        """The contract that the query means, or None when it means none or more than one."""
        found = self.find(query)
        return found[0] if len(found) == 1 else None

    def chain(self, symbol: str, sec_type: str, con_id: int) -> tuple[list[str], list[str]] | None:
        """The expiries and strikes of the options on a contract; None when there are none on it."""
        listed = self._listed.get(con_id)
        if self._today is None or listed is None or (listed.symbol, listed.sec_type) != (symbol, sec_type):
            return None
        if not self._derivatives.has_options(con_id):
            return None
        expiries = [f"{expiry:%Y%m%d}" for expiry in option_expiries(self._today())]
        return expiries, [plain(strike) for strike in option_strikes(listed.entry)]

    def derivative_types(self, listed: ListedContract) -> list[str]:
        """The security types of what is derived from a contract, as a search tells them."""
        return ["OPT"] if self._derivatives.has_options(listed.entry.con_id) else []

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
            for listed in self._named
            if wanted and (listed.entry.symbol.casefold().startswith(wanted) or wanted in listed.entry.name.casefold())
        ][:_SAMPLES_MAX]

    def _candidates(self, query: ContractQuery) -> Iterable[ListedContract]:
        if self._today is None or query.sec_type not in {"FUT", "OPT"}:
            return self._named
        today = self._today()
        if query.sec_type == "FUT":
            family = query.symbol or query.trading_class or query.local_symbol[:-2]
            return [self._list(entry) for entry in self._derivatives.futures(family, today)]
        is_occ = len(query.local_symbol) == _OCC_SYMBOL_LENGTH
        symbol = query.symbol or (query.local_symbol[:_OCC_ROOT_LENGTH].rstrip() if is_occ else "")
        return [self._list(entry) for entry in self._derivatives.options(symbol, today)]

    def _derivative(self, con_id: int) -> ListedContract | None:
        entry = self._derivatives.entry(con_id) if self._today else None
        return None if entry is None else self._list(entry)

    def _list(self, entry: CatalogueEntry) -> ListedContract:
        known = self._listed.get(entry.con_id)
        if known is None:
            known = self._listed[entry.con_id] = _listed(entry, self._sessions)
        return known


def _listed(entry: CatalogueEntry, sessions: SessionMode) -> ListedContract:
    symbol, trading_class = entry.symbol, "NMS"
    match entry:
        case OptionEntry():
            symbol = trading_class = entry.underlying_symbol
        case FutureEntry():
            symbol = trading_class = entry.family
        case IndexEntry():
            trading_class = entry.symbol
        case _ if entry.instrument_type == "FOREX":
            symbol, trading_class = entry.symbol.split(".")[0], entry.symbol
    return ListedContract(
        entry=entry,
        symbol=symbol,
        sec_type=_SEC_TYPES[entry.instrument_type],
        local_symbol=entry.symbol,
        trading_class=trading_class,
        rule=rule_of(entry),
        hours=_hours(entry) if sessions is SessionMode.EXCHANGE else ALL_HOURS,
    )


def _hours(entry: CatalogueEntry) -> TradingHours:
    match entry.instrument_type:
        case "FUTURE" | "ROOT":
            return _FUTURES_HOURS if entry.currency == "USD" else _EUREX_HOURS
        case "OPTION" | "INDEX":
            return _US_REGULAR_HOURS if entry.currency == "USD" else _EURO_REGULAR_HOURS
        case _:
            return known_hours(InstrumentType(entry.instrument_type), entry.currency) or ALL_HOURS
