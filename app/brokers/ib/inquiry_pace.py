"""The paces that a gateway asks for beside that of all messages: searches, and historical data by three rules."""

import asyncio
from collections.abc import Hashable

from app.brokers.ib.pacing import RollingWindow

# Source: https://interactivebrokers.github.io/tws-api/historical_limitations.html
# The way to the gateway takes now more, now less time: what leaves at the edge of a window may arrive within it.
MARGIN_S = 0.5
HISTORY_MAX, HISTORY_INTERVAL_S = 60, 600.0 + MARGIN_S
OF_CONTRACT_MAX, OF_CONTRACT_INTERVAL_S = 5, 2.0 + MARGIN_S
"""Six or more of one contract within two seconds are too many."""

IDENTICAL_INTERVAL_S = 15.0 + MARGIN_S
# Source: https://interactivebrokers.github.io/tws-api/matching_symbols.html
SEARCH_INTERVAL_S = 1.0
KEPT_MAX = 10_000


class _HistoryRules:
    def __init__(self) -> None:
        self._all = RollingWindow(HISTORY_MAX, HISTORY_INTERVAL_S)
        self._of_contract: dict[int, RollingWindow] = {}
        self._identical: dict[Hashable, float] = {}

    def allowed_at(self, now: float, contract_id: int, asked: Hashable) -> float:
        return max(
            now,
            self._all.free_at(now),
            self._window_of(contract_id).free_at(now),
            self._identical.get(asked, float("-inf")) + IDENTICAL_INTERVAL_S,
        )

    def count(self, at: float, contract_id: int, asked: Hashable) -> None:
        self._all.take(at)
        self._window_of(contract_id).take(at)
        self._identical[asked] = at

    def forget(self, now: float) -> None:
        if len(self._identical) > KEPT_MAX:
            self._identical = {one: at for one, at in self._identical.items() if now - at < IDENTICAL_INTERVAL_S}
        if len(self._of_contract) > KEPT_MAX:
            self._of_contract = {
                one: window for one, window in self._of_contract.items() if window.free(now) < OF_CONTRACT_MAX
            }

    def _window_of(self, contract_id: int) -> RollingWindow:
        return self._of_contract.setdefault(contract_id, RollingWindow(OF_CONTRACT_MAX, OF_CONTRACT_INTERVAL_S))


class InquiryPace:
    """When the next inquiry of a kind may be written to a gateway. Times are monotonic seconds.

    History is promised a moment first, in the order in which it is asked for, so that who would wait too long is told
    so at once; what then counts is when it was written, for other messages may hold it up. Who is to write holds the
    `turn` until then.
    """

    def __init__(self) -> None:
        self._promised = _HistoryRules()
        self._written = _HistoryRules()
        self._search_at = float("-inf")
        self._history_at = float("-inf")
        self.turn = asyncio.Lock()

    def reserve_search(self, now: float) -> float:
        """Seconds to wait before a search, which is now expected then."""
        at = max(now, self._search_at + SEARCH_INTERVAL_S)
        self._search_at = at
        return at - now

    def reserve_history(self, now: float, contract_id: int, asked: Hashable, *, wait_s_max: float) -> float | None:
        """Seconds to wait before the request, which is then expected; None when that would be too long.

        `asked` is equal for requests that the broker holds for identical.
        """
        wait_s = self.history_wait_s(now, contract_id, asked)
        if wait_s > wait_s_max:
            return None
        self._history_at = now + wait_s
        self._promised.count(now + wait_s, contract_id, asked)
        self._promised.forget(now)
        return wait_s

    def history_wait_s(self, now: float, contract_id: int, asked: Hashable) -> float:
        """How long the request has to wait for all three rules, behind what was promised before."""
        return max(self._history_at, self._promised.allowed_at(now, contract_id, asked)) - now

    def write_wait_s(self, now: float, contract_id: int, asked: Hashable) -> float:
        """How long the request has to wait still, after what was written really."""
        return self._written.allowed_at(now, contract_id, asked) - now

    def wrote_history(self, now: float, contract_id: int, asked: Hashable) -> None:
        """Count a request that is written now."""
        self._written.count(now, contract_id, asked)
        self._written.forget(now)
