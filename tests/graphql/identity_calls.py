"""How each mutation of people, second factors, members, tenants and the platform is called, once."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pyotp

from app.flows.identity.begin_two_factor import begin_two_factor
from app.flows.identity.confirm_two_factor import confirm_two_factor
from app.flows.identity.log_in import log_in
from app.flows.tenants.platform_tenants import log_in_to_platform
from app.identity import platform_repository
from app.identity.domain import Client, Role
from app.identity.two_factor.domain import Challenge
from app.infra.db import Database, DatabaseRole
from app.infra.uow import begin_system
from tests import factories
from tests.graphql.conftest import Api, Firm
from tests.graphql.stage import PASSWORD, Call, Stage, call, given, nothing, registration, value

NEXT_PASSWORD: Final = "purple tram over the lake"
REASON: Final = "the ticket 4711 of the firm"
ENTER: Final = "mutation($i: EnterTenantInput!) { enterTenant(input: $i) { entry { id } errors { code } } }"
HALF_A_MINUTE: Final = timedelta(seconds=30)


async def with_password(stage: Stage, firm: Firm | None = None) -> str:
    """Gives the administrator of a firm a password; their address."""
    user_id = (firm or stage.firm).principal.user_id
    hashed = await stage.firm.desk.door.passwords.hash(PASSWORD)
    email = "UPDATE users SET password_hash = $2 WHERE id = $1 RETURNING email"
    return str(await stage.owner.fetchval(email, user_id, hashed))


async def enrolled(stage: Stage) -> pyotp.TOTP:
    """The authenticator of the firm's administrator, of which the code now shown was not used yet."""
    door = stage.firm.desk.door
    made = pyotp.TOTP((await begin_two_factor(door, stage.firm.principal)).secret)
    await confirm_two_factor(door, stage.firm.principal, made.at(door.clock.now() - HALF_A_MINUTE))
    return made


async def as_platform(stage: Stage, database_url: str) -> Api:
    """A client that runs the platform, as a person of a firm of their own."""
    desk = stage.firm.desk
    person = await factories.make_principal(desk.database, await factories.make_tenant(desk.database))
    email = "UPDATE users SET password_hash = $2 WHERE id = $1 RETURNING email"
    address = str(await stage.owner.fetchval(email, person.user_id, await desk.door.passwords.hash(PASSWORD)))
    database = Database(database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    try:
        async with begin_system(database) as session:
            assert await platform_repository.grant(session, address, note="for the tests", now=desk.clock.now())
    finally:
        await database.close()
    opened = await log_in_to_platform(desk.door, email=address, password=PASSWORD, code=None, client=Client())
    return stage.anonymous.holding(opened.token)


async def _login(stage: Stage) -> Any:
    return {"email": await with_password(stage), "password": PASSWORD}


async def _verify_email(stage: Stage) -> Any:
    typed = registration()
    await call(stage.anonymous, "register", typed)
    return {"token": await stage.mailbox.token_for(typed["email"]), "password": PASSWORD}


async def _verify_two_factor(stage: Stage) -> Any:
    door, email, made = stage.firm.desk.door, await with_password(stage), await enrolled(stage)
    entered = await log_in(door, email=email, password=PASSWORD, tenant_slug=None, client=Client())
    assert isinstance(entered, Challenge)
    return {"challenge": entered.text, "code": made.at(door.clock.now())}


async def _confirm_two_factor(stage: Stage) -> Any:
    door = stage.firm.desk.door
    made = pyotp.TOTP((await begin_two_factor(door, stage.firm.principal)).secret)
    return {"code": made.at(door.clock.now())}


async def _disable_two_factor(stage: Stage) -> Any:
    await with_password(stage)
    return {"password": PASSWORD, "code": (await enrolled(stage)).at(stage.firm.desk.clock.now())}


async def _renew_recovery_codes(stage: Stage) -> Any:
    await enrolled(stage)


async def _step_up(stage: Stage) -> Any:
    await with_password(stage)
    return {"password": PASSWORD}


async def _demand_two_factor(stage: Stage) -> Any:
    await enrolled(stage)
    return {"demanded": True}


async def _change_password(stage: Stage) -> Any:
    await with_password(stage)
    return {"currentPassword": PASSWORD, "newPassword": NEXT_PASSWORD}


async def _change_email(stage: Stage) -> Any:
    await with_password(stage)
    return {"newEmail": _address(), "password": PASSWORD}


async def _reset_password(stage: Stage) -> Any:
    email = await with_password(stage)
    await call(stage.anonymous, "requestPasswordReset", {"email": email})
    return {"token": await stage.mailbox.token_for(email), "newPassword": NEXT_PASSWORD}


async def _revoke_session(stage: Stage) -> Any:
    email = await with_password(stage)
    door = stage.firm.desk.door
    await log_in(door, email=email, password=PASSWORD, tenant_slug=None, client=Client())
    listed = (await stage.firm.api.data("{ sessions { id current } }"))["sessions"]
    return {"sessionId": next(one["id"] for one in listed if not one["current"])}


async def _member(stage: Stage) -> str:
    other = await factories.make_principal(stage.firm.desk.database, stage.firm.key.tenant_id, role=Role.VIEWER)
    assert other.user_id is not None
    members = (await stage.firm.api.data("{ members { id user { email } } }"))["members"]
    return next(str(one["id"]) for one in members if one["user"]["email"] == f"{other.user_id.hex}@example.com")


async def _role(stage: Stage) -> str:
    document = 'mutation { createRole(input: {name: "Night desk", scopes: [VIEW_ORDERS]}) { role { id } } }'
    return str((await stage.firm.api.data(document))["createRole"]["role"]["id"])


async def _invitation(stage: Stage, email: str | None = None) -> str:
    document = "mutation($i: InviteMemberInput!) { inviteMember(input: $i) { invitation { id } } }"
    asked = {"email": email or _address(), "role": "VIEWER"}
    return str((await stage.firm.api.data(document, i=asked))["inviteMember"]["invitation"]["id"])


async def _resend_invitation(stage: Stage) -> Any:
    invitation_id = await _invitation(stage)
    # Nobody is mailed twice within minutes.
    earlier = "UPDATE invitations SET sent_at = sent_at - interval '1 day' WHERE id = $1"
    await stage.owner.execute(earlier, UUID(invitation_id))
    return {"invitationId": invitation_id}


async def _accept_invitation(stage: Stage) -> Any:
    email = _address()
    await _invitation(stage, email)
    names = {"firstName": "Ann", "lastName": "Smith"}
    return {"token": await stage.mailbox.token_for(email), "password": PASSWORD, **names}


async def _deactivate(stage: Stage) -> Any:
    return {"confirm": f"test-{stage.firm.key.tenant_id.hex}", "reason": REASON}


async def _suspended(stage: Stage) -> Any:
    await stage.owner.execute("UPDATE tenants SET is_active = false WHERE id = $1", stage.firm.key.tenant_id)
    return _on_tenant(stage)


async def entered(stage: Stage, platform: Api) -> dict[str, str]:
    """An entry of the platform into the firm, as leaveTenant names it."""
    asked = {**_on_tenant(stage), "scopes": ["VIEW_ORDERS"]}
    entry_id = (await platform.data(ENTER, i=asked))["enterTenant"]["entry"]["id"]
    return {"tenantId": str(stage.firm.key.tenant_id), "entryId": str(entry_id)}


def _on_tenant(stage: Stage) -> dict[str, str]:
    return {"tenantId": str(stage.firm.key.tenant_id), "reason": REASON}


def _address() -> str:
    return f"new-{uuid4().hex[:12]}@example.com"


async def _named(key: str, said: Any) -> Any:
    return {key: await said}


BY_NOBODY: Final[dict[str, Call]] = {
    "login": _login,
    "verifyTwoFactor": _verify_two_factor,
    "verifyEmail": _verify_email,
    "resetPassword": _reset_password,
    "acceptInvitation": _accept_invitation,
}
"""Mutations that ask for no credential: the entry names the person whom they prove to be."""

BY_THE_PLATFORM: Final[dict[str, Call]] = {
    "createTenant": lambda stage: value({"name": "New Capital", "administratorEmail": _address()}),
    "inviteAdministrator": lambda stage: value({**_on_tenant(stage), "email": _address()}),
    "suspendTenant": lambda stage: value(_on_tenant(stage)),
    "reactivateTenant": _suspended,
    "enterTenant": lambda stage: value({**_on_tenant(stage), "scopes": ["VIEW_ORDERS"]}),
}
"""Mutations of those who run the platform; leaveTenant and endPlatformEntry need an entry, and are played apart."""

BY_A_MEMBER: Final[dict[str, Call]] = {
    "beginTwoFactor": nothing,
    "confirmTwoFactor": _confirm_two_factor,
    "renewRecoveryCodes": _renew_recovery_codes,
    "disableTwoFactor": _disable_two_factor,
    "stepUp": _step_up,
    "demandTwoFactor": _demand_two_factor,
    "changeEmail": _change_email,
    "changePassword": _change_password,
    "revokeSession": _revoke_session,
    "logoutEverywhere": nothing,
    "updateProfile": given(firstName="Anna"),
    "updatePreferences": given(preferences={"dashboard": {"theme": "dark"}}),
    "updateMember": lambda stage: _changed(_member(stage)),
    "removeMember": lambda stage: _named("memberId", _member(stage)),
    "createRole": given(name="Night desk", scopes=["VIEW_ORDERS"]),
    "updateRole": lambda stage: _renamed(_role(stage)),
    "deleteRole": lambda stage: _named("roleId", _role(stage)),
    "inviteMember": lambda stage: value({"email": _address(), "role": "VIEWER"}),
    "resendInvitation": _resend_invitation,
    "revokeInvitation": lambda stage: _named("invitationId", _invitation(stage)),
    "importMembers": lambda stage: value({"content": f"email,role\n{_address()},VIEWER\n"}),
    "exportMembers": nothing,
    "updateTenant": given(name="Another Capital"),
    "deactivateTenant": _deactivate,
}
"""Mutations of a tenant's people."""


async def _changed(member_id: Any) -> Any:
    return {"memberId": await member_id, "role": "TRADER"}


async def _renamed(role_id: Any) -> Any:
    return {"roleId": await role_id, "name": "Day desk"}
