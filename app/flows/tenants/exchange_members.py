"""importMembers, exportMembers: the people of a tenant as one file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.brokers import viewing
from app.core.errors import InputError, OmsError
from app.core.ids import AccountId
from app.flows.identity.door import Door
from app.flows.tenants.invite import send_invitation
from app.flows.tenants.manage_members import lock_people, record
from app.identity import invitations, members
from app.identity.domain import Principal, Role, normalized_email
from app.identity.domain.member_file import (
    LineOutcome,
    LineReport,
    LineState,
    MemberLine,
    accounts_of,
    accounts_text,
    read_lines,
    written_lines,
)
from app.identity.domain.members import (
    UNRESTRICTED,
    GivenRole,
    Grants,
    Invitation,
    MemberChange,
    check_person,
    member_facts,
)
from app.identity.errors import EmailDomainError
from app.identity.members import MemberState
from app.infra.db import WriteSession
from app.infra.uow import Scope, begin, reading
from app.tenants.domain import Tenant
from app.tenants.settings import TenantSettings

PEOPLE_MAX: Final = 10_000
ACCOUNTS_MAX: Final = 5_000


class ImportMode(StrEnum):
    """ALL stores every line or none; EACH stores those that are not refused."""

    ALL = "ALL"
    EACH = "EACH"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of each line, or would; is_stored is False for a dry run and for ALL with a refused line."""

    is_stored: bool
    lines: tuple[LineReport, ...]


class _NotStored(Exception):
    """Ends the transaction with nothing stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    door: Door
    session: WriteSession
    principal: Principal
    tenant: Tenant
    roles: Mapping[str, GivenRole]
    accounts: Mapping[str, AccountId | None]
    members: Mapping[str, MemberState]
    invited: Mapping[str, Invitation]


async def import_members(
    door: Door, principal: Principal, content: bytes, *, mode: ImportMode, is_dry_run: bool
) -> ImportReport:
    """What became of each line: members are changed, others invited, and who is as the line says stays so.

    Nobody is removed by a file. The same file a second time changes nothing. Raises InputError for a file that is too
    large or has no fitting header, and NotASessionError for an API key.
    """
    check_person(principal)
    lines = read_lines(content)
    reports: list[LineReport] = []
    try:
        async with begin(door.database, Scope(tenant_id=principal.tenant_id)) as session:
            work = await _work(door, session, principal)
            seen: set[str] = set()
            reports += [line if isinstance(line, LineReport) else await _take(work, line, seen) for line in lines]
            outcomes = [report.outcome for report in reports]
            if is_dry_run or (mode is ImportMode.ALL and LineOutcome.REFUSED in outcomes):
                raise _NotStored
            counts = {outcome.value.lower(): outcomes.count(outcome) for outcome in LineOutcome}
            await record(door, session, principal, "members.imported", principal.tenant_id, new=counts)
    except _NotStored:
        return ImportReport(is_stored=False, lines=tuple(reports))
    door.authenticator.forget_tenant(principal.tenant_id)
    return ImportReport(is_stored=True, lines=tuple(reports))


async def export_members(door: Door, principal: Principal) -> str:
    """The members and the open invitations as CSV, as importMembers takes it."""
    tenant_id = principal.tenant_id
    async with begin(door.database, Scope(tenant_id=tenant_id)) as session:
        found = await members.page(session, tenant_id, limit=PEOPLE_MAX, after=None)
        offered = await invitations.all_open(session, tenant_id, now=door.clock.now(), limit=PEOPLE_MAX)
        await record(door, session, principal, "members.exported", tenant_id, new={"lines": len(found) + len(offered)})
    async with reading(door.database, Scope(tenant_id=tenant_id)) as looking:
        numbers = {one.id: one.account_number for one in await viewing.accounts(looking, tenant_id, limit=ACCOUNTS_MAX)}
    rows = [
        {
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "role": GivenRole.of(state.membership).name,
            "state": (LineState.ACTIVE if state.membership.is_active else LineState.SUSPENDED).value,
            "accounts": _numbered(state.accounts, numbers),
        }
        for state, user in found
    ]
    rows += [
        {
            "email": one.email,
            "role": one.role.name,
            "state": LineState.INVITED.value,
            "accounts": _numbered(one.accounts, numbers),
        }
        for one in offered
    ]
    return written_lines(rows)


def _numbered(accounts: Grants | None, numbers: Mapping[AccountId, str]) -> str:
    if accounts is None:
        return accounts_text(None)
    return accounts_text({numbers[one]: may_trade for one, may_trade in accounts.items() if one in numbers})


async def _work(door: Door, session: WriteSession, principal: Principal) -> _Work:
    tenant, principal = await lock_people(session, principal)
    tenant_id = principal.tenant_id
    roles = {role.value.casefold(): GivenRole(role=role) for role in Role}
    for custom in await members.roles(session, tenant_id):
        roles[custom.name.casefold()] = GivenRole(role=Role.VIEWER, custom=custom)
    accounts: dict[str, AccountId | None] = {}
    for account in await viewing.accounts(session, tenant_id, limit=ACCOUNTS_MAX):
        # Two brokers may number alike: such a number means nobody.
        accounts[account.account_number] = None if account.account_number in accounts else account.id
    found = await members.page(session, tenant_id, limit=PEOPLE_MAX, after=None)
    offered = await invitations.all_open(session, tenant_id, now=door.clock.now(), limit=PEOPLE_MAX)
    return _Work(
        door=door,
        session=session,
        principal=principal,
        tenant=tenant,
        roles=roles,
        accounts=accounts,
        members={user.email: state for state, user in found},
        invited={one.email: one for one in offered},
    )


async def _take(work: _Work, line: MemberLine, seen: set[str]) -> LineReport:
    try:
        email = normalized_email(line.email)
        if email in seen:
            raise InputError("The file names this address twice.", path=["email"])
        seen.add(email)
        role = work.roles.get(line.role.casefold())
        if role is None:
            raise InputError("There is no such role.", path=["role"])
        accounts = _accounts(work, line.accounts)
        known = work.members.get(email)
        outcome = (
            await _invite(work, email, role, accounts)
            if known is None
            else await _change(work, known, role, line.state, accounts)
        )
    except OmsError as error:
        return LineReport(
            number=line.number,
            email=line.email,
            outcome=LineOutcome.REFUSED,
            code=error.code,
            message=error.message,
        )
    return LineReport(number=line.number, email=email, outcome=outcome)


def _accounts(work: _Work, text: str) -> Grants | str | None:
    if not text:
        return ""
    named = accounts_of(text)
    if named is None:
        return None
    unknown = [number for number in named if work.accounts.get(number) is None]
    if unknown:
        raise InputError(f"There is no account {unknown[0]}.", path=["accounts"])
    known = {number: account_id for number, account_id in work.accounts.items() if account_id is not None}
    return {known[number]: may_trade for number, may_trade in named.items()}


async def _change(
    work: _Work, known: MemberState, role: GivenRole, state: LineState | None, accounts: Grants | str | None
) -> LineOutcome:
    change = MemberChange(
        role=role,
        is_active={LineState.ACTIVE: True, LineState.SUSPENDED: False}.get(state) if state is not None else None,
        accounts=None if isinstance(accounts, str) else UNRESTRICTED if accounts is None else accounts,
    )
    if _is_so(known, change):
        return LineOutcome.UNCHANGED
    member_id = known.membership.id
    before, after = await members.change(work.session, work.principal, member_id, change, now=work.door.clock.now())
    await record(
        work.door,
        work.session,
        work.principal,
        "member.changed",
        member_id,
        old=member_facts(before.membership, before.accounts),
        new=member_facts(after.membership, after.accounts),
    )
    return LineOutcome.CHANGED


def _is_so(known: MemberState, change: MemberChange) -> bool:
    wanted = known.accounts if change.accounts is None else None if change.accounts is UNRESTRICTED else change.accounts
    return (
        GivenRole.of(known.membership) == change.role
        and change.is_active in (None, known.membership.is_active)
        and wanted == known.accounts
    )


async def _invite(work: _Work, email: str, role: GivenRole, accounts: Grants | str | None) -> LineOutcome:
    granted = None if isinstance(accounts, str) else accounts
    known = work.invited.get(email)
    if known is not None and known.role == role and (isinstance(accounts, str) or known.accounts == granted):
        return LineOutcome.UNCHANGED
    if not TenantSettings.of(work.tenant.settings).takes(email):
        raise EmailDomainError
    now = work.door.clock.now()
    if known is not None:
        invitations.check_invitable(work.principal, role, granted)
        await invitations.revoke(work.session, work.principal, known.id, now=now)
    sent = await invitations.invite(work.session, work.principal, email, role, granted, ids=work.door.ids, now=now)
    await send_invitation(work.door, work.session, work.principal, work.tenant, sent)
    return LineOutcome.INVITED
