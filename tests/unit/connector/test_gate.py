"""The gate of an account and the window of its gateway's restart."""

from datetime import UTC, datetime, time

from app.brokers.domain import BrokerAccount, ConnectionStatus
from app.connector.gate import Gate
from app.connector.restarts import RestartWindows
from app.core.clock import Clock
from app.core.fix import BrokerKind
from app.core.ids import AccountId, TenantId
from app.infra.system import SystemIds

_ids = SystemIds()
INSIDE = datetime(2026, 3, 2, 5, 0, 30, tzinfo=UTC)
BEHIND = datetime(2026, 3, 2, 5, 10, tzinfo=UTC)


class _Clock(Clock):
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class _Shown:
    def __init__(self) -> None:
        self.states: list[ConnectionStatus] = []

    async def show(self, status: ConnectionStatus) -> None:
        self.states.append(status)


ACCOUNT = BrokerAccount(
    tenant_id=TenantId(_ids.new()),
    id=AccountId(_ids.new()),
    broker=BrokerKind.INTERACTIVE_BROKERS,
    account_number="DU1",
    base_currency="USD",
    host="127.0.0.1",
    port=4002,
    client_id=1,
    is_paper=True,
)


async def test_a_window_that_ends_right_behind_the_synchronisation_is_still_to_be_ended() -> None:
    clock, shown = _Clock(INSIDE), _Shown()
    gate = Gate(ACCOUNT, shown, clock, RestartWindows(times=(time(5),)), alarm_s=30)  # type: ignore[arg-type]
    was_shut = []

    for at in (INSIDE, BEHIND):
        clock.at = at
        await gate.show_synchronized(is_whole=True)
        clock.at = BEHIND
        was_shut.append((gate.is_shut_for_restart, gate.is_restarting))

    assert was_shut == [(True, False), (False, False)]
    assert [one.is_gate_open for one in shown.states] == [False, True]
