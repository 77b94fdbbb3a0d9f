"""Broker accounts that somebody is restricted to, and roles of a tenant's own, as GraphQL shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import strawberry

from app.core.ids import AccountId
from app.flows.brokers.tenant_accounts import AskedGrant
from app.identity import domain
from schema.base.ids import parse_id
from schema.base.node import Node

strawberry.enum(domain.Role, description="What a member is in a tenant; the role decides the scopes.")
strawberry.enum(domain.Scope, description="One thing that a credential may allow.")


@strawberry.enum(description="VIEW to look at an account, TRADE to act on it too.")
class AccountAccess(StrEnum):
    """How far a grant of an account goes."""

    VIEW = "VIEW"
    TRADE = "TRADE"


@strawberry.type(description="A broker account that a restricted member or key may see, and perhaps trade on.")
class AccountGrant:
    """A broker account that somebody is restricted to."""

    account_id: strawberry.ID
    access: AccountAccess

    @classmethod
    def all_of(cls, accounts: Mapping[AccountId, bool] | None) -> "list[AccountGrant] | None":
        """The type of the values; None for all accounts."""
        if accounts is None:
            return None
        return [
            cls(
                account_id=strawberry.ID(str(one)),
                access=AccountAccess.TRADE if accounts[one] else AccountAccess.VIEW,
            )
            for one in sorted(accounts)
        ]


@strawberry.input(description="A broker account to grant.")
class AccountGrantInput:
    """A broker account to grant."""

    account_id: strawberry.ID
    access: AccountAccess


def asked_grants(given: Sequence[AccountGrantInput] | None) -> tuple[AskedGrant, ...] | None:
    """The grants that were asked for. Raises InputError with the path of what is no id."""
    if given is None:
        return None
    return tuple(
        AskedGrant(
            account_id=parse_id(one.account_id, "accounts", str(place), "accountId"),
            may_trade=one.access is AccountAccess.TRADE,
        )
        for place, one in enumerate(given)
    )


@strawberry.type(description="A named set of scopes of the tenant's own.")
class CustomRole(Node):
    """A role of the tenant's own."""

    name: str
    scopes: list[domain.Scope]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, role: domain.CustomRole) -> "CustomRole":
        """The type of the value."""
        return cls(
            id=strawberry.ID(str(role.id)),
            name=role.name,
            scopes=[scope for scope in domain.Scope if scope in role.scopes],
            created_at=role.created_at,
            updated_at=role.updated_at,
        )
