"""`oms doctor` at a gateway: what is wrong with it, in words, for one address or for each account."""

import asyncio
import json
from dataclasses import asdict, dataclass

from app.brokers import repository as brokers
from app.brokers.domain import DOCTOR_CLIENT_ID
from app.brokers.ib.probe import HARMLESS, Look, Symptom, judge_account, look_at
from app.brokers.repository import ExaminedAccount
from app.cli.exits import ExitCode
from app.core.fix import ConnectionState
from app.infra.db import Database, DatabaseRole
from app.infra.reach import reachable_postgres
from app.infra.settings import load_settings
from app.infra.system import SystemClock
from app.infra.uow import begin_system

LOOKS_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayFinding:
    """One line about a gateway or an account; code is a Trouble, or OK."""

    subject: str
    is_good: bool
    code: str
    detail: str


def examine_gateway(
    host: str, port: int, *, client_id: int | None, account: str | None, is_paper: bool | None, as_json: bool
) -> ExitCode:
    """Print what is found at one gateway; returns OK, or BROKER_UNAVAILABLE when no order would go through it.

    Without a client id the one of the doctor is used, which no account has.
    """
    chosen = DOCTOR_CLIENT_ID if client_id is None else client_id
    look = asyncio.run(look_at(host, port, chosen, SystemClock().now))
    findings = _findings(f"{host}:{port}", look, look.symptoms)
    if account is not None and look.accounts:
        kept_as_paper = account.startswith("D") if is_paper is None else is_paper
        wrong = judge_account(look, account, is_paper=kept_as_paper)
        findings.extend(_lines(account, wrong) or [_good(account, "is managed there")])
    return _told(findings, as_json=as_json)


def examine_accounts(*, as_json: bool) -> ExitCode:
    """Print what is found for each account that is to be connected; BROKER_UNAVAILABLE when one is not well.

    Raises: UnavailableError when the database does not answer.
    """
    return _told(asyncio.run(_accounts()), as_json=as_json)


async def _accounts() -> list[GatewayFinding]:
    url = await reachable_postgres(load_settings())
    database = Database(url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    try:
        async with begin_system(database) as session:
            accounts = await brokers.examined_accounts(session)
    finally:
        await database.close()
    gateways = sorted({(one.account.host, one.account.port) for one in accounts})
    turn = asyncio.Semaphore(LOOKS_AT_ONCE)

    async def look(host: str, port: int, client_id: int = DOCTOR_CLIENT_ID) -> Look:
        async with turn:
            return await look_at(host, port, client_id, SystemClock().now)

    looks = dict(zip(gateways, await asyncio.gather(*(look(*gateway) for gateway in gateways)), strict=True))
    findings: list[GatewayFinding] = []
    for gateway in gateways:
        findings.extend(_findings(f"{gateway[0]}:{gateway[1]}", looks[gateway], looks[gateway].symptoms))
    for one in accounts:
        seen = looks[one.account.host, one.account.port]
        wrong = judge_account(seen, one.account.account_number, is_paper=one.account.is_paper)
        if not one.is_held and seen.is_usable:
            # Nobody holds it, so its own client id may be tried without throwing anybody out.
            own = await look(one.account.host, one.account.port, one.account.client_id)
            wrong.extend(symptom for symptom in own.symptoms if symptom not in seen.symptoms)
        findings.extend(_account_lines(one, seen, wrong))
    return findings


def _account_lines(one: ExaminedAccount, look: Look, wrong: list[Symptom]) -> list[GatewayFinding]:
    subject = f"{one.tenant}/{one.account.account_number}"
    lines = _lines(subject, wrong)
    state = one.state.value if one.is_held else "no connector holds it: is one running?"
    if one.last_error is not None:
        state += f", {one.last_error}"
    is_well = one.is_held and one.state is ConnectionState.CONNECTED
    if not is_well or not lines:
        code = "OK" if is_well else "NOT_CONNECTED"
        lines.append(GatewayFinding(subject=subject, is_good=is_well, code=code, detail=state))
    return lines


def _findings(place: str, look: Look, wrong: list[Symptom]) -> list[GatewayFinding]:
    lines = _lines(place, wrong)
    if look.server_version is not None and look.accounts:
        answered = "" if look.round_trip_ms is None else f", answers in {look.round_trip_ms:.0f} ms"
        lines.insert(0, _good(place, f"version {look.server_version}{answered}, manages {', '.join(look.accounts)}"))
    return lines


def _lines(subject: str, wrong: list[Symptom]) -> list[GatewayFinding]:
    return [
        GatewayFinding(subject=subject, is_good=one.trouble in HARMLESS, code=one.trouble.value, detail=one.words)
        for one in wrong
    ]


def _good(subject: str, detail: str) -> GatewayFinding:
    return GatewayFinding(subject=subject, is_good=True, code="OK", detail=detail)


def _told(findings: list[GatewayFinding], *, as_json: bool) -> ExitCode:
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        width = max((len(finding.subject) for finding in findings), default=0)
        for finding in findings:
            mark = "BAD" if not finding.is_good else "ok " if finding.code == "OK" else "!! "
            print(f"{mark}  {finding.subject:<{width}} {finding.detail}")
    return ExitCode.OK if all(finding.is_good for finding in findings) else ExitCode.BROKER_UNAVAILABLE
