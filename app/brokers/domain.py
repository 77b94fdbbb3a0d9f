"""Broker accounts as values, and when to try a lost connection again."""

from dataclasses import dataclass

from app.core.fix import BrokerKind, ConnectionState
from app.core.ids import AccountId, TenantId

BACKOFF_S_MIN = 0.25
BACKOFF_S_MAX = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccount:
    """A trading account and the gateway through which it is reached, by a client id of its own."""

    tenant_id: TenantId
    id: AccountId
    broker: BrokerKind
    account_number: str
    base_currency: str
    host: str
    port: int
    client_id: int
    is_paper: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to be an account's connector. generation is the fencing token: an older one is worth nothing."""

    tenant_id: TenantId
    account_id: AccountId
    holder: str
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionStatus:
    """How far the connection has come, to be shown. Only with its gate open do new orders leave."""

    state: ConnectionState
    is_gate_open: bool = False
    reconnect_attempts: int = 0
    last_error: str | None = None


def backoff_s(attempt: int, chance: float) -> float:
    """Seconds to wait before the attempt (from 1): doubling to a cap, of which half is left to chance in [0, 1).

    Half is kept so that nobody hammers; the rest is left to chance so that many do not return at once.
    """
    ceiling = min(BACKOFF_S_MAX, BACKOFF_S_MIN * float(1 << min(attempt, 16)))
    return ceiling * (0.5 + chance / 2)
