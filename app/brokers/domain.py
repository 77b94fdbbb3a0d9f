"""Broker accounts as values, what a new one has to be, and when to try a lost connection again."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from app.brokers.errors import GatewayNotAllowedError
from app.core.currencies import is_currency
from app.core.errors import InputError
from app.core.fix import BrokerKind, ConnectionState
from app.core.ids import AccountId, TenantId
from app.core.money import ZERO

BACKOFF_S_MIN = 0.25
BACKOFF_S_MAX = 10.0

FEED_OFFSET: Final = 1_000
"""What is added to an account's client id for its market data connection."""

DOCTOR_CLIENT_ID: Final = 9_999
"""The client id under which `oms doctor` looks at a gateway: no account's."""

CLIENT_ID_MAX: Final = 2_147_483_647 - FEED_OFFSET
LABEL_LENGTH_MAX: Final = 100
CREDENTIALS_MAX: Final = 16
PAPER_CASH: Final = Decimal(1_000_000)
"""What an account at the paper broker begins with where nothing is said."""

PAPER_CASH_MAX: Final = Decimal(1_000_000_000_000)
CREDENTIAL_LENGTH_MAX: Final = 4_096

# A letter or more and digits: U1234567, paper accounts DU1234567; advisers' F, DF; I and DI beside them.
_IB_NUMBER: Final = re.compile(r"[A-Z]{1,3}[0-9]{4,12}[A-Z]?", re.ASCII)
_NUMBER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)
_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9 _-]{0,31}", re.ASCII)
_CREDENTIAL: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
_PAPER_PREFIX: Final = "D"

Gateway = tuple[str, int]
"""Where a gateway listens: host in small letters, and port."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccount:
    """A trading account and the gateway through which it is reached, by a client id of its own.

    adviser_id is the adviser's account over it, for an account whose blocks are dealt there.
    """

    tenant_id: TenantId
    id: AccountId
    broker: BrokerKind
    account_number: str
    base_currency: str
    host: str
    port: int
    client_id: int
    is_paper: bool
    is_adviser: bool = False
    adviser_id: AccountId | None = None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account as it comes into the house: what it is at the broker, and the gateway that it is reached through."""

    broker: BrokerKind
    account_number: str
    account_type: str
    base_currency: str
    host: str
    port: int
    client_id: int
    is_paper: bool
    label: str | None = None
    is_connection_wanted: bool = True
    starting_cash: Decimal | None = None
    """What an account at the paper broker begins with, in its base currency; no other has any."""

    is_adviser: bool = False
    adviser_id: AccountId | None = None
    """The adviser's account that trades for it."""

    @property
    def gateway(self) -> Gateway:
        """Where it is reached."""
        return self.host.lower(), self.port


def checked_account(asked: NewAccount, gateways: Set[Gateway], *, owns_manual_orders: bool) -> NewAccount:
    """The account as it is stored.

    `gateways` are those that the operator has opened to accounts. Raises InputError with the path of the field,
    GatewayNotAllowedError.
    """
    number = asked.account_number.strip()
    if asked.broker is BrokerKind.INTERACTIVE_BROKERS:
        number = number.upper()
        if _IB_NUMBER.fullmatch(number) is None:
            raise InputError(
                "needs letters and digits as the broker writes them, like U1234567", path=["accountNumber"]
            )
        if number.startswith(_PAPER_PREFIX) is not asked.is_paper:
            kind = "a paper account" if number.startswith(_PAPER_PREFIX) else "an account with real money"
            raise InputError(f"{number} is {kind} by its number", path=["isPaper"])
    elif _NUMBER.fullmatch(number) is None:
        raise InputError("needs 1 to 32 letters, digits, - and _", path=["accountNumber"])
    elif not asked.is_paper:
        raise InputError("an account of the paper broker is a paper account", path=["isPaper"])
    if asked.is_adviser and asked.broker is not BrokerKind.INTERACTIVE_BROKERS:
        raise InputError("only accounts at Interactive Brokers are advisers'", path=["isAdviser"])
    if asked.adviser_id is not None and (asked.is_adviser or asked.broker is not BrokerKind.INTERACTIVE_BROKERS):
        raise InputError("an adviser's account, or one at another broker, has no adviser", path=["adviserId"])
    account_type = asked.account_type.strip()
    if _TYPE.fullmatch(account_type) is None:
        raise InputError("needs a word such as MARGIN or CASH", path=["accountType"])
    if not is_currency(asked.base_currency):
        raise InputError("needs a currency code of ISO 4217 such as USD", path=["baseCurrency"])
    checked = replace(
        asked,
        account_number=number,
        account_type=account_type.upper(),
        label=checked_label(asked.label),
        starting_cash=checked_starting_cash(asked),
    )
    return checked_address(checked, gateways, owns_manual_orders=owns_manual_orders)


def checked_address(asked: NewAccount, gateways: Set[Gateway], *, owns_manual_orders: bool) -> NewAccount:
    """The account with its gateway as it is stored. The paper broker needs none, and what is told of one is kept.

    Client id 0 gets the orders that people enter in TWS by hand, so it is taken by explicit choice alone. Raises
    InputError with the path of the field, GatewayNotAllowedError.
    """
    host = asked.host.strip().lower()
    if not 1 <= asked.port <= 65535:
        raise InputError("needs 1 to 65535", path=["port"])
    if not 0 <= asked.client_id <= CLIENT_ID_MAX:
        raise InputError(f"needs 0 to {CLIENT_ID_MAX}", path=["clientId"])
    if not host or "\x00" in host or len(host) > 253:
        raise InputError("needs the name or the address of a gateway", path=["host"])
    if asked.broker is not BrokerKind.INTERACTIVE_BROKERS:
        return replace(asked, host=host)
    if (host, asked.port) not in gateways:
        raise GatewayNotAllowedError("host")
    if owns_manual_orders is not (asked.client_id == 0):
        told = "client id 0 gets orders entered by hand in TWS: say so with ownsManualOrders"
        raise InputError(
            told if asked.client_id == 0 else "only client id 0 gets orders entered by hand in TWS",
            path=["ownsManualOrders"],
        )
    return replace(asked, host=host)


def checked_starting_cash(asked: NewAccount) -> Decimal | None:
    """The cash that the account begins with: PAPER_CASH where nothing is said. Raises InputError."""
    cash = asked.starting_cash
    if asked.broker is not BrokerKind.PAPER:
        if cash is not None:
            raise InputError("only an account of the paper broker begins with what is told", path=["startingCash"])
        return None
    if cash is not None and not ZERO <= cash <= PAPER_CASH_MAX:
        raise InputError(f"needs 0 to {PAPER_CASH_MAX}", path=["startingCash"])
    return PAPER_CASH if cash is None else cash


def checked_label(text: str | None) -> str | None:
    """The label without blanks around it; None for none. Raises InputError."""
    label = (text or "").strip()
    if len(label) > LABEL_LENGTH_MAX or not label.isprintable():
        raise InputError(f"needs at most {LABEL_LENGTH_MAX} printable characters", path=["label"])
    return label or None


def checked_credentials(document: Any, *, may_remove: bool) -> Mapping[str, str | None]:
    """The secrets by name, None for one that is to be removed. Raises InputError, which never quotes a secret."""
    path = ["credentials"]
    if document is None:
        return {}
    if not isinstance(document, dict) or len(document) > CREDENTIALS_MAX:
        raise InputError(f"needs an object of at most {CREDENTIALS_MAX} texts by name", path=path)
    for name, secret in document.items():
        if _CREDENTIAL.fullmatch(name) is None:
            raise InputError("a name is 1 to 64 letters, digits and _, a letter first", path=path)
        if secret is None and may_remove:
            continue
        if not isinstance(secret, str) or not 0 < len(secret) <= CREDENTIAL_LENGTH_MAX:
            raise InputError(f"needs a text of 1 to {CREDENTIAL_LENGTH_MAX} characters", path=[*path, name])
    return document


def seats_of(client_id: int) -> tuple[int, int]:
    """The client ids that an account takes at its gateway: that of its orders, and that of its market data."""
    return client_id, client_id + FEED_OFFSET
