"""How the audit log tells of an account: everything but its secrets, of which it tells the names."""

from collections.abc import Mapping
from typing import Any, Final

from app.brokers.domain import NewAccount
from app.core.money import plain

MASKED: Final = "********"


def audited_account(account: NewAccount, secrets: Mapping[str, str | None]) -> dict[str, Any]:
    """The account as it is written down; a secret that was taken away is null."""
    facts: dict[str, Any] = {
        "broker": account.broker.value,
        "accountNumber": account.account_number,
        "accountType": account.account_type,
        "baseCurrency": account.base_currency,
        "isPaper": account.is_paper,
        "label": account.label,
        "host": account.host,
        "port": account.port,
        "clientId": account.client_id,
    }
    if account.is_adviser:
        facts["isAdviser"] = True
    if account.adviser_id is not None:
        facts["adviserId"] = str(account.adviser_id)
    if account.starting_cash is not None:
        facts["startingCash"] = plain(account.starting_cash)
    if secrets:
        facts["credentials"] = {name: None if secret is None else MASKED for name, secret in secrets.items()}
    return facts
