"""What clients ask, read from the wire."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.core.fix import Side
from app.core.money import ZERO
from app.simulator.directory import ContractQuery
from app.simulator.orders import OrderRequest
from app.simulator.wire import FieldError, FieldReader

_PARAMETERS_MAX = 100
_FA_PROFILE_UNTIL = 177


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """A placeOrder message: the contract it means and the order, whose con_id is not yet resolved."""

    contract: ContractQuery
    order: OrderRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFilter:
    """Which executions a client wants; empty fields and client id 0 leave it open."""

    client_id: int
    account: str
    since: datetime | None
    symbol: str
    sec_type: str
    exchange: str
    side: Side | None


def read_place_order(reader: FieldReader, version: int) -> PlaceOrder:
    """The order in a placeOrder message of a session at this server version.

    Raises FieldError. A combination (BAG) is not listed here, so its legs are left unread.
    """
    order_id = reader.integer()
    if order_id <= 0:
        raise FieldError(f"{order_id} is not an order id")
    contract = ContractQuery.read(reader)
    reader.skip(2)
    side = _side(reader.text())
    quantity = reader.decimal() or ZERO
    order_type = reader.text()
    limit_price, aux_price = reader.decimal(), reader.decimal()
    time_in_force, oca_group, account, open_close = (reader.text() for _ in range(4))
    origin, order_ref = reader.integer(), reader.text()
    is_transmitted, parent_id = reader.boolean(), reader.integer()
    reader.skip(3)
    trigger_method, is_outside_rth, is_hidden = reader.integer(), reader.boolean(), reader.boolean()
    good_after_time = good_till_date = model_code = fa_group = fa_method = fa_percentage = ""
    oca_type = 0
    trail_stop_price = trailing_percent = None
    is_what_if = False
    if contract.sec_type != "BAG":
        reader.skip(2)
        good_after_time, good_till_date = reader.text(), reader.text()
        fa_group, fa_method, fa_percentage = reader.text(), reader.text(), reader.text()
        reader.skip(int(version < _FA_PROFILE_UNTIL))
        model_code = reader.text()
        reader.skip(3)  # shortSaleSlot, designatedLocation, exemptCode
        oca_type = reader.integer()
        trail_stop_price, trailing_percent = _read_trail(reader)
        is_what_if = _read_to_what_if(reader)
    order = OrderRequest(
        order_id=order_id,
        con_id=contract.con_id,
        side=side,
        quantity=quantity,
        order_type=order_type,
        limit_price=limit_price,
        aux_price=aux_price,
        time_in_force=time_in_force,
        oca_group=oca_group,
        oca_type=oca_type,
        account=account,
        open_close=open_close,
        origin=origin,
        order_ref=order_ref,
        is_transmitted=is_transmitted,
        parent_id=parent_id,
        is_outside_rth=is_outside_rth,
        is_hidden=is_hidden,
        trigger_method=trigger_method,
        good_after_time=good_after_time,
        good_till_date=good_till_date,
        model_code=model_code,
        is_what_if=is_what_if,
        trail_stop_price=trail_stop_price,
        trailing_percent=trailing_percent,
        fa_group=fa_group,
        fa_method=fa_method,
        fa_percentage=fa_percentage,
    )
    return PlaceOrder(contract=contract, order=order)


def read_execution_filter(reader: FieldReader) -> ExecutionFilter:
    """The filter of a reqExecutions message. Raises FieldError."""
    client_id, account, since = reader.integer(), reader.text(), reader.text()
    symbol, sec_type, exchange, side = (reader.text() for _ in range(4))
    return ExecutionFilter(
        client_id=client_id,
        account=account,
        since=read_time(since) if since else None,
        symbol=symbol,
        sec_type=sec_type,
        exchange=exchange,
        side=_side(side) if side else None,
    )


def read_time(field: str) -> datetime:
    """The instant of `yyyymmdd-hh:mm:ss` or `yyyymmdd hh:mm:ss [zone]`, UTC where no zone is named.

    Raises FieldError.
    """
    parts = field.replace("-", " ", 1).split()
    if len(parts) < 2:
        raise FieldError(f"{field!r} is not a time")
    zone = parts[2] if len(parts) > 2 else "UTC"
    try:
        local = datetime.strptime(f"{parts[0]} {parts[1]}", "%Y%m%d %H:%M:%S").replace(tzinfo=ZoneInfo(zone))
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise FieldError(f"{field!r} is not a time") from error
    return local.astimezone(UTC)


def day_of(now: datetime) -> datetime:
    """The midnight that began the trading day of this instant."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def next_day_of(now: datetime) -> datetime:
    """The midnight that ends the trading day of this instant."""
    return day_of(now) + timedelta(days=1)


def _side(field: str) -> Side:
    match field.upper():
        case "BUY" | "BOT":
            return Side.BUY
        case "SELL" | "SLD" | "SSHORT":
            return Side.SELL
        case _:
            raise FieldError(f"{field!r} is not a side")


def _read_trail(reader: FieldReader) -> tuple[Decimal | None, Decimal | None]:
    reader.skip(17)  # rule80A … volatilityType
    has_delta_neutral_order = bool(reader.text())
    reader.skip(1)  # deltaNeutralAuxPrice
    if has_delta_neutral_order:
        reader.skip(8)
    reader.skip(2)  # continuousUpdate, referencePriceType
    return reader.decimal(), reader.decimal()


def _read_to_what_if(reader: FieldReader) -> bool:
    reader.skip(2)  # scaleInitLevelSize, scaleSubsLevelSize
    increment = reader.decimal()
    if increment is not None and increment > ZERO:
        reader.skip(7)
    reader.skip(3)  # scaleTable, activeStartTime, activeStopTime
    if reader.text():  # hedgeType
        reader.skip(1)
    reader.skip(4)  # optOutSmartRouting … notHeld
    if reader.boolean():  # delta neutral contract
        reader.skip(3)
    if reader.text():  # algoStrategy
        count = reader.integer()
        if not 0 <= count <= _PARAMETERS_MAX:
            raise FieldError(f"{count} algorithm parameters")
        reader.skip(2 * count)
    reader.skip(1)  # algoId
    return reader.boolean()
