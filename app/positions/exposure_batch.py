"""Set-based SQL of exposures: positions that may still change or did so just now, and the peaks of equity."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from app.core.ids import AccountId, InstrumentId, TenantId
from app.core.messages import AccountKey
from app.infra.db import Read


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenExposure:
    """A position with open orders, or that was dealt in since an instant; quantity_then is what it was at that."""

    key: AccountKey
    instrument_id: InstrumentId
    currency: str
    multiplier: Decimal
    quantity: Decimal
    quantity_then: Decimal
    open_buy_quantity: Decimal
    open_sell_quantity: Decimal
    average_price: Decimal


def exposures_of(keys: Iterable[AccountKey], since: datetime) -> Read[list[OpenExposure]]:
    """The open exposures of these accounts."""
    wanted = list(keys)
    return Read(
        sql="""
        SELECT jsonb_agg(jsonb_build_object('tenant', p.tenant_id, 'account', p.account_id,
          'instrument', p.instrument_id, 'currency', i.currency, 'multiplier', i.multiplier::text,
          'quantity', p.quantity::text, 'then', CASE WHEN p.moved_until > $3 THEN coalesce(h.quantity, 0)
            ELSE p.quantity END::text, 'buys', p.open_buy_quantity::text, 'sells', p.open_sell_quantity::text,
          'average', p.average_price::text))
        FROM unnest($1::uuid[], $2::uuid[]) AS w(tenant_id, account_id)
        CROSS JOIN LATERAL (
          SELECT * FROM positions AS one WHERE one.tenant_id = w.tenant_id AND one.account_id = w.account_id
            AND (one.open_buy_quantity <> 0 OR one.open_sell_quantity <> 0 OR one.moved_until > $3) OFFSET 0) AS p
        JOIN instruments AS i ON i.tenant_id = p.tenant_id AND i.id = p.instrument_id
        LEFT JOIN LATERAL (
          SELECT s.quantity FROM position_history AS s
          WHERE p.moved_until > $3 AND s.tenant_id = p.tenant_id AND s.account_id = p.account_id
            AND s.instrument_id = p.instrument_id AND s.recorded_at < $3
          ORDER BY s.recorded_at DESC, s.sequence DESC, s.place DESC LIMIT 1) AS h ON true
        """,
        parameters=([key.tenant_id for key in wanted], [key.account_id for key in wanted], since),
        decode=_exposures,
    )


def _exposures(documents: list[dict[str, Any]] | None) -> list[OpenExposure]:
    return [
        OpenExposure(
            key=AccountKey(tenant_id=TenantId(UUID(one["tenant"])), account_id=AccountId(UUID(one["account"]))),
            instrument_id=InstrumentId(UUID(one["instrument"])),
            currency=one["currency"],
            multiplier=Decimal(one["multiplier"]),
            quantity=Decimal(one["quantity"]),
            quantity_then=Decimal(one["then"]),
            open_buy_quantity=Decimal(one["buys"]),
            open_sell_quantity=Decimal(one["sells"]),
            average_price=Decimal(one["average"]),
        )
        for one in documents or ()
    ]


Peaks = dict[AccountKey, dict[int | None, Decimal]]
"""The highest equity of each account, by the days that were looked back, None for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakSpan:
    """The peak of an account since an instant, as that of so many days; of all time where days is None."""

    key: AccountKey
    days: int | None
    since: datetime


def peaks_of(spans: Iterable[PeakSpan]) -> Read[Peaks]:
    """The peaks that were recorded in these spans; absent where nothing was."""
    wanted = list(spans)

    def decoded(documents: list[dict[str, Any]] | None) -> Peaks:
        found: Peaks = {}
        for one in documents or ():
            key = AccountKey(tenant_id=TenantId(UUID(one["tenant"])), account_id=AccountId(UUID(one["account"])))
            found.setdefault(key, {})[one["days"]] = Decimal(one["peak"])
        return found

    # The newest snapshot has the peak of all; that of some days is looked for among them.
    return Read(
        sql="""
        SELECT jsonb_agg(jsonb_build_object('tenant', w.tenant_id, 'account', w.account_id, 'days', w.days,
          'peak', CASE WHEN w.days IS NULL THEN (
            SELECT s.peak FROM pnl_snapshots AS s WHERE s.tenant_id = w.tenant_id AND s.account_id = w.account_id
            ORDER BY s.at DESC LIMIT 1)
          ELSE (
            SELECT max(s.equity) FROM pnl_snapshots AS s WHERE s.tenant_id = w.tenant_id
              AND s.account_id = w.account_id AND s.at >= w.since) END::text))
        FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::timestamptz[]) AS w(tenant_id, account_id, days, since)
        WHERE EXISTS (SELECT FROM pnl_snapshots AS s WHERE s.tenant_id = w.tenant_id AND s.account_id = w.account_id
          AND (w.days IS NULL OR s.at >= w.since))
        """,
        parameters=(
            [span.key.tenant_id for span in wanted],
            [span.key.account_id for span in wanted],
            [span.days for span in wanted],
            [span.since for span in wanted],
        ),
        decode=decoded,
    )
