"""Limits as files, and from templates, over GraphQL."""

from decimal import Decimal

import strawberry

from app.core.errors import OmsError
from app.core.fix import RiskLimitType
from app.core.ids import AccountId
from app.flows.risk.apply_risk_template import apply_risk_template
from app.flows.risk.exchange_risk_limits import (
    LimitImportMode,
    LimitImportReport,
    export_risk_limits,
    import_risk_limits,
)
from app.identity.domain import Scope
from app.risk.keeping.domain.limit_file import LimitLineOutcome
from app.risk.keeping.errors import LimitTargetUnknownError
from schema.base.context import Info
from schema.base.errors import UserError
from schema.base.ids import is_id, parse_id
from schema.base.permissions import scoped
from schema.risk.limit_mutations import reason_of
from schema.risk.limits import RiskLimit, limit_errors

strawberry.enum(
    LimitImportMode,
    name="RiskLimitImportMode",
    description="ALL stores every line or none; EACH stores those that are not refused.",
)
strawberry.enum(
    LimitLineOutcome,
    name="RiskLimitLineOutcome",
    description="What became of a line, or would. PROPOSED: it loosens, and waits for a second person.",
)


@strawberry.input
class ImportRiskLimitsInput:
    """A file of limits."""

    csv: str
    mode: LimitImportMode = LimitImportMode.ALL
    dry_run: bool = strawberry.field(default=True, description="Only tell what would become of each line.")


@strawberry.type
class RiskLimitLine:
    """What became of a line, or would."""

    number: int = strawberry.field(description="The header is line 1.")
    outcome: LimitLineOutcome
    limit_id: strawberry.ID | None
    code: str | None
    message: str | None
    column: str | None = strawberry.field(description="Which value was refused.")


@strawberry.type
class ImportRiskLimitsPayload:
    """The answer of an import."""

    is_stored: bool = False
    lines: list[RiskLimitLine] = strawberry.field(default_factory=list)
    errors: list[UserError] = strawberry.field(default_factory=list)

    @classmethod
    def of(cls, report: LimitImportReport) -> "ImportRiskLimitsPayload":
        """The type of the value."""
        return cls(
            is_stored=report.is_stored,
            lines=[
                RiskLimitLine(
                    number=one.number,
                    outcome=one.outcome,
                    # An id that was made for a trial is nothing to hold on to.
                    limit_id=None
                    if one.limit_id is None or (one.outcome is LimitLineOutcome.CREATED and not report.is_stored)
                    else strawberry.ID(str(one.limit_id)),
                    code=one.code,
                    message=one.message,
                    column=one.column,
                )
                for one in report.lines
            ],
        )


@strawberry.type
class ExportRiskLimitsPayload:
    """The answer of an export."""

    csv: str | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class ApplyRiskTemplateInput:
    """Which template for which account."""

    account_id: strawberry.ID
    template: str
    capital: Decimal | None = strawberry.field(
        default=None,
        description="What amounts are parts of, in the account's base currency; null for its equity.",
    )
    reason: str | None = None


@strawberry.type
class ApplyRiskTemplatePayload:
    """The answer of a template."""

    risk_limits: list[RiskLimit] = strawberry.field(default_factory=list)
    skipped: list[RiskLimitType] = strawberry.field(
        default_factory=list, description="Types of which the account had a limit of its own already."
    )
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.type
class RiskLimitFileMutation:
    """Mutations of limits as files and from templates."""

    @strawberry.mutation(
        description="Makes and changes limits as a CSV file says, at most 1000 lines of 512 KiB in all. Lines that "
        "loosen become proposals; nothing is deleted. The same file again changes nothing.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def import_risk_limits(self, info: Info, input: ImportRiskLimitsInput) -> ImportRiskLimitsPayload:  # noqa: A002
        """Takes a file of limits."""
        desk = info.context.desk
        try:
            report = await import_risk_limits(
                desk.database,
                desk.clock,
                desk.ids,
                info.context.principal,
                input.csv.encode("utf-8", "surrogatepass"),
                mode=input.mode,
                is_dry_run=input.dry_run,
            )
        except OmsError as error:
            return ImportRiskLimitsPayload(errors=limit_errors(error))
        return ImportRiskLimitsPayload.of(report)

    @strawberry.mutation(
        description="All limits as CSV, as importRiskLimits takes it; what a spreadsheet could run is marked as text. "
        "A mutation, for it is written down.",
        extensions=scoped(Scope.MANAGE_RISK),
    )
    async def export_risk_limits(self, info: Info) -> ExportRiskLimitsPayload:
        """Gives the file of limits."""
        desk = info.context.desk
        try:
            csv = await export_risk_limits(desk.database, desk.clock, desk.ids, info.context.principal)
        except OmsError as error:
            return ExportRiskLimitsPayload(errors=limit_errors(error))
        return ExportRiskLimitsPayload(csv=csv)

    @strawberry.mutation(
        description="Makes the limits of a template for an account (see riskTemplates). A type of which the account "
        "has a limit of its own is skipped, so that a second time changes nothing.",
        extensions=scoped(Scope.MANAGE_RISK, step_up=True),
    )
    async def apply_risk_template(self, info: Info, input: ApplyRiskTemplateInput) -> ApplyRiskTemplatePayload:  # noqa: A002
        """Makes the limits of a template."""
        desk = info.context.desk
        try:
            if not is_id(input.account_id):
                raise LimitTargetUnknownError("account", "accountId")
            applied = await apply_risk_template(
                desk.database,
                desk.clock,
                desk.ids,
                info.context.principal,
                AccountId(parse_id(input.account_id)),
                input.template,
                capital=input.capital,
                reason=reason_of(input.reason),
            )
        except OmsError as error:
            return ApplyRiskTemplatePayload(errors=limit_errors(error))
        return ApplyRiskTemplatePayload(
            risk_limits=[RiskLimit.of(one) for one in applied.created], skipped=list(applied.skipped)
        )
