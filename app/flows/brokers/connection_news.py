"""What tells that an account or its connection changed: a message that commits with it, or a mere sign of life."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from app.core.ids import AccountId, TenantId
from app.core.messages import AccountKey
from app.infra.db import Write
from app.outbox import repository as outbox
from app.outbox.repository import OutboxMessage

HEARTBEAT_TOLD_S: Final = 5.0
"""How often a sign of life is told at most; each is stored."""


def connections_channel(tenant_id: TenantId) -> str:
    """The channel of the bus that tells which connections of the tenant changed."""
    return f"connections:{tenant_id}"


def connection_changed(keys: Iterable[AccountKey], now: datetime) -> Write:
    """What tells of the change once the transaction has committed."""
    return outbox.append(
        [
            OutboxMessage(
                tenant_id=key.tenant_id, channel=connections_channel(key.tenant_id), payload=[str(key.account_id)]
            )
            for key in keys
        ],
        now,
    )


def sign_of_life(key: AccountKey) -> tuple[str, bytes]:
    """Channel and message that tell of a heartbeat; one that is lost is followed by others."""
    return connections_channel(key.tenant_id), orjson.dumps([str(key.account_id)])


def changed_accounts(message: bytes) -> list[AccountId]:
    """The accounts that a message tells of."""
    return [AccountId(UUID(one)) for one in orjson.loads(message)]
