"""Identity over GraphQL: the shapes that clients rely on, and which mistakes come where."""

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult

from app.core.errors import OmsError
from app.flows.desk import Desk
from app.flows.identity.door import Door
from app.identity.domain import Principal, Scope
from schema.base.context import RequestContext
from schema.base.scalars import SCALARS
from schema.identity.account_mutations import AccountMutation
from schema.identity.members import MemberQuery
from schema.identity.mutations import IdentityMutation
from schema.identity.queries import IdentityQuery
from tests.integration.identity.conftest import CLIENT, PASSWORD, Firm, Found
from tests.mailbox import Mailbox


@strawberry.type
class Mutation(IdentityMutation, AccountMutation):
    """What can be done at the door."""


@strawberry.type
class _Query(IdentityQuery, MemberQuery):
    """What identity has to ask."""


SCHEMA = strawberry.Schema(query=_Query, mutation=Mutation, config=StrawberryConfig(scalar_map=dict(SCALARS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskWithDoor:
    """Of the desk, what identity's resolvers reach for."""

    door: Door


class Caller:
    """Runs documents at a door as someone."""

    def __init__(self, door: Door, principal: Principal | None = None) -> None:
        self.door = door
        self.principal = principal

    async def run(self, document: str, **variables: Any) -> ExecutionResult:
        """The result of the document."""
        asking = RequestContext(cast(Desk, DeskWithDoor(door=self.door)), CLIENT, self.principal)
        return await SCHEMA.execute(document, variable_values=variables, context_value=asking)

    async def data(self, document: str, **variables: Any) -> Any:
        """The data of a document that meets no error."""
        result = await self.run(document, **variables)
        assert result.errors is None, result.errors
        return result.data

    async def refusal(self, document: str, **variables: Any) -> str:
        """The code of the one error that a document meets."""
        result = await self.run(document, **variables)
        assert result.errors is not None
        assert len(result.errors) == 1
        original = result.errors[0].original_error
        assert isinstance(original, OmsError)
        return original.code


async def administrator(door: Door, found: Found) -> tuple[Caller, Firm]:
    """The administrator of a new firm, by its access token."""
    firm = await found()
    principal = await door.authenticator.authenticate(firm.registered.tokens.access_token, CLIENT)
    return Caller(door, principal), firm


REGISTER = """mutation($input: RegisterInput!) { register(input: $input) {
  tokens { accessToken refreshToken expiresAt tokenType } twoFactorChallenge errors { code message path } } }"""
VERIFY = """mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) {
  tokens { accessToken refreshToken expiresAt tokenType } errors { code message path } } }"""
LOGIN = """mutation($input: LoginInput!) { login(input: $input) {
  tokens { accessToken } errors { code path } } }"""
REFRESH = (
    """mutation($input: RefreshTokenInput!) { refreshToken(input: $input) { tokens { accessToken refreshToken } } }"""
)
CREATE = """mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  apiKey { id name prefix scopes ipAllowlist requestsPerMinute expiresAt lastUsedAt revokedAt } secret
  errors { code path } } }"""
ROTATE = """mutation($input: RotateApiKeyInput!) { rotateApiKey(input: $input) {
  apiKey { id } secret errors { code path } } }"""
REVOKE = """mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) {
  apiKey { id revokedAt } errors { code path } } }"""


async def test_a_newcomer_registers_confirms_logs_in_refreshes_and_leaves(door: Door, mailbox: Mailbox) -> None:
    newcomer = Caller(door)
    typed = {"email": "new@example.com", "password": PASSWORD}

    registered = await newcomer.data(
        REGISTER, input={**typed, "tenantName": "Newcomers", "firstName": "Ann", "lastName": "Lee"}
    )
    link = {"token": await mailbox.token_for("new@example.com"), "password": PASSWORD}
    confirmed = (await newcomer.data(VERIFY, input=link))["verifyEmail"]
    logged_in = await newcomer.data(LOGIN, input=typed)
    refreshed = await newcomer.data(REFRESH, input={"refreshToken": confirmed["tokens"]["refreshToken"]})
    token = refreshed["refreshToken"]["tokens"]["accessToken"]
    signed_in = Caller(door, await door.authenticator.authenticate(token, CLIENT))
    left = await signed_in.data("mutation { logout { errors { code } } }")

    assert registered == {"register": {"tokens": None, "twoFactorChallenge": None, "errors": []}}
    assert confirmed["tokens"]["expiresAt"] == "2026-11-20T12:10:00.000000Z"
    assert confirmed["tokens"]["tokenType"] == "Bearer"
    assert confirmed["errors"] == []
    assert logged_in["login"]["errors"] == []
    assert left == {"logout": {"errors": []}}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"password": "short"}, ("PASSWORD_WEAK", ["password"])),
        ({"email": "nowhere"}, ("BAD_USER_INPUT", ["email"])),
        ({"tenantName": " "}, ("BAD_USER_INPUT", ["tenantName"])),
    ],
)
async def test_what_was_typed_wrong_comes_back_in_the_payload(
    door: Door, change: dict[str, str], error: tuple[str, list[str]]
) -> None:
    typed = {"tenantName": "T", "email": "t@example.com", "password": PASSWORD, "firstName": "A", "lastName": "B"}

    answer = (await Caller(door).data(REGISTER, input=typed | change))["register"]

    assert answer["tokens"] is None
    assert [(one["code"], one["path"]) for one in answer["errors"]] == [error]


async def test_a_refused_login_and_a_refused_token_are_top_level_errors(door: Door, found: Found) -> None:
    firm = await found()
    stranger = Caller(door)

    wrong = {"email": firm.registration.email, "password": "wrong horse battery"}

    assert await stranger.refusal(LOGIN, input=wrong) == "UNAUTHENTICATED"
    assert await stranger.refusal(REFRESH, input={"refreshToken": "omr_x"}) == "UNAUTHENTICATED"


async def test_the_viewer_sees_person_firm_and_scopes(door: Door, found: Found) -> None:
    caller, firm = await administrator(door, found)

    seen = await caller.data(
        """{ viewer { user { id email firstName preferences } membership { role isActive scopes tenant { id } }
             apiKey { id } tenant { id slug settings isActive } scopes memberships { user { email } } }
             members { user { email } role } sessions { ipAddress userAgent current lastSeenAt } }"""
    )

    viewer = seen["viewer"]
    everything = [scope.value for scope in Scope]
    assert viewer["user"] == {
        "id": str(firm.registered.user.id),
        "email": firm.registration.email,
        "firstName": "Ann",
        "preferences": {},
    }
    assert viewer["membership"]["role"] == "ADMIN"
    assert viewer["scopes"] == viewer["membership"]["scopes"] == everything
    assert viewer["apiKey"] is None
    assert viewer["tenant"]["slug"] == firm.registered.tenant.slug
    assert seen["members"] == [{"user": {"email": firm.registration.email}, "role": "ADMIN"}]
    assert seen["sessions"] == [
        {
            "ipAddress": "192.0.2.7",
            "userAgent": "pytest",
            "current": True,
            "lastSeenAt": "2026-11-20T12:00:00.000000Z",
        }
    ]


async def test_a_key_is_made_used_rotated_and_revoked(door: Door, found: Found) -> None:
    caller, _ = await administrator(door, found)

    made = (await caller.data(CREATE, input={"name": "desk", "scopes": ["VIEW_ORDERS"]}))["createApiKey"]
    by_key = Caller(door, await door.authenticator.authenticate(made["secret"], CLIENT))
    seen = (await by_key.data("{ viewer { user { id } membership { id } apiKey { prefix } scopes } }"))["viewer"]
    key_id = made["apiKey"]["id"]
    rotated = (await caller.data(ROTATE, input={"apiKeyId": key_id}))["rotateApiKey"]
    revoked = (await caller.data(REVOKE, input={"apiKeyId": rotated["apiKey"]["id"]}))["revokeApiKey"]
    listed = (await caller.data("{ apiKeys { id revokedAt expiresAt } }"))["apiKeys"]

    assert made["apiKey"] | {"id": None, "prefix": None} == {
        "id": None,
        "name": "desk",
        "prefix": None,
        "scopes": ["VIEW_ORDERS"],
        "ipAllowlist": [],
        "requestsPerMinute": None,
        "expiresAt": None,
        "lastUsedAt": None,
        "revokedAt": None,
    }
    assert seen == {
        "user": None,
        "membership": None,
        "apiKey": {"prefix": made["apiKey"]["prefix"]},
        "scopes": ["VIEW_ORDERS"],
    }
    assert revoked["errors"] == []
    assert {one["id"]: (one["revokedAt"], one["expiresAt"]) for one in listed} == {
        key_id: (None, "2026-11-20T13:00:00.000000Z"),
        rotated["apiKey"]["id"]: ("2026-11-20T12:00:00.000000Z", None),
    }


@pytest.mark.parametrize(
    ("document", "field", "terms", "error"),
    [
        (CREATE, "createApiKey", {"name": "", "scopes": ["VIEW_ORDERS"]}, ("BAD_USER_INPUT", ["name"])),
        (CREATE, "createApiKey", {"name": "x", "scopes": []}, ("BAD_USER_INPUT", ["scopes"])),
        (
            CREATE,
            "createApiKey",
            {"name": "x", "scopes": ["VIEW_ORDERS"], "requestsPerMinute": 0},
            ("BAD_USER_INPUT", ["requestsPerMinute"]),
        ),
        (
            CREATE,
            "createApiKey",
            {"name": "x", "scopes": ["VIEW_ORDERS"], "expiresAt": "2026-11-20T11:59:59Z"},
            ("BAD_USER_INPUT", ["expiresAt"]),
        ),
        (REVOKE, "revokeApiKey", {"apiKeyId": "x"}, ("BAD_USER_INPUT", ["apiKeyId"])),
        (
            REVOKE,
            "revokeApiKey",
            {"apiKeyId": "01936d3e-7c00-7000-8000-000000000001"},
            ("NOT_FOUND", ["apiKeyId"]),
        ),
        (
            ROTATE,
            "rotateApiKey",
            {"apiKeyId": "01936d3e-7c00-7000-8000-000000000001", "overlapSeconds": -1},
            ("BAD_USER_INPUT", ["overlapSeconds"]),
        ),
    ],
)
async def test_a_mistake_with_a_key_comes_back_at_its_field(
    door: Door, found: Found, document: str, field: str, terms: dict[str, Any], error: tuple[str, list[str]]
) -> None:
    caller, _ = await administrator(door, found)

    answer = (await caller.data(document, input=terms))[field]

    assert answer["apiKey"] is None
    assert [(one["code"], one["path"]) for one in answer["errors"]] == [error]
    assert (await caller.data("{ apiKeys { id } }"))["apiKeys"] == []


async def test_the_members_are_shown_to_who_manages_them_alone(door: Door, found: Found) -> None:
    caller, _ = await administrator(door, found)
    assert caller.principal is not None
    trader = Caller(door, replace(caller.principal, scopes=frozenset(Scope) - {Scope.MANAGE_MEMBERS}))

    assert await trader.refusal("{ members { id } }") == "FORBIDDEN"
