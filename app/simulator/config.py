"""What a simulator is told at its start."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from app.core.catalogue import CatalogueEntry
from app.simulator.advisers import AccountGroup
from app.simulator.instruments import LISTED

SERVER_VERSION_MIN = 157
SERVER_VERSION_MAX = 178


class SessionMode(StrEnum):
    """When instruments are dealt: round the clock on every day, or in the hours of their exchange."""

    ALWAYS = "always"
    EXCHANGE = "exchange"


class DataRight(StrEnum):
    """What of an instrument's data the login is subscribed to."""

    FULL = "full"
    DELAYED = "delayed"
    DELAYED_FOR_API = "delayed-for-api"
    PARTIAL = "partial"
    PARTIAL_FOR_API = "partial-for-api"
    NONE = "none"
    COMPETING = "competing"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSeed:
    """An account as it is opened on the first start."""

    account_id: str
    base_currency: str = "USD"
    cash: Decimal = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """How a simulator listens, what it trades and what it charges. Port 0 asks the system for a free one.

    Displayed sizes are drawn between their bounds for each market update, in shares (currency pairs show a thousand
    times as much). Commission is per share with a minimum per order. `is_margin_enforced` refuses orders that the
    account's equity does not carry, `is_history_paced` requests for history that come too often. `data_rights` says
    of symbols, or with `*` of all others, what the login may see. With `adviser_id` the login is an adviser's, whose
    master account that is, over the accounts and with these groups of them. Without `state_path` everything is
    forgotten when the process ends.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seed: int = 1
    accounts: tuple[AccountSeed, ...] = (AccountSeed(account_id="DU1000001"),)
    adviser_id: str = ""
    account_groups: tuple[AccountGroup, ...] = ()
    instruments: tuple[CatalogueEntry, ...] = LISTED
    sessions: SessionMode = SessionMode.ALWAYS
    market_interval_ms: int = 100
    displayed_size_min: int = 500
    displayed_size_max: int = 5_000
    commission_per_share: Decimal = Decimal("0.005")
    commission_min: Decimal = Decimal("1.00")
    is_margin_enforced: bool = False
    market_lines_max: int = 100
    summaries_max: int = 2
    summary_interval_s: int = 180
    tick_streams_max: int = 5
    data_rights: tuple[tuple[str, DataRight], ...] = ()
    is_history_paced: bool = False
    server_version_max: int = SERVER_VERSION_MAX
    state_path: Path | None = None
