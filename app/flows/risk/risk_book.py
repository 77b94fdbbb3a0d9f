"""What is held at this moment with what it is worth: the book that risk figures are about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from app.brokers import modes_batch
from app.brokers.errors import AccountUnknownError
from app.brokers.modes_batch import CountedAccount
from app.core.fix import InstrumentType
from app.core.ids import AccountId, InstrumentId
from app.core.messages import Tick
from app.flows.positions.fx_rates import rates_now
from app.flows.positions.view_pnl import ACCOUNTS_MAX, DEFAULT_CURRENCY
from app.flows.risk.risk_desk import RiskSource
from app.identity.domain import Principal
from app.infra.uow import begin_batch
from app.marketdata import closes_batch
from app.marketdata import service as marketdata
from app.marketdata.closes_batch import LastClose
from app.marketdata.domain import mark_price
from app.positions import holdings_batch
from app.positions.holdings_batch import HeldTerms
from app.risk.analytics.book import Book, Holding, Option, Price, PriceSource, valued_book
from app.risk.analytics.errors import AccountModesMixedError, RiskBookTooLargeError

POSITIONS_MAX: Final = 2_000


class BookMode(StrEnum):
    """Which accounts count: those that trade with money, those on paper, or both added up."""

    LIVE = "LIVE"
    PAPER = "PAPER"
    BOTH = "BOTH"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookQuestion:
    """Whose book: of which accounts, None for all; in which mode, None for that which they have; in which currency.

    Of all accounts without a mode, those with money count, or those on paper where there are no others. The currency
    None is the base currency of the oldest account.
    """

    account_ids: tuple[AccountId, ...] | None = None
    mode: BookMode | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskBook:
    """A book, whose it is, and which accounts were left out because of their mode."""

    book: Book
    mode: BookMode
    account_ids: tuple[AccountId, ...]
    left_out: tuple[AccountId, ...]
    oldest_price: datetime | None


async def read_book(desk: RiskSource, principal: Principal, asked: BookQuestion) -> RiskBook:
    """The book of the accounts that the principal may see.

    A price is that of the quote, else the last close that is known; without Redis all are closes. Raises
    AccountUnknownError, AccountModesMixedError, RiskBookTooLargeError.
    """
    now = desk.clock.now()
    rates = await rates_now(desk, principal)
    async with begin_batch(desk.database, principal.tenant_id, accounts=principal.viewable) as session:
        accounts = await modes_batch.account_modes(session, principal.tenant_id, ACCOUNTS_MAX)
        chosen, mode = _chosen(accounts, asked)
        ids = [one.account_id for one in chosen]
        held = await holdings_batch.held_terms(session, principal.tenant_id, ids, POSITIONS_MAX + 1)
        if len(held) > POSITIONS_MAX:
            raise RiskBookTooLargeError(POSITIONS_MAX)
        wanted = sorted({one for terms in held for one in (terms.instrument_id, terms.underlying_id) if one})
        closes = await closes_batch.last_closes(session, principal.tenant_id, wanted)
    quotes = await marketdata.reachable_quotes(desk.redis, principal.tenant_id, wanted)
    prices = {one: price for one in wanted if (price := _price(quotes.get(one), closes.get(one))) is not None}
    currency = asked.currency or (chosen[0].base_currency if chosen else DEFAULT_CURRENCY)
    book = valued_book([_holding(one, prices) for one in held], currency, rates, now)
    return RiskBook(
        book=book,
        mode=mode,
        account_ids=tuple(ids),
        left_out=tuple(
            one.account_id
            for one in accounts
            if one not in chosen and (asked.account_ids is None or one.account_id in asked.account_ids)
        ),
        oldest_price=min((one.price.at for one in book.valued), default=None),
    )


def _chosen(accounts: Sequence[CountedAccount], asked: BookQuestion) -> tuple[list[CountedAccount], BookMode]:
    considered = list(accounts)
    if asked.account_ids is not None:
        known = {one.account_id: one for one in accounts}
        for place, account_id in enumerate(asked.account_ids):
            if account_id not in known:
                raise AccountUnknownError("accountIds", str(place))
        considered = [one for one in accounts if one.account_id in set(asked.account_ids)]
    modes = {one.is_paper for one in considered}
    if asked.mode is None and asked.account_ids is not None and len(modes) > 1:
        raise AccountModesMixedError
    mode = asked.mode or (BookMode.PAPER if modes == {True} else BookMode.LIVE)
    if mode is BookMode.BOTH:
        return considered, mode
    return [one for one in considered if one.is_paper is (mode is BookMode.PAPER)], mode


def _price(tick: Tick | None, close: LastClose | None) -> Price | None:
    if tick is not None:
        marked = mark_price(tick)
        if marked is not None:
            return Price(value=marked, source=PriceSource.QUOTE, at=tick.time)
        if tick.previous_close is not None:
            return Price(value=tick.previous_close, source=PriceSource.CLOSE, at=tick.time)
    return None if close is None else Price(value=close.price, source=PriceSource.CLOSE, at=close.at)


def _holding(held: HeldTerms, prices: Mapping[InstrumentId, Price]) -> Holding:
    is_pair = held.instrument_type is InstrumentType.FOREX
    return Holding(
        account_id=held.account_id,
        instrument_id=held.instrument_id,
        symbol=held.symbol,
        instrument_type=held.instrument_type,
        currency=held.currency,
        sector=held.industry,
        quantity=held.quantity,
        multiplier=held.multiplier,
        price=prices.get(held.instrument_id),
        base_currency=held.symbol.split(".")[0] if is_pair else None,
        option=_option(held, prices),
    )


def _option(held: HeldTerms, prices: Mapping[InstrumentId, Price]) -> Option | None:
    if held.strike is None or held.option_right is None or held.expires_on is None or held.underlying_id is None:
        return None
    spot = prices.get(held.underlying_id)
    if spot is None:
        return None
    return Option(
        strike=held.strike,
        right=held.option_right,
        expires_on=held.expires_on,
        underlying_id=held.underlying_id,
        spot=spot.value,
    )
