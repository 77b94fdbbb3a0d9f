"""What tells that a halt or a kill switch changed: a message that commits with it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from app.core.ids import HaltId, KillSwitchId, TenantId
from app.infra.db import Write
from app.outbox import repository as outbox
from app.outbox.repository import OutboxMessage


def halts_channel(tenant_id: TenantId) -> str:
    """The channel of the bus that tells which halts and kill switches of the tenant changed."""
    return f"halts:{tenant_id}"


def halts_changed(
    tenant_id: TenantId, now: datetime, *, halts: Sequence[HaltId] = (), kill_switches: Sequence[KillSwitchId] = ()
) -> Write:
    """What tells of the change once the transaction has committed."""
    payload = [*(f"halt:{one}" for one in halts), *(f"kill:{one}" for one in kill_switches)]
    return outbox.append([OutboxMessage(tenant_id=tenant_id, channel=halts_channel(tenant_id), payload=payload)], now)


def changed_halts(message: bytes) -> list[HaltId]:
    """The halts that a message tells of."""
    told = (one.partition(":") for one in orjson.loads(message))
    return [HaltId(UUID(one)) for kind, _, one in told if kind == "halt"]
