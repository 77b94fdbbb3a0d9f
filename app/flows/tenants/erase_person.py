"""erasePerson: what tells of a person is forgotten in a tenant; what the law keeps stays, under an id alone."""

from dataclasses import dataclass
from typing import Final

from app.audit import keys_batch
from app.audit import service as audit
from app.audit.domain.personal import email_subject
from app.core.errors import InputError, NotFoundError, OmsError
from app.core.ids import ApiKeyId, UserId
from app.flows.compliance.record_exports import forget_files
from app.flows.desk import Desk
from app.flows.tenants.manage_members import record
from app.identity import erasure, members
from app.identity.domain import Principal
from app.identity.domain import Scope as Allowed
from app.identity.domain.members import check_person, member_facts
from app.infra.uow import Scope, begin, begin_batch
from app.tenants import service as tenants

REASON_LENGTH_MAX: Final = 500


class SelfErasureError(OmsError):
    """Nobody erases themselves: the act could not be answered for."""

    code = "PERSON_IS_SELF"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What was erased: keys of the audit log, and whether the profile too."""

    keys: int
    has_profile: bool


async def erase_person(desk: Desk, principal: Principal, user_id: UserId, reason: str) -> Erasure:
    """Ends the person's access, blanks sessions, keys and profile, destroys the keys of their values in the audit log.

    Kept files of order records name persons: those of the tenant go, and are asked for anew.
    The profile, with passwords, second factor, links and logins of the platform, stays while the person is a member of
    another tenant. What is sealed later about the person, such as an
    act of the last second, is sealed under a key that nobody keeps. To erase twice changes nothing more. Raises
    NotFoundError for one who is no member, SelfErasureError, InputError, and as a change of the member does:
    NotASessionError, MemberBeyondOwnError, LastAdministratorError.
    """
    if not 1 <= len(reason.strip()) <= REASON_LENGTH_MAX:
        raise InputError(f"A reason has 1 to {REASON_LENGTH_MAX} characters.", path=["reason"])
    if principal.user_id == user_id:
        raise SelfErasureError("Another administrator has to do this.", path=["userId"])
    check_person(principal)
    tenant_id = principal.tenant_id
    now = desk.clock.now()
    await _end_membership(desk, principal, user_id)
    async with begin_batch(desk.database, tenant_id) as batch:
        email = await erasure.email_of_member(batch, tenant_id, user_id)
        if email is None:
            raise NotFoundError("There is no such person.", path=["userId"])
        api_keys = await erasure.api_key_ids(batch, tenant_id, user_id)
        subjects = [f"user:{user_id}", *(f"key:{one}" for one in api_keys)]
        destroyed = await keys_batch.destroy(batch, tenant_id, subjects, [desk.ids.new() for _ in subjects], now)
        destroyed += await keys_batch.forget(batch, tenant_id, [email_subject(email)])
        await forget_files(batch, principal, desk.ids, now)
        act = audit.entry(
            principal,
            "person.erased",
            "user",
            user_id,
            entry_id=desk.ids.new(),
            now=now,
            new={"reason": reason.strip(), "erased_keys": destroyed},
        )
        await batch.write([audit.record_batch([act])])
    # The profile goes last, for it names the address: when this fails, to ask again does all of it.
    scope = Scope(tenant_id=tenant_id, user_id=user_id, platform_user_id=user_id)
    async with begin(desk.database, scope) as session:
        await erasure.end_access(session, tenant_id, user_id)
        has_profile = not await erasure.has_other_tenants(session, tenant_id, user_id)
        if has_profile:
            await erasure.erase_profile(session, user_id)
    for one in api_keys:
        desk.door.authenticator.forget_api_key(ApiKeyId(one))
    desk.door.authenticator.forget_person(user_id)
    desk.door.authenticator.forget_platform()
    return Erasure(keys=destroyed, has_profile=has_profile)


async def _end_membership(desk: Desk, principal: Principal, user_id: UserId) -> None:
    # First, and behind the lock that every change of members stands in line for: two who erase each other are one
    # who does.
    async with begin(desk.database, Scope(tenant_id=principal.tenant_id)) as session:
        await tenants.lock(session, principal.tenant_id)
        acting = await members.as_now(session, principal, Allowed.ADMIN_TENANT)
        before, after = await members.end(session, acting, user_id, now=desk.clock.now())
        if before != after:
            await record(
                desk.door, session, acting, "member.changed", before.id,
                old=member_facts(before, None), new=member_facts(after, None),
            )  # fmt: skip
    desk.door.authenticator.forget_tenant(principal.tenant_id)
