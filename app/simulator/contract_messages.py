"""What the server says of contracts: details, samples of a search, price steps and option chains."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from app.core.money import plain
from app.core.sessions import TradingHours
from app.simulator.directory import ListedContract
from app.simulator.instruments import FutureEntry, MarketRule, OptionEntry
from app.simulator.wire import encode

_MAGNITUDE_RULES_UNTIL = 164
_SIZE_RULES_AT = 163
_SIZE_RULES_FROM = 164
_ISSUER_FROM = 176
_DAYS_TOLD = 6
_ORDER_TYPES = "ACTIVETIM,DAY,FOK,GTC,GTD,IOC,LMT,MKT,OPG,STP,STPLMT,TRAIL,WHATIF"


def contract_details(request_id: int, listed: ListedContract, now: datetime, version: int) -> bytes:
    """10: all there is to know of a contract."""
    entry = listed.entry
    lead = ["8"] if version < _MAGNITUDE_RULES_UNTIL else []
    size_multiplier = ["1"] if version < _MAGNITUDE_RULES_UNTIL else []
    return encode(
        10,
        *lead,
        request_id,
        listed.symbol,
        listed.sec_type,
        listed.expiry,
        listed.strike,
        listed.right,
        entry.exchange,
        entry.currency,
        listed.local_symbol,
        listed.trading_class,
        listed.trading_class,
        entry.con_id,
        plain(listed.rule.bands[0][1]),
        *size_multiplier,
        listed.multiplier,
        "" if listed.sec_type == "IND" else _ORDER_TYPES,
        ",".join(listed.exchanges),
        1,
        _underlying_con_id(listed),
        entry.name,
        "" if listed.sec_type in {"CASH", "OPT", "FUT"} else entry.primary_exchange,
        listed.contract_month,
        "",
        "",
        "",
        listed.hours.zone,
        _hours(listed.hours, now, is_extended=True),
        _hours(listed.hours, now, is_extended=False),
        "",
        0,
        0,
        {"CASH": 4, "FUT": 2147483647, "OPT": 2}.get(listed.sec_type, 1),
        *_underlying(listed),
        ",".join([str(listed.rule.rule_id)] * len(listed.exchanges)),
        listed.expiry,
        _stock_type(listed),
        *_sizes(listed, version),
    )


def contract_details_end(request_id: int) -> bytes:
    """52."""
    return encode(52, 1, request_id)


def symbol_samples(request_id: int, found: list[tuple[ListedContract, list[str]]], version: int) -> bytes:
    """79: contracts that a search pattern might mean, each with the security types of what is derived from it."""
    fields: list[str | int] = [79, request_id, len(found)]
    for listed, derived in found:
        entry = listed.entry
        fields += [entry.con_id, listed.symbol, listed.sec_type, entry.primary_exchange, entry.currency]
        fields += [len(derived), *derived]
        if version >= _ISSUER_FROM:
            fields += [entry.name, ""]
    return encode(*fields)


def market_rule(rule: MarketRule) -> bytes:
    """93: the price steps by the lower edge of their bands."""
    fields = [field for edge, step in rule.bands for field in (plain(edge), plain(step))]
    return encode(93, rule.rule_id, len(rule.bands), *fields)


def option_chain(
    request_id: int, exchange: str, listed: ListedContract, expiries: list[str], strikes: list[str]
) -> bytes:
    """75: the expiries and strikes of the options on a contract, at one exchange."""
    return encode(
        75,
        request_id,
        exchange,
        listed.entry.con_id,
        listed.symbol,
        "100",
        len(expiries),
        *expiries,
        len(strikes),
        *strikes,
    )


def option_chain_end(request_id: int) -> bytes:
    """76."""
    return encode(76, request_id)


def _underlying_con_id(listed: ListedContract) -> int:
    match listed.entry:
        case FutureEntry(underlying_con_id=con_id) | OptionEntry(root_con_id=con_id):
            return con_id
        case _:
            return 0


def _underlying(listed: ListedContract) -> tuple[str, str]:
    match listed.entry:
        case FutureEntry(underlying_symbol=symbol, underlying_sec_type=sec_type):
            return symbol, sec_type
        case OptionEntry(underlying_symbol=symbol):
            return symbol, "STK"
        case _:
            return "", ""


def _stock_type(listed: ListedContract) -> str:
    return {"ETF": "ETF", "STOCK": "COMMON"}.get(listed.entry.instrument_type, "")


def _sizes(listed: ListedContract, version: int) -> list[str]:
    lot = plain(listed.entry.lot_size)
    if version >= _SIZE_RULES_FROM:
        return [lot, lot, lot]
    return [lot] if version == _SIZE_RULES_AT else []


def _hours(hours: TradingHours, now: datetime, *, is_extended: bool) -> str:
    zone, today = ZoneInfo(hours.zone), hours.local_date(now)
    told = []
    for day in (today + timedelta(days=ahead) for ahead in range(_DAYS_TOLD)):
        session = hours.session_of(day, is_extended=is_extended)
        if session is None:
            told.append(f"{day:%Y%m%d}:CLOSED")
            continue
        opens, closes = (moment.astimezone(zone) for moment in (session.opens_at, session.closes_at))
        told.append(f"{opens:%Y%m%d:%H%M}-{closes:%Y%m%d:%H%M}")
    return ";".join(told)
