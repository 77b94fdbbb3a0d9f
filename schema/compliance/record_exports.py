"""Kept exports of order records over GraphQL: asked for, followed, and where their files are fetched."""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import strawberry

from app.compliance.domain import record_exports as domain
from app.compliance.domain.order_record import RecordFormat
from app.compliance.domain.record_exports import KEPT_MAX, MEANING, UNFINISHED_MAX, ExportFailure, ExportState
from app.core.errors import OmsError
from app.core.ids import RecordExportId
from app.core.paging import Page, Window
from app.flows.compliance.order_records import WantedRecords
from app.flows.compliance.record_exports import count_exports, find_export, list_exports, request_export
from app.identity.domain import Scope
from schema.base.context import Info
from schema.base.errors import UserError, user_errors
from schema.base.ids import parse_id
from schema.base.pagination import Count, Counted, Cursors, page_info, window_of
from schema.base.permissions import scoped
from schema.brokers.types import known_account

EXPORT_CURSORS: Final = Cursors("orderRecordExport")
DOWNLOAD_PATH: Final = "/exports/order-records/{export_id}"

strawberry.enum(
    RecordFormat,
    name="OrderRecordFormat",
    description="JSONL has a document a line, CSV a line for each event, execution and risk check.",
)
strawberry.enum(ExportState, name="OrderRecordExportState", description="What became of an export.")
strawberry.enum(ExportFailure, name="OrderRecordExportFailure", description="Why an export failed.")


@strawberry.type(description="A file of order records that the worker writes and keeps for some days.")
class OrderRecordExport:
    """An export as it stands."""

    id: strawberry.ID
    from_time: datetime
    to_time: datetime
    account_id: strawberry.ID | None = strawberry.field(description="Null: all accounts.")
    format: RecordFormat
    state: ExportState
    orders_total: int | None = strawberry.field(
        description="How many orders there were when it began, in the end how many are in; null before it begins."
    )
    orders_written: int
    size_bytes: Decimal = strawberry.field(description="How long the file is; while it runs, so far.")
    sha256: str | None = strawberry.field(description="Of the file, in hexadecimal; null until it is DONE.")
    error_code: ExportFailure | None
    error_message: str | None
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None = strawberry.field(description="When the file goes, and the export with it.")
    file_name: str
    download_path: str | None = strawberry.field(
        description="Where a GET with the session or a bearer token fetches the file; null until it is DONE."
    )

    @classmethod
    def of(cls, export: domain.RecordExport) -> "OrderRecordExport":
        """The type of the value."""
        is_done = export.state is ExportState.DONE
        return cls(
            id=strawberry.ID(str(export.id)),
            from_time=export.after,
            to_time=export.before,
            account_id=None if export.account_id is None else strawberry.ID(str(export.account_id)),
            format=export.form,
            state=export.state,
            orders_total=export.orders_total,
            orders_written=export.orders_written,
            size_bytes=Decimal(export.size_bytes),
            sha256=export.sha256,
            error_code=export.failure,
            error_message=None if export.failure is None else MEANING[export.failure],
            requested_by=export.requested_by,
            requested_at=export.requested_at,
            started_at=export.started_at,
            finished_at=export.finished_at,
            expires_at=export.expires_at,
            file_name=export.file_name,
            download_path=DOWNLOAD_PATH.format(export_id=export.id) if is_done else None,
        )


@strawberry.type
class OrderRecordExportEdge:
    """An export at its place."""

    cursor: str
    node: OrderRecordExport


@strawberry.type(description="Exports of order records, the newest first.")
class OrderRecordExportConnection(Counted):
    """A page of exports."""

    edges: list[OrderRecordExportEdge]

    @classmethod
    def of(cls, page: Page[domain.RecordExport], window: Window[UUID], count: Count) -> "OrderRecordExportConnection":
        """The page with its cursors."""
        edges = [
            OrderRecordExportEdge(cursor=EXPORT_CURSORS.write(str(one.id)), node=OrderRecordExport.of(one))
            for one in page.items
        ]
        return cls(edges=edges, page_info=page_info(page, window, [edge.cursor for edge in edges]), count=count)


@strawberry.input
class RequestOrderRecordsInput:
    """Which records are wanted, and as what."""

    from_time: datetime = strawberry.field(description="Orders that were stored from here on.")
    to_time: datetime = strawberry.field(description="Up to here, and without; a year later at most.")
    account_id: strawberry.ID | None = strawberry.field(default=None, description="Of this account alone.")
    format: RecordFormat = RecordFormat.JSONL


@strawberry.type
class OrderRecordExportPayload:
    """The export, queued, or what was wrong."""

    export: OrderRecordExport | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class OrderRecordExportQuery:
    """Queries of exports."""

    @strawberry.field(
        description="The exports of order records that have not expired, the newest first.",
        extensions=scoped(Scope.VIEW_AUDIT),
    )
    async def order_record_exports(
        self,
        info: Info,
        first: int | None = 50,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> OrderRecordExportConnection:
        """A page of exports."""
        window = window_of(first=first, after=after, last=last, before=before, read=EXPORT_CURSORS.read_id)
        desk, principal = info.context.desk, info.context.principal

        async def count() -> int:
            return await count_exports(desk, principal)

        return OrderRecordExportConnection.of(await list_exports(desk, principal, window), window, count)

    @strawberry.field(
        description="An export of order records, such as to follow how far it is.", extensions=scoped(Scope.VIEW_AUDIT)
    )
    async def order_record_export(self, info: Info, id: strawberry.ID) -> OrderRecordExport:  # noqa: A002
        """An export."""
        export_id = RecordExportId(parse_id(id, "id"))
        return OrderRecordExport.of(await find_export(info.context.desk, info.context.principal, export_id))


@strawberry.type
class OrderRecordExportMutation:
    """Mutations of exports."""

    @strawberry.mutation(
        description="Asks for the complete lives of the orders that were stored in a time, as a file that the worker "
        f"writes. At most {UNFINISHED_MAX} of a tenant wait or run, and {KEPT_MAX} are kept.",
        extensions=scoped(Scope.VIEW_AUDIT),
    )
    async def request_order_records(
        self,
        info: Info,
        input: RequestOrderRecordsInput,  # noqa: A002
    ) -> OrderRecordExportPayload:
        """Asks for an export."""
        desk, principal = info.context.desk, info.context.principal
        try:
            account = None
            if input.account_id is not None:
                account = await known_account(info, input.account_id, "accountId")
            wanted = WantedRecords(after=input.from_time, before=input.to_time, account_id=account)
            export = await request_export(desk, principal, wanted, input.format)
        except OmsError as error:
            return OrderRecordExportPayload(errors=user_errors(error))
        return OrderRecordExportPayload(export=OrderRecordExport.of(export))
