"""The audit log as a compliance officer meets it: found, paged, verified, refusals in it, persons erased from it."""

import asyncio
import time
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from app.audit import reading_batch
from app.audit import service as audit
from app.audit.domain import AuditEntry
from app.core.ids import TenantId, UserId
from app.flows.audit.export_audit import about_person, csv_line, exported
from app.flows.audit.refusals import TENANT_KINDS_MAX
from app.flows.desk import Desk
from app.flows.identity.register import Registration
from app.flows.tenants.open_tenant import open_tenant
from app.identity.domain import Client, Role, Scope
from app.infra.db import Database
from app.infra.settings import Settings
from app.infra.uow import begin_batch
from tests import factories
from tests.graphql.conftest import Api, Firm, token_of
from tests.integration.audit.writing import House
from tests.integration.isolation import rows
from tests.mailbox import opened_mailbox

LOG = """
query Log($action: String, $actor: String, $type: String, $id: ID, $request: String, $text: String, $from: DateTime,
  $to: DateTime, $first: Int, $after: String, $last: Int, $before: String) {
  auditLog(action: $action, actor: $actor, resourceType: $type, resourceId: $id, requestId: $request, text: $text,
    createdAfter: $from, createdBefore: $to, first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage endCursor hasPreviousPage startCursor }
    edges { cursor node { id sequence actor action resourceType resourceId oldValues newValues ipAddress requestId hash
      createdAt } }
  }
}
"""
VERIFY = """
query Verify($from: Int) {
  verifyAuditLog(fromSequence: $from) {
    entries isIntact firstBrokenSequence fromSequence toSequence isComplete signedHeads unverifiedHeads
    breaks { kind fromSequence toSequence }
  }
}
"""
ERASE = """
mutation Erase($input: ErasePersonInput!) {
  erasePerson(input: $input) { erasedKeys erasedProfile errors { code path } }
}
"""
RETAIN = """
mutation Retain($input: SetAuditRetentionInput!) {
  setAuditRetention(input: $input) { retention { keepDays setBy } errors { code path } }
}
"""


@pytest.fixture
def house(firm: Firm, sealer_database: Database) -> House:
    """The firm's log."""
    return House(
        tenant_id=firm.key.tenant_id,
        principal=firm.principal,
        database=firm.desk.database,
        sealer_database=sealer_database,
    )


async def log(api: Api, **variables: Any) -> Any:
    """A page of the log."""
    return (await api.data(LOG, **variables))["auditLog"]


def nodes(page: Any) -> list[Any]:
    """The entries of a page."""
    return [edge["node"] for edge in page["edges"]]


async def test_an_act_is_found_by_whatever_is_known_of_it(firm: Firm, house: House, stranger: Firm) -> None:
    order = (await firm.api.place(**firm.order(quantity="17")))["order"]
    await house.write_random(5, Random(1))
    await house.seal()

    [entry] = nodes(await log(firm.api, action="order.place"))

    assert (entry["resourceType"], entry["resourceId"]) == ("Order", order["id"])
    assert (entry["actor"], entry["ipAddress"]) == (firm.principal.actor, "127.0.0.1")
    assert entry["newValues"]["state"] == "ROUTED"
    assert len(entry["hash"]) == 64
    for known in (
        {"type": "Order", "id": order["id"]},
        {"request": entry["requestId"]},
        {"actor": firm.principal.actor, "action": "order.place"},
        {"text": "ROUTED"},
        {"text": order["id"][:13].upper()},
        {"from": entry["createdAt"], "action": "order.place"},
    ):
        assert [one["id"] for one in nodes(await log(firm.api, **known))] == [entry["id"]], known
    assert nodes(await log(firm.api, to=entry["createdAt"], action="order.place")) == []
    assert nodes(await log(firm.api, text="100% certain_")) == []
    assert nodes(await log(stranger.api)) == []
    node = "query($id: ID!) { node(id: $id) { ... on AuditEntry { sequence } } }"
    assert (await firm.api.data(node, id=entry["id"]))["node"] == {"sequence": entry["sequence"]}
    assert (await stranger.api.data(node, id=entry["id"]))["node"] is None
    trader = await firm.member(Role.TRADER)
    assert (await trader.data(node, id=entry["id"]))["node"] is None


async def test_the_log_comes_in_pages_from_either_end(firm: Firm, house: House) -> None:
    await house.write_random(7, Random(2))
    await house.seal()

    first = await log(firm.api, first=3)
    second = await log(firm.api, first=3, after=first["pageInfo"]["endCursor"])
    oldest = await log(firm.api, last=2)

    assert [one["sequence"] for one in nodes(first)] == [7, 6, 5]
    assert [one["sequence"] for one in nodes(second)] == [4, 3, 2]
    assert [one["sequence"] for one in nodes(oldest)] == [2, 1]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (7, True)


async def test_a_search_for_a_text_stops_somewhere_and_goes_on_there(
    firm: Firm, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await firm.api.place(**firm.order())
    await house.write_random(9, Random(3))
    await house.seal()
    monkeypatch.setattr(reading_batch, "LOOKED_THROUGH_MAX", 4)

    found, after, pages = [], None, 0
    while True:
        page = await log(firm.api, text="order.place", after=after)
        found += nodes(page)
        pages += 1
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]

    assert [one["sequence"] for one in found] == [1]
    assert pages == 3


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"first": 0}, "first"),
        ({"first": 501}, "first"),
        ({"after": "b3JkZXI6MQ"}, "after"),
        ({"after": "YXVkaXQ6LTE"}, "after"),
        ({"after": "YXVkaXQ6OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ"}, "after"),
        ({"text": "x" * 201}, "text"),
        ({"actor": "a\x00b"}, "actor"),
        ({"id": "x" * 300}, "resourceId"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_its_field(firm: Firm, given: dict[str, Any], path: str) -> None:
    assert await firm.api.refusal(LOG, **given) == ("BAD_USER_INPUT", [path])


@pytest.mark.parametrize("role", [Role.TRADER, Role.VIEWER])
async def test_who_may_not_read_the_log_reads_nothing_of_it(firm: Firm, role: Role) -> None:
    member = await firm.member(role)

    for document in (LOG, VERIFY, "{ auditRetention { keepDays } }"):
        assert (await member.refusal(document))[0] == "FORBIDDEN"


async def test_the_log_verifies_and_tells_where_it_was_tampered_with(
    firm: Firm, house: House, owner: asyncpg.Connection
) -> None:
    assert (await firm.api.data(VERIFY))["verifyAuditLog"]["entries"] == 0
    await house.write_random(6, Random(4))
    await house.seal()
    intact = (await firm.api.data(VERIFY))["verifyAuditLog"]
    await owner.execute(
        "UPDATE audit_chain SET new_values = '{}' WHERE tenant_id = $1 AND sequence = 4", house.tenant_id
    )

    broken = (await firm.api.data(VERIFY))["verifyAuditLog"]

    assert (intact["entries"], intact["isIntact"], intact["firstBrokenSequence"]) == (6, True, None)
    assert (intact["isComplete"], intact["toSequence"]) == (True, 6)
    assert (broken["isIntact"], broken["firstBrokenSequence"]) == (False, 4)
    assert broken["breaks"] == [{"kind": "ALTERED", "fromSequence": 4, "toSequence": 4}]
    assert (await firm.api.data(VERIFY, **{"from": 5}))["verifyAuditLog"]["isIntact"]
    for outside in (0, -1, 8):
        assert await firm.api.refusal(VERIFY, **{"from": outside}) == ("BAD_USER_INPUT", ["fromSequence"])


async def rows_of(desk: Desk, tenant_id: UUID, action: str) -> list[Any]:
    """What waits in the log of a tenant."""
    async with begin_batch(desk.database, TenantId(tenant_id)) as session:
        return await session.fetch("SELECT * FROM audit_log WHERE action = $1 ORDER BY id", action)


async def refused(firm: Firm) -> list[Any]:
    """What the log tells of refusals, once they are written."""
    await firm.desk.door.refusals.flush(is_last=True)
    return await rows_of(firm.desk, firm.key.tenant_id, "access.refused")


def entry_about(
    firm: Firm, user_id: UUID | None, values: dict[str, Any], *, resource_id: str | None = None
) -> AuditEntry:
    """An act of the administrator on a person."""
    return audit.entry(
        firm.principal,
        "user.updated",
        "user",
        resource_id if user_id is None else user_id,
        entry_id=firm.desk.ids.new(),
        now=firm.desk.clock.now(),
        new=values,
    )


async def email_of(firm: Firm, user_id: UUID | None) -> str:
    """The address that the person's row has."""
    async with begin_batch(firm.desk.database, firm.key.tenant_id) as session:
        [row] = await session.fetch("SELECT email FROM users WHERE id = $1", user_id)
    return str(row["email"])


async def test_a_refused_act_is_written_down_with_who_and_what(firm: Firm) -> None:
    viewer = await firm.member(Role.VIEWER)
    document = "mutation($input: PlaceOrderInput!) { mine: placeOrder(input: $input) { order { id } } }"

    error = await viewer.error(document, input=firm.order())

    [entry] = await refused(firm)
    assert error["extensions"]["code"] == "FORBIDDEN"
    assert (entry["action"], entry["resource_type"], entry["resource_id"]) == (
        "access.refused",
        "operation",
        "placeOrder",
    )
    assert entry["new_values"] == {"code": "FORBIDDEN", "scope": "PLACE_ORDERS"}
    assert (entry["actor"][:5], entry["ip_address"]) == ("user:", "127.0.0.1")
    assert entry["request_id"]


async def test_a_refused_subscription_is_written_down(firm: Firm) -> None:
    program = await firm.program(Scope.VIEW_MARKET_DATA)
    async with program.socket() as socket:
        await socket.subscribe(
            "subscription($id: ID!) { orderEvents(accountId: $id) { sequence } }", id=str(firm.account_id)
        )
        assert (await socket.refusal())[0] == "FORBIDDEN"

    assert [(one["actor"][:4], one["resource_id"]) for one in await refused(firm)] == [("key:", "orderEvents")]


async def test_a_key_from_a_strange_address_is_written_down(firm: Firm) -> None:
    document = "mutation($i: CreateApiKeyInput!) { createApiKey(input: $i) { secret apiKey { id } } }"
    given = {"name": "far", "scopes": ["VIEW_ORDERS"], "ipAllowlist": ["192.0.2.0/24"]}
    made = (await firm.api.data(document, i=given))["createApiKey"]

    error = await firm.api.holding(made["secret"]).error("{ orders { totalCount } }")

    assert error["extensions"]["code"] == "FORBIDDEN"
    assert [one["actor"] for one in await refused(firm)] == [f"key:{made['apiKey']['id']}"]


async def test_a_flood_of_refusals_is_a_count_and_slows_nobody(firm: Firm) -> None:
    viewer = await firm.member(Role.VIEWER)
    fields = " ".join(f"a{number}: apiKeys {{ id }}" for number in range(5))
    for _ in range(40):
        await viewer.answer(f"{{ {fields} members {{ id }} }}")

    entries = await refused(firm)

    assert {one["resource_id"] for one in entries} <= {"members"}
    assert sum(one["new_values"].get("count", 1) for one in entries) == 40
    assert len(entries) <= 3


async def test_many_kinds_of_refusals_become_one_kind(firm: Firm) -> None:
    refusals, principal = firm.desk.door.refusals, firm.principal
    begun = time.perf_counter()
    for number in range(5_000):
        refusals.note(principal, f"operation{number}", "FORBIDDEN")
    took = time.perf_counter() - begun

    entries = await refused(firm)

    assert len(entries) == TENANT_KINDS_MAX + 1
    [others] = [one for one in entries if one["resource_id"] == "*"]
    assert others["new_values"]["count"] == 5_000 - TENANT_KINDS_MAX
    # Generous by far: what matters is that no request waits for a database here.
    assert took < 2.5


async def test_a_wrong_password_is_told_to_the_tenants_of_the_person(
    anonymous: Api, desk: Desk, settings: Settings, tmp_path: Path
) -> None:
    email, password = f"{uuid4().hex}@example.com", "correct horse battery staple 9"
    typed = Registration(tenant_name="T", email=email, password=password, first_name="Ann", last_name="Smith")
    opened = await open_tenant(desk.door, typed, Client())
    login = "mutation($i: LoginInput!) { login(input: $i) { tokens { accessToken } } }"

    for _ in range(3):
        await anonymous.answer(login, i={"email": email, "password": "wrong horse battery"})
    await anonymous.answer(login, i={"email": "nobody@example.com", "password": "wrong horse battery"})
    assert settings.database_url is not None
    async with opened_mailbox(settings.database_url, desk.door, tmp_path) as mailbox:
        await mailbox.deliver()

    entries = await rows_of(desk, opened.tenant.id, "session.refused")
    assert {(one["actor"], one["resource_id"]) for one in entries} == {("system:door", str(opened.user.id))}
    assert [one["new_values"] for one in entries] == [{"reason": "password"}] * 3
    assert {one["ip_address"] for one in entries} == {"127.0.0.1"}


async def test_a_person_is_erased_and_the_chain_holds(firm: Firm, house: House) -> None:
    person = await factories.make_principal(firm.desk.database, house.tenant_id, role=Role.TRADER)
    trader = firm.api.holding(token_of(firm.desk, person))
    order = (await trader.place(**firm.order()))["order"]
    await house.write(
        [entry_about(firm, person.user_id, {"email": "person@example.com", "first_name": "Ann", "role": "TRADER"})]
    )
    await house.seal()
    before = {one["sequence"]: one for one in nodes(await log(firm.api))}
    email = await email_of(firm, person.user_id)

    done = (await firm.api.data(ERASE, input={"userId": str(person.user_id), "reason": "asked for it"}))["erasePerson"]
    await house.seal()

    assert done == {"erasedKeys": 1, "erasedProfile": True, "errors": []}
    after = {one["sequence"]: one for one in nodes(await log(firm.api))}
    [placed] = [one for one in after.values() if one["resourceId"] == order["id"]]
    [told] = [one for one in after.values() if one["action"] == "user.updated"]
    assert before[placed["sequence"]]["ipAddress"] == "127.0.0.1"
    assert (placed["ipAddress"], placed["actor"]) == ("[erased]", person.actor)
    assert before[told["sequence"]]["newValues"]["email"] == "person@example.com"
    assert told["newValues"] == {"email": "[erased]", "first_name": "[erased]", "role": "TRADER"}
    assert told["hash"] == before[told["sequence"]]["hash"]
    assert (await firm.api.data(VERIFY))["verifyAuditLog"]["isIntact"]
    assert await email_of(firm, person.user_id) != email
    assert (await firm.api.data("query($id: ID!) { order(id: $id) { id } }", id=order["id"]))["order"] is not None


async def marked_person(owner: asyncpg.Connection, made: rows.Firm) -> str:
    """Writes one word wherever a table keeps what a person says of themselves, or where they came from."""
    user_id, mark = made.principal.user_id, f"mark{uuid4().hex[:12]}"
    email = f"{mark}@example.com"
    for statement in (
        "UPDATE users SET email = $2, first_name = $3, last_name = $3, phone_number = $3, "
        "preferences = jsonb_build_object('a', $3::text) WHERE id = $1",
        "UPDATE registrations SET email = $2, first_name = $3, last_name = $3, tenant_name = $3 WHERE id = $1",
        "UPDATE person_tokens SET email = $2 WHERE user_id = $1 AND $3 <> ''",
        "UPDATE auth_sessions SET user_agent = $3 WHERE user_id = $1 AND $2 <> ''",
        "UPDATE api_keys SET name = $3 WHERE user_id = $1 AND $2 <> ''",
        "INSERT INTO platform_sessions SELECT $1, $1, decode(md5($2) || md5($3), 'hex'), $3, $3, now(), now(), NULL",
    ):
        await owner.execute(statement, user_id, email, mark)
    await owner.execute("UPDATE invitations SET email = $2 WHERE tenant_id = $1", made.tenant_id, email)
    return mark


async def telling(owner: asyncpg.Connection, mark: str) -> set[str]:
    """The tables with a row in which the word stands."""
    tables = await owner.fetch("SELECT tablename::text AS name FROM pg_tables WHERE schemaname = 'public'")
    counts = {
        row["name"]: await owner.fetchval(
            f'SELECT count(*) FROM "{row["name"]}" AS t WHERE position($1 IN to_jsonb(t)::text) > 0', mark
        )
        for row in tables
    }
    return {name for name, count in counts.items() if count}


async def test_no_table_tells_of_an_erased_person_and_before_all_of_them_are_told(
    firm: Firm, owner: asyncpg.Connection
) -> None:
    desk, made = firm.desk, await rows.make_firm(firm.desk.database)
    mark = await marked_person(owner, made)
    person_id = made.principal.user_id
    assert person_id is not None
    other = await factories.make_principal(desk.database, made.tenant_id)
    kept = {"users", "registrations", "person_tokens", "auth_sessions", "api_keys", "platform_sessions", "invitations"}
    assert await telling(owner, mark) == kept

    told = [one async for one in about_person(desk.database, desk.vault, made.tenant_id, person_id)]
    api = firm.api.holding(token_of(desk, other))
    done = (await api.data(ERASE, input={"userId": str(person_id), "reason": "asked for it"}))["erasePerson"]

    assert done["errors"] == []
    assert {one["kind"] for one in told if mark in str(one)} == kept - {"users"} | {"profile"}
    assert await telling(owner, mark) == set()
    for table in ("person_tokens", "password_history", "second_factors", "recovery_codes", "proof_failures"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table} WHERE user_id = $1", person_id) == 0
    assert not [name for one in told for name in one["values"] if "hash" in name and one["kind"] != "audit"]


@pytest.mark.parametrize("is_active", [True, False], ids=["active", "suspended"])
async def test_who_is_a_member_elsewhere_keeps_what_is_theirs_there(
    firm: Firm, stranger: Firm, owner: asyncpg.Connection, is_active: bool
) -> None:
    desk, made = firm.desk, await rows.make_firm(firm.desk.database)
    mark = await marked_person(owner, made)
    other = await factories.make_principal(desk.database, made.tenant_id)
    await owner.execute(
        "INSERT INTO memberships (tenant_id, id, user_id, role, is_active, is_restricted, created_at) "
        "VALUES ($1, $2, $3, 'VIEWER', $4, false, now())",
        stranger.key.tenant_id,
        uuid4(),
        made.principal.user_id,
        is_active,
    )

    api = firm.api.holding(token_of(desk, other))
    given = {"userId": str(made.principal.user_id), "reason": "asked for it"}
    done = (await api.data(ERASE, input=given))["erasePerson"]

    assert done["erasedProfile"] is False
    assert await telling(owner, mark) == {"users", "registrations", "person_tokens", "platform_sessions"}


async def test_the_last_firm_that_erases_a_person_erases_the_profile(firm: Firm, stranger: Firm) -> None:
    person = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.TRADER)
    assert person.user_id is not None
    await factories.add_member(firm.desk.database, stranger.key.tenant_id, person.user_id)
    given = {"userId": str(person.user_id), "reason": "asked for it"}

    told = [(await one.api.data(ERASE, input=given))["erasePerson"]["erasedProfile"] for one in (firm, stranger, firm)]

    assert told == [False, True, True]


async def test_what_is_sealed_after_an_erasure_is_erased_too(firm: Firm, house: House) -> None:
    person = await factories.make_principal(firm.desk.database, house.tenant_id, role=Role.TRADER)
    await house.write([entry_about(firm, person.user_id, {"email": "late@example.com"})])
    await firm.api.data(ERASE, input={"userId": str(person.user_id), "reason": "asked for it"})

    await house.seal()

    [told] = nodes(await log(firm.api, action="user.updated"))
    assert told["newValues"] == {"email": "[erased]"}


@pytest.mark.parametrize(
    ("changed", "code", "path"),
    [
        ({"userId": "none"}, "BAD_USER_INPUT", ["userId"]),
        ({"userId": "01900000-0000-7000-8000-000000000000"}, "NOT_FOUND", ["userId"]),
        ({"reason": " "}, "BAD_USER_INPUT", ["reason"]),
        ({"reason": "x" * 501}, "BAD_USER_INPUT", ["reason"]),
    ],
)
async def test_an_erasure_that_cannot_be_erases_nobody(
    firm: Firm, changed: dict[str, str], code: str, path: list[str]
) -> None:
    given = {"userId": str(firm.principal.user_id), "reason": "because", **changed}

    assert (await firm.api.data(ERASE, input=given))["erasePerson"]["errors"] == [{"code": code, "path": path}]


async def test_nobody_erases_themselves_or_the_people_of_others(firm: Firm, stranger: Firm) -> None:
    own = (await firm.api.data(ERASE, input={"userId": str(firm.principal.user_id), "reason": "me"}))["erasePerson"]
    theirs = await firm.api.data(ERASE, input={"userId": str(stranger.principal.user_id), "reason": "them"})
    manager = await firm.member(Role.MANAGER)

    assert own["errors"] == [{"code": "PERSON_IS_SELF", "path": ["userId"]}]
    assert theirs["erasePerson"]["errors"] == [{"code": "NOT_FOUND", "path": ["userId"]}]
    assert (await manager.refusal(ERASE, input={"userId": str(uuid4()), "reason": "x"}))[0] == "FORBIDDEN"
    assert (await stranger.api.data("{ viewer { tenant { id } } }"))["viewer"] is not None


async def test_no_key_erases_its_own_maker_nor_anybody_else(firm: Firm) -> None:
    program = await firm.program(Scope.ADMIN_TENANT, Scope.VIEW_ORDERS)
    other = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.TRADER)

    for user_id in (firm.principal.user_id, other.user_id):
        code, _ = await program.refusal(ERASE, input={"userId": str(user_id), "reason": "x"})

        assert code == "STEP_UP_REQUIRED"
    assert (await firm.api.data("{ viewer { scopes } }"))["viewer"]["scopes"]


async def test_who_may_less_erases_no_administrator(firm: Firm) -> None:
    made = await firm.api.data(
        'mutation { createRole(input: {name: "Office", scopes: [ADMIN_TENANT]}) { role { id } errors { code } } }'
    )
    clerk = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.VIEWER)
    found = await firm.api.data("{ members { id user { id email } } }")
    [member_id] = [one["id"] for one in found["members"] if one["user"]["email"] == await email_of(firm, clerk.user_id)]
    update = "mutation($i: UpdateMemberInput!) { updateMember(input: $i) { errors { code } } }"
    await firm.api.data(update, i={"memberId": member_id, "customRoleId": made["createRole"]["role"]["id"]})

    told = await firm.api.holding(token_of(firm.desk, clerk)).data(
        ERASE, input={"userId": str(firm.principal.user_id), "reason": "mutiny"}
    )

    assert [one["code"] for one in told["erasePerson"]["errors"]] == ["MEMBER_BEYOND_OWN"]
    assert (await firm.api.data("{ viewer { scopes } }"))["viewer"]["scopes"]


async def test_two_administrators_who_erase_each_other_leave_one(firm: Firm, owner: asyncpg.Connection) -> None:
    other = await factories.make_principal(firm.desk.database, firm.key.tenant_id, role=Role.ADMIN)
    theirs = firm.api.holding(token_of(firm.desk, other))
    await asyncio.gather(*(api.data("{ viewer { scopes } }") for api in (firm.api, theirs)))

    await asyncio.gather(
        firm.api.answer(ERASE, input={"userId": str(other.user_id), "reason": "feud"}),
        theirs.answer(ERASE, input={"userId": str(firm.principal.user_id), "reason": "feud"}),
    )

    left = await owner.fetchval(
        "SELECT count(*) FROM memberships AS m JOIN users AS u ON u.id = m.user_id "
        "WHERE m.tenant_id = $1 AND m.role = 'ADMIN' AND m.is_active AND u.is_active",
        firm.key.tenant_id,
    )
    assert left == 1


async def test_all_that_is_kept_of_a_person_is_told_without_its_secrets(firm: Firm, house: House) -> None:
    await firm.api.place(**firm.order())
    await house.seal()
    user_id = firm.principal.user_id
    assert user_id is not None

    found = [one async for one in about_person(firm.desk.database, firm.desk.vault, house.tenant_id, UserId(user_id))]

    kinds = {one["kind"] for one in found}
    assert {"profile", "memberships", "auth_sessions", "orders", "audit"} <= kinds
    assert not [name for one in found for name in one["values"] if "hash" in name and one["kind"] != "audit"]
    [profile] = [one["values"] for one in found if one["kind"] == "profile"]
    assert profile["id"] == str(user_id)


async def test_a_spreadsheet_takes_no_cell_for_a_formula(firm: Firm, house: House) -> None:
    for resource_id in ('=HYPERLINK("x")', "+1", "-1", "@sum", "\tx", "plain"):
        await house.write([entry_about(firm, None, {}, resource_id=resource_id)])
    await house.seal()

    lines = [
        csv_line(view)
        async for page in exported(firm.desk.database, firm.desk.vault, house.tenant_id, reading_batch.AuditFilter())
        for _, view in page
    ]

    assert [line.split(",")[5].strip('"')[:2] for line in lines] == ["'=", "'+", "'-", "'@", "'\t", "pl"]


@pytest.mark.parametrize(("days", "path"), [(1826, ["keepDays"]), (0, ["keepDays"]), (36526, ["keepDays"])])
async def test_a_log_is_kept_five_years_at_least(firm: Firm, days: int, path: list[str]) -> None:
    payload = (await firm.api.data(RETAIN, input={"keepDays": days}))["setAuditRetention"]

    assert payload == {"retention": None, "errors": [{"code": "BAD_USER_INPUT", "path": path}]}
    assert (await firm.api.data("{ auditRetention { keepDays } }"))["auditRetention"] == {"keepDays": None}
