"""Mutations of instruments."""

from datetime import date
from decimal import Decimal
from typing import Final

import strawberry

from app.brokers.inquiries import ContractQuery
from app.core.errors import InputError, OmsError
from app.core.fix import InstrumentType, OptionRight
from app.flows.marketdata.add_instrument import add_instrument
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.permissions import scoped
from schema.instruments.types import Instrument

NAME_LENGTH_MAX: Final = 64
CONTRACT_ID_MAX: Final = 2**31 - 1


@strawberry.input(
    description="A contract at the broker: by contractId alone, or by symbol and instrumentType with as much as tells "
    "it from others. Without an exchange it is looked for where such contracts usually are: SMART, IDEALPRO for "
    "pairs of currencies."
)
class ContractInput:
    """A contract at the broker."""

    contract_id: str | None = None
    symbol: str | None = strawberry.field(
        default=None, description="Of a pair of currencies, EUR.USD; of an option or a future, what it is on."
    )
    local_symbol: str | None = strawberry.field(
        default=None, description="The exchange's own name of this contract alone, such as ESZ6."
    )
    instrument_type: InstrumentType | None = None
    exchange: str | None = None
    currency: str | None = None
    expires_on: date | None = None
    strike: Decimal | None = None
    option_right: OptionRight | None = None

    def query(self) -> ContractQuery:
        """The query. Raises InputError with the path."""
        return ContractQuery(
            contract_id=_contract_id(self.contract_id),
            symbol=_name(self.symbol, "symbol"),
            local_symbol=_name(self.local_symbol, "localSymbol"),
            instrument_type=self.instrument_type,
            exchange=_name(self.exchange, "exchange"),
            currency=_name(self.currency, "currency"),
            expires_on=self.expires_on,
            strike=self.strike,
            option_right=self.option_right,
        )


@strawberry.type
class AddInstrumentPayload:
    """The answer of addInstrument."""

    instrument: Instrument | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class InstrumentMutation:
    """Mutations of instruments."""

    @strawberry.mutation(
        description="Makes a contract of the broker's an instrument of the tenant. One that is there already is asked "
        "about anew and answered: to add it twice changes nothing.",
        extensions=scoped(Scope.PLACE_ORDERS),
    )
    async def add_instrument(self, info: Info, input: ContractInput) -> AddInstrumentPayload:  # noqa: A002
        """Makes a contract an instrument."""
        try:
            added = await add_instrument(info.context.desk, info.context.principal, input.query())
        except OmsError as error:
            return AddInstrumentPayload(errors=user_errors(error))
        return AddInstrumentPayload(instrument=Instrument.of(added))


def _contract_id(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= CONTRACT_ID_MAX):
        raise InputError("This is not a contract id.", path=["contractId"])
    return int(text)


def _name(text: str | None, path: str) -> str:
    name = "" if text is None else text.strip()
    if len(name) > NAME_LENGTH_MAX or not (name.isascii() and name.isprintable()):
        raise InputError(f"A name has at most {NAME_LENGTH_MAX} printable ASCII characters.", path=[path])
    return name
