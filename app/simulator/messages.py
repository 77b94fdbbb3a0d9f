"""What the server says: one function per message, each giving the whole frame."""

from datetime import datetime
from decimal import Decimal

from app.core.fix import Side
from app.core.money import plain
from app.simulator.accounts import Holding
from app.simulator.directory import ListedContract
from app.simulator.orders import Execution, SimulatedOrder
from app.simulator.wire import UNSET_DOUBLE, encode, text

_ADVANCED_REJECT_FROM = 166
_PRICE_REVISION_FROM = 178

_REMOVED_LIQUIDITY, _ADDED_LIQUIDITY = 2, 1


def stamp(moment: datetime) -> str:
    """An instant as TWS writes it, with its zone."""
    return f"{moment:%Y%m%d %H:%M:%S} UTC"


def handshake(version: int, now: datetime) -> bytes:
    """The answer to a client's hello."""
    return encode(version, stamp(now))


def managed_accounts(account_ids: list[str]) -> bytes:
    """15: the accounts of this login."""
    return encode(15, 1, ",".join(account_ids))


def next_valid_id(order_id: int) -> bytes:
    """9: the first order id that is free for this client."""
    return encode(9, 1, order_id)


def error(request_id: int, code: int, message: str, version: int) -> bytes:
    """4: a refusal or a notice; request id -1 speaks of the connection."""
    if version >= _ADVANCED_REJECT_FROM:
        return encode(4, 2, request_id, code, message, "")
    return encode(4, 2, request_id, code, message)


def current_time(now: datetime) -> bytes:
    """49: the server's clock in whole seconds."""
    return encode(49, 1, int(now.timestamp()))


def order_status(order: SimulatedOrder) -> bytes:
    """3: where an order stands."""
    return encode(
        3,
        order.request.order_id,
        order.status.value,
        plain(order.filled),
        plain(order.remaining),
        plain(order.average_price),
        order.perm_id,
        order.request.parent_id,
        plain(order.last_price),
        order.client_id,
        "",
        "0",
    )


def execution_details(request_id: int, execution: Execution, listed: ListedContract, version: int) -> bytes:
    """11: a deal; request id -1 when it just happened."""
    entry = listed.entry
    revision = ["0"] if version >= _PRICE_REVISION_FROM else []
    return encode(
        11,
        request_id,
        execution.order_id,
        *listed.identity,
        listed.market_name,
        entry.currency,
        listed.local_symbol,
        listed.trading_class,
        execution.execution_id,
        stamp(execution.executed_at),
        execution.account,
        listed.market_name,
        "BOT" if execution.side is Side.BUY else "SLD",
        plain(execution.quantity),
        plain(execution.price),
        execution.perm_id,
        execution.client_id,
        0,
        plain(execution.cumulative_quantity),
        plain(execution.average_price),
        execution.order_ref,
        "",
        "",
        execution.model_code,
        _ADDED_LIQUIDITY if execution.is_maker else _REMOVED_LIQUIDITY,
        *revision,
    )


def execution_details_end(request_id: int) -> bytes:
    """55."""
    return encode(55, 1, request_id)


def commission_report(execution: Execution) -> bytes:
    """59: what a deal cost, and what it realised where it closed something."""
    return encode(
        59,
        1,
        execution.execution_id,
        plain(execution.commission),
        execution.commission_currency,
        text(execution.realized, unset=UNSET_DOUBLE),
        UNSET_DOUBLE,
        "",
    )


def position(account_id: str, listed: ListedContract, holding: Holding) -> bytes:
    """61: what an account holds of a contract."""
    return encode(61, 3, account_id, *_position_fields(listed, holding))


def position_end() -> bytes:
    """62."""
    return encode(62, 1)


def position_multi(request_id: int, account_id: str, listed: ListedContract, holding: Holding, model: str) -> bytes:
    """71: a position, asked for by account or model."""
    return encode(71, 1, request_id, account_id, *_position_fields(listed, holding), model)


def position_multi_end(request_id: int) -> bytes:
    """72."""
    return encode(72, 1, request_id)


def portfolio_value(account_id: str, listed: ListedContract, holding: Holding, mark: Decimal) -> bytes:
    """7: a position with its worth."""
    entry = listed.entry
    value = holding.quantity * mark * entry.multiplier
    unrealized = holding.quantity * (mark - holding.average_cost) * entry.multiplier
    return encode(
        7,
        8,
        *listed.identity,
        entry.primary_exchange,
        entry.currency,
        listed.local_symbol,
        listed.trading_class,
        plain(holding.quantity),
        plain(mark),
        plain(value),
        plain(holding.average_cost * entry.multiplier),
        plain(unrealized),
        plain(holding.realized),
        account_id,
    )


def account_value(account_id: str, tag: str, value: str, currency: str) -> bytes:
    """6: one figure of an account."""
    return encode(6, 2, tag, value, currency, account_id)


def account_time(now: datetime) -> bytes:
    """8: when the account was last looked at."""
    return encode(8, 1, f"{now:%H:%M}")


def account_download_end(account_id: str) -> bytes:
    """54."""
    return encode(54, 1, account_id)


def account_summary(request_id: int, account_id: str, tag: str, value: str, currency: str) -> bytes:
    """63: one figure of an account, asked for by tag."""
    return encode(63, 1, request_id, account_id, tag, value, currency)


def account_summary_end(request_id: int) -> bytes:
    """64."""
    return encode(64, 1, request_id)


def account_update_multi(request_id: int, account_id: str, model: str, tag: str, value: str, currency: str) -> bytes:
    """73: one figure of an account or model."""
    return encode(73, 1, request_id, account_id, model, tag, value, currency)


def account_update_multi_end(request_id: int) -> bytes:
    """74."""
    return encode(74, 1, request_id)


def profit_and_loss(request_id: int, daily: Decimal, unrealized: Decimal, realized: Decimal) -> bytes:
    """94: an account's gains of the day."""
    return encode(94, request_id, plain(daily), plain(unrealized), plain(realized))


def profit_and_loss_single(
    request_id: int, quantity: Decimal, daily: Decimal, unrealized: Decimal, realized: Decimal, value: Decimal
) -> bytes:
    """95: one position's gains of the day."""
    return encode(95, request_id, plain(quantity), plain(daily), plain(unrealized), plain(realized), plain(value))


def _position_fields(listed: ListedContract, holding: Holding) -> tuple[str, ...]:
    entry = listed.entry
    return (
        *listed.identity,
        entry.primary_exchange,
        entry.currency,
        listed.local_symbol,
        listed.trading_class,
        plain(holding.quantity),
        plain(holding.average_cost * entry.multiplier),
    )
