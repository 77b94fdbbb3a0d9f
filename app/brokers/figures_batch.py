"""Set-based SQL of the broker's own figures of accounts, for the checks that hold orders against them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.fix import BrokerKind
from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.db import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountStanding:
    """What is stored of an account: what it is, its broker's figures in base currency, and when they were told.

    connected_since is None while the broker is away, and while no connector holds the account: one that died shut no
    gate. The figures are None until the broker told them.
    """

    broker: BrokerKind
    is_paper: bool
    base_currency: str
    connected_since: datetime | None
    updated_at: datetime | None
    pnl_at: datetime | None
    equity: Decimal | None
    daily_pnl: Decimal | None
    excess_liquidity: Decimal | None
    gross_position_value: Decimal | None


def standings_of(keys: Iterable[AccountKey]) -> Read[dict[AccountKey, AccountStanding]]:
    """The standing of these accounts; absent if unknown."""
    wanted = list(keys)
    return Read(
        sql="""
        SELECT jsonb_agg(jsonb_build_object('tenant', a.tenant_id, 'account', a.id, 'broker', a.broker,
          'isPaper', a.is_paper, 'currency', a.base_currency,
          'connectedSince', CASE WHEN c.is_gate_open AND c.lease_until >= clock_timestamp() THEN c.connected_since END,
          'updatedAt', b.updated_at, 'pnlAt', b.pnl_at, 'equity', b.equity::text, 'dailyPnl', b.daily_pnl::text,
          'excess', b.excess_liquidity::text, 'gross', b.gross_position_value::text))
        FROM unnest($1::uuid[], $2::uuid[]) AS w(tenant_id, account_id)
        JOIN broker_accounts AS a ON a.tenant_id = w.tenant_id AND a.id = w.account_id
        LEFT JOIN account_balances AS b ON b.tenant_id = a.tenant_id AND b.account_id = a.id
        LEFT JOIN broker_connections AS c ON c.tenant_id = a.tenant_id AND c.account_id = a.id
        """,
        parameters=([key.tenant_id for key in wanted], [key.account_id for key in wanted]),
        decode=_standings,
    )


def _standings(documents: list[dict[str, Any]] | None) -> dict[AccountKey, AccountStanding]:
    return {
        AccountKey(
            tenant_id=TenantId(UUID(one["tenant"])), account_id=AccountId(UUID(one["account"]))
        ): AccountStanding(
            broker=BrokerKind(one["broker"]),
            is_paper=one["isPaper"],
            base_currency=one["currency"],
            connected_since=_time(one["connectedSince"]),
            updated_at=_time(one["updatedAt"]),
            pnl_at=_time(one["pnlAt"]),
            equity=_number(one["equity"]),
            daily_pnl=_number(one["dailyPnl"]),
            excess_liquidity=_number(one["excess"]),
            gross_position_value=_number(one["gross"]),
        )
        for one in documents or ()
    }


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
