"""The paces that a gateway asks for beside that of all messages: searches, and historical data by three rules. Pure."""

from collections.abc import Hashable

from app.brokers.ib.pacing import RollingWindow

# Source: https://interactivebrokers.github.io/tws-api/historical_limitations.html
HISTORY_MAX, HISTORY_INTERVAL_S = 60, 600.0
OF_CONTRACT_MAX, OF_CONTRACT_INTERVAL_S = 5, 2.0
"""Six or more of one contract within two seconds are too many."""

IDENTICAL_INTERVAL_S = 15.0
# Source: https://interactivebrokers.github.io/tws-api/matching_symbols.html
SEARCH_INTERVAL_S = 1.0
KEPT_MAX = 10_000


class InquiryPace:
    """When the next inquiry of a kind may be written to a gateway. Times are monotonic seconds.

    What is reserved counts from the moment that it is reserved for, and history goes in the order in which it was asked
    for: who was told to wait keeps its place.
    """

    def __init__(self) -> None:
        self._history = RollingWindow(HISTORY_MAX, HISTORY_INTERVAL_S)
        self._of_contract: dict[int, RollingWindow] = {}
        self._identical: dict[Hashable, float] = {}
        self._search_at = float("-inf")
        self._history_at = float("-inf")

    def reserve_search(self, now: float) -> float:
        """Seconds to wait before a search, which is now expected then."""
        at = max(now, self._search_at + SEARCH_INTERVAL_S)
        self._search_at = at
        return at - now

    def reserve_history(self, now: float, contract_id: int, asked: Hashable, *, wait_s_max: float) -> float | None:
        """Seconds to wait before the request, which is then counted; None when that would be too long.

        `asked` is equal for requests that the broker holds for identical.
        """
        wait_s = self.history_wait_s(now, contract_id, asked)
        if wait_s > wait_s_max:
            return None
        at = now + wait_s
        self._history.take(at)
        self._window_of(contract_id).take(at)
        self._identical[asked] = self._history_at = at
        self._forget(now)
        return wait_s

    def history_wait_s(self, now: float, contract_id: int, asked: Hashable) -> float:
        """How long the request has to wait for all three rules."""
        at = max(
            now,
            self._history_at,
            self._history.free_at(now),
            self._window_of(contract_id).free_at(now),
            self._identical.get(asked, float("-inf")) + IDENTICAL_INTERVAL_S,
        )
        return at - now

    def _window_of(self, contract_id: int) -> RollingWindow:
        return self._of_contract.setdefault(contract_id, RollingWindow(OF_CONTRACT_MAX, OF_CONTRACT_INTERVAL_S))

    def _forget(self, now: float) -> None:
        if len(self._identical) > KEPT_MAX:
            self._identical = {one: at for one, at in self._identical.items() if now - at < IDENTICAL_INTERVAL_S}
        if len(self._of_contract) > KEPT_MAX:
            self._of_contract = {
                one: window for one, window in self._of_contract.items() if window.free(now) < OF_CONTRACT_MAX
            }
