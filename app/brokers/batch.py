"""Set-based SQL of broker accounts for the hot paths."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.allocation import AllocationGroup, group_from_document
from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import AccountKey
from app.core.trading_modes import HaltInForce, halt_from_document
from app.infra.db import BatchSession, Read


@dataclass(frozen=True, slots=True, kw_only=True)
class Adviser:
    """What an adviser's account has: the broker's groups, as it told them last, and its accounts by their numbers."""

    groups: tuple[AllocationGroup, ...]
    accounts: Mapping[str, AccountId]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """What the intake needs to know of an account: whether it trades, and whether its broker takes orders now.

    approval_policies are the documents of the active policies that may cover its orders, the oldest first. frozen has
    what the broker holds of each instrument whose position is an open break. adviser is None where the account is no
    adviser's, and adviser_id the adviser's account over it, if there is one. halts are those in force that may cover
    its orders; an adviser's has those of the accounts under it, too.
    """

    is_active: bool
    is_gate_open: bool
    approval_policies: Sequence[Mapping[str, Any]] = ()
    frozen: Mapping[InstrumentId, Decimal] = field(default_factory=dict)
    adviser: Adviser | None = None
    adviser_id: AccountId | None = None
    halts: Sequence[HaltInForce] = ()


def facts_of(keys: Iterable[AccountKey]) -> Read[dict[AccountKey, AccountFacts]]:
    """The facts of these accounts; absent if unknown."""
    wanted = list(keys)
    # The policies of approval come along with the accounts that they cover, and what is frozen with its account.
    return Read(
        sql="""
        SELECT jsonb_agg(jsonb_build_object('tenant', a.tenant_id, 'account', a.id,
          'isActive', a.is_active AND t.is_active,
          'isGateOpen', coalesce(c.is_gate_open, false), 'adviserId', a.adviser_id,
          'adviser', CASE WHEN a.is_adviser THEN jsonb_build_object('groups', a.allocation_groups, 'accounts',
            (SELECT jsonb_object_agg(s.account_number, s.id) FROM broker_accounts AS s
             WHERE s.tenant_id = a.tenant_id AND s.adviser_id = a.id)) END,
          'frozen', (SELECT jsonb_object_agg(b.instrument_id, b.broker ->> 'quantity') FROM reconciliation_breaks AS b
           WHERE b.tenant_id = a.tenant_id AND b.account_id = a.id AND b.is_freezing),
          'policies', (SELECT jsonb_agg(jsonb_build_object('id', p.id, 'accountId', p.account_id,
             'strategyId', p.strategy_id, 'notional', p.notional::text, 'currency', p.currency, 'hours', p.hours,
             'expirySeconds', p.expiry_s, 'version', p.version) ORDER BY p.id)
           FROM approval_policies AS p
           WHERE p.tenant_id = a.tenant_id AND p.is_active AND (p.account_id IS NULL OR p.account_id = a.id)),
          'halts', (SELECT jsonb_agg(jsonb_build_object('scope', h.scope, 'mode', h.mode,
             'target', coalesce(h.account_id, h.strategy_id, h.instrument_id)))
           FROM trading_halts AS h WHERE h.tenant_id = a.tenant_id AND h.resumed_at IS NULL
             AND (h.account_id IS NULL OR h.account_id = a.id OR a.is_adviser))))
        FROM broker_accounts AS a
        JOIN tenants AS t ON t.id = a.tenant_id
        LEFT JOIN broker_connections AS c ON c.tenant_id = a.tenant_id AND c.account_id = a.id
        WHERE (a.tenant_id, a.id) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))
        """,
        parameters=([key.tenant_id for key in wanted], [key.account_id for key in wanted]),
        decode=_facts,
    )


async def account_facts(session: BatchSession, keys: Iterable[AccountKey]) -> dict[AccountKey, AccountFacts]:
    """The facts of these accounts; absent if unknown."""
    (facts,) = await session.read(facts_of(keys))
    return facts


def _facts(documents: list[dict[str, Any]] | None) -> dict[AccountKey, AccountFacts]:
    return {
        AccountKey(tenant_id=TenantId(UUID(one["tenant"])), account_id=AccountId(UUID(one["account"]))): AccountFacts(
            is_active=one["isActive"],
            is_gate_open=one["isGateOpen"],
            approval_policies=one["policies"] or (),
            frozen={
                InstrumentId(UUID(instrument)): Decimal(quantity)
                for instrument, quantity in (one["frozen"] or {}).items()
            },
            adviser=None if one["adviser"] is None else _adviser(one["adviser"]),
            adviser_id=None if one["adviserId"] is None else AccountId(UUID(one["adviserId"])),
            halts=[halt_from_document(halt) for halt in one["halts"] or ()],
        )
        for one in documents or ()
    }


def _adviser(document: Mapping[str, Any]) -> Adviser:
    return Adviser(
        groups=tuple(group_from_document(one) for one in document["groups"] or ()),
        accounts={number: AccountId(UUID(found)) for number, found in (document["accounts"] or {}).items()},
    )


async def base_currencies(
    session: BatchSession, tenant_id: TenantId, *, account_id: AccountId | None = None, limit: int
) -> dict[AccountId, str]:
    """The base currency of each account of the tenant, the oldest first, or of the one that is named."""
    rows = await session.fetch(
        """
        SELECT id, base_currency FROM broker_accounts
        WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY id LIMIT $3
        """,
        tenant_id,
        account_id,
        limit,
    )
    return {AccountId(row["id"]): row["base_currency"] for row in rows}


def has_open_gate(key: AccountKey) -> Read[bool]:
    """True when new orders may leave for the broker."""
    return Read(
        sql="SELECT is_gate_open FROM broker_connections WHERE tenant_id = $1 AND account_id = $2",
        parameters=(key.tenant_id, key.account_id),
        decode=bool,
    )


def has_halts(key: AccountKey) -> Read[bool]:
    """True when a halt is in force that may cover orders of the account, or of the accounts under it."""
    return Read(
        sql="""
        EXISTS (SELECT FROM trading_halts AS h WHERE h.tenant_id = $1 AND h.resumed_at IS NULL
          AND (h.account_id IS NULL OR h.account_id = $2 OR EXISTS (
            SELECT FROM broker_accounts AS a WHERE a.tenant_id = $1 AND a.id = $2 AND a.is_adviser)))
        """,
        parameters=(key.tenant_id, key.account_id),
        decode=bool,
    )


async def take_order_ids(session: BatchSession, key: AccountKey, generation: int, count: int) -> int | None:
    """The first of `count` order ids that nobody had before; None when the generation is not the newest."""
    rows = await session.fetch(
        """
        UPDATE broker_connections SET next_order_id = next_order_id + $4
        WHERE tenant_id = $1 AND account_id = $2 AND generation = $3 RETURNING next_order_id - $4 AS first
        """,
        key.tenant_id,
        key.account_id,
        generation,
        count,
    )
    return int(rows[0]["first"]) if rows else None


async def tenant_accounts(session: BatchSession, tenant_id: TenantId) -> list[AccountKey]:
    """All accounts of the tenant."""
    rows = await session.fetch("SELECT id FROM broker_accounts WHERE tenant_id = $1 ORDER BY id", tenant_id)
    return [AccountKey(tenant_id=tenant_id, account_id=row["id"]) for row in rows]


async def account_keys(session: BatchSession, slug: str | None, account_id: AccountId | None) -> list[AccountKey]:
    """The accounts of the installation, or those of a tenant by its slug, or the one; the role must be SYSTEM."""
    rows = await session.fetch(
        """
        SELECT a.tenant_id, a.id FROM broker_accounts AS a JOIN tenants AS t ON t.id = a.tenant_id
        WHERE ($1::text IS NULL OR t.slug = $1) AND ($2::uuid IS NULL OR a.id = $2) ORDER BY t.slug, a.id
        """,
        slug,
        account_id,
    )
    return [AccountKey(tenant_id=row["tenant_id"], account_id=row["id"]) for row in rows]
