"""Tenants in the hands of their administrators and of the platform: settings, closing, opening, entering."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pyotp
import pytest

from app.audit.domain import AuditEntry
from app.audit.models import AuditRow
from app.flows.desk import Desk
from app.flows.identity.begin_two_factor import begin_two_factor
from app.flows.identity.confirm_two_factor import confirm_two_factor
from app.flows.identity.log_in import log_in
from app.identity import platform_repository
from app.identity.domain import Client, Role, Scope, TokenPair
from app.infra.db import Database, DatabaseRole
from app.infra.settings import Settings
from app.infra.uow import begin_system
from tests import factories
from tests.graphql.conftest import POWER_LOST, Api, Broker, Firm

PASSWORD = "a staple of horses, correct"
REASON = "the ticket 4711 of the firm"
UPDATE = """
mutation Update($input: UpdateTenantInput!) {
  updateTenant(input: $input) { tenant { name domain settings } errors { code path } }
}
"""
DEACTIVATE = """
mutation Close($input: DeactivateTenantInput!) {
  deactivateTenant(input: $input) { tenant { isActive } ordersCanceled errors { code path } }
}
"""
LOGIN = "mutation In($input: PlatformLoginInput!) { platformLogin(input: $input) { token expiresAt } }"
TENANTS = "query T($search: String) { tenants(search: $search) { id slug isActive } }"
SUSPEND = """
mutation Close($input: TenantActInput!) {
  suspendTenant(input: $input) { tenant { isActive } ordersCanceled errors { code path } }
}
"""
REACTIVATE = """
mutation Open($input: TenantActInput!) { reactivateTenant(input: $input) { tenant { isActive } errors { code } } }
"""
CREATE = """
mutation Make($input: CreateTenantInput!) {
  createTenant(input: $input) { tenant { id name slug } invitation { email role } errors { code path } }
}
"""
ENTER = """
mutation Enter($input: EnterTenantInput!) {
  enterTenant(input: $input) { token entry { id scopes expiresAt } errors { code path } }
}
"""
LEAVE = "mutation Leave($input: LeaveTenantInput!) { leaveTenant(input: $input) { entry { endedAt } errors { code } } }"
LOGOUT = "mutation { platformLogout { errors { code } } }"
HALF_A_MINUTE = timedelta(seconds=30)
ENTRIES = "{ platformEntries { id administrator reason scopes endedAt } }"


BEYOND: Final[tuple[dict[str, Any], ...]] = (
    {"scopes": ["PLACE_ORDERS"]},
    {"scopes": []},
    {"scopes": ["VIEW_ORDERS"], "minutes": 241},
    {"scopes": ["VIEW_ORDERS"], "minutes": 0},
    {"scopes": ["VIEW_ORDERS"], "reason": "why not"},
)


@pytest.fixture
async def system_database(settings: Settings) -> AsyncIterator[Database]:
    """The database as the operator's commands see it."""
    assert settings.database_url is not None
    database = Database(settings.database_url, DatabaseRole.SYSTEM, size=1)
    await database.open()
    yield database
    await database.close()


async def _person(desk: Desk, owner: asyncpg.Connection) -> str:
    principal = await factories.make_principal(desk.database, await factories.make_tenant(desk.database))
    assert principal.user_id is not None
    await owner.execute(
        "UPDATE users SET password_hash = $2 WHERE id = $1", principal.user_id, await desk.door.passwords.hash(PASSWORD)
    )
    return f"{principal.user_id.hex}@example.com"


@pytest.fixture
async def operator(desk: Desk, owner: asyncpg.Connection, system_database: Database) -> str:
    """The address of somebody who runs the platform."""
    email = await _person(desk, owner)
    async with begin_system(system_database) as session:
        assert await platform_repository.grant(session, email, note="for the tests", now=desk.clock.now())
    return email


@pytest.fixture
async def platform(anonymous: Api, operator: str) -> Api:
    """A client with the login of somebody who runs the platform."""
    token = (await anonymous.data(LOGIN, input={"email": operator, "password": PASSWORD}))["platformLogin"]["token"]
    return anonymous.holding(token)


async def test_a_login_of_the_platform_asks_for_the_second_factor_too(
    anonymous: Api, desk: Desk, operator: str, owner: asyncpg.Connection
) -> None:
    user_id = await owner.fetchval("SELECT id FROM users WHERE email = $1", operator)
    opened = await log_in(desk.door, email=operator, password=PASSWORD, tenant_slug=None, client=Client())
    assert isinstance(opened, TokenPair)
    person = await desk.door.authenticator.authenticate(opened.access_token, Client())
    made = pyotp.TOTP((await begin_two_factor(desk.door, person)).secret)
    recovery = await confirm_two_factor(desk.door, person, made.at(desk.clock.now() - HALF_A_MINUTE))
    near = {made.at(desk.clock.now() + steps * HALF_A_MINUTE) for steps in range(-3, 4)}
    wrong = next(text for text in (f"{number:06}" for number in range(10)) if text not in near)
    document = LOGIN.replace("expiresAt", "errors { code path }")

    async def entered(password: str, code: str | None) -> Any:
        given = {"email": operator, "password": password, "code": code}
        return (await anonymous.data(document, input=given))["platformLogin"]

    missing, guessed = await entered(PASSWORD, None), await entered(PASSWORD, wrong)
    counted = await owner.fetchval("SELECT failures FROM proof_failures WHERE user_id = $1", user_id)
    code = made.at(desk.clock.now())
    with_code, again = await entered(PASSWORD, code), await entered(PASSWORD, code)
    with_recovery_code = await entered(PASSWORD, recovery[0])
    told = await anonymous.refusal(document, input={"email": operator, "password": "wrong horse", "code": recovery[1]})

    assert missing == {"token": None, "errors": [{"code": "STEP_UP_PROOF_MISSING", "path": ["code"]}]}
    assert guessed == again == {"token": None, "errors": [{"code": "TWO_FACTOR_CODE_WRONG", "path": ["code"]}]}
    assert counted == 1
    assert with_code["token"] is not None
    assert with_recovery_code["token"] is not None
    assert told == ("UNAUTHENTICATED", [])


async def _entered(platform: Api, firm: Firm, *scopes: str, minutes: int = 30) -> tuple[Api, str]:
    payload = (
        await platform.data(
            ENTER,
            input={
                "tenantId": str(firm.key.tenant_id),
                "reason": REASON,
                "scopes": list(scopes),
                "minutes": minutes,
            },
        )
    )["enterTenant"]
    assert payload["errors"] == []
    return platform.holding(payload["token"]), payload["entry"]["id"]


async def _log(firm: Firm) -> list[AuditEntry | Any]:
    from sqlmodel import col, select

    async with firm.desk.reading(firm.principal) as session:
        statement = select(AuditRow).where(col(AuditRow.tenant_id) == firm.key.tenant_id).order_by(col(AuditRow.id))
        return list((await session.execute(statement)).scalars())


def _slug(firm: Firm) -> str:
    return f"test-{firm.key.tenant_id.hex}"


async def test_settings_are_known_keys_with_fitting_values(firm: Firm) -> None:
    good = {
        "require_two_factor": True,
        "session_hours": 8,
        "allowed_email_domains": ["Firm.example "],
        "password_length_min": 16,
    }
    bad: list[tuple[Any, list[str]]] = [
        ([], ["settings"]),
        ({"require_2fa": True}, ["settings", "require_2fa"]),
        ({"require_two_factor": "yes"}, ["settings", "require_two_factor"]),
        ({"session_hours": True}, ["settings", "session_hours"]),
        ({"session_hours": 0}, ["settings", "session_hours"]),
        ({"session_hours": 1.5}, ["settings", "session_hours"]),
        ({"session_hours": 2**53}, ["settings", "session_hours"]),
        ({"allowed_email_domains": ["a b"]}, ["settings", "allowed_email_domains", "0"]),
        ({"allowed_email_domains": ["d.example"] * 51}, ["settings", "allowed_email_domains"]),
        ({"password_length_min": 4}, ["settings", "password_length_min"]),
    ]

    stored = await firm.api.data(UPDATE, input={"settings": good, "name": " Ｆirm ", "domain": "Firm.EXAMPLE"})
    for value, path in bad:
        payload = (await firm.api.data(UPDATE, input={"settings": value}))["updateTenant"]
        assert [(one["code"], one["path"]) for one in payload["errors"]] == [("BAD_USER_INPUT", path)]
    back = (await firm.api.data(UPDATE, input={"settings": {"session_hours": None}, "domain": ""}))["updateTenant"]

    assert stored["updateTenant"]["tenant"]["settings"] == {**good, "allowed_email_domains": ["firm.example"]}
    assert stored["updateTenant"]["tenant"]["domain"] == "firm.example"
    assert "session_hours" not in back["tenant"]["settings"]
    assert back["tenant"]["domain"] is None


@pytest.mark.parametrize("role", [Role.MANAGER, Role.TRADER, Role.COMPLIANCE, Role.VIEWER])
async def test_a_tenant_is_changed_and_closed_by_its_administrators_alone(firm: Firm, role: Role) -> None:
    api = await firm.member(role)

    assert await api.refusal(UPDATE, input={"name": "Mine"}) == ("FORBIDDEN", [])
    assert await api.refusal(DEACTIVATE, input={"confirm": _slug(firm), "reason": REASON}) == ("FORBIDDEN", [])


async def test_a_closed_tenant_cancels_its_orders_and_lets_nobody_in(firm: Firm, broker: Broker) -> None:
    working = (await firm.api.place(**firm.order()))["order"]["id"]
    await broker.claim()
    await broker.acknowledge(working)
    waiting = (await firm.api.place(**firm.order()))["order"]["id"]
    program = await firm.program(Scope.VIEW_ORDERS, Scope.PLACE_ORDERS)
    unconfirmed = (await firm.api.data(DEACTIVATE, input={"confirm": "yes", "reason": REASON}))["deactivateTenant"]

    async with program.socket() as socket:
        await socket.subscribe("subscription { ordersChanged { kind } }")
        await socket.next_data()
        closed = (await firm.api.data(DEACTIVATE, input={"confirm": _slug(firm), "reason": REASON}))["deactivateTenant"]
        async with asyncio.timeout(11):
            code = await socket.end()
    late = await firm.desk.intake.submit(
        firm.principal, factories.new_order(firm.account_id, firm.instruments["AAPL"].id, limit_price="187.5")
    )

    assert [one["code"] for one in unconfirmed["errors"]] == ["CONFIRMATION_REQUIRED"]
    assert (closed["tenant"]["isActive"], closed["ordersCanceled"], closed["errors"]) == (False, 2, [])
    assert code == POWER_LOST
    for api in (firm.api, program):
        assert await api.refusal("{ viewer { scopes } }") == ("UNAUTHENTICATED", [])
    # A request that was let in a moment before places nothing any more.
    assert [one.code for one in late.problems] == ["ACCOUNT_INACTIVE"]
    async with firm.desk.reading(firm.principal) as session:
        from app.core.ids import OrderId
        from app.orders import service as orders

        found = await orders.orders(session, firm.key.tenant_id, [OrderId(UUID(working)), OrderId(UUID(waiting))])
    assert [found[OrderId(UUID(one))].state.value for one in (working, waiting)] == ["PENDING_CANCEL", "CANCELED"]


async def test_the_platform_closes_and_opens_a_tenant_in_its_sight(firm: Firm, platform: Api, operator: str) -> None:
    tenant = {"tenantId": str(firm.key.tenant_id), "reason": REASON}
    program = await firm.program(Scope.VIEW_ORDERS)

    found = (await platform.data(TENANTS, search=_slug(firm)))["tenants"]
    closed = (await platform.data(SUSPEND, input=tenant))["suspendTenant"]
    twice = (await platform.data(SUSPEND, input=tenant))["suspendTenant"]
    refused = await program.refusal("{ brokerAccounts { id } }")
    opened = (await platform.data(REACTIVATE, input=tenant))["reactivateTenant"]
    async with asyncio.timeout(7):
        # That the key did not hold is kept for as long as that it does.
        while "errors" in (works := await program.answer("{ brokerAccounts { id } }")):
            await asyncio.sleep(0.2)
    ended = await firm.api.refusal("{ viewer { scopes } }")
    open_already = (await platform.data(REACTIVATE, input=tenant))["reactivateTenant"]
    log = await _log(firm)

    assert [one["id"] for one in found] == [str(firm.key.tenant_id)]
    assert closed["errors"] == twice["errors"] == opened["errors"] == []
    assert refused == ("UNAUTHENTICATED", [])
    assert works["data"]["brokerAccounts"]
    assert ended == ("UNAUTHENTICATED", [])
    assert [one["code"] for one in open_already["errors"]] == ["TENANT_INACTIVE"]
    acts = [(one.action, one.actor.partition(":")[0]) for one in log if one.action.startswith("tenant.")]
    assert acts == [("tenant.deactivated", "platform"), ("tenant.reactivated", "platform")]
    assert all((one.new_values or {}).get("reason") == REASON for one in log if one.action.startswith("tenant."))


async def test_a_tenant_is_made_with_a_mail_to_its_administrator(platform: Api) -> None:
    email = f"boss-{uuid4().hex[:8]}@example.com"

    made = (await platform.data(CREATE, input={"name": "New Capital", "administratorEmail": email}))["createTenant"]
    wrong = (await platform.data(CREATE, input={"name": " ", "administratorEmail": email}))["createTenant"]

    assert made["errors"] == []
    assert made["tenant"]["slug"].startswith("new-capital")
    assert made["invitation"] == {"email": email, "role": "ADMIN"}
    assert [one["code"] for one in wrong["errors"]] == ["BAD_USER_INPUT"]


async def test_whatever_the_platform_looks_at_in_a_tenant_is_written_down(
    firm: Firm, platform: Api, operator: str
) -> None:
    inside, entry_id = await _entered(platform, firm, "VIEW_ORDERS", "MANAGE_MEMBERS")

    await inside.data("query Look { brokerAccounts { id } orders { totalCount } }")
    await inside.data("{ members { id } }")
    async with inside.socket() as socket:
        await socket.subscribe("subscription { ordersChanged { kind } }")
        await socket.next_data()
    entries = (await firm.api.data(ENTRIES))["platformEntries"]
    log = [one for one in await _log(firm) if one.resource_id == entry_id]

    assert [(one["administrator"], one["reason"], one["scopes"], one["endedAt"]) for one in entries] == [
        (operator, REASON, ["VIEW_ORDERS", "MANAGE_MEMBERS"], None)
    ]
    assert [(one.action, (one.new_values or {}).get("fields")) for one in log] == [
        ("platform_entry.opened", None),
        ("platform_entry.query", ["brokerAccounts", "orders"]),
        ("platform_entry.query", ["members"]),
        ("platform_entry.subscription", ["ordersChanged"]),
    ]
    assert {one.actor.partition(":")[0] for one in log} == {"platform"}


async def test_an_entry_has_the_scopes_that_were_asked_for_and_trades_never(firm: Firm, platform: Api) -> None:
    inside, _ = await _entered(platform, firm, "VIEW_ORDERS")
    tenant = {"tenantId": str(firm.key.tenant_id), "reason": REASON}

    placing = await inside.refusal(
        "mutation Place($input: PlaceOrderInput!) { placeOrder(input: $input) { errors { code } } }", input=firm.order()
    )
    beyond = await inside.refusal("{ members { id } }")
    outside = await inside.refusal(TENANTS)
    key = await inside.refusal(
        "mutation Key($input: CreateApiKeyInput!) { createApiKey(input: $input) { errors { code } } }",
        input={"name": "kept", "scopes": ["VIEW_ORDERS"]},
    )
    refusals = [
        (await platform.data(ENTER, input={**tenant, **change}))["enterTenant"]["errors"][0]["path"]
        for change in BEYOND
    ]
    unknown = (await platform.data(ENTER, input={**tenant, "scopes": ["VIEW_ORDERS"], "tenantId": str(uuid4())}))[
        "enterTenant"
    ]

    assert placing == beyond == outside == ("FORBIDDEN", [])
    assert key == ("STEP_UP_REQUIRED", [])
    assert refusals == [["scopes"], ["scopes"], ["minutes"], ["minutes"], ["reason"]]
    assert [one["code"] for one in unknown["errors"]] == ["NOT_FOUND"]


@pytest.mark.parametrize("how", ["left", "shown out", "logged out", "power taken", "tenant closed"])
async def test_an_entry_ends(firm: Firm, platform: Api, operator: str, system_database: Database, how: str) -> None:
    inside, entry_id = await _entered(platform, firm, "VIEW_ORDERS")
    await inside.data("{ brokerAccounts { id } }")
    tenant_id = str(firm.key.tenant_id)

    match how:
        case "left":
            await platform.data(LEAVE, input={"tenantId": tenant_id, "entryId": entry_id})
        case "shown out":
            await firm.api.data(
                "mutation Out($input: EndPlatformEntryInput!) { endPlatformEntry(input: $input) { errors { code } } }",
                input={"entryId": entry_id},
            )
        case "logged out":
            await platform.data(LOGOUT)
        case "power taken":
            async with begin_system(system_database) as session:
                assert await platform_repository.revoke(session, operator)
        case _:
            await platform.data(SUSPEND, input={"tenantId": tenant_id, "reason": REASON})

    async with asyncio.timeout(7):
        while "errors" not in (answer := await inside.answer("{ brokerAccounts { id } }")):
            await asyncio.sleep(0.2)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_nobody_else_gets_the_login_of_the_platform(
    desk: Desk, anonymous: Api, firm: Firm, owner: asyncpg.Connection, operator: str
) -> None:
    somebody = await _person(desk, owner)
    refused = [
        await anonymous.refusal(LOGIN, input={"email": email, "password": password})
        for email, password in (
            (somebody, PASSWORD),
            (operator, f"{PASSWORD}!"),
            ("nobody@example.com", PASSWORD),
            ("no address", PASSWORD),
        )
    ]
    forged = anonymous.holding("omp_" + "a" * 26 + "_" + "a" * 52)
    administrator = firm.api

    assert refused == [("UNAUTHENTICATED", [])] * 4
    assert await forged.refusal(TENANTS) == ("UNAUTHENTICATED", [])
    assert await administrator.refusal(TENANTS) == ("FORBIDDEN", [])
    assert await (await firm.program(*Scope)).refusal(TENANTS) == ("FORBIDDEN", [])


async def test_the_login_of_the_platform_sees_nothing_of_any_tenant(platform: Api) -> None:
    for document in ("{ brokerAccounts { id } }", "{ members { id } }", "{ orders { totalCount } }"):
        assert await platform.refusal(document) == ("FORBIDDEN", [])
    assert (await platform.answer("{ viewer { tenant { id } } }"))["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_login_lasts_no_longer_than_the_tenant_says(
    desk: Desk, firm: Firm, anonymous: Api, owner: asyncpg.Connection
) -> None:
    await firm.api.data(UPDATE, input={"settings": {"session_hours": 2}})
    assert firm.principal.user_id is not None
    await owner.execute(
        "UPDATE users SET password_hash = $2 WHERE id = $1",
        firm.principal.user_id,
        await desk.door.passwords.hash(PASSWORD),
    )

    await anonymous.data(
        "mutation In($input: LoginInput!) { login(input: $input) { tokens { accessToken } } }",
        input={"email": f"{firm.principal.user_id.hex}@example.com", "password": PASSWORD},
    )

    life = await owner.fetchval(
        "SELECT max(expires_at - created_at) FROM auth_sessions WHERE tenant_id = $1 AND user_agent <> 'tests'",
        firm.key.tenant_id,
    )
    assert life.total_seconds() == 2 * 3600
