"""Live tables as GraphQL shows them: batches with a kind and a number."""

from collections.abc import Hashable
from datetime import datetime
from typing import Any, Final

import strawberry

from app.flows.live.live_table import BatchKind

THROTTLE_MS: Final = 200

strawberry.enum(
    BatchKind,
    description="SNAPSHOT first (paged), then DELTAs; HEARTBEAT every 5 s when quiet; RESET when something was missed: "
    "forget what you hold, a new SNAPSHOT follows.",
)

SEQUENCE: Final = "Counts the batches of this subscription from 1, by one. A gap means: subscribe again."
HAS_MORE: Final = (
    "True on a SNAPSHOT that another one follows: the table is complete with the first SNAPSHOT that says false."
)
REMOVED: Final = "What is in the table no more; it may name what was never shown."
LIVE_TABLE: Final = (
    "SNAPSHOT in pages until hasMore is false, then DELTAs, each with the newest state of what changed in the window; "
    "HEARTBEAT after 5 quiet seconds. RESET when this reader was too slow or changes were missed: the stream goes on "
    "with a new SNAPSHOT, which replaces what was held before. throttleMs: 50 to 5000."
)


@strawberry.type
class LiveBatch:
    """What all batches of live tables have."""

    kind: BatchKind
    sequence: int = strawberry.field(description=SEQUENCE)
    server_time: datetime
    has_more: bool = strawberry.field(description=HAS_MORE)
    answers: strawberry.Private[dict[Hashable, Any] | None]
