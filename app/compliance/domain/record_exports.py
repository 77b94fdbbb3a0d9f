"""Kept exports of order records: what is asked for, how far it is, and under which name it is given out."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.compliance.domain.order_record import RecordFormat
from app.core.ids import AccountId, OrderId, RecordExportId, TenantId

UNFINISHED_MAX: Final = 3
"""How many exports of a tenant may wait or run at once."""
KEPT_MAX: Final = 50
"""How many a tenant may have in all; an expired one leaves its place at once."""
LEASE: Final = timedelta(seconds=60)
"""A worker that has not stored a piece for so long is taken for dead: another takes the export up again."""
STALLED_MAX: Final = 5
"""How often an export is taken up without a piece of it being stored; then it has failed."""
PIECE_BYTES_MAX: Final = 4 * 1024 * 1024
"""A piece has at most so much text: what gives a file out holds no more of it at once."""


class ExportState(StrEnum):
    """What became of an export. Only one that is DONE has a file."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"

    @property
    def is_over(self) -> bool:
        """True when nothing more will be written."""
        return self in (ExportState.DONE, ExportState.FAILED)


class ExportFailure(StrEnum):
    """Why an export failed, as a stable code."""

    TOO_LARGE = "ORDER_RECORD_EXPORT_TOO_LARGE"
    GIVEN_UP = "ORDER_RECORD_EXPORT_GIVEN_UP"


MEANING: Final = {
    ExportFailure.TOO_LARGE: "The file would be larger than the installation keeps: ask for less time, or one account.",
    ExportFailure.GIVEN_UP: "The worker could not go on with it several times over; its log says why.",
}
"""What each code says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordExport:
    """An export as it stands.

    The orders are those that were stored from `after` up to, and without, `before`. attempt grows each time that a
    worker takes it up: a worker writes only while the attempt is its own. behind is the last order that is in, and
    pieces is how many pieces are stored, size_bytes of text in stored_bytes of room. orders_total is how many orders
    there were when it began, None before. expires_at is when the file goes, None until it is over.
    """

    tenant_id: TenantId
    id: RecordExportId
    after: datetime
    before: datetime
    account_id: AccountId | None
    form: RecordFormat
    state: ExportState
    requested_by: str
    requested_at: datetime
    attempt: int = 0
    stalled: int = 0
    behind: OrderId | None = None
    orders_total: int | None = None
    orders_written: int = 0
    pieces: int = 0
    size_bytes: int = 0
    stored_bytes: int = 0
    sha256: str | None = None
    failure: ExportFailure | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def file_name(self) -> str:
        """What the file is called where it is saved: plain letters, digits, hyphens."""
        span = f"{self.after:%Y%m%dT%H%M%SZ}-{self.before:%Y%m%dT%H%M%SZ}"
        return f"order-records-{span}-{str(self.id)[-12:]}.{self.form.value}"

    @property
    def media_type(self) -> str:
        """The kind of its content."""
        return "text/csv; charset=utf-8" if self.form is RecordFormat.CSV else "application/x-ndjson; charset=utf-8"

    def is_file_at(self, now: datetime) -> bool:
        """True while its file may be given out."""
        return self.state is ExportState.DONE and self.expires_at is not None and now < self.expires_at
