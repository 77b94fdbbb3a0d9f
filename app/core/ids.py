"""Identifiers: UUIDv7, so that ids sort by the time they were made, under a type of their own for each thing."""

from datetime import UTC, datetime, timedelta
from typing import NewType, Protocol
from uuid import UUID

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)
MembershipId = NewType("MembershipId", UUID)
SessionId = NewType("SessionId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
RoleId = NewType("RoleId", UUID)
InvitationId = NewType("InvitationId", UUID)
EntryId = NewType("EntryId", UUID)
AccountId = NewType("AccountId", UUID)
InstrumentId = NewType("InstrumentId", UUID)
OrderId = NewType("OrderId", UUID)
RequestId = NewType("RequestId", UUID)
ExecutionKey = NewType("ExecutionKey", UUID)
PositionId = NewType("PositionId", UUID)
AdjustmentId = NewType("AdjustmentId", UUID)
SnapshotId = NewType("SnapshotId", UUID)
LimitId = NewType("LimitId", UUID)
ProposalId = NewType("ProposalId", UUID)
PolicyId = NewType("PolicyId", UUID)
StrategyId = NewType("StrategyId", UUID)
ReconciliationId = NewType("ReconciliationId", UUID)
BreakId = NewType("BreakId", UUID)
RestrictedListId = NewType("RestrictedListId", UUID)
ListEntryId = NewType("ListEntryId", UUID)
CaseId = NewType("CaseId", UUID)
RecordExportId = NewType("RecordExportId", UUID)
HaltId = NewType("HaltId", UUID)
KillSwitchId = NewType("KillSwitchId", UUID)
BreachId = NewType("BreachId", UUID)
BreakerId = NewType("BreakerId", UUID)
TripId = NewType("TripId", UUID)

RANDOM_BITS = 74
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Ids(Protocol):
    """A source of new ids."""

    def new(self) -> UUID:
        """A UUIDv7 that no one else has."""
        ...


def uuid7(at: datetime, random_bits: int) -> UUID:
    """The UUIDv7 of an instant (whole milliseconds) and 74 random bits.

    Source: RFC 9562, section 5.7.
    """
    milliseconds = (at - _EPOCH) // _MILLISECOND & 0xFFFF_FFFF_FFFF
    bits = random_bits & ((1 << RANDOM_BITS) - 1)
    value = milliseconds << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & ((1 << 62) - 1)
    return UUID(int=value)
