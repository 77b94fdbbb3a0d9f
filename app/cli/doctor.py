"""`oms doctor`: one clear line for each thing that an installation needs."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from uuid import UUID

from app.cli.exits import ExitCode
from app.core.errors import OmsError
from app.flows.audit.keep_audit import signer_of, sink_of
from app.infra.mail import MailNotSentError, SmtpServer, transport_of
from app.infra.reach import check_postgres, check_redis, reachable_postgres, reachable_redis, without_secret
from app.infra.settings import Settings, load_settings, variable
from app.infra.signing import SigningKeyError
from app.supervisor import refuse_taken

_TIMEOUT_S = 3.0
_NO_TENANT = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found."""

    subject: str
    is_good: bool
    detail: str


def examine(*, as_json: bool) -> ExitCode:
    """Print what is found; returns OK, BROKER_UNAVAILABLE when only the simulator is missing, or ERROR."""
    findings = asyncio.run(_findings())
    if as_json:
        print(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            print(f"{'ok ' if finding.is_good else 'BAD'}  {finding.subject:<11} {finding.detail}")
    bad = {finding.subject for finding in findings if not finding.is_good}
    if not bad:
        return ExitCode.OK
    return ExitCode.BROKER_UNAVAILABLE if bad == {"simulator"} else ExitCode.ERROR


async def _findings() -> list[Finding]:
    try:
        settings = load_settings()
    except OmsError as error:
        return [Finding(subject="settings", is_good=False, detail=error.message)]
    return [
        Finding(subject="settings", is_good=True, detail=settings.environment),
        *await asyncio.gather(
            _found("postgres", lambda: _postgres(settings)),
            _found("redis", lambda: _redis(settings)),
            _found("web", lambda: _web(settings)),
            _found("simulator", lambda: _simulator(settings)),
            _found("mail", lambda: _mail(settings)),
            _found("audit", lambda: _audit(settings)),
        ),
    ]


async def _found(subject: str, check: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(subject=subject, is_good=True, detail=await check())
    except OmsError as error:
        return Finding(subject=subject, is_good=False, detail=error.message)
    except (OSError, TimeoutError) as error:
        return Finding(subject=subject, is_good=False, detail=str(error) or "no answer")


async def _postgres(settings: Settings) -> str:
    url = await reachable_postgres(settings)
    return f"{await check_postgres(url)} at {without_secret(url)}"


async def _redis(settings: Settings) -> str:
    url = await reachable_redis(settings)
    return f"{await check_redis(url)} at {without_secret(url)}"


async def _web(settings: Settings) -> str:
    place = f"{settings.http_host}:{settings.http_port}"
    if await _is_listening(settings.http_host, settings.http_port):
        return f"something listens at {place}"
    refuse_taken("http_port", settings.http_host, settings.http_port)
    return f"{place} is free"


async def _simulator(settings: Settings) -> str:
    place = f"{settings.simulator_host}:{settings.simulator_port}"
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(settings.simulator_host, settings.simulator_port)
            try:
                versions = b"v157..178"
                writer.write(b"API\0" + struct.pack(">I", len(versions)) + versions)
                answer = await reader.readexactly(struct.unpack(">I", await reader.readexactly(4))[0])
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        raise ConnectionError(f"nothing at {place} speaks the TWS protocol (`oms up` runs the simulator)") from None
    version = answer.split(b"\0")[0].decode(errors="replace")
    return f"server version {version} at {place}"


async def _mail(settings: Settings) -> str:
    transport = transport_of(settings)
    if transport is None:
        raise MailNotSentError(f"mails go nowhere: set {variable('smtp_host')}, or {variable('mail_folder')}")
    if isinstance(transport, SmtpServer):
        await transport.check()
        return f"{transport.host}:{transport.port} takes mails"
    return f"no {variable('smtp_host')}: mails go to a folder, and `oms mail` shows them"


async def _audit(settings: Settings) -> str:
    signer, sink = signer_of(settings), sink_of(settings)
    if signer is None:
        told = f"heads of the audit log are not signed: no {variable('audit_signing_key')}"
        if settings.environment == "production":
            raise SigningKeyError(told)
        return told
    if sink is None:
        return f"heads are signed with key {signer.key_id}, and kept nowhere outside: no {variable('audit_sink')}"
    await sink.read(_NO_TENANT)
    return f"heads are signed with key {signer.key_id} and kept at {settings.audit_sink}"


async def _is_listening(host: str, port: int) -> bool:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port, family=socket.AF_UNSPEC)
            writer.close()
    except (OSError, TimeoutError):
        return False
    return True
