"""The demo: a tenant with a person, an API key, an account at the simulator, the catalogue and a few limits."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from app.brokers import opening_batch as brokers
from app.brokers.domain import NewAccount
from app.core.catalogue import CATALOGUE, CatalogueEntry
from app.core.errors import OmsError
from app.core.fix import BrokerKind, InstrumentType, RiskLimitType
from app.core.ids import AccountId, Ids, InstrumentId, LimitId, TenantId
from app.core.messages import Instrument
from app.flows.brokers.open_account import open_account
from app.flows.identity.create_api_key import create_api_key
from app.flows.identity.door import Door, open_door
from app.flows.identity.register import Registration
from app.flows.tenants.open_tenant import open_tenant
from app.identity.domain import ROLE_SCOPES, Client, Principal, Role
from app.infra.db import BatchSession, Database, DatabaseRole
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import Scope, begin, begin_batch, reading
from app.infra.vault import Vault, new_master_key
from app.instruments import batch as instruments
from app.risk import batch as risk
from app.risk.domain import RiskLimit
from app.tenants import service as tenants

DEMO_TENANT: Final = "Demo Trading"
DEMO_EMAIL: Final = "demo@oms.example"
DEMO_ACCOUNT: Final = "DU1000001"
DEMO_CLIENT_ID: Final = 101
SEEDER: Final = "system:demo"

_CLIENT = Client(ip_address="127.0.0.1", request_id="demo", user_agent="demo")
_LIMITS: Final[Sequence[tuple[RiskLimitType, Decimal]]] = (
    (RiskLimitType.MAX_ORDER_QUANTITY, Decimal(10_000)),
    (RiskLimitType.MAX_ORDER_NOTIONAL, Decimal(5_000_000)),
    (RiskLimitType.MAX_POSITION_QUANTITY, Decimal(1_000_000)),
    (RiskLimitType.MAX_OPEN_ORDERS, Decimal(5_000)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededDemo:
    """How to get in: the tenant's slug, the person's e-mail, the text of the API key, the account."""

    tenant: str
    email: str
    api_key: str
    account_id: AccountId


async def seed_demo(
    database_url: str, *, password: str, api_key: str | None, simulator_host: str, simulator_port: int
) -> SeededDemo:
    """Seeds the demo, or finds it as it was left; an API key that still holds is kept.

    Raises UnavailableError when the database does not answer.
    """
    database = Database(database_url, DatabaseRole.APP, size=2)
    await database.open()
    clock, ids = SystemClock(), SystemIds()
    # The tokens of this sign-in are thrown away, so their key may be too; nothing is sealed, and no errand is left.
    vault = Vault.of(new_master_key())
    door = open_door(database, token_secret=secrets.token_hex(32), vault=vault, clock=clock, ids=ids)
    try:
        principal = await _demo_person(door, password)
        key = await _api_key(door, principal, api_key)
        tenant_id, now = principal.tenant_id, clock.now()
        async with begin_batch(database, tenant_id) as session:
            await instruments.insert_missing(session, tenant_id, [_instrument(entry, ids) for entry in CATALOGUE], now)
            account_id = await _account(session, tenant_id, simulator_host, simulator_port, now, ids)
            if not (await risk.active_limits(session, [tenant_id]))[tenant_id]:
                limits = [RiskLimit(id=LimitId(ids.new()), limit_type=kind, value=value) for kind, value in _LIMITS]
                await risk.insert_limits(session, tenant_id, limits, SEEDER, now)
        async with reading(database, Scope(tenant_id=tenant_id)) as looking:
            tenant = await tenants.tenant(looking, tenant_id)
    finally:
        door.close()
        await database.close()
    return SeededDemo(tenant=tenant.slug, email=DEMO_EMAIL, api_key=key, account_id=account_id)


async def _demo_person(door: Door, password: str) -> Principal:
    async with reading(door.database, Scope(email=DEMO_EMAIL)) as session:
        known = await door.identity.credentials(session, DEMO_EMAIL)
    if known is None:
        registered = await open_tenant(
            door,
            Registration(
                tenant_name=DEMO_TENANT, email=DEMO_EMAIL, password=password, first_name="Demo", last_name="Trader"
            ),
            _CLIENT,
        )
        return registered.principal
    user, password_hash = known
    async with begin(door.database, Scope(user_id=user.id)) as session:
        if not await door.passwords.verify(password, password_hash):
            await door.identity.rehash(session, user.id, password_hash, await door.passwords.hash(password))
        membership = (await door.identity.memberships(session, user.id))[0]
    async with begin(door.database, Scope(tenant_id=membership.tenant_id, user_id=user.id)) as session:
        opened, _ = await door.identity.open_session(session, membership.tenant_id, user.id, _CLIENT)
    return opened.principal(membership.scopes, _CLIENT)


async def _api_key(door: Door, principal: Principal, known: str | None) -> str:
    if known is not None:
        try:
            holder = await door.authenticator.authenticate(known, _CLIENT)
        except OmsError:
            holder = None
        if holder is not None and holder.tenant_id == principal.tenant_id:
            return known
    issued = await create_api_key(
        door, principal, name="demo", scopes=sorted(ROLE_SCOPES[Role.TRADER], key=lambda scope: scope.value)
    )
    return issued.text


async def _account(
    session: BatchSession, tenant_id: TenantId, host: str, port: int, now: datetime, ids: Ids
) -> AccountId:
    new = NewAccount(
        broker=BrokerKind.INTERACTIVE_BROKERS,
        account_number=DEMO_ACCOUNT,
        account_type="MARGIN",
        base_currency="USD",
        host=host,
        port=port,
        client_id=DEMO_CLIENT_ID,
        is_paper=True,
    )
    opened = await open_account(session, tenant_id, new, now=now, ids=ids)
    await brokers.move_gateway(session, opened.key, host, port)
    return opened.key.account_id


def _instrument(entry: CatalogueEntry, ids: Ids) -> Instrument:
    return Instrument(
        id=InstrumentId(ids.new()),
        symbol=entry.symbol,
        name=entry.name,
        exchange=entry.exchange,
        currency=entry.currency,
        instrument_type=InstrumentType(entry.instrument_type),
        multiplier=entry.multiplier,
        tick_size=entry.tick_size,
        lot_size=entry.lot_size,
        contract_id=entry.con_id,
        details={"primaryExchange": entry.primary_exchange},
    )
