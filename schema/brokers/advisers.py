"""The GraphQL types of advisers' groups, and the inputs that bring an adviser's accounts in."""

from decimal import Decimal

import strawberry

from app.core import allocation as domain
from app.core.allocation import AllocationMethod

strawberry.enum(
    AllocationMethod,
    description="What a block is divided by among the accounts of a group. PERCENT_CHANGE changes what each of them "
    "holds by a percentage. RATIO, PERCENT, CONTRACTS_OR_SHARES and MONETARY_AMOUNT go by amounts that the group has "
    "for its accounts.",
)


@strawberry.type(description="An account of a group.")
class AllocationGroupMember:
    """An account of a group."""

    account_number: str = strawberry.field(description="At the broker; it need not be an account of the tenant.")
    amount: Decimal | None = strawberry.field(description="What the group has for it; null in a group without amounts.")


@strawberry.type(description="Accounts of an adviser that share blocks, as they are set up at the broker.")
class AllocationGroup:
    """Accounts that share blocks."""

    name: str
    method: AllocationMethod | None = strawberry.field(
        description="By which a block is divided that names none; null for one of the broker's that is not known here."
    )
    members: list[AllocationGroupMember]

    @classmethod
    def of(cls, group: domain.AllocationGroup) -> "AllocationGroup":
        """The type of the value."""
        amounts: tuple[Decimal | None, ...] = group.amounts or (None,) * len(group.account_numbers)
        return cls(
            name=group.name,
            method=group.method,
            members=[
                AllocationGroupMember(account_number=number, amount=amount)
                for number, amount in zip(group.account_numbers, amounts, strict=True)
            ],
        )


@strawberry.input(description="An account that the adviser trades for, at the adviser's gateway and in its currency.")
class SubAccountInput:
    """An account under an adviser."""

    account_number: str
    client_id: int = strawberry.field(description="As of any account: ours at the gateway, and the id 1000 above.")
    account_type: str | None = strawberry.field(default=None, description="MARGIN where nothing is said.")
    label: str | None = None
