"""Members, roles of a tenant's own, invitations, the file of members: what administrators do, and what others try."""

import asyncio
import base64
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.errands.domain import Errand, ErrandKind
from app.flows.desk import Desk
from app.flows.identity.create_api_key import create_api_key
from app.identity.domain import Principal, Role, Scope
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.uow import begin_system
from tests import factories
from tests.graphql.conftest import POWER_LOST, Api, Firm, token_of

PASSWORD = "a staple of horses, correct"
MEMBERS = "{ members { id user { email } role customRole { name } scopes isActive accounts { accountId access } } }"
UPDATE = """
mutation Update($input: UpdateMemberInput!) {
  updateMember(input: $input) { member { role isActive scopes } errors { code path } }
}
"""
REMOVE = "mutation Remove($input: RemoveMemberInput!) { removeMember(input: $input) { errors { code path } } }"
CREATE_ROLE = """
mutation Make($input: CreateRoleInput!) { createRole(input: $input) { role { id name } errors { code path } } }
"""
UPDATE_ROLE = "mutation Turn($input: UpdateRoleInput!) { updateRole(input: $input) { errors { code path } } }"
DELETE_ROLE = "mutation Drop($input: DeleteRoleInput!) { deleteRole(input: $input) { errors { code path } } }"
INVITE = """
mutation Invite($input: InviteMemberInput!) {
  inviteMember(input: $input) { invitation { id email timesSent } errors { code path } }
}
"""
RESEND = "mutation Again($input: InvitationInput!) { resendInvitation(input: $input) { errors { code path } } }"
REVOKE = "mutation Back($input: InvitationInput!) { revokeInvitation(input: $input) { errors { code path } } }"
ACCEPT = """
mutation Accept($input: AcceptInvitationInput!) {
  acceptInvitation(input: $input) { email tenantSlug errors { code path } }
}
"""
IMPORT = """
mutation Import($input: ImportMembersInput!) {
  importMembers(input: $input) { stored lines { line email outcome code } errors { code path } }
}
"""
EXPORT = "mutation { exportMembers { csv } }"
DANGEROUS = "mutation D($input: {kind}!) {{ {name}(input: $input) {{ errors {{ code }} }} }}"
LOGIN = "mutation In($input: LoginInput!) { login(input: $input) { tokens { accessToken } errors { code } } }"


async def _joined(firm: Firm, role: Role) -> tuple[Principal, Api, str]:
    principal = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=role)
    members = (await firm.api.data(MEMBERS))["members"]
    email = f"{principal.user_id.hex}@example.com" if principal.user_id else ""
    (member_id,) = (one["id"] for one in members if one["user"]["email"] == email)
    return principal, firm.api.holding(token_of(firm.desk, principal)), member_id


async def _own_id(firm: Firm) -> str:
    assert firm.principal.user_id is not None
    email = f"{firm.principal.user_id.hex}@example.com"
    members: dict[str, str] = {one["user"]["email"]: one["id"] for one in (await firm.api.data(MEMBERS))["members"]}
    return members[email]


def _codes(payload: dict[str, Any]) -> list[str]:
    return [error["code"] for error in payload["errors"]]


async def _update(api: Api, **change: Any) -> list[str]:
    return _codes((await api.data(UPDATE, input=change))["updateMember"])


async def _role(api: Api, name: str, *scopes: Scope) -> str:
    payload = (await api.data(CREATE_ROLE, input={"name": name, "scopes": [one.value for one in scopes]}))["createRole"]
    assert payload["errors"] == []
    role_id: str = payload["role"]["id"]
    return role_id


async def _mails(settings: Settings, desk: Desk, recipient: str) -> list[dict[str, str]]:
    assert settings.database_url is not None
    database = Database(settings.database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    try:
        async with begin_system(database) as session:
            rows = await session.fetch(
                """
                SELECT id, kind, recipient, sealed, wrapped_key, master_version, attempts, created_at, expires_at
                FROM errands WHERE recipient = $1 AND kind = 'MAIL' ORDER BY id
                """,
                recipient,
            )
    finally:
        await database.close()
    return [desk.door.errands.open(Errand(**(dict(row) | {"kind": ErrandKind(row["kind"])}))) for row in rows]


async def _token(settings: Settings, desk: Desk, recipient: str) -> str:
    return (await _mails(settings, desk, recipient))[-1]["token"]


async def _invited(firm: Firm, settings: Settings, email: str, **terms: Any) -> str:
    payload = (await firm.api.data(INVITE, input={"email": email, "role": "TRADER", **terms}))["inviteMember"]
    assert payload["errors"] == []
    return await _token(settings, firm.desk, email)


def _address() -> str:
    return f"new-{uuid4().hex[:12]}@example.com"


async def test_a_member_gets_another_role_and_its_scopes_at_once(firm: Firm) -> None:
    _, api, member_id = await _joined(firm, Role.VIEWER)

    before = (await api.data("{ viewer { scopes } }"))["viewer"]["scopes"]
    codes = await _update(firm.api, memberId=member_id, role="TRADER")
    after = (await api.data("{ viewer { scopes } }"))["viewer"]["scopes"]

    assert codes == []
    assert "PLACE_ORDERS" not in before
    assert "PLACE_ORDERS" in after


async def test_a_suspended_member_is_nobody_and_their_sessions_have_ended(firm: Firm) -> None:
    _, api, member_id = await _joined(firm, Role.TRADER)

    suspended = await _update(firm.api, memberId=member_id, isActive=False)
    refused = await api.refusal("{ viewer { scopes } }")
    again = await _update(firm.api, memberId=member_id, isActive=True)
    still = await api.refusal("{ viewer { scopes } }")

    assert (suspended, again) == ([], [])
    assert refused == still == ("UNAUTHENTICATED", [])


async def test_a_removed_member_loses_socket_and_key_within_five_seconds(firm: Firm) -> None:
    principal, api, member_id = await _joined(firm, Role.TRADER)
    key = await create_api_key(firm.desk.door, principal, name="left behind", scopes=[Scope.VIEW_ORDERS])
    program = api.holding(key.text)
    await program.data("{ brokerAccounts { id } }")

    async with api.socket() as socket:
        await socket.subscribe("subscription { positionsChanged { kind } }")
        await socket.next_data()
        removed = _codes((await firm.api.data(REMOVE, input={"memberId": member_id}))["removeMember"])
        async with asyncio.timeout(11):
            code = await socket.end()
    key_refused = await program.refusal("{ brokerAccounts { id } }")
    listed = (await firm.api.data(MEMBERS))["members"]

    assert removed == []
    assert code == POWER_LOST
    assert key_refused == ("UNAUTHENTICATED", [])
    assert member_id not in [one["id"] for one in listed]


async def test_two_administrators_who_demote_each_other_at_once_leave_one(firm: Firm) -> None:
    for _ in range(5):
        _, other, other_id = await _joined(firm, Role.ADMIN)
        own_id = await _own_id(firm)

        first, second = await asyncio.gather(
            firm.api.answer(UPDATE, input={"memberId": other_id, "role": "VIEWER"}),
            other.answer(UPDATE, input={"memberId": own_id, "role": "VIEWER"}),
        )

        done = [one for one in (first, second) if "errors" not in one and not one["data"]["updateMember"]["errors"]]
        assert len(done) == 1, (first, second)
        # Whoever won is left; the other is made an administrator again, and the first of them is back where it was.
        winner, loser_id = (firm.api, other_id) if first in done else (other, own_id)
        roles = [one["role"] for one in (await winner.data(MEMBERS))["members"]]
        assert roles.count("ADMIN") == 1
        if loser_id == own_id:
            assert await _update(winner, memberId=own_id, role="ADMIN") == []
            assert await _update(firm.api, memberId=other_id, role="VIEWER") == []


async def test_the_last_administrator_is_neither_demoted_suspended_nor_removed(firm: Firm) -> None:
    manager = await _role(firm.api, "People", *(set(Scope)))
    _, deputy, deputy_id = await _joined(firm, Role.VIEWER)
    assert await _update(firm.api, memberId=deputy_id, customRoleId=manager) == []
    own_id = await _own_id(firm)

    demoted = await _update(deputy, memberId=own_id, role="VIEWER")
    suspended = await _update(deputy, memberId=own_id, isActive=False)
    removed = _codes((await deputy.data(REMOVE, input={"memberId": own_id}))["removeMember"])

    assert demoted == suspended == removed == ["LAST_ADMINISTRATOR"]


async def test_nobody_changes_themselves_or_gives_what_they_do_not_have(firm: Firm) -> None:
    role_id = await _role(
        firm.api,
        "Desk head",
        Scope.MANAGE_MEMBERS,
        Scope.VIEW_ORDERS,
        Scope.VIEW_POSITIONS,
        Scope.VIEW_MARKET_DATA,
    )
    _, head, head_id = await _joined(firm, Role.VIEWER)
    assert await _update(firm.api, memberId=head_id, customRoleId=role_id) == []
    _, _, viewer_id = await _joined(firm, Role.VIEWER)
    strong = await _role(firm.api, "Strong", Scope.PLACE_ORDERS)
    weak_id = await _role(head, "Weak", Scope.VIEW_ORDERS)

    promoted = await _update(head, memberId=head_id, role="ADMIN")
    over_admin = await _update(head, memberId=await _own_id(firm), role="VIEWER")
    gave_role = await _update(head, memberId=viewer_id, role="TRADER")
    gave_custom = await _update(head, memberId=viewer_id, customRoleId=strong)
    invited = (await head.data(INVITE, input={"email": _address(), "role": "ADMIN"}))["inviteMember"]
    made = (await head.data(CREATE_ROLE, input={"name": "All", "scopes": ["ADMIN_TENANT"]}))["createRole"]
    widened = (await head.data(UPDATE_ROLE, input={"roleId": weak_id, "scopes": ["PLACE_ORDERS"]}))["updateRole"]
    taken = (await head.data(UPDATE_ROLE, input={"roleId": strong, "scopes": ["VIEW_ORDERS"]}))["updateRole"]
    imported = (await head.data(IMPORT, input={"content": f"email,role\n{_address()},ADMIN\n", "mode": "EACH"}))[
        "importMembers"
    ]

    assert promoted == ["MEMBER_SELF"]
    assert over_admin == ["MEMBER_BEYOND_OWN"]
    assert gave_role == gave_custom == ["SCOPE_BEYOND_OWN"]
    assert _codes(invited) == _codes(made) == _codes(widened) == _codes(taken) == ["SCOPE_BEYOND_OWN"]
    assert [line["code"] for line in imported["lines"]] == ["SCOPE_BEYOND_OWN"]


async def test_an_api_key_manages_no_people(firm: Firm) -> None:
    program = await firm.program(*Scope)
    _, _, member_id = await _joined(firm, Role.VIEWER)

    refused = [
        await program.refusal(UPDATE, input={"memberId": member_id, "role": "ADMIN"}),
        await program.refusal(REMOVE, input={"memberId": member_id}),
        await program.refusal(CREATE_ROLE, input={"name": "A", "scopes": ["VIEW_ORDERS"]}),
        await program.refusal(INVITE, input={"email": _address(), "role": "VIEWER"}),
        await program.refusal(IMPORT, input={"content": "email,role\n"}),
    ]
    invited = (await firm.api.data(INVITE, input={"email": _address(), "role": "VIEWER"}))["inviteMember"]
    again = await program.data(RESEND, input={"invitationId": invited["invitation"]["id"]})

    assert refused == [("STEP_UP_REQUIRED", [])] * 5
    assert _codes(again["resendInvitation"]) == ["NOT_A_SESSION"]


async def test_what_makes_power_asks_for_a_recent_proof_of_the_person(firm: Firm, owner: asyncpg.Connection) -> None:
    _, _, member_id = await _joined(firm, Role.VIEWER)
    role_id = await _role(firm.api, "Watch", Scope.VIEW_ORDERS)
    await owner.execute(
        "UPDATE auth_sessions SET stepped_up_at = stepped_up_at - interval '11 minutes' WHERE user_id = $1",
        firm.principal.user_id,
    )
    person = {"userId": str(uuid4()), "reason": "asked for it"}
    slug = f"test-{firm.key.tenant_id.hex}"

    refused = {
        document: (await firm.api.refusal(document, input=given))[0]
        for document, given in (
            (UPDATE, {"memberId": member_id, "role": "ADMIN"}),
            (REMOVE, {"memberId": member_id}),
            (CREATE_ROLE, {"name": "A", "scopes": ["VIEW_ORDERS"]}),
            (UPDATE_ROLE, {"roleId": role_id, "name": "B"}),
            (DELETE_ROLE, {"roleId": role_id}),
            (INVITE, {"email": _address(), "role": "ADMIN"}),
            (IMPORT, {"content": "email,role\n"}),
            (DANGEROUS.format(name="erasePerson", kind="ErasePersonInput"), person),
            (DANGEROUS.format(name="setAuditRetention", kind="SetAuditRetentionInput"), {"keepDays": 4000}),
            (
                DANGEROUS.format(name="setRecordRetention", kind="SetRecordRetentionInput"),
                {"alertDays": 4000, "caseDays": 4000},
            ),
            (DANGEROUS.format(name="updateTenant", kind="UpdateTenantInput"), {"name": "Taken"}),
            (DANGEROUS.format(name="deactivateTenant", kind="DeactivateTenantInput"), {"confirm": slug, "reason": "x"}),
            (DANGEROUS.format(name="demandTwoFactor", kind="DemandTwoFactorInput"), {"demanded": False}),
        )
    }
    listed = await firm.api.data(MEMBERS)

    assert set(refused.values()) == {"STEP_UP_REQUIRED"}
    assert [one["role"] for one in listed["members"] if one["id"] == member_id] == ["VIEWER"]


async def test_another_tenants_ids_are_told_like_unknown_ones(firm: Firm, stranger: Firm) -> None:
    _, _, member_id = await _joined(stranger, Role.VIEWER)
    role_id = await _role(stranger.api, "Theirs", Scope.VIEW_ORDERS)
    payload = (await stranger.api.data(INVITE, input={"email": _address(), "role": "VIEWER"}))["inviteMember"]
    invitation_id = payload["invitation"]["id"]
    _, _, own_id = await _joined(firm, Role.VIEWER)
    account = {"accountId": str(stranger.account_id), "access": "TRADE"}

    async def tried(member: str, role: str, invitation: str, account: dict[str, str]) -> list[Any]:
        return [
            (await firm.api.data(UPDATE, input={"memberId": member, "role": "VIEWER"}))["updateMember"]["errors"],
            (await firm.api.data(REMOVE, input={"memberId": member}))["removeMember"]["errors"],
            (await firm.api.data(UPDATE, input={"memberId": own_id, "customRoleId": role}))["updateMember"]["errors"],
            (await firm.api.data(UPDATE, input={"memberId": own_id, "accounts": [account]}))["updateMember"]["errors"],
            (await firm.api.data(UPDATE_ROLE, input={"roleId": role, "name": "Mine"}))["updateRole"]["errors"],
            (await firm.api.data(DELETE_ROLE, input={"roleId": role}))["deleteRole"]["errors"],
            (await firm.api.data(RESEND, input={"invitationId": invitation}))["resendInvitation"]["errors"],
            (await firm.api.data(REVOKE, input={"invitationId": invitation}))["revokeInvitation"]["errors"],
        ]

    theirs = await tried(member_id, role_id, invitation_id, account)
    nobody = str(uuid4())
    nobodys = await tried(nobody, nobody, nobody, {**account, "accountId": nobody})

    assert theirs == nobodys
    assert {error["code"] for errors in theirs for error in errors} == {"NOT_FOUND", "ACCOUNT_NOT_FOUND"}
    assert all(theirs)


async def test_a_role_in_use_stays_and_its_name_is_taken_once(firm: Firm) -> None:
    role_id = await _role(firm.api, "Night desk", Scope.VIEW_ORDERS, Scope.CANCEL_ORDERS)
    _, member, member_id = await _joined(firm, Role.VIEWER)
    assert await _update(firm.api, memberId=member_id, customRoleId=role_id) == []

    in_use = _codes((await firm.api.data(DELETE_ROLE, input={"roleId": role_id}))["deleteRole"])
    scopes = (await member.data("{ viewer { scopes membership { role customRole { name } } } }"))["viewer"]
    twice = (await firm.api.data(CREATE_ROLE, input={"name": "night  DESK", "scopes": ["VIEW_ORDERS"]}))["createRole"]
    built_in = (await firm.api.data(CREATE_ROLE, input={"name": "admin", "scopes": ["VIEW_ORDERS"]}))["createRole"]
    narrowed = (await firm.api.data(UPDATE_ROLE, input={"roleId": role_id, "scopes": ["VIEW_ORDERS"]}))["updateRole"]
    fewer = (await member.data("{ viewer { scopes } }"))["viewer"]["scopes"]
    freed = await _update(firm.api, memberId=member_id, role="VIEWER")
    gone = _codes((await firm.api.data(DELETE_ROLE, input={"roleId": role_id}))["deleteRole"])

    assert in_use == ["ROLE_IN_USE"]
    assert scopes["scopes"] == ["VIEW_ORDERS", "CANCEL_ORDERS"]
    assert scopes["membership"] == {"role": "VIEWER", "customRole": {"name": "Night desk"}}
    assert _codes(twice) == _codes(built_in) == ["BAD_USER_INPUT"]
    assert narrowed["errors"] == []
    assert fewer == ["VIEW_ORDERS"]
    assert (freed, gone) == ([], [])


async def test_members_come_in_pages(firm: Firm) -> None:
    for _ in range(3):
        await _joined(firm, Role.VIEWER)

    everyone = [one["id"] for one in (await firm.api.data(MEMBERS))["members"]]
    first = (await firm.api.data("{ members(first: 2) { id } }"))["members"]
    rest = (await firm.api.data("query R($after: String) { members(after: $after) { id } }", after=first[-1]["id"]))[
        "members"
    ]
    refused = await firm.api.refusal("{ members(first: 501) { id } }")

    assert [one["id"] for one in first + rest] == everyone
    assert refused == ("BAD_USER_INPUT", ["first"])


async def test_who_is_invited_takes_the_place_once_and_logs_in(firm: Firm, anonymous: Api, settings: Settings) -> None:
    email = _address()
    token = await _invited(firm, settings, email, accounts=[{"accountId": str(firm.account_id), "access": "VIEW"}])
    given = {"token": token, "password": PASSWORD, "firstName": "Ada", "lastName": "Byron"}

    accepted, reused = await asyncio.gather(*[anonymous.data(ACCEPT, input=given) for _ in range(2)])
    payloads = sorted([accepted["acceptInvitation"], reused["acceptInvitation"]], key=lambda one: len(one["errors"]))
    logged_in = (await anonymous.data(LOGIN, input={"email": email, "password": PASSWORD}))["login"]
    viewer = await anonymous.holding(logged_in["tokens"]["accessToken"]).data(
        "{ viewer { membership { role accounts { accountId access } user { emailVerified } } } }"
    )

    assert payloads[0]["email"] == email
    assert _codes(payloads[0]) == []
    assert _codes(payloads[1]) in (["INVITATION_INVALID"], ["INVITATION_PASSWORD"])
    assert viewer["viewer"]["membership"] == {
        "role": "TRADER",
        "accounts": [{"accountId": str(firm.account_id), "access": "VIEW"}],
        "user": {"emailVerified": True},
    }
    third = (await anonymous.data(ACCEPT, input=given))["acceptInvitation"]
    assert _codes(third) == ["INVITATION_INVALID"]


async def test_a_known_person_gives_their_own_password_and_a_forwarded_mail_does_not_guess_it(
    firm: Firm, stranger: Firm, anonymous: Api, settings: Settings
) -> None:
    email = _address()
    first = await _invited(firm, settings, email)
    await anonymous.data(ACCEPT, input={"token": first, "password": PASSWORD, "firstName": "Ada", "lastName": "Byron"})
    second = await _invited(stranger, settings, email)

    guesses = [
        _codes(
            (await anonymous.data(ACCEPT, input={"token": second, "password": f"{PASSWORD} {place}"}))[
                "acceptInvitation"
            ]
        )
        for place in range(5)
    ]
    too_late = await anonymous.answer(ACCEPT, input={"token": second, "password": PASSWORD})
    third_payload = (await stranger.api.data(INVITE, input={"email": email, "role": "VIEWER"}))["inviteMember"]

    assert guesses == [["INVITATION_PASSWORD"]] * 5
    assert "INVITATION_INVALID" in str(too_late)
    # The invitation is spent by the guesses: another can be sent.
    assert third_payload["errors"] == []


async def test_every_token_that_does_not_hold_is_told_alike(firm: Firm, anonymous: Api, settings: Settings) -> None:
    revoked_email, closed_email = _address(), _address()
    revoked = await _invited(firm, settings, revoked_email)
    invitation = next(
        one
        for one in (await firm.api.data("{ invitations { id email } }"))["invitations"]
        if one["email"] == revoked_email
    )
    await firm.api.data(REVOKE, input={"invitationId": invitation["id"]})
    replaced = await _invited(firm, settings, closed_email)
    for token in (revoked, replaced[:-1] + ("a" if replaced[-1] != "a" else "b"), "omi_x", "", "ome" + replaced[3:]):
        payload = await anonymous.data(
            ACCEPT, input={"token": token, "password": PASSWORD, "firstName": "A", "lastName": "B"}
        )

        assert payload["acceptInvitation"] == {
            "email": None,
            "tenantSlug": None,
            "errors": [{"code": "INVITATION_INVALID", "path": ["token"]}],
        }


async def test_an_invitation_is_told_alike_whether_the_address_is_known_elsewhere(firm: Firm, stranger: Firm) -> None:
    assert stranger.principal.user_id is not None
    known = f"{stranger.principal.user_id.hex}@example.com"

    to_known = (await firm.api.data(INVITE, input={"email": known, "role": "VIEWER"}))["inviteMember"]
    to_unknown = (await firm.api.data(INVITE, input={"email": _address(), "role": "VIEWER"}))["inviteMember"]
    again = (await firm.api.data(INVITE, input={"email": known, "role": "VIEWER"}))["inviteMember"]
    too_soon = (await firm.api.data(RESEND, input={"invitationId": to_known["invitation"]["id"]}))["resendInvitation"]

    assert to_known["errors"] == to_unknown["errors"] == []
    assert set(to_known["invitation"]) == set(to_unknown["invitation"])
    assert _codes(again) == ["INVITATION_EXISTS"]
    assert _codes(too_soon) == ["INVITATION_LIMIT"]


async def test_invitations_of_somebody_who_lost_power_hold_no_more(
    firm: Firm, anonymous: Api, settings: Settings
) -> None:
    _, other, other_id = await _joined(firm, Role.ADMIN)
    email = _address()
    await other.data(INVITE, input={"email": email, "role": "ADMIN"})
    token = await _token(settings, firm.desk, email)

    assert await _update(firm.api, memberId=other_id, role="VIEWER") == []
    payload = await anonymous.data(
        ACCEPT, input={"token": token, "password": PASSWORD, "firstName": "A", "lastName": "B"}
    )

    assert _codes(payload["acceptInvitation"]) == ["INVITATION_INVALID"]


async def test_addresses_of_other_domains_are_refused_where_the_tenant_says_so(firm: Firm) -> None:
    await firm.api.data(
        "mutation S($input: UpdateTenantInput!) { updateTenant(input: $input) { errors { code } } }",
        input={"settings": {"allowed_email_domains": ["firm.example"]}},
    )

    codes = {
        email: _codes((await firm.api.data(INVITE, input={"email": email, "role": "VIEWER"}))["inviteMember"])
        for email in ("a@firm.example", "a@evil.example", "a@firm.example.evil.example", "a@xfirm.example")
    }

    assert codes == {
        "a@firm.example": [],
        "a@evil.example": ["EMAIL_DOMAIN_REFUSED"],
        "a@firm.example.evil.example": ["EMAIL_DOMAIN_REFUSED"],
        "a@xfirm.example": ["EMAIL_DOMAIN_REFUSED"],
    }


async def _take(firm: Firm, content: str | bytes, **more: Any) -> dict[str, Any]:
    given = (
        {"contentBase64": base64.b64encode(content).decode()} if isinstance(content, bytes) else {"content": content}
    )
    payload: dict[str, Any] = (await firm.api.data(IMPORT, input={**given, **more}))["importMembers"]
    return payload


async def test_a_file_invites_and_changes_and_a_second_time_nothing(firm: Firm) -> None:
    principal, _, _ = await _joined(firm, Role.VIEWER)
    assert principal.user_id is not None
    known, new = f"{principal.user_id.hex}@example.com", _address()
    accounts = (await firm.api.data("{ brokerAccounts { accountNumber } }"))["brokerAccounts"]
    number = accounts[0]["accountNumber"]
    content = f"email;role;accounts;state\r\n{known};trader;{number}=VIEW;\r\n{new.upper()};VIEWER;*;\r\n\r\n"

    tried = await _take(firm, content, dryRun=True)
    first = await _take(firm, content)
    second = await _take(firm, content)
    member = next(one for one in (await firm.api.data(MEMBERS))["members"] if one["user"]["email"] == known)

    assert [line["outcome"] for line in tried["lines"]] == ["CHANGED", "INVITED"]
    assert not tried["stored"]
    assert [(line["line"], line["email"], line["outcome"]) for line in first["lines"]] == [
        (2, known, "CHANGED"),
        (3, new, "INVITED"),
    ]
    assert first["stored"]
    assert [line["outcome"] for line in second["lines"]] == ["UNCHANGED", "UNCHANGED"]
    assert member["role"] == "TRADER"
    assert member["accounts"] == [{"accountId": str(firm.account_id), "access": "VIEW"}]


async def test_a_file_is_taken_whole_or_line_by_line(firm: Firm) -> None:
    good, content = _address(), "email,role\n{},VIEWER\nnobody,VIEWER\n{},KING\n{},VIEWER\n"
    written = content.format(good, _address(), good)

    whole = await _take(firm, written, mode="ALL")
    each = await _take(firm, written, mode="EACH")

    assert [(line["line"], line["outcome"], line["code"]) for line in whole["lines"]] == [
        (2, "INVITED", None),
        (3, "REFUSED", "BAD_USER_INPUT"),
        (4, "REFUSED", "BAD_USER_INPUT"),
        (5, "REFUSED", "BAD_USER_INPUT"),
    ]
    assert not whole["stored"]
    assert each["stored"]
    assert each["lines"] == whole["lines"]


async def test_bombs_and_broken_files_are_refused(firm: Firm) -> None:
    latin = b"email,role\n" + "jos\xe9@example.com,VIEWER\n".encode("latin-1") + b"ok@example.com,VIEWER\n"
    quoted = 'email,role\n"open@example.com,VIEWER\nnext@example.com,VIEWER\n'

    broken = await _take(firm, latin, dryRun=True)
    open_quote = await _take(firm, quoted, dryRun=True)
    too_many = await _take(firm, "email,role\n" + "a@example.com,VIEWER\n" * 1001)
    # In fewer characters than a text may have, more bytes than a file may.
    too_large = await _take(firm, "email,role\n" + "\u00e9" * (300 * 1024))
    long_line = await _take(firm, "email,role\n" + "a" * 5000 + "@example.com,VIEWER\n", dryRun=True)
    no_header = await _take(firm, "a@example.com,VIEWER\n")
    unknown_column = await _take(firm, "email,role,password\n")
    wide = await _take(firm, b"\xff\xfee\x00m\x00")
    nothing = await _take(firm, "")
    surrogate = await _take(firm, "email,role\na\ud800@example.com,VIEWER\n".encode("utf-8", "surrogatepass"))

    assert [(one["outcome"], one["code"]) for one in broken["lines"]] == [
        ("REFUSED", "CSV_ENCODING"),
        ("INVITED", None),
    ]
    assert [(one["outcome"], one["code"]) for one in open_quote["lines"]] == [
        ("REFUSED", "BAD_USER_INPUT"),
        ("INVITED", None),
    ]
    for refused in (too_many, too_large, no_header, unknown_column, wide, nothing):
        assert _codes(refused) == ["BAD_USER_INPUT"]
    assert [one["code"] for one in long_line["lines"]] == ["BAD_USER_INPUT"]
    assert [one["code"] for one in surrogate["lines"]] == ["CSV_ENCODING"]


async def test_an_export_runs_nothing_in_a_spreadsheet_and_comes_back_unchanged(
    firm: Firm, desk: Desk, settings: Settings
) -> None:
    await _role(firm.api, "=cmd|' /C calc'!A0", Scope.VIEW_ORDERS)
    role_id = next(one["id"] for one in (await firm.api.data("{ customRoles { id } }"))["customRoles"])
    payload = (await firm.api.data(INVITE, input={"email": f"+{_address()}", "customRoleId": role_id}))["inviteMember"]
    assert payload["errors"] == []

    csv = (await firm.api.data(EXPORT))["exportMembers"]["csv"]
    back = await _take(firm, csv)

    for line in csv.splitlines():
        assert not any(value[:1] in "=+-@" for value in line.replace('"', "").split(",") if value)
    assert "'=cmd" in csv
    assert "'+new-" in csv
    assert {line["outcome"] for line in back["lines"]} == {"UNCHANGED"}


async def test_what_is_done_to_members_is_in_the_audit_log(firm: Firm) -> None:
    _, _, member_id = await _joined(firm, Role.VIEWER)
    await _update(firm.api, memberId=member_id, role="TRADER")
    await firm.api.data(REMOVE, input={"memberId": member_id})

    async with firm.desk.reading(firm.principal) as session:
        from app.audit import service as audit

        entries = await audit.history(session, firm.principal, "member", UUID(member_id))

    assert [entry.action for entry in entries] == ["member.removed", "member.changed"]
    assert (entries[1].old_values or {})["role"] == "VIEWER"
    assert (entries[1].new_values or {})["role"] == "TRADER"


@pytest.mark.parametrize("role", [Role.MANAGER, Role.TRADER, Role.COMPLIANCE, Role.VIEWER])
async def test_people_are_the_business_of_administrators(firm: Firm, role: Role) -> None:
    api = await firm.member(role)

    for document in ("{ members { id } }", "{ customRoles { id } }", "{ invitations { id } }", EXPORT):
        assert await api.refusal(document) == ("FORBIDDEN", [])
