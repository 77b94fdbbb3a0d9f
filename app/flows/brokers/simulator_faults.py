"""simulatorFault and its kin: a tenant rehearses what gateways do wrong, on its own account and clients alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.audit import service as audit
from app.brokers import viewing
from app.brokers.domain import seats_of
from app.brokers.viewing import AccountView
from app.core.errors import InputError, NotFoundError, OmsError
from app.core.ids import AccountId
from app.flows.brokers.simulator_desk import SimulatorDesk
from app.flows.desk import Desk
from app.identity.domain import Principal
from app.infra.simulator_control import SimulatorRefusedError
from app.infra.uow import Scope, begin

__all__ = ["SimulatorRefusedError"]

LASTS_S_MAX: Final = 3_600.0


class NotOnSimulatorError(OmsError):
    """Faults are for paper accounts on the bundled simulator; this account is reached elsewhere."""

    code = "SIMULATOR_NOT_THIS_ACCOUNT"


@dataclass(frozen=True, slots=True, kw_only=True)
class PathologyView:
    """A named pathology: what was seen, what becomes of it, and which of the twenty behaviours it tries."""

    name: str
    seen: str
    handled: str
    behaviours: tuple[int, ...]
    lasts_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultView:
    """A fault at work on an account. lasts_s is None until it is cleared."""

    name: str
    parameters: Mapping[str, Any]
    lasts_s: float | None
    strikes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRequest:
    """A pathology by its name, or a fault with its parameters; exactly one of the two."""

    pathology: str | None
    fault: str | None
    parameters: Mapping[str, Any]
    lasts_s: float


async def list_pathologies(desk: Desk) -> list[PathologyView]:
    """The pack of the simulator. Raises NotOnSimulatorError where none is bundled, SimulatorUnreachableError."""
    return [
        PathologyView(
            name=one["name"],
            seen=one["seen"],
            handled=one["handled"],
            behaviours=tuple(one["behaviours"]),
            lasts_s=one["lasts_s"],
        )
        for one in await _simulator(desk).ask("pathologies")
    ]


async def list_faults(desk: Desk, principal: Principal, account_id: AccountId) -> list[FaultView]:
    """The faults at work on the account. Raises NotOnSimulatorError, NotFoundError, SimulatorUnreachableError."""
    await _account(desk, principal, account_id)
    return await _at_work(desk, account_id)


async def play_fault(desk: Desk, principal: Principal, account_id: AccountId, request: FaultRequest) -> list[FaultView]:
    """Play it on the account; the faults that are at work then.

    It is written to the audit log before it is played, so that nothing is broken unrecorded. Raises InputError,
    NotOnSimulatorError, NotFoundError, SimulatorRefusedError with the path, SimulatorUnreachableError.
    """
    if (request.pathology is None) == (request.fault is None):
        raise InputError("Either a pathology or a fault.", path=("pathology",))
    if not 0 < request.lasts_s <= LASTS_S_MAX:
        raise InputError(f"Above 0 and at most {LASTS_S_MAX:g} seconds.", path=("lastsSeconds",))
    account = await _account(desk, principal, account_id)
    owner, clients = str(account_id), list(seats_of(account.client_id))
    confined = {"account": account.account_number, "clients": clients}
    await _record(desk, principal, account_id, "simulator.fault", _document(request))
    simulator = _simulator(desk)
    try:
        if request.pathology is not None:
            await simulator.ask("play", {"name": request.pathology, "owner": owner, **confined})
        else:
            parameters = {**request.parameters, **confined}
            arguments = {"name": request.fault, "parameters": parameters, "lasts_s": request.lasts_s, "owner": owner}
            await simulator.ask("inject", arguments)
    except NotFoundError as error:
        named = "fault" if request.pathology is None else "pathology"
        raise NotFoundError(error.message, path=(named,)) from error
    return await _at_work(desk, account_id)


async def clear_faults(desk: Desk, principal: Principal, account_id: AccountId) -> int:
    """End the account's faults and scenarios; how many faults ended.

    Raises NotOnSimulatorError, NotFoundError, SimulatorUnreachableError.
    """
    await _account(desk, principal, account_id)
    await _record(desk, principal, account_id, "simulator.clear", {})
    return int((await _simulator(desk).ask("clear", {"owner": str(account_id)}))["cleared"])


def _simulator(desk: Desk) -> SimulatorDesk:
    if desk.simulator is None:
        raise NotOnSimulatorError("This installation has no simulator.")
    return desk.simulator


async def _account(desk: Desk, principal: Principal, account_id: AccountId) -> AccountView:
    simulator = _simulator(desk)
    async with desk.acting(principal) as session:
        found = await viewing.accounts_by_ids(session, principal.tenant_id, [account_id])
    if account_id not in found:
        raise NotFoundError("There is no such account.", path=("accountId",))
    account = found[account_id]
    if not account.is_paper or (account.host, account.port) != (simulator.host, simulator.port):
        raise NotOnSimulatorError(
            "Only a paper account on the bundled simulator can rehearse faults.", path=("accountId",)
        )
    return account


async def _at_work(desk: Desk, account_id: AccountId) -> list[FaultView]:
    found = await _simulator(desk).ask("active", {"owner": str(account_id)})
    return [
        FaultView(name=one["name"], parameters=one["parameters"], lasts_s=one["lasts_s"], strikes=one["strikes"])
        for one in found
    ]


async def _record(desk: Desk, principal: Principal, account_id: AccountId, action: str, new: Mapping[str, Any]) -> None:
    async with begin(desk.database, Scope(tenant_id=principal.tenant_id, accounts=principal.tradable)) as session:
        await audit.record(
            session,
            principal,
            action,
            "BrokerAccount",
            account_id,
            entry_id=desk.ids.new(),
            now=desk.clock.now(),
            new=new,
        )


def _document(request: FaultRequest) -> dict[str, Any]:
    if request.pathology is not None:
        return {"pathology": request.pathology}
    return {"fault": request.fault, "parameters": dict(request.parameters), "lastsSeconds": request.lasts_s}
