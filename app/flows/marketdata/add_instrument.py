"""addInstrument: a contract of the broker's becomes an instrument of the tenant, or the one that it is is restated."""

from typing import Any

from app.audit import service as audit
from app.brokers.inquiries import ContractQuery, ToldContract
from app.core.errors import UnavailableError
from app.core.ids import InstrumentId
from app.core.messages import Instrument
from app.core.money import plain
from app.flows.desk import Desk
from app.flows.marketdata.find_contracts import describe_contracts, description_of
from app.identity.domain import Principal
from app.infra.db import CONNECTION_LOST, BatchSession
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.instruments.domain import ContractDescription, described, has_expired
from app.instruments.errors import (
    ContractExpiredError,
    ContractSeveralError,
    ContractUnknownError,
    InstrumentNameTakenError,
)

CANDIDATES_TOLD = 10


async def add_instrument(desk: Desk, principal: Principal, query: ContractQuery) -> Instrument:
    """The tenant's instrument of the contract that the query means: a new one, or the one that it has, told anew.

    Raises InputError for a query that names nothing, ContractUnknownError, ContractSeveralError with the first
    candidates, ContractExpiredError, InstrumentNameTakenError, what `inquire` raises, and UnavailableError when the
    database does not answer.
    """
    told = await describe_contracts(desk, principal, query)
    if not told.contracts:
        raise ContractUnknownError
    if len(told.contracts) > 1:
        raise ContractSeveralError([_named(one) for one in told.contracts[:CANDIDATES_TOLD]], len(told.contracts))
    description, now = description_of(told.contracts[0]), desk.clock.now()
    if has_expired(description.expires_on, now):
        raise ContractExpiredError
    try:
        async with begin_batch(desk.database, principal.tenant_id) as session:
            return await _store(desk, session, principal, description)
    except CONNECTION_LOST as error:
        raise UnavailableError("the instrument may not be stored; add it again") from error


async def _store(
    desk: Desk, session: BatchSession, principal: Principal, description: ContractDescription
) -> Instrument:
    tenant_id, now = principal.tenant_id, desk.clock.now()
    before = await _known(session, principal, description)
    instrument_id = InstrumentId(desk.ids.new()) if before is None else before.id
    instrument = described(description, instrument_id=instrument_id, now=now, before=before)
    if before is None:
        await instruments.insert_missing(session, tenant_id, [instrument], now)
        # Another call may have stored the same contract at the same moment.
        before = await _known(session, principal, description)
        assert before is not None, "what was missing is stored now, by this transaction or by another"
        if before.id != instrument.id:
            return before
    else:
        await instruments.restate(session, tenant_id, [instrument], now)
    entry = audit.entry(
        principal,
        "instrument.add",
        "Instrument",
        instrument.id,
        entry_id=desk.ids.new(),
        now=now,
        new=_document(instrument),
    )
    await session.write([audit.record_batch([entry])])
    return instrument


async def _known(session: BatchSession, principal: Principal, description: ContractDescription) -> Instrument | None:
    tenant_id = principal.tenant_id
    found = await instruments.find(session, contract_ids=[(tenant_id, str(description.contract_id))])
    if found:
        return found[0][1]
    named = await instruments.of_name(
        session, tenant_id, description.symbol, description.exchange, description.currency
    )
    if named is not None and named.contract_id is not None:
        raise InstrumentNameTakenError(description.symbol, named.contract_id)
    return named


def _named(told: ToldContract) -> str:
    return f"{told.local_symbol or told.symbol} {told.exchange} {told.currency} (contractId {told.contract_id})"


def _document(instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol,
        "exchange": instrument.exchange,
        "currency": instrument.currency,
        "instrumentType": instrument.instrument_type.value,
        "brokerContractId": instrument.contract_id,
        "multiplier": plain(instrument.multiplier),
        "tickSize": plain(instrument.tick_size),
        "lotSize": plain(instrument.lot_size),
        "expiresOn": None if instrument.expires_on is None else instrument.expires_on.isoformat(),
    }
