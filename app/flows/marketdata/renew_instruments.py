"""What brokers say of a tenant's instruments, asked again by itself: each day, and at the change of the date."""

import logging
from datetime import datetime
from typing import Final

from app.audit import service as audit
from app.brokers.errors import InquiryRefusedError
from app.brokers.inquiries import ContractQuery, DescribeContracts, Inquired, ToldContracts
from app.core.ids import Ids, TenantId
from app.core.messages import Instrument
from app.flows.marketdata.find_contracts import description_of
from app.identity.domain.access import system_principal
from app.infra.db import Database
from app.infra.uow import begin_batch
from app.instruments import batch as instruments
from app.instruments.domain import described, is_stale, restated

log = logging.getLogger(__name__)

RENEWED_AT_ONCE: Final = 20


async def renew_instruments(
    database: Database, tenant_id: TenantId, broker: Inquired, *, now: datetime, ids: Ids
) -> int:
    """Asks about the instruments that are due, the longest untold first; how many it asked about.

    A contract that has run out is switched off, and so is an option or a future that the broker no longer knows after
    its last day. Raises what the broker's session raises, but for a refusal.
    """
    async with begin_batch(database, tenant_id) as session:
        listed = await instruments.known_to_brokers(session, tenant_id, RENEWED_AT_ONCE)
    due = [one for one in listed if is_stale(one, now)]
    for instrument in due:
        await _renew(database, tenant_id, broker, instrument, now, ids)
    return len(due)


async def _renew(
    database: Database, tenant_id: TenantId, broker: Inquired, instrument: Instrument, now: datetime, ids: Ids
) -> None:
    asked = ContractQuery(contract_id=instrument.contract_id, exchange=instrument.exchange)
    try:
        found = await broker.inquire(DescribeContracts(query=asked))
    except InquiryRefusedError as error:
        log.warning("%s was not described: %s", instrument.symbol, error.message)
        found = ToldContracts(contracts=())
    assert isinstance(found, ToldContracts), "it answers what it was asked"
    told = [one for one in found.contracts if one.contract_id == instrument.contract_id]
    if told:
        description = description_of(told[0])
        if description.multiplier != instrument.multiplier or description.currency != instrument.currency:
            log.error("%s is dealt by other terms at the broker: they are left as they were", instrument.symbol)
        changed = described(description, instrument_id=instrument.id, now=now, before=instrument)
    else:
        changed = restated(instrument, now)
    async with begin_batch(database, tenant_id) as session:
        await instruments.restate(session, tenant_id, [changed], now)
        if instrument.is_active and not changed.is_active:
            entry = audit.entry(
                system_principal(tenant_id, "connector"),
                "instrument.expire",
                "Instrument",
                instrument.id,
                entry_id=ids.new(),
                now=now,
                old={"isActive": True},
                new={"isActive": False},
            )
            await session.write([audit.record_batch([entry])])
            log.info("%s has run out and is switched off", instrument.symbol)
