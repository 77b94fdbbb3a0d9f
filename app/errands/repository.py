"""SQL of errands as the application leaves them."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert

from app.errands.domain import ErrandKind, ErrandState
from app.errands.models import ErrandRow
from app.infra.db import WriteSession
from app.infra.vault import WrappedKey


async def add(
    session: WriteSession,
    errand_id: UUID,
    kind: ErrandKind,
    recipient: str,
    *,
    sealed: bytes,
    key: WrappedKey,
    created_at: datetime,
    expires_at: datetime,
) -> None:
    """Stores the errand, unless it is there already."""
    await session.execute(
        insert(ErrandRow)
        .values(
            id=errand_id,
            kind=kind.value,
            recipient=recipient,
            state=ErrandState.WAITING.value,
            sealed=sealed,
            wrapped_key=key.wrapped,
            master_version=key.master_version,
            attempts=0,
            created_at=created_at,
            due_at=created_at,
            expires_at=expires_at,
        )
        .on_conflict_do_nothing()
    )
