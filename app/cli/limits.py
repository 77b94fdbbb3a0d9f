"""`oms risk limits …` and `oms risk drill`: the work behind the commands."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from app.brokers import viewing
from app.cli.exits import ExitCode
from app.core.errors import NotFoundError, UnavailableError
from app.core.ids import LimitId
from app.core.money import plain
from app.flows.risk.change_risk_limits import delete_risk_limit
from app.flows.risk.drill_risk_limits import DrillDesk, drill_risk_limits
from app.flows.risk.exchange_risk_limits import (
    LimitImportMode,
    export_risk_limits,
    import_risk_limits,
    set_limit_line,
)
from app.identity.domain import Principal, system_principal
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_postgres, reachable_redis
from app.infra.redis import open_redis
from app.infra.settings import Settings, load_settings
from app.infra.system import SystemClock, SystemIds
from app.infra.uow import Scope, begin_system, reading
from app.risk.keeping import repository
from app.risk.keeping.domain.changes import LIMITS_MAX, DrillOutcome, KeptLimit, limit_document
from app.risk.keeping.domain.limit_file import LimitLineOutcome
from app.risk.keeping.errors import LimitUnknownError
from app.risk.keeping.repository import LimitFilter
from app.risk.keeping.service import LimitChange
from app.tenants import batch as tenants

AnswerT = TypeVar("AnswerT")
ACCOUNTS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bench:
    settings: Settings
    database: Database
    principal: Principal
    clock: SystemClock
    ids: SystemIds


def list_limits(tenant: str, account: str | None, *, as_json: bool) -> None:
    """Print the limits. Raises: NotFoundError."""

    async def work(bench: _Bench) -> list[KeptLimit]:
        tenant_id = bench.principal.tenant_id
        async with reading(bench.database, Scope(tenant_id=tenant_id)) as session:
            account_id = None
            if account is not None:
                known = await viewing.accounts(session, tenant_id, limit=ACCOUNTS_MAX)
                account_id = next((one.id for one in known if one.account_number == account), None)
                if account_id is None:
                    raise NotFoundError(f"There is no account {account}.")
            return await repository.limits(session, tenant_id, LimitFilter(account_id=account_id), limit=LIMITS_MAX)

    for kept in _run(tenant, work):
        print(json.dumps(_document(kept)) if as_json else _line(kept))


def set_limit(tenant: str, values: Mapping[str, str], *, as_json: bool) -> None:
    """Make or change a limit and print it. Raises: NotFoundError, InputError, what keeping.set_limit does."""
    change = _run(tenant, lambda bench: set_limit_line(bench.database, bench.clock, bench.ids, bench.principal, values))
    _tell(change, as_json=as_json)


def delete_limit(tenant: str, limit_id: str, *, reason: str, as_json: bool) -> None:
    """Take a limit away. Raises: NotFoundError, LimitUnknownError."""
    wanted = _limit_id(limit_id)
    change = _run(
        tenant,
        lambda bench: delete_risk_limit(
            bench.database, bench.clock, bench.ids, bench.principal, wanted, expected_version=None, reason=reason
        ),
    )
    _tell(change, as_json=as_json)


def import_limits(tenant: str, file: Path, *, is_each: bool, is_applied: bool, as_json: bool) -> ExitCode:
    """Tell, or do, what a file says; ERROR when a line is refused. Raises: NotFoundError, InputError."""
    content = file.read_bytes()
    mode = LimitImportMode.EACH if is_each else LimitImportMode.ALL
    report = _run(
        tenant,
        lambda bench: import_risk_limits(
            bench.database, bench.clock, bench.ids, bench.principal, content, mode=mode, is_dry_run=not is_applied
        ),
    )
    for line in report.lines:
        if as_json:
            told = {"number": line.number, "outcome": line.outcome.value, "code": line.code, "message": line.message}
            print(json.dumps(told))
        else:
            why = "" if line.code is None else f"  {line.code} {_printable(line.message or '')}"
            print(f"{line.number}  {line.outcome.value}{why}")
    print("stored" if report.is_stored else "nothing was stored", file=sys.stderr)
    is_refused = any(line.outcome is LimitLineOutcome.REFUSED for line in report.lines)
    return ExitCode.ERROR if is_refused else ExitCode.OK


def export_limits(tenant: str, output: Path | None) -> None:
    """Write the limits as CSV. Raises: NotFoundError, UnavailableError for a file that cannot be written."""
    text = _run(tenant, lambda bench: export_risk_limits(bench.database, bench.clock, bench.ids, bench.principal))
    if output is None:
        sys.stdout.write(text)
        return
    try:
        with output.open("x", encoding="utf-8", newline="") as out:
            out.write(text)
    except OSError as error:
        raise UnavailableError(f"cannot write {output}: {error.strerror}") from error


def drill_limits(tenant: str, limit_ids: list[str] | None, *, as_json: bool) -> ExitCode:
    """Drill the active limits and print what was found; ERROR when one is silent.

    Raises: NotFoundError, LimitUnknownError, UnavailableError.
    """
    wanted = None if limit_ids is None else [_limit_id(one) for one in limit_ids]

    async def work(bench: _Bench) -> list[KeptLimit]:
        redis = await open_redis(await reachable_redis(bench.settings), bench.settings.redis_prefix)
        try:
            desk = DrillDesk(database=bench.database, redis=redis, clock=bench.clock, ids=bench.ids)
            return await drill_risk_limits(desk, bench.principal, wanted)
        finally:
            await redis.close()

    code = ExitCode.OK
    for kept in _run(tenant, work):
        drill = kept.last_drill
        assert drill is not None, "it was drilled just now"
        if drill.outcome is DrillOutcome.SILENT:
            code = ExitCode.ERROR
        told = f"{kept.limit.id}  {kept.limit.limit_type.value}  {drill.outcome.value}  {drill.message}"
        print(json.dumps({**_document(kept), "message": drill.message}) if as_json else _printable(told))
    return code


def _limit_id(text: str) -> LimitId:
    try:
        return LimitId(UUID(text))
    except ValueError as error:
        raise LimitUnknownError("id") from error


def _tell(change: LimitChange, *, as_json: bool) -> None:
    proposal = change.proposal
    if as_json:
        told = {"limit": _document(change.kept), "proposalId": None if proposal is None else str(proposal.id)}
        print(json.dumps(told))
        return
    print(_line(change.kept))
    if proposal is not None:
        why = "; ".join(proposal.why)
        print(f"waits for a second person as proposal {proposal.id}: {_printable(why)}", file=sys.stderr)


def _line(kept: KeptLimit) -> str:
    limit, drill = kept.limit, kept.last_drill
    state = "shadow" if limit.is_shadow else "active" if limit.is_active else "off"
    value = "" if limit.value is None else f"  {plain(limit.value)} {limit.currency or ''}".rstrip()
    covers = "".join(
        f"  {name} {target}"
        for name, target in (("account", limit.account_id), ("instrument", limit.instrument_id))
        if target is not None
    )
    conditions = f"  {json.dumps(limit.conditions, sort_keys=True)}" if limit.conditions else ""
    drilled = "" if drill is None else f"  drilled {drill.drilled_at:%Y-%m-%d %H:%M} {drill.outcome.value}"
    return _printable(
        f"{limit.id}  {limit.limit_type.value}{value}{covers}  {state}  v{limit.version}{conditions}{drilled}"
    )


def _document(kept: KeptLimit) -> dict[str, object]:
    drill = kept.last_drill
    return {
        "id": str(kept.limit.id),
        "version": kept.limit.version,
        **limit_document(kept.limit),
        "updatedAt": kept.updated_at.isoformat(),
        "lastDrilledAt": None if drill is None else drill.drilled_at.isoformat(),
        "lastDrillOutcome": None if drill is None else drill.outcome.value,
    }


def _printable(text: str) -> str:
    # Values come from outside: what is no printable character must not reach a terminal.
    return "".join(one if one.isprintable() else "?" for one in text)


def _run(tenant: str, work: Callable[[_Bench], Awaitable[AnswerT]]) -> AnswerT:
    async def run() -> AnswerT:
        async with _open(tenant) as bench:
            return await work(bench)

    return asyncio.run(run())


@asynccontextmanager
async def _open(slug: str) -> AsyncIterator[_Bench]:
    settings = load_settings()
    url = await reachable_postgres(settings)
    database, system_database = Database(url, DatabaseRole.APP, size=1), Database(url, DatabaseRole.SYSTEM, size=1)
    try:
        await database.open()
        await system_database.open()
        async with begin_system(system_database) as session:
            found = list(await tenants.slugs(session, slug))
        if not found:
            raise NotFoundError(f"There is no tenant {slug}.")
        principal = system_principal(found[0], "cli")
        yield _Bench(settings=settings, database=database, principal=principal, clock=SystemClock(), ids=SystemIds())
    finally:
        await system_database.close()
        await database.close()
