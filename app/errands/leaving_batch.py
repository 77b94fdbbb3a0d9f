"""Set-based SQL of errands as the application leaves several at once."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from app.infra.db import Write
from app.infra.vault import WrappedKey


def add_mails(
    mails: Sequence[tuple[UUID, str, bytes, WrappedKey]], *, created_at: datetime, expires_at: datetime
) -> Write:
    """Stores new errands of the kind MAIL: of each its id, its recipient, what it is about, and the key of that."""
    return Write.of(
        """
        INSERT INTO errands (id, kind, recipient, state, sealed, wrapped_key, master_version, attempts, created_at,
          due_at, expires_at)
        SELECT m.id, 'MAIL', m.recipient, 'WAITING', m.sealed, m.wrapped_key, m.master_version, 0, $6::timestamptz,
          $6::timestamptz, $7::timestamptz
        FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::bytea[], $5::text[])
          AS m(id, recipient, sealed, wrapped_key, master_version)
        """,
        [errand_id for errand_id, _, _, _ in mails],
        [recipient for _, recipient, _, _ in mails],
        [sealed for _, _, sealed, _ in mails],
        [key.wrapped for _, _, _, key in mails],
        [key.master_version for _, _, _, key in mails],
        created_at,
        expires_at,
    )
