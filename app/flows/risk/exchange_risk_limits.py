"""importRiskLimits and exportRiskLimits: the limits of a tenant as one file."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

from app.audit import service as audit
from app.brokers import viewing
from app.core.clock import Clock
from app.core.errors import InputError, OmsError
from app.core.ids import AccountId, Ids, InstrumentId, LimitId, TenantId
from app.core.line_files import FileLine, read_file, written_file
from app.core.messages import Instrument
from app.flows.risk.change_risk_limits import acting_in
from app.identity.domain import Principal
from app.infra.db import Database, ReadSession, WriteSession
from app.infra.uow import Scope, begin
from app.instruments import service as instruments
from app.risk.domain import RiskLimit
from app.risk.keeping import repository
from app.risk.keeping import service as keeping
from app.risk.keeping.domain.changes import LIMITS_MAX, LimitSetting, is_alike
from app.risk.keeping.domain.limit_file import (
    COLUMNS,
    FORM,
    LimitLine,
    LimitLineOutcome,
    LimitLineReport,
    column_of,
    line_of,
    line_values,
)
from app.risk.keeping.errors import LimitInvalidError, LimitUnknownError
from app.risk.keeping.repository import LimitFilter
from app.risk.keeping.service import Acting, LimitChange

ACCOUNTS_MAX: Final = 5_000


class LimitImportMode(StrEnum):
    """ALL stores every line or none; EACH stores those that are not refused."""

    ALL = "ALL"
    EACH = "EACH"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitImportReport:
    """What became of each line, or would; is_stored is False for a dry run and for ALL with a refused line."""

    is_stored: bool
    lines: tuple[LimitLineReport, ...]


class _NotStored(Exception):
    """Ends the transaction with nothing stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Names:
    accounts: Mapping[str, AccountId | None]
    instruments: Sequence[Instrument]

    def account(self, number: str) -> AccountId | None:
        """The account of the number, None for none. Raises InputError."""
        if not number:
            return None
        found = self.accounts.get(number)
        if found is None:
            raise InputError("There is no such account.", path=["account"])
        return found

    def instrument(self, name: str) -> InstrumentId | None:
        """The one instrument of the symbol, SYMBOL@EXCHANGE or id, None for none. Raises InputError."""
        if not name:
            return None
        symbol, _, exchange = name.partition("@")
        found = [
            one.id
            for one in self.instruments
            if str(one.id) == name or (one.symbol == symbol and exchange in ("", one.exchange))
        ]
        if len(found) != 1:
            told = "There is no such instrument." if not found else "Several instruments bear this symbol: give its id."
            raise InputError(told, path=["instrument"])
        return found[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    session: WriteSession
    acting: Acting
    names: _Names
    known: dict[LimitId, RiskLimit]


async def import_risk_limits(
    database: Database,
    clock: Clock,
    ids: Ids,
    principal: Principal,
    content: bytes,
    *,
    mode: LimitImportMode,
    is_dry_run: bool,
) -> LimitImportReport:
    """What became of each line: a limit is made, changed, or proposed to be changed where that loosens it.

    A file deletes nothing; the same file a second time changes nothing. Raises InputError for a file that is too large
    or has no fitting header, and WholeTenantError.
    """
    principal.require_whole_tenant()
    lines = read_file(content, FORM)
    reports: list[LimitLineReport] = []
    try:
        async with begin(database, Scope(tenant_id=principal.tenant_id)) as session:
            acting = await acting_in(session, principal, clock, ids)
            # Two files may name the same limits in another order.
            await repository.lock_limits(session, principal.tenant_id, _limits_named(lines))
            known = await repository.limits(session, principal.tenant_id, LimitFilter(), limit=LIMITS_MAX)
            work = _Work(
                session=session,
                acting=acting,
                names=await _names(session, principal.tenant_id, lines),
                known={one.limit.id: one.limit for one in known},
            )
            seen: set[LimitId] = set()
            reports += [await _take(work, line, seen) for line in lines]
            outcomes = [report.outcome for report in reports]
            if is_dry_run or (mode is LimitImportMode.ALL and LimitLineOutcome.REFUSED in outcomes):
                raise _NotStored
            counts = {outcome.value.lower(): outcomes.count(outcome) for outcome in LimitLineOutcome}
            await _note(session, acting, "risk_limits.imported", counts)
    except _NotStored:
        return LimitImportReport(is_stored=False, lines=tuple(reports))
    return LimitImportReport(is_stored=True, lines=tuple(reports))


async def set_limit_line(
    database: Database, clock: Clock, ids: Ids, principal: Principal, values: Mapping[str, str]
) -> LimitChange:
    """The limit after a change that is written as the values of a line; with an id, over those that it has.

    Raises InputError, LimitUnknownError and what keeping.set_limit does.
    """
    principal.require_whole_tenant()
    tenant_id = principal.tenant_id
    async with begin(database, Scope(tenant_id=tenant_id)) as session:
        merged, given = dict(values), line_of({"type": "MAX_OPEN_ORDERS", "id": values.get("id", "")})
        if given.limit_id is not None:
            known = await repository.limits_by_ids(session, tenant_id, [given.limit_id])
            if not known:
                raise LimitUnknownError("id")
            # What it covers stays as it is, so that it need not be told.
            merged = {**line_values(known[0].limit, account="", instrument=""), "version": "", **values}
        line = line_of(merged)
        names = await _names(session, tenant_id, [FileLine(number=2, values=merged)])
        wanted = line.of(names.account(line.account), names.instrument(line.instrument))
        acting = await acting_in(session, principal, clock, ids)
        setting = LimitSetting(id=line.limit_id, expected_version=line.version, wanted=wanted, reason=line.reason)
        return await keeping.set_limit(session, acting, setting)


async def export_risk_limits(database: Database, clock: Clock, ids: Ids, principal: Principal) -> str:
    """All limits of the tenant as CSV, as importRiskLimits takes it. Raises WholeTenantError."""
    principal.require_whole_tenant()
    tenant_id = principal.tenant_id
    async with begin(database, Scope(tenant_id=tenant_id)) as session:
        found = await repository.limits(session, tenant_id, LimitFilter(), limit=LIMITS_MAX)
        numbers = {one.id: one.account_number for one in await viewing.accounts(session, tenant_id, limit=ACCOUNTS_MAX)}
        named = [one.limit.instrument_id for one in found if one.limit.instrument_id is not None]
        symbols = {
            one.id: f"{one.symbol}@{one.exchange}"
            for one in (await instruments.instruments(ReadSession(session), tenant_id, named)).values()
        }
        acting = Acting(principal=principal, takes_two=False, ids=ids, now=clock.now())
        await _note(session, acting, "risk_limits.exported", {"lines": len(found)})
    return written_file(
        COLUMNS,
        (
            line_values(
                one.limit,
                account="" if one.limit.account_id is None else numbers.get(one.limit.account_id, ""),
                instrument="" if one.limit.instrument_id is None else symbols.get(one.limit.instrument_id, ""),
            )
            for one in found
        ),
    )


async def _take(work: _Work, line: FileLine, seen: set[LimitId]) -> LimitLineReport:
    if line.code is not None:
        return LimitLineReport(
            number=line.number, outcome=LimitLineOutcome.REFUSED, code=line.code, message=line.message
        )
    try:
        return await _store(work, line_of(line.values), line.number, seen)
    except OmsError as error:
        first = next(iter(error.problems), None) if isinstance(error, LimitInvalidError) else None
        return LimitLineReport(
            number=line.number,
            outcome=LimitLineOutcome.REFUSED,
            code=error.code if first is None else first.code,
            message=error.message,
            column=column_of(error.path),
        )


async def _store(work: _Work, line: LimitLine, number: int, seen: set[LimitId]) -> LimitLineReport:
    wanted = line.of(work.names.account(line.account), work.names.instrument(line.instrument))
    alike = _alike(work, line, wanted)
    if line.limit_id is not None:
        if line.limit_id in seen:
            raise InputError("The file names this limit twice.", path=["id"])
        seen.add(line.limit_id)
    if alike is not None:
        return LimitLineReport(number=number, outcome=LimitLineOutcome.UNCHANGED, limit_id=alike)
    version = None if line.limit_id is None else line.version
    setting = LimitSetting(id=line.limit_id, expected_version=version, wanted=wanted, reason=line.reason)
    change = await keeping.set_limit(work.session, work.acting, setting)
    outcome = LimitLineOutcome.CREATED if line.limit_id is None else LimitLineOutcome.CHANGED
    if change.proposal is not None:
        outcome = LimitLineOutcome.PROPOSED
    elif not change.is_changed:
        outcome = LimitLineOutcome.UNCHANGED
    else:
        work.known[change.kept.limit.id] = change.kept.limit
    return LimitLineReport(number=number, outcome=outcome, limit_id=change.kept.limit.id)


def _alike(work: _Work, line: LimitLine, wanted: RiskLimit) -> LimitId | None:
    if line.limit_id is None:
        return next((one.id for one in work.known.values() if is_alike(wanted, one)), None)
    known = work.known.get(line.limit_id)
    return known.id if known is not None and is_alike(wanted, known) else None


async def _names(session: WriteSession, tenant_id: TenantId, lines: Sequence[FileLine]) -> _Names:
    accounts: dict[str, AccountId | None] = {}
    for account in await viewing.accounts(session, tenant_id, limit=ACCOUNTS_MAX):
        # Two brokers may number alike: such a number means nobody.
        accounts[account.account_number] = None if account.account_number in accounts else account.id
    named = {line.values.get("instrument", "") for line in lines} - {""}
    by_id = [InstrumentId(UUID(one)) for one in sorted(named) if _is_id(one)]
    symbols = sorted({one.partition("@")[0] for one in named})
    looking = ReadSession(session)
    found = {one.id: one for one in await instruments.by_symbols(looking, tenant_id, symbols)}
    found |= await instruments.instruments(looking, tenant_id, by_id)
    return _Names(accounts=accounts, instruments=tuple(found.values()))


def _limits_named(lines: Sequence[FileLine]) -> set[LimitId]:
    found: set[LimitId] = set()
    for line in lines:
        with suppress(ValueError):
            found.add(LimitId(UUID(line.values.get("id", ""))))
    return found


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


async def _note(session: WriteSession, acting: Acting, action: str, told: Mapping[str, int]) -> None:
    await audit.record(
        session,
        acting.principal,
        action,
        "Tenant",
        acting.tenant_id,
        entry_id=acting.ids.new(),
        now=acting.now,
        new=told,
    )
