"""What tells of warnings, breaches and trips: messages that commit with them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from app.core.ids import AccountId, BreachId, BreakerId, InstrumentId, LimitId, TenantId, TripId
from app.core.money import plain
from app.infra.db import Write
from app.outbox import repository as outbox
from app.outbox.repository import OutboxMessage
from app.risk.monitoring.domain.watch import AlertKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskAlert:
    """A limit is nearly full, breached, or neither any more, with what the account used of it when it was told."""

    kind: AlertKind
    limit_id: LimitId
    account_id: AccountId
    instrument_id: InstrumentId | None
    breach_id: BreachId
    used: Decimal
    value: Decimal
    ratio: Decimal
    is_breached: bool
    at: datetime


def alerts_channel(tenant_id: TenantId) -> str:
    """The channel of the bus that tells the alerts of the tenant."""
    return f"risk_alerts:{tenant_id}"


def trips_channel(tenant_id: TenantId) -> str:
    """The channel of the bus that tells which breakers of the tenant tripped."""
    return f"breaker_trips:{tenant_id}"


def breakers_channel(tenant_id: TenantId) -> str:
    """The channel of the bus that tells which breakers of the tenant have become others, or see more or less."""
    return f"breakers:{tenant_id}"


def breaker_told(tenant_id: TenantId, breaker_id: BreakerId, now: datetime) -> Write:
    """What tells of a breaker once the transaction has committed."""
    message = OutboxMessage(tenant_id=tenant_id, channel=breakers_channel(tenant_id), payload=[str(breaker_id)])
    return outbox.append([message], now)


def breakers_in(message: bytes) -> list[BreakerId]:
    """The breakers that a message tells of."""
    return [BreakerId(UUID(one)) for one in orjson.loads(message)]


def alerts_told(tenant_id: TenantId, alerts: Iterable[RiskAlert], now: datetime) -> Write:
    """What tells of alerts once the transaction has committed."""
    payload = [_document(one) for one in alerts]
    return outbox.append([OutboxMessage(tenant_id=tenant_id, channel=alerts_channel(tenant_id), payload=payload)], now)


def trip_told(tenant_id: TenantId, trip_id: TripId, now: datetime) -> Write:
    """What tells of a trip once the transaction has committed."""
    message = OutboxMessage(tenant_id=tenant_id, channel=trips_channel(tenant_id), payload=[str(trip_id)])
    return outbox.append([message], now)


def alerts_in(message: bytes) -> list[RiskAlert]:
    """The alerts of a message."""
    return [_alert(one) for one in orjson.loads(message)]


def trips_in(message: bytes) -> list[TripId]:
    """The trips that a message tells of."""
    return [TripId(UUID(one)) for one in orjson.loads(message)]


def _document(one: RiskAlert) -> dict[str, Any]:
    return {
        "kind": one.kind.value,
        "limitId": str(one.limit_id),
        "accountId": str(one.account_id),
        "instrumentId": None if one.instrument_id is None else str(one.instrument_id),
        "breachId": str(one.breach_id),
        "used": plain(one.used),
        "value": plain(one.value),
        "ratio": plain(one.ratio),
        "isBreached": one.is_breached,
        "at": one.at.isoformat(),
    }


def _alert(one: Mapping[str, Any]) -> RiskAlert:
    instrument = one["instrumentId"]
    return RiskAlert(
        kind=AlertKind(one["kind"]),
        limit_id=LimitId(UUID(one["limitId"])),
        account_id=AccountId(UUID(one["accountId"])),
        instrument_id=None if instrument is None else InstrumentId(UUID(instrument)),
        breach_id=BreachId(UUID(one["breachId"])),
        used=Decimal(one["used"]),
        value=Decimal(one["value"]),
        ratio=Decimal(one["ratio"]),
        is_breached=one["isBreached"],
        at=datetime.fromisoformat(one["at"]),
    )
