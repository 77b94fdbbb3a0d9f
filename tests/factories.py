"""Rows that tests stand on: each call commits something new and unique, and answers with its value."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from app.approvals import service as approvals
from app.approvals.domain import ApprovalPolicy
from app.approvals.service import PolicySetting
from app.brokers.models import AccountBalanceRow, BrokerAccountRow, BrokerConnectionRow
from app.core.allocation import AllocationGroup, group_document
from app.core.catalogue import CATALOGUE, CatalogueEntry
from app.core.fix import BrokerKind, ConnectionState, InstrumentType, OrderType, RiskLimitType, Side, TimeInForce
from app.core.ids import AccountId, InstrumentId, LimitId, SessionId, TenantId, UserId
from app.core.messages import AccountKey, Instrument, NewOrder, OrderTerms
from app.core.money import ZERO
from app.identity.domain import ROLE_SCOPES, SESSION_LIFE, Principal, Role, Scope, system_principal
from app.identity.models import AuthSessionRow, MembershipRow, UserRow
from app.infra import uow
from app.infra.db import Database
from app.infra.system import SystemIds
from app.instruments.models import InstrumentRow
from app.orders.models import AccountBookRow
from app.risk.domain import RiskLimit
from app.risk.models import RiskLimitRow
from app.tenants.models import TenantRow

SYMBOLS = tuple(entry.symbol for entry in CATALOGUE)
CASH = Decimal("1000000")

_ENTRIES = {entry.symbol: entry for entry in CATALOGUE}
_ids = SystemIds()


async def make_tenant(database: Database, *, name: str = "Test Capital", is_active: bool = True) -> TenantId:
    """A new tenant, empty."""
    tenant_id = TenantId(_ids.new())
    row = TenantRow(
        id=tenant_id,
        name=name,
        slug=f"test-{tenant_id.hex}",
        settings={},
        is_active=is_active,
        created_at=_now(),
    )
    await _store(database, tenant_id, [row])
    return tenant_id


async def add_member(database: Database, tenant_id: TenantId, user_id: UserId, role: Role = Role.VIEWER) -> None:
    """Makes somebody who is known already a member of the tenant as well."""
    membership = MembershipRow(tenant_id=tenant_id, id=_ids.new(), user_id=user_id, role=role.value, created_at=_now())
    await _store(database, tenant_id, [membership], user_id=user_id)


async def make_principal(
    database: Database,
    tenant_id: TenantId,
    *,
    role: Role = Role.ADMIN,
    scopes: frozenset[Scope] | None = None,
) -> Principal:
    """A new member of the tenant with a live session; the scopes are those of the role, or those given.

    The person has no password that anybody knows: to sign in, register through the flow.
    """
    user_id, session_id, now = UserId(_ids.new()), SessionId(_ids.new()), _now()
    user = UserRow(
        id=user_id,
        email=f"{user_id.hex}@example.com",
        password_hash="none",
        first_name="Test",
        last_name="Person",
        preferences={},
        created_at=now,
        password_changed_at=now,
    )
    membership = MembershipRow(tenant_id=tenant_id, id=_ids.new(), user_id=user_id, role=role.value, created_at=now)
    session = AuthSessionRow(
        tenant_id=tenant_id,
        id=session_id,
        user_id=user_id,
        ip_address="127.0.0.1",
        user_agent="tests",
        created_at=now,
        last_seen_at=now,
        expires_at=now + SESSION_LIFE,
        stepped_up_at=now,
        stepped_up_with="PASSWORD",
    )
    await _store(database, tenant_id, [user, membership, session], user_id=user_id)
    return Principal(
        tenant_id=tenant_id,
        user_id=user_id,
        session_id=session_id,
        scopes=ROLE_SCOPES[role] if scopes is None else scopes,
        actor=f"user:{user_id}",
        ip_address="127.0.0.1",
        request_id="test",
        user_agent="tests",
    )


async def make_account(
    database: Database,
    tenant_id: TenantId,
    *,
    account_number: str | None = None,
    broker: BrokerKind = BrokerKind.INTERACTIVE_BROKERS,
    host: str = "127.0.0.1",
    port: int = 7497,
    client_id: int = 1,
    is_active: bool = True,
    is_gate_open: bool = False,
    next_order_id: int = 1,
    cash: Decimal = CASH,
    groups: Sequence[AllocationGroup] | None = None,
    adviser_id: AccountId | None = None,
) -> AccountKey:
    """A new trading account with its connection, its book and its balance; nothing holds its lease.

    With groups, even none, it is an adviser's.
    """
    account_id = AccountId(_ids.new())
    account = BrokerAccountRow(
        tenant_id=tenant_id,
        id=account_id,
        broker=broker.value,
        account_number=account_number or f"DU{account_id.int % 10**12:012d}",
        account_type="MARGIN",
        base_currency="USD",
        host=host,
        port=port,
        client_id=client_id,
        is_active=is_active,
        created_at=_now(),
        is_adviser=groups is not None,
        adviser_id=adviser_id,
        allocation_groups=None if groups is None else [group_document(group) for group in groups],
        groups_told_at=None if groups is None else _now(),
    )
    connection = BrokerConnectionRow(
        tenant_id=tenant_id,
        account_id=account_id,
        state=(ConnectionState.CONNECTED if is_gate_open else ConnectionState.DISCONNECTED).value,
        is_gate_open=is_gate_open,
        next_order_id=next_order_id,
    )
    book = AccountBookRow(tenant_id=tenant_id, account_id=account_id)
    balance = AccountBalanceRow(
        tenant_id=tenant_id,
        account_id=account_id,
        cash=cash,
        equity=cash,
        buying_power=cash,
        initial_margin=ZERO,
        maintenance_margin=ZERO,
        updated_at=_now(),
    )
    await _store(database, tenant_id, [account, connection, book, balance])
    return AccountKey(tenant_id=tenant_id, account_id=account_id)


async def make_instruments(database: Database, tenant_id: TenantId, *symbols: str) -> dict[str, Instrument]:
    """Instruments of the catalogue by symbol: those named, or all of it. A tenant takes each symbol once."""
    instruments = [instrument(symbol) for symbol in symbols or SYMBOLS]
    rows = [_instrument_row(tenant_id, one, _ENTRIES[one.symbol].con_id) for one in instruments]
    await _store(database, tenant_id, rows)
    return {one.symbol: one for one in instruments}


async def make_approval_policy(database: Database, tenant_id: TenantId, **terms: Any) -> ApprovalPolicy:
    """A new policy of approval; without terms each order of the tenant needs a second person."""
    setting = PolicySetting(expiry_s=terms.pop("expiry_s", 3600), **terms)
    async with uow.begin(database, uow.Scope(tenant_id=tenant_id)) as session:
        return await approvals.set_policy(session, system_principal(tenant_id, "tests"), setting, ids=_ids, now=_now())


async def make_limit(
    database: Database,
    tenant_id: TenantId,
    limit_type: RiskLimitType,
    value: Decimal | None = None,
    *,
    conditions: dict[str, Any] | None = None,
    **more: Any,
) -> RiskLimit:
    """A new limit of the tenant; more are fields of RiskLimit, such as the account that it is narrowed to."""
    limit = RiskLimit(id=LimitId(_ids.new()), limit_type=limit_type, value=value, conditions=conditions or {}, **more)
    row = RiskLimitRow(
        tenant_id=tenant_id,
        id=limit.id,
        limit_type=limit_type.value,
        value=value,
        currency=limit.currency,
        conditions=limit.conditions,
        account_id=limit.account_id,
        strategy_id=limit.strategy_id,
        instrument_id=limit.instrument_id,
        is_active=limit.is_active,
        is_shadow=limit.is_shadow,
        warn_at=limit.warn_at,
        effective_from=limit.effective_from,
        effective_until=limit.effective_until,
        created_by="system:tests",
        created_at=_now(),
        updated_at=_now(),
    )
    await _store(database, tenant_id, [row])
    return limit


def instrument(symbol: str = "AAPL") -> Instrument:
    """An instrument of the catalogue under a new id, not stored."""
    entry: CatalogueEntry = _ENTRIES[symbol]
    return Instrument(
        id=InstrumentId(_ids.new()),
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


def new_order(
    account_id: AccountId,
    instrument_id: InstrumentId | None = None,
    *,
    symbol: str | None = None,
    client_order_id: str | None = None,
    side: Side = Side.BUY,
    quantity: str = "100",
    limit_price: str | None = None,
    stop_price: str | None = None,
    time_in_force: TimeInForce = TimeInForce.DAY,
    **more: Any,
) -> NewOrder:
    """A request for an order under a new client order id; its type follows from the prices that are given."""
    kinds = {
        (False, False): OrderType.MARKET,
        (True, False): OrderType.LIMIT,
        (False, True): OrderType.STOP,
        (True, True): OrderType.STOP_LIMIT,
    }
    return NewOrder(
        account_id=account_id,
        client_order_id=f"test-{_ids.new().hex}" if client_order_id is None else client_order_id,
        side=side,
        order_type=kinds[limit_price is not None, stop_price is not None],
        terms=OrderTerms(
            quantity=Decimal(quantity),
            limit_price=None if limit_price is None else Decimal(limit_price),
            stop_price=None if stop_price is None else Decimal(stop_price),
            time_in_force=time_in_force,
        ),
        instrument_id=instrument_id,
        symbol=symbol,
        **more,
    )


def _instrument_row(tenant_id: TenantId, one: Instrument, contract_id: int) -> InstrumentRow:
    return InstrumentRow(
        tenant_id=tenant_id,
        id=one.id,
        symbol=one.symbol,
        name=one.name,
        exchange=one.exchange,
        currency=one.currency,
        instrument_type=one.instrument_type.value,
        multiplier=one.multiplier,
        tick_size=one.tick_size,
        lot_size=one.lot_size,
        broker_contract_id=str(contract_id),
        contract_details=one.details,
        created_at=_now(),
    )


async def _store(
    database: Database, tenant_id: TenantId, rows: Sequence[SQLModel], *, user_id: UUID | None = None
) -> None:
    scope = uow.Scope(tenant_id=tenant_id, user_id=UserId(user_id) if user_id else None)
    async with uow.begin(database, scope) as session:
        # One flush a table: without relationships the order of inserts is not derived from foreign keys.
        for _, of_table in groupby(rows, key=type):
            session.add_all(of_table)
            await session.flush()


def _now() -> datetime:
    return datetime.now(UTC)
